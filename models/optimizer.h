/* optimizer.h: rules that turn gradients into new parameters, step by step or inside a plan.
 *
 * Owns: tg_optimizer: which rule with which options, its state, its learning rate. The rules are tensor
 * operations that end in tg_assign; schedules are in models/schedule.h, clipping in models/clipping.h. */
#ifndef TAPEGRAD_MODELS_OPTIMIZER_H
#define TAPEGRAD_MODELS_OPTIMIZER_H

#include "graph/plan.h"
#include "models/clipping.h"
#include "models/schedule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_optimizer tg_optimizer;

/* Definitions and defaults are those of torch.optim (PyTorch 2); zero means the default. In all of them p is
 * the parameter, dp its gradient, clipped first. Where weight_decay is not said to act otherwise, dp +
 * weight_decay p takes the gradient's place. */

/* Stochastic gradient descent: p = p - learning_rate dp; with momentum v = momentum v + dp and
 * p = p - learning_rate v, or with Nesterov's p = p - learning_rate (dp + momentum v) (Sutskever et al. 2013,
 * as torch.optim.SGD has it, without dampening). */
typedef struct tg_sgd_options {
    double learning_rate; /* must be given, > 0 */
    double momentum;      /* 0 (the default) to less than 1 */
    bool nesterov;        /* needs momentum */
    double weight_decay;  /* at least 0 */
    tg_schedule schedule;
    tg_clipping clip;
} tg_sgd_options;

/* Adam (Kingma and Ba 2015, algorithm 1): m = beta1 m + (1 - beta1) dp; v = beta2 v + (1 - beta2) dp^2;
 * p = p - learning_rate mhat / (sqrt(vhat) + epsilon), mhat = m / (1 - beta1^t), vhat = v / (1 - beta2^t).
 * AdamW (Loshchilov and Hutter 2019): p (1 - learning_rate weight_decay) takes p's place, and the gradient is
 * left alone. */
typedef struct tg_adam_options {
    double learning_rate; /* 0: 0.001 */
    double beta1, beta2;  /* 0: 0.9 and 0.999; between 0 and 1 */
    double epsilon;       /* 0: 1e-8 */
    double weight_decay;  /* at least 0. AdamW, 0: 0.01 (without decay it is Adam) */
    tg_schedule schedule;
    tg_clipping clip;
} tg_adam_options;

/* RMSProp (Hinton, lecture 6e of his course of 2012, as torch.optim.RMSprop has it): s = alpha s + (1 -
 * alpha) dp^2; d = dp / (sqrt(s) + epsilon); p = p - learning_rate d, or with momentum v = momentum v + d and
 * p = p - learning_rate v. Centered: s less the square of the moving mean of dp under the root. */
typedef struct tg_rmsprop_options {
    double learning_rate; /* 0: 0.01 */
    double alpha;         /* 0: 0.99; between 0 and 1 */
    double epsilon;       /* 0: 1e-8 */
    double momentum;      /* 0 (the default) to less than 1 */
    bool centered;
    double weight_decay; /* at least 0 */
    tg_schedule schedule;
    tg_clipping clip;
} tg_rmsprop_options;

/* An optimizer of n parameters of one tape. Its state (velocity, moments, the number of steps) lies on the
 * tape: make it before the mark to which the training loop rewinds. Returns NULL, with an error on the tape,
 * for options out of range, tensors that are not parameters, or no memory. Free it before the tape. */
#define tg_sgd_new(...) tg_sgd_new_at(TG_HERE, __VA_ARGS__)
#define tg_adam_new(...) tg_adam_new_at(TG_HERE, __VA_ARGS__)
#define tg_adamw_new(...) tg_adamw_new_at(TG_HERE, __VA_ARGS__)
#define tg_rmsprop_new(...) tg_rmsprop_new_at(TG_HERE, __VA_ARGS__)
TG_API tg_optimizer *tg_sgd_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                   tg_sgd_options options);
TG_API tg_optimizer *tg_adam_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                    tg_adam_options options);
TG_API tg_optimizer *tg_adamw_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                     tg_adam_options options);
TG_API tg_optimizer *tg_rmsprop_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *params,
                                       tg_rmsprop_options options);
TG_API void tg_optimizer_free(tg_optimizer *optimizer);

/* --- step by step, after tg_backward -------------------------------------------------------------------- */

/* Changes every parameter by its gradient, and sets the gradients to zero for the next step. Allocates
 * nothing. Does nothing but return the error when one sticks to the tape. */
#define tg_optimizer_step(...) tg_optimizer_step_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_optimizer_step_at(const char *where, tg_optimizer *optimizer);

/* --- inside a plan -------------------------------------------------------------------------------------- */

/* A plan of a whole training step: the loss, its gradients, clipping, schedule and update of all parameters.
 * Each tg_plan_run is one step, and leaves the loss before it in loss; making the plan is none, and changes
 * nothing. The leaves' own gradients (tg_grad) are not used. Steps of a plan and tg_optimizer_step may
 * alternate. loss is a scalar of the optimizer's tape, of which the tape must keep all; recorded in
 * tg_no_values it takes no memory beside the plan's. To be freed by tg_plan_free; the optimizer may go
 * before. Returns NULL with an error on the tape, as tg_gradients and tg_plan_new do. */
#define tg_training_plan(...) tg_training_plan_at(TG_HERE, __VA_ARGS__)
TG_API tg_plan *tg_training_plan_at(const char *where, tg_optimizer *optimizer, tg_tensor loss);

/* The same for plans with more outputs: records the step by the gradients of loss, or by given gradients (one
 * of its shape for each parameter, in order), without computing it, and writes the tensors that a plan of it
 * must have among its outputs: tg_optimizer_n_updates of them. */
#define tg_optimizer_updates(...) tg_optimizer_updates_at(TG_HERE, __VA_ARGS__)
#define tg_optimizer_updates_from(...) tg_optimizer_updates_from_at(TG_HERE, __VA_ARGS__)
TG_API int tg_optimizer_n_updates(const tg_optimizer *optimizer);
TG_API TG_MUST_USE tg_status tg_optimizer_updates_at(const char *where, tg_optimizer *optimizer,
                                                     tg_tensor loss, tg_tensor *updates);
TG_API TG_MUST_USE tg_status tg_optimizer_updates_from_at(const char *where, tg_optimizer *optimizer,
                                                          const tg_tensor *gradients, tg_tensor *updates);

/* --- the learning rate ---------------------------------------------------------------------------------- */

/* The learning rate that the schedule multiplies, to be read and changed between steps, of plans too. */
TG_API double tg_optimizer_learning_rate(const tg_optimizer *optimizer);
#define tg_optimizer_set_learning_rate(...) tg_optimizer_set_learning_rate_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_optimizer_set_learning_rate_at(const char *where, tg_optimizer *optimizer,
                                                   double learning_rate);

/* How many steps were taken, and the rate of the last one, schedule included (NaN before the first). */
TG_API int64_t tg_optimizer_steps(const tg_optimizer *optimizer);
TG_API double tg_optimizer_last_rate(const tg_optimizer *optimizer);

#ifdef __cplusplus
}
#endif
#endif
