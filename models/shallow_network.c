/* shallow_network.c: one hidden layer, initialized, trained, and watched for symmetry.
 *
 * Owns: the model, its initializations and its training. How its gradients are checked is in
 * shallow_check.c. */
#include "models/shallow_network.h"

#include <math.h>

#include "models/model_check.h"
#include "models/shallow_check.h"
#include "models/tape_memory.h"
#include "models/training.h"
#include "ops/elementwise.h"
#include "ops/linear_algebra.h"
#include "ops/losses.h"

#define LEAKY_SLOPE 0.01
#define SMALL 0.01
#define SAME 0.1

const char *const *tg_activation_names(void) {
    static const char *const names[] = {"tanh", "sigmoid", "relu", "leaky_relu", "identity", NULL};
    return names;
}

const char *const *tg_initialization_names(void) {
    static const char *const names[] = {"small", "xavier", "he", "zeros", "same", NULL};
    return names;
}

const char *const *tg_descent_names(void) {
    static const char *const names[] = {"sgd", "momentum", "adam", NULL};
    return names;
}

/* --- the model ------------------------------------------------------------------------------------------ */

static tg_tensor identity_at(const char *where, tg_tensor x) {
    (void)where;
    return x;
}

static tg_tensor leaky_at(const char *where, tg_tensor x) { return tg_leaky_relu_at(where, x, LEAKY_SLOPE); }

static tg_tensor (*const activations[])(const char *where, tg_tensor x) = {tg_tanh_at, tg_sigmoid_at,
                                                                           tg_relu_at, leaky_at, identity_at};

tg_tensor tg_shallow_logits_at(const char *where, const tg_shallow_network *network, tg_tensor X) {
    const tg_tensor Z1 = tg_add_at(where, tg_matmul_at(where, network->W1, X), network->b1);
    const tg_tensor A1 = activations[network->activation](where, Z1);
    return tg_add_at(where, tg_matmul_at(where, network->W2, A1), network->b2);
}

/* The cross entropy is taken of the logits Z2, in which log(sigmoid(z)) is exact for every z. */
tg_tensor tg_shallow_cost(tg_tape *tape, const tg_tensor *params, void *context) {
    (void)tape;
    const tg_shallow_examples *examples = context;
    const tg_shallow_network network = {params[0], params[1], params[2], params[3], examples->activation};
    return tg_binary_cross_entropy_with_logits(tg_shallow_logits(&network, examples->X), examples->Y);
}

static tg_tensor make_weights(tg_tape *tape, tg_initialization initialization, tg_key key, int64_t n_out,
                              int64_t n_in) {
    double deviation = SMALL;
    if (initialization == TG_INIT_ZEROS) return tg_param_zeros(tape, TG_SHAPE(n_out, n_in));
    if (initialization == TG_INIT_XAVIER) deviation = sqrt(2 / ((double)n_in + (double)n_out));
    if (initialization == TG_INIT_HE) deviation = sqrt(2 / (double)n_in);
    if (initialization != TG_INIT_SAME) {
        return tg_param_normal(tape, TG_SHAPE(n_out, n_in), key, deviation);
    }
    const tg_tensor weights = tg_param_zeros(tape, TG_SHAPE(n_out, n_in));
    const tg_mark start = tg_tape_mark(tape);
    tg_assign(weights, tg_full(tape, TG_SHAPE(n_out, n_in), SAME));
    return tg_tape_rewind(tape, start) == TG_OK ? weights : (tg_tensor){.tape = tape};
}

static tg_shallow_network make_network(tg_tape *tape, int64_t n_features,
                                       const tg_shallow_network_options *options) {
    const tg_initialization initialization = options->initialization;
    const int64_t hidden = options->hidden;
    return (tg_shallow_network){
        .W1 = tg_set_name(
            make_weights(tape, initialization, tg_key_split(options->key, 0), hidden, n_features), "W1"),
        .b1 = tg_set_name(tg_param_zeros(tape, TG_SHAPE(hidden, 1)), "b1"),
        .W2 = tg_set_name(make_weights(tape, initialization, tg_key_split(options->key, 1), 1, hidden), "W2"),
        .b2 = tg_set_name(tg_param_zeros(tape, TG_SHAPE(1, 1)), "b2"),
        .activation = options->activation,
    };
}

/* --- symmetry ------------------------------------------------------------------------------------------- */

typedef struct watch {
    tg_tensor W1;
    int64_t last;
    tg_shallow_network_result *result;
} watch;

static bool is_power_of_ten(int64_t step) {
    while (step >= 10 && step % 10 == 0) step /= 10;
    return step == 1;
}

