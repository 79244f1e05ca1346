/* own_operation_wrong_detached.c: expects: second derivative */
#include "own_operation.h"

TG_MAP_KERNELS_1(softsign, x / (1 + (x < 0 ? -x : x)))

/* The factor is right, and cut off from x: the second derivative is lost. */
static void softsign_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor x = tg_detach(c->x[0]);
    dx[0] = tg_div(dy, tg_square(tg_add(tg_num(1), tg_abs(x))));
}

const struct tg_op softsign = {.name = "softsign",
                               .kind = TG_MAP,
                               .n_inputs = 1,
                               .map_f32 = softsign_f32,
                               .map_f64 = softsign_f64,
                               .backward = softsign_backward};
