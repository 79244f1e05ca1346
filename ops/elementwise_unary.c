/* elementwise_unary.c: functions of one operand, element by element.
 *
 * Owns: powers and exponentials, sine and cosine, signs, activations. Each is one block: what it is and its
 * gradient as a formula, its kernels, and UNARY, whose last argument is the gradient in tensor operations of
 * the input x, the output y and the output's gradient dy. Must not know how kernels are run or gradients
 * summed. */
#include "ops/elementwise.h"

#include "core/vector_math.h"
#include "ops/descriptors.h"

#include <tgmath.h>

/* The gradient, the descriptor and the builder of one operation; further fields of the descriptor may follow.
 */
#define UNARY(op, dear, gradient, ...)                                                                       \
    static void op##_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {                               \
        const tg_tensor x = c->x[0], y = c->y;                                                               \
        (void)x, (void)y, (void)dy;                                                                          \
        dx[0] = gradient;                                                                                    \
    }                                                                                                        \
    const struct tg_op tg_op_##op = {.name = #op,                                                            \
                                     .kind = TG_MAP,                                                         \
                                     .n_inputs = 1,                                                          \
                                     .cost = dear,                                                           \
                                     .map_f32 = op##_f32,                                                    \
                                     .map_f64 = op##_f64,                                                    \
                                     .backward = op##_backward,                                              \
                                     __VA_ARGS__};                                                           \
    tg_tensor tg_##op##_at(const char *where, tg_tensor x) { return tg_apply_1(where, &tg_op_##op, x, NULL); }

/* Kernels from core/vector_math.h, f32 and f64. */
#define VECTOR_KERNELS(op) VECTOR_KERNEL(op##_f32) VECTOR_KERNEL(op##_f64)
#define VECTOR_KERNEL(function)                                                                              \
    static void function(int64_t n, void *out, const void *const *in, const void *attr) {                    \
        (void)attr;                                                                                          \
        tg_vector_math()->function(n, out, in[0]);                                                           \
    }

/* --- powers and exponentials ---------------------------------------------------------------------------- */

/* y = -x, dx = -dy */
TG_MAP_KERNELS_1(neg, -x)
UNARY(neg, TG_CHEAP, tg_neg(dy), .arithmetic = TG_NEGATE, .is_involution = true)

/* y = x^2, dx = 2 x dy */
TG_MAP_KERNELS_1(square, x *x)
UNARY(square, TG_CHEAP, tg_mul(dy, tg_mul(tg_num(2), x)), .arithmetic = TG_SQUARE)

/* y = sqrt x, dx = dy / (2 y) */
TG_MAP_KERNELS_1(sqrt, sqrt(x))
static tg_tensor sqrt_rewrite(const tg_call *c) {
    tg_tensor x;
    return tg_made_by(c->x[0], &tg_op_square, &x, NULL) ? tg_abs(x) : (tg_tensor){0};
}
UNARY(sqrt, TG_CHEAP, tg_div(dy, tg_mul(tg_num(2), y)), .arithmetic = TG_ROOT, .rewrite = sqrt_rewrite)

/* y = e^x, dx = dy y */
VECTOR_KERNELS(exp)
UNARY(exp, TG_COSTLY, tg_mul(dy, y))

/* y = log x, dx = dy / x */
VECTOR_KERNELS(log)
static tg_tensor log_rewrite(const tg_call *c) {
    tg_tensor x;
    const void *axis;
    if (tg_made_by(c->x[0], &tg_op_sigmoid, &x, NULL)) return tg_logsigmoid(x);
    if (tg_made_by(c->x[0], &tg_op_softmax, &x, &axis))
        return tg_apply_1(c->where, &tg_op_log_softmax, x, axis);
    return (tg_tensor){0};
}
UNARY(log, TG_COSTLY, tg_div(dy, x), .rewrite = log_rewrite)

/* y = log(1 + x), dx = dy / (1 + x) */
VECTOR_KERNELS(log1p)
static tg_tensor log1p_rewrite(const tg_call *c) {
    tg_tensor x;
    return tg_made_by(c->x[0], &tg_op_exp, &x, NULL) ? tg_softplus(x) : (tg_tensor){0};
}
UNARY(log1p, TG_COSTLY, tg_div(dy, tg_add(tg_num(1), x)), .rewrite = log1p_rewrite)

/* --- circular functions --------------------------------------------------------------------------------- */

/* y = sin x, dx = dy cos x */
TG_MAP_KERNELS_1(sin, sin(x))
UNARY(sin, TG_COSTLY, tg_mul(dy, tg_cos(x)))

/* y = cos x, dx = -dy sin x */
TG_MAP_KERNELS_1(cos, cos(x))
UNARY(cos, TG_COSTLY, tg_neg(tg_mul(dy, tg_sin(x))))

/* What is constant but for its jumps tells its branch by its value. */
static tg_tensor own_result(const tg_call *c) { return c->y; }

/* --- signs ---------------------------------------------------------------------------------------------- */

