/* matmul_wrong_swapped.c: expects: the gradient of the other input */
#include "matmul.h"

void my_matmul_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[1] = tg_matmul(dy, tg_transpose(c->x[1]));
    dx[0] = tg_matmul(tg_transpose(c->x[0]), dy);
}
