/* kink_wrong_margin.c: expects: at 0, and the kink lies at 1 */
#include "kink.h"

/* The bend was taken to be at 0, as in relu. */
void my_hinge_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_where(tg_less(c->x[0], tg_num(0)), tg_neg(dy), tg_num(0));
}
