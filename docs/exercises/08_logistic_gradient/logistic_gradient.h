/* logistic_gradient.h: what exercise 8 asks for. */
#ifndef EXERCISE_LOGISTIC_GRADIENT_H
#define EXERCISE_LOGISTIC_GRADIENT_H

#include <tapegrad.h>

/* X [n, m], Y and A [1, m], A = sigmoid(w' X + b): dw [n, 1] and db (a scalar) of the mean loss. */
void logistic_gradients(tg_tensor X, tg_tensor Y, tg_tensor A, tg_tensor *dw, tg_tensor *db);

#endif
