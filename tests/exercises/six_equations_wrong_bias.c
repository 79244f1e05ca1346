/* six_equations_wrong_bias.c: expects: not summed */
#include "six_equations.h"

/* db1 keeps one column for each example. */
gradients shallow_gradients(const forward_values *f) {
    gradients g;
    const tg_tensor dZ2 = tg_div(tg_sub(f->A2, f->Y), tg_num((double)tg_dim(f->X, 1)));
    g.dW2 = tg_matmul(dZ2, tg_transpose(f->A1));
    g.db2 = tg_sum_axes(dZ2, TG_AXES(1), true);
    const tg_tensor dA1 = tg_matmul(tg_transpose(f->W2), dZ2);
    const tg_tensor dZ1 = tg_mul(dA1, tg_sub(tg_num(1), tg_square(f->A1)));
    g.dW1 = tg_matmul(dZ1, tg_transpose(f->X));
    g.db1 = dZ1;
    return g;
}
