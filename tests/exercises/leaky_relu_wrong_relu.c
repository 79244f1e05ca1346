/* leaky_relu_wrong_relu.c: expects: off at one branch */
#include "leaky_relu.h"

void my_leaky_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_where(tg_greater(c->x[0], tg_num(0)), dy, tg_num(0));
}
