/* six_equations.h: what exercise 12 asks for. */
#ifndef EXERCISE_SIX_EQUATIONS_H
#define EXERCISE_SIX_EQUATIONS_H

#include <tapegrad.h>

/* What the forward pass has computed. */
typedef struct forward_values {
    tg_tensor X, Y, A1, A2, W2;
} forward_values;

typedef struct gradients {
    tg_tensor dW1, db1, dW2, db2;
} gradients;

gradients shallow_gradients(const forward_values *f);

#endif
