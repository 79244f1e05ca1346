/* own_operation.c: exercise 18, your part. */
#include "own_operation.h"

#include <math.h>

TG_MAP_KERNELS_1(softsign, (T)NAN *x) /* your part: the expression */

static void softsign_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* Your part: dx[0] = ... */
    (void)c, (void)dy, (void)dx;
}

const struct tg_op softsign = {.name = "softsign",
                               .kind = TG_MAP,
                               .n_inputs = 1,
                               .map_f32 = softsign_f32,
                               .map_f64 = softsign_f64,
                               .backward = softsign_backward};
