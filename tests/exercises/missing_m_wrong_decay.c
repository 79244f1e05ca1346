/* missing_m_wrong_decay.c: expects: W1 */
#include "missing_m.h"

/* db1 is mended; the weight decay of W1 has lost its 1/m on the way. */
void decay_gradients(const decay_values *f, tg_tensor gradients[4]) {
    const double m = (double)tg_dim(f->X, 1);
    const tg_tensor dZ2 = tg_sub(f->A2, f->Y);
    const tg_tensor dA1 = tg_matmul(tg_transpose(f->W2), dZ2);
    const tg_tensor dZ1 = tg_mul(dA1, tg_sub(tg_num(1), tg_square(f->A1)));
    gradients[0] =
        tg_add(tg_div(tg_matmul(dZ1, tg_transpose(f->X)), tg_num(m)), tg_mul(tg_num(f->lambda), f->W1));
    gradients[1] = tg_mean_axes(dZ1, TG_AXES(1), true);
    gradients[2] =
        tg_add(tg_div(tg_matmul(dZ2, tg_transpose(f->A1)), tg_num(m)), tg_mul(tg_num(f->lambda / m), f->W2));
    gradients[3] = tg_mean_axes(dZ2, TG_AXES(1), true);
}
