/* sigmoid_wrong_sign.c: expects: wrong sign */
#include "sigmoid.h"

void my_sigmoid_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(c->y, tg_sub(c->y, tg_num(1))));
}
