/* softmax_loss_wrong_size.c: expects: not one for each element */
#include "softmax_loss.h"

tg_tensor softmax_cross_entropy_dZ(tg_tensor P, tg_tensor Y) {
    return tg_div(tg_sub(P, Y), tg_num((double)tg_size(P)));
}