/* y = -1, 0 or 1; dx stays invalid: no gradient flows, which counts as 0. A zero of either sign gives +0
 * (NumPy). */
TG_MAP_KERNELS_1(sign, x > 0 ? (T)1 : x < 0 ? (T)-1 : x == 0 ? (T)0 : x)
UNARY(sign, TG_CHEAP, dx[0], .branch = own_result)

/* y = the largest whole number that is not above x; flat as the sign */
TG_MAP_KERNELS_1(floor, floor(x))
UNARY(floor, TG_CHEAP, dx[0], .branch = own_result)

/* y = |x|, dx = dy sign x: 0 at 0 */
static tg_tensor abs_branch(const tg_call *c) { return tg_sign(c->x[0]); }
TG_MAP_KERNELS_1(abs, fabs(x))
UNARY(abs, TG_CHEAP, tg_mul(dy, tg_sign(x)), .branch = abs_branch)

/* --- activations ---------------------------------------------------------------------------------------- */

/* y = 1 / (1 + e^-x), dx = dy y (1 - y) */
VECTOR_KERNELS(sigmoid)
UNARY(sigmoid, TG_COSTLY, tg_mul(dy, tg_mul(y, tg_sub(tg_num(1), y))))

/* y = log(1 + e^x), dx = dy sigmoid x */
VECTOR_KERNELS(softplus)
UNARY(softplus, TG_COSTLY, tg_mul(dy, tg_sigmoid(x)))

/* y = log sigmoid x = -softplus(-x), dx = dy sigmoid(-x). A piece at a time, so that it stays in the cache.
 */
#define LOGSIGMOID_KERNEL(type, suffix)                                                                      \
    static void logsigmoid_##suffix(int64_t n, void *out, const void *const *in, const void *attr) {         \
        enum { PIECE = 256 };                                                                                \
        const struct tg_vector_math *math = tg_vector_math();                                                \
        (void)attr;                                                                                          \
        for (int64_t at = 0; at < n; at += PIECE) {                                                          \
            const int64_t m = n - at < PIECE ? n - at : PIECE;                                               \
            const type *x = (const type *)in[0] + at;                                                        \
            type *y = (type *)out + at;                                                                      \
            for (int64_t i = 0; i < m; i++) y[i] = -x[i];                                                    \
            math->softplus_##suffix(m, y, y);                                                                \
            for (int64_t i = 0; i < m; i++) y[i] = -y[i];                                                    \
        }                                                                                                    \
    }
LOGSIGMOID_KERNEL(float, f32)
LOGSIGMOID_KERNEL(double, f64)
UNARY(logsigmoid, TG_COSTLY, tg_mul(dy, tg_sigmoid(tg_neg(x))))

/* y = tanh x, dx = dy (1 - y^2) */
VECTOR_KERNELS(tanh)
UNARY(tanh, TG_COSTLY, tg_mul(dy, tg_sub(tg_num(1), tg_square(y))))

/* y = max(x, 0), dx = dy where x > 0: 0 at 0. Written so that NaN passes, forward and backward (PyTorch). */
static tg_tensor relu_branch(const tg_call *c) { return tg_less_equal(c->x[0], tg_num(0)); }
TG_MAP_KERNELS_1(relu, x <= 0 ? (T)0 : x)
UNARY(relu, TG_CHEAP, tg_where(tg_less_equal(x, tg_num(0)), tg_num(0), dy), .arithmetic = TG_RECTIFY,
      .branch = relu_branch)

/* y = x where x > 0, else slope x; dx = dy, slope dy. The slope is the attribute. */
#define LEAKY_RELU_KERNEL(function, type)                                                                    \
    static void function(int64_t n, void *out, const void *const *in, const void *attr) {                    \
        const type slope = (type) * (const double *)attr, *x = (const type *)in[0];                          \
        type *y = (type *)out;                                                                               \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            const type scaled = slope * x[i];                                                                \
            y[i] = x[i] > 0 ? x[i] : scaled;                                                                 \
        }                                                                                                    \
    }
LEAKY_RELU_KERNEL(leaky_relu_f32, float)
LEAKY_RELU_KERNEL(leaky_relu_f64, double)
static void leaky_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const double slope = *(const double *)c->attr;
    dx[0] = tg_where(tg_greater(c->x[0], tg_num(0)), dy, tg_mul(tg_num(slope), dy));
}
static tg_tensor leaky_relu_branch(const tg_call *c) { return tg_greater(c->x[0], tg_num(0)); }
const struct tg_op tg_op_leaky_relu = {.name = "leaky_relu",
                                       .kind = TG_MAP,
                                       .n_inputs = 1,
                                       .attr_size = sizeof(double),
                                       .map_f32 = leaky_relu_f32,
                                       .map_f64 = leaky_relu_f64,
                                       .backward = leaky_relu_backward,
                                       .branch = leaky_relu_branch};
tg_tensor tg_leaky_relu_at(const char *where, tg_tensor x, double slope) {
    return tg_apply_1(where, &tg_op_leaky_relu, x, &slope);
}
