/* elementwise_binary.c: functions of two operands, element by element, with broadcasting.
 *
 * Owns: arithmetic, the power, the larger and the smaller. Each is one block: what it is and its gradients as
 * formulas, its kernels, and BINARY, whose last arguments are the two gradients in tensor operations of the
 * inputs a and b, the output y and the output's gradient dy. Gradients have the output's shape: summing them
 * to the operands' is the library's business. */
#include "ops/elementwise.h"

#include "ops/descriptors.h"

#include <tgmath.h>

/* The gradients (each made only when it is wanted), the descriptor and the builder of one operation; further
 * fields of the descriptor may follow. The kernels call the operands x and y. */
#define BINARY(op, dear, gradient_a, gradient_b, ...)                                                        \
    static void op##_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {                               \
        const tg_tensor a = c->x[0], b = c->x[1], y = c->y;                                                  \
        (void)a, (void)b, (void)y;                                                                           \
        if (tg_needs_grad(c, 0)) dx[0] = gradient_a;                                                         \
        if (tg_needs_grad(c, 1)) dx[1] = gradient_b;                                                         \
    }                                                                                                        \
    const struct tg_op tg_op_##op = {.name = #op,                                                            \
                                     .kind = TG_MAP,                                                         \
                                     .n_inputs = 2,                                                          \
                                     .cost = dear,                                                           \
                                     .map_f32 = op##_f32,                                                    \
                                     .map_f64 = op##_f64,                                                    \
                                     .backward = op##_backward,                                              \
                                     __VA_ARGS__};                                                           \
    tg_tensor tg_##op##_at(const char *where, tg_tensor a, tg_tensor b) {                                    \
        return tg_apply_2(where, &tg_op_##op, a, b);                                                         \
    }

/* --- arithmetic ----------------------------------------------------------------------------------------- */

/* y = a + b, da = dy, db = dy. 0 is not neutral: -0 + 0 is 0. */
TG_MAP_KERNELS_2(add, x + y)
BINARY(add, TG_CHEAP, dy, dy, .arithmetic = TG_ADD)

/* y = a - b, da = dy, db = -dy */
TG_MAP_KERNELS_2(sub, x - y)
static tg_tensor sub_rewrite(const tg_call *c) {
    tg_tensor x; /* 1 - sigmoid x = sigmoid(-x), which keeps its digits near 0 */
    const bool complements = tg_is_number(c->x[0], 1) && tg_made_by(c->x[1], &tg_op_sigmoid, &x, NULL);
    return complements ? tg_sigmoid(tg_neg(x)) : (tg_tensor){0};
}
BINARY(sub, TG_CHEAP, dy, tg_neg(dy), .arithmetic = TG_SUBTRACT, .neutral_inputs = 2, .neutral = 0,
       .rewrite = sub_rewrite)

/* y = a b, da = dy b, db = dy a */
TG_MAP_KERNELS_2(mul, x *y)
BINARY(mul, TG_CHEAP, tg_mul(dy, b), tg_mul(dy, a), .arithmetic = TG_MULTIPLY, .neutral_inputs = 3,
       .neutral = 1)

/* y = a / b, da = dy / b, db = -dy y / b */
TG_MAP_KERNELS_2(div, x / y)
BINARY(div, TG_CHEAP, tg_div(dy, b), tg_neg(tg_div(tg_mul(dy, y), b)), .arithmetic = TG_DIVIDE,
       .neutral_inputs = 2, .neutral = 1)

/* --- the power ------------------------------------------------------------------------------------------ */

/* da = dy b a^(b-1), but 0 where a = b = 0, for which a^-1 is infinite. The exponent is kept at 0 there,
 * rather than the result, and nowhere else: so second derivatives meet no 0 * inf, and that in b is right at
 * b = 0, where it is 1/a. */
static tg_tensor pow_da(const tg_call *c, tg_tensor dy) {
    const tg_tensor a = c->x[0], b = c->x[1], zero = tg_num(0), one = tg_num(1);
    const tg_tensor edge = tg_equal(tg_where(tg_equal(b, zero), a, one), zero);
    return tg_mul(dy, tg_mul(b, tg_pow(a, tg_where(edge, zero, tg_sub(b, one)))));
}

/* db = dy y log a, but 0 where a = 0 and b >= 0: there the logarithm is taken of 1. */
static tg_tensor pow_db(const tg_call *c, tg_tensor dy) {
    const tg_tensor a = c->x[0], b = c->x[1], zero = tg_num(0), one = tg_num(1);
    const tg_tensor edge = tg_equal(tg_where(tg_greater_equal(b, zero), a, one), zero);
    return tg_mul(dy, tg_mul(c->y, tg_log(tg_where(edge, one, a))));
}

/* y = a^b */
TG_MAP_KERNELS_2(pow, pow(x, y))
BINARY(pow, TG_COSTLY, pow_da(c, dy), pow_db(c, dy))

/* --- the larger and the smaller ------------------------------------------------------------------------- */

/* dy where p is chosen over q, half of it where they are equal, 0 where q is. */
static tg_tensor chosen(tg_tensor q_is_chosen, tg_tensor equal, tg_tensor dy) {
    const tg_tensor shared = tg_where(equal, tg_mul(tg_num(0.5), dy), dy);
    return tg_where(q_is_chosen, tg_num(0), shared);
}

static tg_tensor larger_branch(const tg_call *c) { return tg_greater(c->x[0], c->x[1]); }

/* y = max(a, b), NaN when either is */
TG_MAP_KERNELS_2(maximum, ((x > y) | (x != x)) ? x : y)
BINARY(maximum, TG_CHEAP, chosen(tg_less(a, b), tg_equal(a, b), dy),
       chosen(tg_greater(a, b), tg_equal(a, b), dy), .branch = larger_branch)

/* y = min(a, b), NaN when either is */
TG_MAP_KERNELS_2(minimum, ((x < y) | (x != x)) ? x : y)
BINARY(minimum, TG_CHEAP, chosen(tg_greater(a, b), tg_equal(a, b), dy),
       chosen(tg_less(a, b), tg_equal(a, b), dy), .branch = larger_branch)