/* Notes how far the rows of W1 are from the first, after 0, 1, 10, 100, ... steps and the last. */
static void observe_rows(void *observer, int64_t step) {
    const watch *w = observer;
    tg_shallow_network_result *result = w->result;
    if (step != 0 && step != w->last && !is_power_of_ten(step)) return;
    const void *data = tg_data(w->W1);
    if (!data || result->n_symmetry >= TG_MAX_SYMMETRY) return;
    const bool single = tg_dtype_of(w->W1) == TG_F32;
    const int64_t n = tg_dim(w->W1, 1), size = tg_size(w->W1);
    tg_symmetry *symmetry = &result->symmetry[result->n_symmetry++];
    *symmetry = (tg_symmetry){.step = step};
    for (int64_t i = 0; i < size; i++) {
        const double x = single ? (double)((const float *)data)[i] : ((const double *)data)[i];
        const double first = single ? (double)((const float *)data)[i % n] : ((const double *)data)[i % n];
        symmetry->difference = fmax(symmetry->difference, fabs(x - first));
        symmetry->largest = fmax(symmetry->largest, fabs(x));
    }
}

/* --- training ------------------------------------------------------------------------------------------- */

static tg_optimizer *make_optimizer(const char *where, tg_tape *tape, const tg_tensor *params,
                                    const tg_shallow_network_options *options) {
    const double usual[] = {1.2, 0.3, 0.02};
    const double rate = options->learning_rate != 0 ? options->learning_rate : usual[options->descent];
    if (options->descent == TG_DESCENT_ADAM) {
        return tg_adam_new_at(where, tape, 4, params, (tg_adam_options){.learning_rate = rate});
    }
    const double momentum = options->descent == TG_DESCENT_MOMENTUM ? 0.9 : 0;
    return tg_sgd_new_at(where, tape, 4, params,
                         (tg_sgd_options){.learning_rate = rate, .momentum = momentum});
}

static tg_status train_on(const char *where, tg_tape *tape, const tg_dataset *train,
                          const tg_shallow_network_options *options, tg_shallow_network_result *result) {
    result->network = make_network(tape, train->n_features, options);
    const tg_shallow_network *network = &result->network;
    const tg_tensor params[4] = {network->W1, network->b1, network->W2, network->b2};
    tg_shallow_examples examples = {tg_dataset_features(tape, train), tg_dataset_labels(tape, train),
                                    options->activation};
    tg_optimizer *optimizer = make_optimizer(where, tape, params, options);
    if (!optimizer) return tg_tape_status(tape);
    watch rows = {network->W1, options->iterations, result};
    const tg_status status = tg_train_at(where, tape,
                                         &(tg_training){.model = tg_shallow_cost,
                                                        .context = &examples,
                                                        .params = params,
                                                        .optimizer = optimizer,
                                                        .iterations = options->iterations,
                                                        .costs = result->costs,
                                                        .stream = options->stream,
                                                        .what = "step",
                                                        .observe = observe_rows,
                                                        .observer = &rows});
    tg_optimizer_free(optimizer);
    return status;
}

static tg_tensor logits_of(const void *network, tg_tensor X) {
    return tg_shallow_logits((const tg_shallow_network *)network, X);
}

/* Enumerations may come from a command line or another language: each is looked at. */
static tg_status check_options(const char *where, tg_tape *tape, const tg_shallow_network_options *options) {
    const char *wrong = NULL;
    if (options->hidden < 0) wrong = "hidden units must be at least 1";
    if (options->iterations < 0 || options->iterations == INT64_MAX) wrong = "iterations are out of range";
    if ((unsigned)options->activation > TG_IDENTITY) wrong = "there is no such activation";
    if ((unsigned)options->initialization > TG_INIT_SAME) wrong = "there is no such initialization";
    if ((unsigned)options->descent > TG_DESCENT_ADAM) wrong = "there is no such descent";
    return wrong ? tg_tape_fail(tape, TG_ERR_VALUE, where, "shallow_network: %s", wrong) : TG_OK;
}

tg_status tg_shallow_network_train_at(const char *where, tg_tape *tape, const tg_dataset *train,
                                      const tg_dataset *test, const tg_shallow_network_options *options,
                                      tg_shallow_network_result *result) {
    tg_shallow_network_options given = options ? *options : (tg_shallow_network_options){0};
    if (given.hidden == 0) given.hidden = 4;
    if (given.iterations == 0) given.iterations = 5000;
    *result = (tg_shallow_network_result){.allocator = tg_tape_allocator(tape)};
    tg_status status = tg_tape_status(tape);
    if (status == TG_OK) status = check_options(where, tape, &given);
    if (status == TG_OK) status = tg_model_check_data(where, tape, train, test);
    if (status != TG_OK) return status;
    result->costs = tg_tape_memory_new(tape, given.iterations + 1, sizeof *result->costs);
    if (!result->costs) return TG_ERR_MEMORY;
    result->n_costs = given.iterations + 1;
    status = tg_shallow_check(tape, train, &given, &result->check);
    if (status == TG_OK) status = train_on(where, tape, train, &given, result);
    if (status != TG_OK) return status;
    result->train_accuracy = tg_model_accuracy(tape, train, logits_of, &result->network);
    result->test_accuracy = tg_model_accuracy(tape, test, logits_of, &result->network);
    return tg_tape_status(tape);
}

void tg_shallow_network_free(tg_shallow_network_result *result) {
    tg_tape_memory_free(result->allocator, result->costs, result->n_costs, sizeof *result->costs);
    tg_gradcheck_report_free(&result->check);
    *result = (tg_shallow_network_result){0};
}
