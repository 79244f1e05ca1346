/* update_rule.h: how one parameter moves in one step, in tensor operations.
 *
 * Owns: the rules. Must not know of optimizers, plans, nor where gradients come from. Internal: not
 * installed.
 */
#ifndef TAPEGRAD_MODELS_UPDATE_RULE_H
#define TAPEGRAD_MODELS_UPDATE_RULE_H

#include "graph/op.h"

enum { TG_RULE_STATES = 3 };

typedef struct tg_update_rule tg_update_rule;

/* What a rule goes by in a step: scalars. */
typedef struct tg_update_scalars {
    tg_tensor rate; /* the learning rate */
    tg_tensor t;    /* which step it is, from 1 */
} tg_update_scalars;

/* Records the parameter after the step, and replaces each state by what it is then. */
typedef tg_tensor tg_update_fn(const char *where, const tg_update_rule *rule, tg_update_scalars now,
                               tg_tensor p, tg_tensor dp, tg_tensor *state);

struct tg_update_rule {
    const char *name; /* as in messages */
    tg_update_fn *update;
    int n_states;        /* tensors of the parameter's shape, zeros at first */
    double momentum;     /* SGD, RMSProp */
    double beta1, beta2; /* Adam; beta2 is also RMSProp's alpha */
    double epsilon;      /* Adam, RMSProp */
    double weight_decay;
    bool nesterov;  /* SGD */
    bool centered;  /* RMSProp */
    bool decoupled; /* Adam: its decay */
};

tg_update_fn tg_update_sgd, tg_update_adam, tg_update_rmsprop;

#endif
