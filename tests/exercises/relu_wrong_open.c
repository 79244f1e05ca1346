/* relu_wrong_open.c: expects: off at one branch */
#include "relu.h"

void my_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = dy;
}
