/* matmul_solution.c: exercise 10, solved. */
#include "matmul.h"

void my_matmul_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_matmul(dy, tg_transpose(c->x[1]));
    dx[1] = tg_matmul(tg_transpose(c->x[0]), dy);
}
