/* kink.c: exercise 14. There is a bug here. */
#include "kink.h"

void my_hinge_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor z = c->x[0];
    const tg_tensor down = tg_where(tg_less_equal(z, tg_num(1)), tg_neg(dy), tg_num(0));
    const tg_tensor flat = tg_where(tg_greater_equal(z, tg_num(1)), tg_neg(dy), tg_num(0));
    dx[0] = tg_add(down, tg_where(tg_equal(z, tg_num(1)), flat, tg_num(0)));
}
