/* missing_m.h: what exercise 16 asks for. */
#ifndef EXERCISE_MISSING_M_H
#define EXERCISE_MISSING_M_H

#include <tapegrad.h>

/* What the forward pass has computed: A1 = tanh(W1 X + b1), A2 = sigmoid(W2 A1 + b2); lambda of the weight
 * decay. */
typedef struct decay_values {
    tg_tensor X, Y, A1, A2, W1, W2;
    double lambda;
} decay_values;

/* dW1, db1, dW2, db2 of J = mean cross entropy + lambda / (2 m) (sum W1² + sum W2²). */
void decay_gradients(const decay_values *f, tg_tensor gradients[4]);

#endif
