/* matmul.h: what exercise 10 asks for. */
#ifndef EXERCISE_MATMUL_H
#define EXERCISE_MATMUL_H

#include <tapegrad.h>

/* Y = A B, A = c->x[0], B = c->x[1]: dx[0] is dA, dx[1] is dB. */
void my_matmul_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx);

#endif
