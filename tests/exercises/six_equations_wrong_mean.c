/* six_equations_wrong_mean.c: expects: missing 1/m */
#include "six_equations.h"

/* The 1/m stands in dW2 and db2, as in some courses, and was forgotten in dW1 and db1. */
gradients shallow_gradients(const forward_values *f) {
    gradients g;
    const tg_tensor m = tg_num((double)tg_dim(f->X, 1));
    const tg_tensor dZ2 = tg_sub(f->A2, f->Y);
    g.dW2 = tg_div(tg_matmul(dZ2, tg_transpose(f->A1)), m);
    g.db2 = tg_div(tg_sum_axes(dZ2, TG_AXES(1), true), m);
    const tg_tensor dA1 = tg_matmul(tg_transpose(f->W2), dZ2);
    const tg_tensor dZ1 = tg_mul(dA1, tg_sub(tg_num(1), tg_square(f->A1)));
    g.dW1 = tg_matmul(dZ1, tg_transpose(f->X));
    g.db1 = tg_sum_axes(dZ1, TG_AXES(1), true);
    return g;
}
