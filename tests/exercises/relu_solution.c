/* relu_solution.c: exercise 5, solved. */
#include "relu.h"

void my_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_where(tg_greater(c->x[0], tg_num(0)), dy, tg_num(0));
}
