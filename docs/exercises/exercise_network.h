/* exercise_network.h: the network with one hidden layer that exercises 12 and 16 differentiate, with examples
 * and random parameters, on a tape of its own. */
#ifndef EXERCISE_NETWORK_H
#define EXERCISE_NETWORK_H

#include <tapegrad.h>

enum { INPUTS = 2, HIDDEN = 4, EXAMPLES = 40 };

typedef struct exercise_network {
    tg_tape *tape;
    tg_tensor X, Y;   /* [INPUTS, EXAMPLES], [1, EXAMPLES] */
    tg_tensor p[4];   /* W1, b1, W2, b2 */
    tg_tensor A1, A2; /* tanh(W1 X + b1), sigmoid(W2 A1 + b2) */
} exercise_network;

/* To be freed with its tape. The same key makes the same network. */
exercise_network network_open(tg_key key);

/* The mean cross entropy for these parameters; context is the network. */
tg_model network_cost;

#endif
