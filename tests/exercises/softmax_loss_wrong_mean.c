/* softmax_loss_wrong_mean.c: expects: missing 1/m */
#include "softmax_loss.h"

tg_tensor softmax_cross_entropy_dZ(tg_tensor P, tg_tensor Y) { return tg_sub(P, Y); }
