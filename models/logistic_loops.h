/* logistic_loops.h: what the two versions of logistic regression, by graph and by loops, share.
 *
 * Owns: nothing of its own. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_LOGISTIC_LOOPS_H
#define TAPEGRAD_MODELS_LOGISTIC_LOOPS_H

#include "models/logistic_regression.h"

typedef struct tg_logistic_examples {
    tg_tensor X, Y; /* [n_features, n_examples], [1, n_examples] */
} tg_logistic_examples;

/* The cost of params = {w, b} on the tg_logistic_examples in context: a tg_model. */
tg_tensor tg_logistic_cost(tg_tape *tape, const tg_tensor *params, void *context);

/* w and b, zeros. */
void tg_logistic_params(tg_tape *tape, int64_t n_features, tg_tensor *params);

#endif
