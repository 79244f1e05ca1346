/* relu_wrong_gate.c: expects: looks at the sign of dy */
#include "relu.h"

void my_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = tg_where(tg_greater(dy, tg_num(0)), dy, tg_num(0));
}
