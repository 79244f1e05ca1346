/* optimizer.h: rules that turn gradients into new parameters. */
#ifndef TAPEGRAD_MODELS_OPTIMIZER_H
#define TAPEGRAD_MODELS_OPTIMIZER_H

#include "graph/gradient.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_optimizer tg_optimizer;

/* Stochastic gradient descent: v = momentum v + dp; p = p - learning_rate v (PyTorch's SGD; with momentum 0,
 * p = p - learning_rate dp). */
typedef struct tg_sgd_options {
    double learning_rate; /* must be given, > 0 */
    double momentum;      /* 0 (the default) to less than 1 */
} tg_sgd_options;

/* Adam (Kingma and Ba 2015, algorithm 1): m = beta1 m + (1 - beta1) dp; v = beta2 v + (1 - beta2) dp^2;
 * p = p - learning_rate mhat / (sqrt(vhat) + epsilon), mhat = m / (1 - beta1^t), vhat = v / (1 - beta2^t). */
typedef struct tg_adam_options {
    double learning_rate; /* 0: 0.001 */
    double beta1, beta2;  /* 0: 0.9 and 0.999 */
    double epsilon;       /* 0: 1e-8 */
} tg_adam_options;

/* An optimizer of n parameters of one tape. Its state (velocity, moments) lies on the tape: make it before
 * the mark to which the training loop rewinds. Returns NULL, with an error on the tape, for options out of
 * range, tensors that are not parameters, or no memory. Free it before the tape. */
#define tg_sgd_new(...) tg_sgd_new_at(TG_HERE, __VA_ARGS__)
#define tg_adam_new(...) tg_adam_new_at(TG_HERE, __VA_ARGS__)
TG_API tg_optimizer *tg_sgd_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                   tg_sgd_options options);
TG_API tg_optimizer *tg_adam_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                    tg_adam_options options);
TG_API void tg_optimizer_free(tg_optimizer *optimizer);

/* Changes every parameter by its gradient, and sets the gradients to zero for the next step. Does nothing but
 * return the error when one sticks to the tape. */
#define tg_optimizer_step(...) tg_optimizer_step_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_optimizer_step_at(const char *where, tg_optimizer *optimizer);

/* The learning rate, to be read and changed between steps. */
TG_API double tg_optimizer_learning_rate(const tg_optimizer *optimizer);
TG_API tg_status tg_optimizer_set_learning_rate(tg_optimizer *optimizer, double learning_rate);

#ifdef __cplusplus
}
#endif
#endif
