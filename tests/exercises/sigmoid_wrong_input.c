/* sigmoid_wrong_input.c: expects: with the output y in place of the input x */
#include "sigmoid.h"

void my_sigmoid_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(c->x[0], tg_sub(tg_num(1), c->x[0])));
}
