/* leaky_relu.h: what exercise 6 asks for. */
#ifndef EXERCISE_LEAKY_RELU_H
#define EXERCISE_LEAKY_RELU_H

#include <tapegrad.h>

/* y = x where x > 0, 0.01 x elsewhere: dx[0] from dy and c->x[0]. */
void my_leaky_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx);

#endif
