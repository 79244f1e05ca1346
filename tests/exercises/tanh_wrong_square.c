/* tanh_wrong_square.c: expects: and y has to be squared */
#include "tanh.h"

void my_tanh_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_sub(tg_num(1), c->y));
}
