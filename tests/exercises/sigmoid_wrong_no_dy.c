/* sigmoid_wrong_no_dy.c: expects: dy is missing */
#include "sigmoid.h"

void my_sigmoid_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)dy;
    dx[0] = tg_mul(c->y, tg_sub(tg_num(1), c->y));
}
