/* test_dataset.c: models/dataset.c and models/flower.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "models/dataset.h"
#include "models/flower.h"
#include "tests/models/scratch_folder.h"

#ifndef TG_DATA_DIR
#define TG_DATA_DIR "models/data"
#endif

/* n examples of two features: i and -i, label i % 2. */
static tg_dataset make_examples(tg_tape *tape, int64_t n) {
    tg_dataset data;
    cr_assert_eq(tg_dataset_new(tape, 2, n, &data), TG_OK);
    for (int64_t i = 0; i < n; i++) {
        data.x[i] = (double)i;
        data.x[n + i] = -(double)i;
        data.y[i] = (double)(i % 2);
    }
    return data;
}

Test(dataset, the_breast_cancer_data_is_whole) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset data;
    cr_assert_eq(tg_dataset_read(tape, TG_DATA_DIR "/breast_cancer.csv", &data), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_expect_eq(data.n_examples, 569);
    cr_expect_eq(data.n_features, 30);
    double benign = 0;
    for (int64_t i = 0; i < 569; i++) benign += data.y[i];
    cr_expect_eq(benign, 357);
    cr_expect_eq(data.x[0], 17.99);
    cr_expect_eq(data.x[29 * 569 + 568], 0.07039);
    tg_dataset_free(&data);
    tg_tape_free(tape);
}

Test(dataset, labels_other_than_0_and_1_name_line_and_column) {
    char folder[64], path[256];
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset data;
    scratch_make(folder);
    scratch_write(folder, "cells.csv", "size,benign\n1,0\n2,2\n", 20, path);
    cr_expect_eq(tg_dataset_read(tape, path, &data), TG_ERR_FILE);
    cr_expect_str_eq(strstr(tg_tape_error(tape), "cells.csv"),
                     "cells.csv:3: column 2 'benign': the label is 2, and must be 0 or 1");
    cr_expect_null(data.x);
    tg_tape_clear_error(tape);
    scratch_write(folder, "cells.csv", "1;0\n", 4, path);
    cr_expect_eq(tg_dataset_read(tape, path, &data), TG_ERR_FILE);
    tg_tape_clear_error(tape);
    scratch_write(folder, "cells.csv", "1\n0\n", 4, path);
    cr_expect_eq(tg_dataset_read(tape, path, &data), TG_ERR_FILE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "one column"));
    scratch_remove(folder);
    tg_tape_free(tape);
}

Test(dataset, a_split_deals_out_every_example_once) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset all = make_examples(tape, 101), train, test;
    cr_assert_eq(tg_dataset_split(tape, &all, 0.2, tg_key_new(5), &train, &test), TG_OK);
    cr_expect_eq(train.n_examples, 81);
    cr_expect_eq(test.n_examples, 20);
    int seen[101] = {0};
    for (int part = 0; part < 2; part++) {
        const tg_dataset *d = part ? &test : &train;
        for (int64_t i = 0; i < d->n_examples; i++) {
            const int k = (int)d->x[i];
            seen[k]++;
            cr_expect_eq(d->x[d->n_examples + i], -k);
            cr_expect_eq(d->y[i], k % 2);
        }
    }
    for (int k = 0; k < 101; k++) cr_expect_eq(seen[k], 1, "example %d came %d times", k, seen[k]);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    tg_dataset_free(&all);
    tg_tape_free(tape);
}

Test(dataset, a_split_follows_its_key) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset all = make_examples(tape, 100), train[3], test[3];
    for (uint64_t k = 0; k < 3; k++) {
        cr_assert_eq(tg_dataset_split(tape, &all, 0.5, tg_key_new(k / 2), &train[k], &test[k]), TG_OK);
    }
    cr_expect_arr_eq(train[0].x, train[1].x, 50 * sizeof(double));
    cr_expect_arr_neq(train[0].x, train[2].x, 50 * sizeof(double));
    for (int k = 0; k < 3; k++) {
        tg_dataset_free(&train[k]);
        tg_dataset_free(&test[k]);
    }
    tg_dataset_free(&all);
    tg_tape_free(tape);
}

