/* leaky_relu_solution.c: exercise 6, solved. */
#include "leaky_relu.h"

void my_leaky_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_where(tg_greater(c->x[0], tg_num(0)), dy, tg_mul(tg_num(0.01), dy));
}
