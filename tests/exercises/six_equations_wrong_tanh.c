/* six_equations_wrong_tanh.c: expects: The derivative of tanh is missing */
#include "six_equations.h"

gradients shallow_gradients(const forward_values *f) {
    gradients g;
    const tg_tensor dZ2 = tg_div(tg_sub(f->A2, f->Y), tg_num((double)tg_dim(f->X, 1)));
    g.dW2 = tg_matmul(dZ2, tg_transpose(f->A1));
    g.db2 = tg_sum_axes(dZ2, TG_AXES(1), true);
    const tg_tensor dZ1 = tg_matmul(tg_transpose(f->W2), dZ2);
    g.dW1 = tg_matmul(dZ1, tg_transpose(f->X));
    g.db1 = tg_sum_axes(dZ1, TG_AXES(1), true);
    return g;
}