Test(dataset, a_split_that_leaves_nothing_is_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset all = make_examples(tape, 3), train, test;
    const double wrong[] = {1, -0.1, 0.9, NAN, INFINITY};
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(tg_dataset_split(tape, &all, wrong[i], tg_key_new(5), &train, &test), TG_ERR_VALUE);
        cr_expect_not_null(strstr(tg_tape_error(tape), "test_dataset.c"));
        tg_tape_clear_error(tape);
        tg_dataset_free(&train);
        tg_dataset_free(&test);
    }
    cr_assert_eq(tg_dataset_split(tape, &all, 0, tg_key_new(5), &train, &test), TG_OK);
    cr_expect_eq(test.n_examples, 0);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    tg_dataset_free(&all);
    tg_tape_free(tape);
}

Test(dataset, standardizing_uses_the_training_part_alone) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset train, test;
    cr_assert_eq(tg_dataset_new(tape, 3, 4, &train), TG_OK);
    cr_assert_eq(tg_dataset_new(tape, 3, 1, &test), TG_OK);
    const double x[12] = {1, 2, 3, 4, 0.1, 0.1, 0.1, 0.1, 1e9 + 1, 1e9 - 1, 1e9 + 1, 1e9 - 1};
    memcpy(train.x, x, sizeof x);
    test.x[0] = 2.5, test.x[1] = 7, test.x[2] = 1e9 + 2;
    cr_assert_eq(tg_dataset_standardize(tape, &train, &test), TG_OK);
    const double d = sqrt(1.25);
    for (int i = 0; i < 4; i++) {
        cr_expect_float_eq(train.x[i], (i - 1.5) / d, 1e-15);
        cr_expect_eq(train.x[4 + i], 0, "a constant feature becomes 0");
        cr_expect_float_eq(train.x[8 + i], i % 2 ? -1 : 1, 1e-12);
    }
    cr_expect_float_eq(test.x[0], 0, 1e-15);
    cr_expect_eq(test.x[1], 0);
    cr_expect_float_eq(test.x[2], 2, 1e-12);
    tg_dataset_free(&test);
    cr_assert_eq(tg_dataset_standardize(tape, &train, NULL), TG_OK);
    cr_assert_eq(tg_dataset_new(tape, 2, 1, &test), TG_OK);
    cr_expect_eq(tg_dataset_standardize(tape, &train, &test), TG_ERR_SHAPE);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    tg_tape_free(tape);
}

Test(dataset, absurd_sizes_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset data;
    cr_expect_eq(tg_dataset_new(tape, INT64_MAX, 2, &data), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_dataset_new(tape, -1, 2, &data), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_dataset_new(tape, INT64_MAX / 4, 1, &data), TG_ERR_MEMORY);
    cr_expect_null(data.x);
    tg_dataset_free(&data);
    tg_tape_free(tape);
}

Test(dataset, it_goes_onto_tapes_of_both_dtypes) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        tg_dataset data = make_examples(tape, 5);
        const tg_tensor X = tg_dataset_features(tape, &data), Y = tg_dataset_labels(tape, &data);
        cr_expect(tg_shape_equal(tg_shape_of(X), TG_SHAPE(2, 5)));
        cr_expect(tg_shape_equal(tg_shape_of(Y), TG_SHAPE(1, 5)));
        cr_expect_eq(tg_value(X, TG_SHAPE(1, 4)), -4);
        cr_expect_eq(tg_value(Y, TG_SHAPE(0, 3)), 1);
        tg_dataset_free(&data);
        tg_tape_free(tape);
    }
}

Test(flower, the_same_key_gives_the_same_flower) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset flower[3];
    for (uint64_t k = 0; k < 3; k++) cr_assert_eq(tg_flower(tape, tg_key_new(k / 2), 401, &flower[k]), TG_OK);
    cr_expect_arr_eq(flower[0].x, flower[1].x, 802 * sizeof(double));
    cr_expect_arr_neq(flower[0].x, flower[2].x, 802 * sizeof(double));
    double ones = 0, farthest = 0;
    for (int i = 0; i < 401; i++) {
        ones += flower[0].y[i];
        farthest = fmax(farthest, hypot(flower[0].x[i], flower[0].x[401 + i]));
    }
    cr_expect_eq(ones, 200);
    cr_expect(farthest > 3.5 && farthest < 5.5, "the longest petal is %g", farthest);
    for (int k = 0; k < 3; k++) tg_dataset_free(&flower[k]);
    cr_expect_eq(tg_flower(tape, tg_key_new(1), -5, &flower[0]), TG_ERR_SHAPE);
    tg_tape_free(tape);
}
