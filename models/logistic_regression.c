/* logistic_regression.c: one unit that weighs its features, checked and trained on a tape.
 *
 * Owns: the model and its training. Its version in loops is in logistic_loops.c. */
#include "models/logistic_regression.h"

#include <math.h>

#include "models/logistic_loops.h"
#include "models/model_check.h"
#include "models/tape_memory.h"
#include "models/training.h"
#include "ops/elementwise.h"
#include "ops/linear_algebra.h"
#include "ops/losses.h"
#include "ops/views.h"

/* Examples in the gradient check: enough to exercise every parameter; more only take longer. */
#define CHECKED_EXAMPLES 200

tg_tensor tg_logistic_logits_at(const char *where, tg_tensor w, tg_tensor b, tg_tensor X) {
    return tg_add_at(where, tg_matmul_at(where, tg_transpose_at(where, w), X), b);
}

/* The cross entropy is taken of the logits, in which log(sigmoid(z)) is exact for every z: once examples are
 * far on their side, 1 - sigmoid(z) rounds to 0 and its logarithm to -inf. */
tg_tensor tg_logistic_cost(tg_tape *tape, const tg_tensor *params, void *context) {
    (void)tape;
    const tg_logistic_examples *examples = context;
    const tg_tensor Z = tg_logistic_logits(params[0], params[1], examples->X);
    return tg_binary_cross_entropy_with_logits(Z, examples->Y);
}

void tg_logistic_params(tg_tape *tape, int64_t n_features, tg_tensor *params) {
    params[0] = tg_set_name(tg_param_zeros(tape, TG_SHAPE(n_features, 1)), "w");
    params[1] = tg_set_name(tg_param_scalar(tape, 0), "b");
}

/* At zeros every probability is 1/2 and mistakes can hide, so the check is made at a random point. */
static tg_status check(tg_tape *tape, const tg_dataset *train, const tg_logistic_regression_options *options,
                       tg_gradcheck_report *report) {
    tg_tape *checked = tg_model_check_tape(tape);
    if (!checked) return TG_ERR_MEMORY;
    const int64_t n = train->n_examples < CHECKED_EXAMPLES ? train->n_examples : CHECKED_EXAMPLES;
    const double deviation = 1 / sqrt((double)train->n_features);
    const tg_tensor params[2] = {
        tg_set_name(tg_param_normal(checked, TG_SHAPE(train->n_features, 1), tg_key_split(options->key, 0),
                                    deviation),
                    "w"),
        tg_set_name(tg_param_normal(checked, TG_SCALAR, tg_key_split(options->key, 1), deviation), "b"),
    };
    const tg_tensor X = tg_dataset_features(checked, train), Y = tg_dataset_labels(checked, train);
    tg_logistic_examples examples = {tg_slice(X, 1, 0, n, 1), tg_slice(Y, 1, 0, n, 1)};
    const tg_status status =
        tg_model_check(tape, checked, tg_logistic_cost, &examples, 2, params, options->stream, report);
    tg_tape_free(checked);
    return status;
}

static tg_tensor logits_of(const void *params, tg_tensor X) {
    const tg_tensor *p = params;
    return tg_logistic_logits(p[0], p[1], X);
}

static tg_status train_on(const char *where, tg_tape *tape, const tg_dataset *train,
                          const tg_logistic_regression_options *options,
                          tg_logistic_regression_result *result) {
    tg_tensor params[2];
    tg_logistic_params(tape, train->n_features, params);
    tg_logistic_examples examples = {tg_dataset_features(tape, train), tg_dataset_labels(tape, train)};
    tg_optimizer *optimizer =
        tg_sgd_new_at(where, tape, 2, params, (tg_sgd_options){.learning_rate = options->learning_rate});
    if (!optimizer) return tg_tape_status(tape);
    const tg_status status = tg_train_at(where, tape,
                                         &(tg_training){.model = tg_logistic_cost,
                                                        .context = &examples,
                                                        .params = params,
                                                        .optimizer = optimizer,
                                                        .iterations = options->iterations,
                                                        .costs = result->costs,
                                                        .stream = options->stream,
                                                        .what = "step"});
    tg_optimizer_free(optimizer);
    result->w = params[0], result->b = params[1];
    return status;
}

tg_status tg_logistic_regression_at(const char *where, tg_tape *tape, const tg_dataset *train,
                                    const tg_dataset *test, const tg_logistic_regression_options *options,
                                    tg_logistic_regression_result *result) {
    tg_logistic_regression_options given = options ? *options : (tg_logistic_regression_options){0};
    if (given.learning_rate == 0) given.learning_rate = 0.1;
    if (given.iterations == 0) given.iterations = 1000;
    *result = (tg_logistic_regression_result){.allocator = tg_tape_allocator(tape)};
    tg_status status = tg_model_check_data(where, tape, train, test);
    if (status != TG_OK) return status;
    if (given.iterations < 0 || given.iterations == INT64_MAX) {
        return tg_tape_fail(tape, TG_ERR_VALUE, where, "logistic_regression: %lld iterations",
                            (long long)given.iterations);
    }
    result->costs = tg_tape_memory_new(tape, given.iterations + 1, sizeof *result->costs);
    if (!result->costs) return TG_ERR_MEMORY;
    result->n_costs = given.iterations + 1;
    status = check(tape, train, &given, &result->check);
    if (status == TG_OK) status = train_on(where, tape, train, &given, result);
    if (status != TG_OK) return status;
    const tg_tensor params[2] = {result->w, result->b};
    result->train_accuracy = tg_model_accuracy(tape, train, logits_of, params);
    result->test_accuracy = tg_model_accuracy(tape, test, logits_of, params);
    return tg_tape_status(tape);
}

void tg_logistic_regression_free(tg_logistic_regression_result *result) {
    tg_tape_memory_free(result->allocator, result->costs, result->n_costs, sizeof *result->costs);
    tg_gradcheck_report_free(&result->check);
    *result = (tg_logistic_regression_result){0};
}
