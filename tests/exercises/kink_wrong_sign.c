/* kink_wrong_sign.c: expects: wrong sign */
#include "kink.h"

void my_hinge_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_where(tg_less(c->x[0], tg_num(1)), dy, tg_num(0));
}
