/* shallow_check.h: how the shallow network's gradients are checked.
 *
 * Owns: the choice of a point at which mistakes show. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_SHALLOW_CHECK_H
#define TAPEGRAD_MODELS_SHALLOW_CHECK_H

#include "models/shallow_network.h"

typedef struct tg_shallow_examples {
    tg_tensor X, Y; /* [n_features, n_examples], [1, n_examples] */
    tg_activation activation;
} tg_shallow_examples;

/* The cost of params = {W1, b1, W2, b2} on the tg_shallow_examples in context: a tg_model. */
tg_tensor tg_shallow_cost(tg_tape *tape, const tg_tensor *params, void *context);

/* Checks the cost's gradients for the hidden units and activation in options, on a tape of its own; the table
 * goes to options->stream and errors to `tape`. */
tg_status tg_shallow_check(tg_tape *tape, const tg_dataset *train, const tg_shallow_network_options *options,
                           tg_gradcheck_report *report);

#endif
