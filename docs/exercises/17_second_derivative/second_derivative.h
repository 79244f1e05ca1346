/* second_derivative.h: what exercise 17 asks for. */
#ifndef EXERCISE_SECOND_DERIVATIVE_H
#define EXERCISE_SECOND_DERIVATIVE_H

#include <tapegrad.h>

/* d²y/dx², y and x scalars. */
tg_tensor second_derivative(tg_tensor y, tg_tensor x);

/* x - y' / y'', a number: the next x of Newton's method. */
double newton_step(tg_tensor y, tg_tensor x);

#endif
