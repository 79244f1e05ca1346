/* shallow_network.h: one hidden layer between the features and the probability of a class.
 *
 *     Z1 = W1 X + b1     A1 = g(Z1)     Z2 = W2 A1 + b2     A2 = sigmoid(Z2)
 *     cost = -mean (Y log A2 + (1 - Y) log (1 - A2))
 *
 * X [n_features, n_examples] holds the examples in columns; W1 is [hidden, n_features], b1 [hidden, 1],
 * W2 [1, hidden], b2 [1, 1], Y [1, n_examples]. */
#ifndef TAPEGRAD_MODELS_SHALLOW_NETWORK_H
#define TAPEGRAD_MODELS_SHALLOW_NETWORK_H

#include "graph/gradcheck.h"
#include "models/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The hidden layer's g. */
typedef enum tg_activation {
    TG_TANH = 0,
    TG_SIGMOID,
    TG_RELU,
    TG_LEAKY_RELU, /* slope 0.01 below 0 */
    TG_IDENTITY
} tg_activation;

/* What the weights are at first; biases are always zero. */
typedef enum tg_initialization {
    TG_INIT_SMALL = 0, /* normal, times 0.01 */
    TG_INIT_XAVIER,    /* normal, variance 2 / (inputs + outputs) of the layer (Glorot and Bengio 2010) */
    TG_INIT_HE,        /* normal, variance 2 / inputs (He and others 2015) */
    TG_INIT_ZEROS,     /* all 0: nothing but b2 ever moves */
    TG_INIT_SAME       /* all 0.1: every hidden unit computes, and learns, the same */
} tg_initialization;

typedef enum tg_descent { TG_DESCENT_SGD = 0, TG_DESCENT_MOMENTUM /* 0.9 */, TG_DESCENT_ADAM } tg_descent;

/* The names of the above in their order, ended by NULL: "tanh", ...; "small", ...; "sgd", ... */
TG_API const char *const *tg_activation_names(void);
TG_API const char *const *tg_initialization_names(void);
TG_API const char *const *tg_descent_names(void);

/* A network's parameters, on a tape. */
typedef struct tg_shallow_network {
    tg_tensor W1, b1, W2, b2;
    tg_activation activation;
} tg_shallow_network;

/* Zero means the default. */
typedef struct tg_shallow_network_options {
    int64_t hidden; /* units of the hidden layer; 0: 4 */
    tg_activation activation;
    tg_initialization initialization;
    tg_descent descent;
    double learning_rate; /* 0: 1.2 for sgd, 0.3 for momentum, 0.02 for adam */
    int64_t iterations;   /* full-batch steps; 0: 5000 */
    tg_key key;           /* of the weights, and of the point at which the gradients are checked */
    FILE *stream;         /* where the check's table and the cost are printed; NULL: nowhere */
} tg_shallow_network_options;

/* How far the rows of W1 (one a hidden unit) are from each other after some steps. */
typedef struct tg_symmetry {
    int64_t step;
    double difference; /* max over i, j of |W1[i, j] - W1[0, j]| */
    double largest;    /* max |W1[i, j]| */
} tg_symmetry;
#define TG_MAX_SYMMETRY 24

typedef struct tg_shallow_network_result {
    tg_shallow_network network;           /* trained; it stays on the caller's tape */
    double train_accuracy, test_accuracy; /* 0 to 1; the second NaN without test examples */
    int64_t n_costs;
    double *costs; /* n_costs = iterations + 1 of them: costs[t] after t steps; freed with the result */
    int n_symmetry;
    tg_symmetry symmetry[TG_MAX_SYMMETRY]; /* after 0, 1, 10, 100, ... steps, and the last */
    tg_gradcheck_report check;
    tg_allocator allocator;
} tg_shallow_network_result;

/* Checks the gradients by finite differences at a random point (of ordinary size: at tiny weights every step
 * of a difference crosses relu's kink, at equal ones mistakes hide) on at most 100 examples, then trains on
 * all of `train` in the tape's dtype. test and options may be NULL. The network and the data stay on the
 * tape; mark it before to rewind them away. Errors, on the tape: TG_ERR_VALUE for options out of range;
 * TG_ERR_SHAPE for no examples, no features, or a test part with others; TG_ERR_GRADIENT when the check
 * fails; TG_ERR_NAN when training runs away; TG_ERR_MEMORY. The result then holds only what is to be freed.
 */
#define tg_shallow_network_train(...) tg_shallow_network_train_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_shallow_network_train_at(const char *where, tg_tape *tape,
                                                         const tg_dataset *train, const tg_dataset *test,
                                                         const tg_shallow_network_options *options,
                                                         tg_shallow_network_result *result);

/* Frees costs and report; the network is the tape's. A zeroed result is allowed. */
TG_API void tg_shallow_network_free(tg_shallow_network_result *result);

/* The logits Z2, [1, n_examples], of any examples: sigmoid of them is the probability of label 1. */
#define tg_shallow_logits(...) tg_shallow_logits_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_shallow_logits_at(const char *where, const tg_shallow_network *network, tg_tensor X);

#ifdef __cplusplus
}
#endif
#endif
