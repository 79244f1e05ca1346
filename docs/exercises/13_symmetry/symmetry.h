/* symmetry.h: what exercise 13 asks for. */
#ifndef EXERCISE_SYMMETRY_H
#define EXERCISE_SYMMETRY_H

#include <tapegrad.h>

/* The weights that a network with 2 inputs, 4 hidden tanh units and one sigmoid output begins with: W1 has 4
 * x 2, W2 1 x 4 of them. The biases begin at 0. */
void begin_weights(tg_key key, double *W1, double *W2);

#endif
