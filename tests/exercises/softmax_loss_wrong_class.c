/* softmax_loss_wrong_class.c: expects: only the scores of the right class */
#include "softmax_loss.h"

/* As if the other scores did not matter. */
tg_tensor softmax_cross_entropy_dZ(tg_tensor P, tg_tensor Y) {
    return tg_div(tg_mul(Y, tg_sub(P, Y)), tg_num((double)tg_dim(P, 0)));
}
