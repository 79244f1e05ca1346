/* logistic_regression.h: one unit that weighs its features: the probability of a class, learned from
 * examples.
 *
 *     Z = w^T X + b        A = sigmoid(Z)        cost = -mean (Y log A + (1 - Y) log (1 - A))
 *
 * X [n_features, n_examples] holds the examples in columns, Y [1, n_examples] their labels 0 or 1, w is
 * [n_features, 1] and b a scalar. */
#ifndef TAPEGRAD_MODELS_LOGISTIC_REGRESSION_H
#define TAPEGRAD_MODELS_LOGISTIC_REGRESSION_H

#include "graph/gradcheck.h"
#include "models/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
typedef struct tg_logistic_regression_options {
    double learning_rate; /* 0: 0.1 */
    int64_t iterations;   /* steps of gradient descent; 0: 1000 */
    tg_key key;           /* of the point at which the gradients are checked */
    FILE *stream;         /* where the check's table and the cost are printed; NULL: nowhere */
} tg_logistic_regression_options;

typedef struct tg_logistic_regression_result {
    tg_tensor w, b;                       /* trained; they stay on the caller's tape */
    double train_accuracy, test_accuracy; /* 0 to 1; the second NaN without test examples */
    int64_t n_costs;
    double *costs; /* n_costs = iterations + 1 of them: costs[t] after t steps; freed with the result */
    tg_gradcheck_report check;
    tg_allocator allocator;
} tg_logistic_regression_result;

/* Checks the gradients by finite differences, at a random point and on at most 200 examples, then trains on
 * all of `train` from zeros by full-batch gradient descent, in the tape's dtype. test and options may be
 * NULL. Features are taken as they are: standardize them first. w, b and the data stay on the tape; mark it
 * before to rewind them away. Errors, on the tape: TG_ERR_VALUE for options out of range; TG_ERR_SHAPE for no
 * examples, no features, or a test part with others; TG_ERR_GRADIENT when the check fails; TG_ERR_NAN when
 * training runs away; TG_ERR_MEMORY. The result then holds only what is to be freed. */
#define tg_logistic_regression(...) tg_logistic_regression_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_logistic_regression_at(const char *where, tg_tape *tape,
                                                       const tg_dataset *train, const tg_dataset *test,
                                                       const tg_logistic_regression_options *options,
                                                       tg_logistic_regression_result *result);

/* Frees costs and report; w and b are the tape's. A zeroed result is allowed. */
TG_API void tg_logistic_regression_free(tg_logistic_regression_result *result);

/* The logits Z = w^T X + b, [1, n_examples], of any examples: sigmoid of them is the probability of label 1.
 */
#define tg_logistic_logits(...) tg_logistic_logits_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_logistic_logits_at(const char *where, tg_tensor w, tg_tensor b, tg_tensor X);

/* --- the same without matrices ---------------------------------------------------------------------------
 */

/* Zero means the default. */
typedef struct tg_logistic_comparison_options {
    double learning_rate; /* 0: 0.1 */
    int64_t steps;        /* of each training; 0: 200 */
    int rounds;           /* trainings by each, in turns; 0: 15 */
} tg_logistic_comparison_options;

typedef struct tg_logistic_comparison {
    double loops_seconds, graph_seconds; /* per step: medians over the rounds */
    double speedup;                      /* the first by the second */
    double difference; /* the largest between the two trainings' w and b, relative to the largest of them */
    double tolerance;  /* what rounding allows: steps times 64 times the dtype's epsilon */
    bool equal;        /* difference <= tolerance */
} tg_logistic_comparison;

/* Trains the same model by explicit loops over examples and features, in plain C and the tape's dtype, and by
 * the graph, in turns, each time from zeros; compares time and result. Leaves nothing on the tape. Errors: as
 * tg_logistic_regression. */
#define tg_logistic_compare(...) tg_logistic_compare_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_logistic_compare_at(const char *where, tg_tape *tape, const tg_dataset *train,
                                                    const tg_logistic_comparison_options *options,
                                                    tg_logistic_comparison *comparison);

#ifdef __cplusplus
}
#endif
#endif
