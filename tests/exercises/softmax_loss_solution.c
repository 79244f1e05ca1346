/* softmax_loss_solution.c: exercise 11, solved. */
#include "softmax_loss.h"

tg_tensor softmax_cross_entropy_dZ(tg_tensor P, tg_tensor Y) {
    return tg_div(tg_sub(P, Y), tg_num((double)tg_dim(P, 0)));
}
