/* dataset.c: labelled examples: where they come from, and their way onto a tape.
 *
 * Owns: examples in columns, the split, and standardization. Must not know the models that learn from them.
 */
#include "models/dataset.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "models/tape_memory.h"

tg_status tg_dataset_new_at(const char *where, tg_tape *tape, int64_t n_features, int64_t n_examples,
                            tg_dataset *dataset) {
    *dataset = (tg_dataset){.allocator = tg_tape_allocator(tape)};
    const int64_t n = tg_shape_size(TG_SHAPE(n_features, n_examples));
    if (n < 0) {
        return tg_tape_fail(tape, TG_ERR_SHAPE, where, "dataset: %lld features of %lld examples are no size",
                            (long long)n_features, (long long)n_examples);
    }
    dataset->n_features = n_features;
    dataset->n_examples = n_examples;
    dataset->x = tg_tape_memory_new(tape, n, sizeof(double));
    dataset->y = tg_tape_memory_new(tape, n_examples, sizeof(double));
    if (dataset->x && dataset->y) return TG_OK;
    tg_dataset_free(dataset);
    return TG_ERR_MEMORY;
}

void tg_dataset_free(tg_dataset *dataset) {
    tg_tape_memory_free(dataset->allocator, dataset->x, dataset->n_features * dataset->n_examples,
                        sizeof(double));
    tg_tape_memory_free(dataset->allocator, dataset->y, dataset->n_examples, sizeof(double));
    *dataset = (tg_dataset){0};
}

/* --- from a file ---------------------------------------------------------------------------------------- */

static tg_status fail_label(tg_tape *tape, const char *path, const tg_csv_table *table, int64_t row,
                            double label) {
    char place[512];
    const int64_t column = table->n_columns - 1;
    snprintf(place, sizeof place, "%s:%lld", path, (long long)(table->first_line + row));
    return tg_tape_fail(tape, TG_ERR_FILE, place, "column %lld%s%.40s%s: the label is %g, and must be 0 or 1",
                        (long long)column + 1, table->names ? " '" : "",
                        table->names ? table->names[column] : "", table->names ? "'" : "", label);
}

static tg_status from_table(tg_tape *tape, const char *path, const tg_csv_table *table, tg_dataset *dataset) {
    const int64_t n_features = table->n_columns - 1, n = table->n_rows;
    if (n_features < 1) {
        return tg_tape_fail(tape, TG_ERR_FILE, path,
                            "has one column, and needs features and, last, the label (are the fields "
                            "separated by commas?)");
    }
    const tg_status status = tg_dataset_new(tape, n_features, n, dataset);
    if (status != TG_OK) return status;
    for (int64_t i = 0; i < n; i++) {
        const double *row = table->values + i * table->n_columns;
        for (int64_t j = 0; j < n_features; j++) dataset->x[j * n + i] = row[j];
        dataset->y[i] = row[n_features];
        if (row[n_features] != 0 && row[n_features] != 1) {
            tg_dataset_free(dataset);
            return fail_label(tape, path, table, i, row[n_features]);
        }
    }
    return TG_OK;
}

tg_status tg_dataset_read(tg_tape *tape, const char *path, tg_dataset *dataset) {
    *dataset = (tg_dataset){0};
    tg_csv_table table;
    tg_status status = tg_csv_read(tape, path, &table);
    if (status != TG_OK) return status;
    status = from_table(tape, path, &table, dataset);
    tg_csv_free(&table);
    return status;
}

/* --- training and test part ----------------------------------------------------------------------------- */

static void copy_examples(const tg_dataset *from, const int64_t *which, tg_dataset *to) {
    const int64_t n = to->n_examples;
    for (int64_t j = 0; j < to->n_features; j++) {
        for (int64_t i = 0; i < n; i++) to->x[j * n + i] = from->x[j * from->n_examples + which[i]];
    }
    for (int64_t i = 0; i < n; i++) to->y[i] = from->y[which[i]];
}

tg_status tg_dataset_split_at(const char *where, tg_tape *tape, const tg_dataset *all, double test_fraction,
                              tg_key key, tg_dataset *train, tg_dataset *test) {
    *train = *test = (tg_dataset){0};
    const int64_t n = all->n_examples;
    const bool fits = test_fraction >= 0 && test_fraction < 1;
    const int64_t n_test = fits ? llround(test_fraction * (double)n) : n;
    if (n_test >= n) {
        return tg_tape_fail(tape, TG_ERR_VALUE, where,
                            "dataset: a test part of %g leaves nothing of %lld examples to train on",
                            test_fraction, (long long)n);
    }
    int64_t *order = tg_tape_memory_new(tape, n, sizeof *order);
    if (!order) return TG_ERR_MEMORY;
    tg_random_permutation(key, n, order);
    tg_status status = tg_dataset_new_at(where, tape, all->n_features, n_test, test);
    if (status == TG_OK) status = tg_dataset_new_at(where, tape, all->n_features, n - n_test, train);
    if (status == TG_OK) {
        copy_examples(all, order, test);
        copy_examples(all, order + n_test, train);
    } else {
        tg_dataset_free(test);
    }
    tg_tape_memory_free(tg_tape_allocator(tape), order, n, sizeof *order);
    return status;
}

/* Mean and deviation of one feature; a deviation of 0 says that it is constant. Sums are in long double, so
 * that neither large means nor large values spoil them. */
static void describe(const double *x, int64_t n, long double *mean, long double *deviation) {
    long double sum = 0, squares = 0;
    bool constant = true;
    for (int64_t i = 0; i < n; i++) {
        sum += x[i];
        constant = constant && x[i] == x[0];
    }
    *mean = n > 0 ? sum / (long double)n : 0;
    for (int64_t i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *deviation = constant ? 0 : sqrtl(squares / (long double)n);
}

static void move(double *x, int64_t n, long double mean, long double deviation) {
    for (int64_t i = 0; i < n; i++) x[i] = deviation > 0 ? (double)((x[i] - mean) / deviation) : 0;
}

tg_status tg_dataset_standardize_at(const char *where, tg_tape *tape, tg_dataset *train, tg_dataset *test) {
    if (test && test->n_features != train->n_features) {
        return tg_tape_fail(tape, TG_ERR_SHAPE, where,
                            "dataset: %lld features to train on, %lld to test with",
                            (long long)train->n_features, (long long)test->n_features);
    }
    for (int64_t j = 0; j < train->n_features; j++) {
        double *x = train->x + j * train->n_examples;
        long double mean, deviation;
        describe(x, train->n_examples, &mean, &deviation);
        move(x, train->n_examples, mean, deviation);
        if (test) move(test->x + j * test->n_examples, test->n_examples, mean, deviation);
    }
    return TG_OK;
}

/* --- onto a tape ---------------------------------------------------------------------------------------- */

tg_tensor tg_dataset_features_at(const char *where, tg_tape *tape, const tg_dataset *dataset) {
    return tg_from_f64_at(where, tape, TG_SHAPE(dataset->n_features, dataset->n_examples),
                          dataset->n_features * dataset->n_examples, dataset->x);
}

tg_tensor tg_dataset_labels_at(const char *where, tg_tape *tape, const tg_dataset *dataset) {
    return tg_from_f64_at(where, tape, TG_SHAPE(1, dataset->n_examples), dataset->n_examples, dataset->y);
}
