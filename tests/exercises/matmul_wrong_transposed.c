/* matmul_wrong_transposed.c: expects: transposed */
#include "matmul.h"

void my_matmul_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_matmul(c->x[1], tg_transpose(dy));
    dx[1] = tg_matmul(tg_transpose(c->x[0]), dy);
}
