/* softmax_loss.c: exercise 11, your part. */
#include "softmax_loss.h"

tg_tensor softmax_cross_entropy_dZ(tg_tensor P, tg_tensor Y) {
    (void)P, (void)Y;
    return (tg_tensor){0}; /* your part */
}
