/* dataset.h: labelled examples: where they come from, and their way onto a tape.
 *
 * Owns: examples in columns, the split into a training and a test part, and standardization. Must not know
 * the models that learn from them. */
#ifndef TAPEGRAD_MODELS_DATASET_H
#define TAPEGRAD_MODELS_DATASET_H

#include "graph/tensor.h"
#include "models/csv_table.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Examples are columns: feature j of example i is x[j * n_examples + i], and its label, 0 or 1, y[i]. */
typedef struct tg_dataset {
    int64_t n_features, n_examples;
    double *x, *y;
    tg_allocator allocator;
} tg_dataset;

/* Room for a dataset, all zeros. Memory comes from the tape's allocator and errors go to the tape, as in all
 * functions here; nothing is recorded. Errors: TG_ERR_SHAPE for negative sizes; TG_ERR_MEMORY. The dataset is
 * zeroed then. */
#define tg_dataset_new(...) tg_dataset_new_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_dataset_new_at(const char *where, tg_tape *tape, int64_t n_features,
                                               int64_t n_examples, tg_dataset *dataset);

/* Frees what the dataset owns and zeroes it; a zeroed dataset is allowed. */
TG_API void tg_dataset_free(tg_dataset *dataset);

/* Reads a CSV file as tg_csv_read does; the last column is the label. Errors: those of tg_csv_read, and
 * TG_ERR_FILE for a label that is neither 0 nor 1 (file, line and column named) and for fewer than two
 * columns. */
TG_API TG_MUST_USE tg_status tg_dataset_read(tg_tape *tape, const char *path, tg_dataset *dataset);

/* Deals the examples out at random, by the key: round(test_fraction n_examples) of them to `test`, the others
 * to `train`. Both are new datasets. Errors: TG_ERR_VALUE when test_fraction is not in [0, 1) or leaves
 * nothing to train on; TG_ERR_MEMORY. */
#define tg_dataset_split(...) tg_dataset_split_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_dataset_split_at(const char *where, tg_tape *tape, const tg_dataset *all,
                                                 double test_fraction, tg_key key, tg_dataset *train,
                                                 tg_dataset *test);

/* Shifts and scales each feature in place so that in `train` it has mean 0 and standard deviation 1 (over n,
 * not n - 1); `test`, which may be NULL, is moved by the same numbers, so that nothing of it leaks into
 * training. A feature that is constant in `train` becomes 0 in both. Errors: TG_ERR_SHAPE when the numbers of
 * features differ. */
#define tg_dataset_standardize(...) tg_dataset_standardize_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_dataset_standardize_at(const char *where, tg_tape *tape, tg_dataset *train,
                                                       tg_dataset *test);

/* The features [n_features, n_examples] and the labels [1, n_examples] as tensors of the tape's dtype,
 * copied; invalid, with an error on the tape, when memory is out. */
#define tg_dataset_features(...) tg_dataset_features_at(TG_HERE, __VA_ARGS__)
#define tg_dataset_labels(...) tg_dataset_labels_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_dataset_features_at(const char *where, tg_tape *tape, const tg_dataset *dataset);
TG_API tg_tensor tg_dataset_labels_at(const char *where, tg_tape *tape, const tg_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
