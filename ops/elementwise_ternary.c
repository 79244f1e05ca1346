/* elementwise_ternary.c: arithmetic of three operands in one pass, element by element, with broadcasting.
 *
 * Owns: addcmul, lerp. Each is one block: what it is and its gradients as formulas, its kernels, and TERNARY,
 * whose last arguments are the three gradients in tensor operations of the inputs a, b, c and the output's
 * gradient dy. */
#include "ops/elementwise.h"

#include "ops/descriptors.h"

/* The gradients (each made only when it is wanted), the descriptor and the builder of one operation. The
 * kernels call the operands x, y and z. */
#define TERNARY(op, gradient_a, gradient_b, gradient_c)                                                      \
    static void op##_backward(const tg_call *call, tg_tensor dy, tg_tensor *dx) {                            \
        const tg_tensor a = call->x[0], b = call->x[1], c = call->x[2];                                      \
        (void)a, (void)b, (void)c;                                                                           \
        if (tg_needs_grad(call, 0)) dx[0] = gradient_a;                                                      \
        if (tg_needs_grad(call, 1)) dx[1] = gradient_b;                                                      \
        if (tg_needs_grad(call, 2)) dx[2] = gradient_c;                                                      \
    }                                                                                                        \
    const struct tg_op tg_op_##op = {.name = #op,                                                            \
                                     .kind = TG_MAP,                                                         \
                                     .n_inputs = 3,                                                          \
                                     .map_f32 = op##_f32,                                                    \
                                     .map_f64 = op##_f64,                                                    \
                                     .backward = op##_backward};                                             \
    tg_tensor tg_##op##_at(const char *where, tg_tensor a, tg_tensor b, tg_tensor c) {                       \
        const tg_tensor x[3] = {a, b, c};                                                                    \
        return tg_apply_at(where, &tg_op_##op, 3, x, NULL);                                                  \
    }

/* y = a + b c, da = dy, db = dy c, dc = dy b */
TG_MAP_KERNELS_3(addcmul, x + y * z)
TERNARY(addcmul, dy, tg_mul(dy, c), tg_mul(dy, b))

/* y = a + c (b - a), da = dy (1 - c), db = dy c, dc = dy (b - a) */
TG_MAP_KERNELS_3(lerp, x + z * (y - x))
TERNARY(lerp, tg_mul(dy, tg_sub(tg_num(1), c)), tg_mul(dy, c), tg_mul(dy, tg_sub(b, a)))
