/* losses.c: what training minimizes.
 *
 * Owns: the terms of losses, one number an element, each an elementwise operation that refuses to broadcast;
 * the losses, which are the terms' means; and the checks of class labels. */
#include "ops/losses.h"

#include "core/vector_math.h"
#include "ops/axes.h"
#include "ops/descriptors.h"
#include "ops/elementwise.h"
#include "ops/labels.h"
#include "ops/reduction.h"

#include <math.h>

/* --- terms ---------------------------------------------------------------------------------------------- */

/* Values of one shape. */
static bool infer_terms(tg_call *c) {
    const tg_shape prediction = tg_array_shape(&c->in[0]), target = tg_array_shape(&c->in[1]);
    const tg_dtype dtype = tg_tape_dtype(c->tape);
    if (!tg_expect_dtype(c, 0, dtype) || !tg_expect_dtype(c, 1, dtype)) return false;
    char text[2][TG_SHAPE_TEXT];
    c->out_shape = prediction;
    if (tg_shape_equal(prediction, target)) return true;
    return tg_fail(c, TG_ERR_SHAPE,
                   "the prediction is %s and the target %s; a loss does not broadcast: give them one shape "
                   "(tg_reshape, tg_squeeze, or tg_expand where repeating is meant)",
                   tg_shape_format(prediction, sizeof text[0], text[0]),
                   tg_shape_format(target, sizeof text[1], text[1]));
}

/* The gradients (each made only when it is wanted) with respect to the prediction p and the target t, and the
 * descriptor, of a term. */
#define TERM(op, dear, gradient_p, gradient_t)                                                               \
    static void op##_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {                               \
        const tg_tensor p = c->x[0], t = c->x[1];                                                            \
        if (tg_needs_grad(c, 0)) dx[0] = gradient_p;                                                         \
        if (tg_needs_grad(c, 1)) dx[1] = gradient_t;                                                         \
    }                                                                                                        \
    const struct tg_op tg_op_##op = {.name = #op,                                                            \
                                     .kind = TG_MAP,                                                         \
                                     .n_inputs = 2,                                                          \
                                     .cost = dear,                                                           \
                                     .infer = infer_terms,                                                   \
                                     .map_f32 = op##_f32,                                                    \
                                     .map_f64 = op##_f64,                                                    \
                                     .backward = op##_backward};

/* --- squared error -------------------------------------------------------------------------------------- */

/* y = (p - t)^2, dp = 2 (p - t) dy, dt = -dp */
TG_MAP_KERNELS_2(squared_error, (x - y) * (x - y))
TERM(squared_error, TG_CHEAP, tg_mul(dy, tg_mul(tg_num(2), tg_sub(p, t))),
     tg_mul(dy, tg_mul(tg_num(2), tg_sub(t, p))))

tg_tensor tg_mse_at(const char *where, tg_tensor prediction, tg_tensor target) {
    return tg_mean_at(where, tg_apply_2(where, &tg_op_squared_error, prediction, target));
}

/* --- binary cross entropy ------------------------------------------------------------------------------- */

/* Numbers that the kernels below keep on the stack, few enough to stay in the cache. */
enum { PIECE = 512 };

/* y = -(t log p + (1 - t) log(1 - p)), logarithms no less than -100 */
#define BINARY_CROSS_ENTROPY_KERNEL(type, suffix)                                                            \
    static void binary_cross_entropy_##suffix(int64_t n, void *out, const void *const *in,                   \
                                              const void *attr) {                                            \
        const struct tg_vector_math *math = tg_vector_math();                                                \
        type log_p[PIECE], log_q[PIECE];                                                                     \
        (void)attr;                                                                                          \
        for (int64_t at = 0; at < n; at += PIECE) {                                                          \
            const int64_t m = n - at < PIECE ? n - at : PIECE;                                               \
            const type *p = (const type *)in[0] + at, *t = (const type *)in[1] + at;                         \
            type *y = (type *)out + at;                                                                      \
            for (int64_t i = 0; i < m; i++) log_q[i] = -p[i];                                                \
            math->log_##suffix(m, log_p, p);                                                                 \
            math->log1p_##suffix(m, log_q, log_q);                                                           \
            for (int64_t i = 0; i < m; i++) {                                                                \
                const type a = log_p[i] < -100 ? -100 : log_p[i], b = log_q[i] < -100 ? -100 : log_q[i];     \
                y[i] = -(t[i] * a + (1 - t[i]) * b);                                                         \
            }                                                                                                \
        }                                                                                                    \
    }
BINARY_CROSS_ENTROPY_KERNEL(float, f32)
BINARY_CROSS_ENTROPY_KERNEL(double, f64)

/* dp = dy (p - t) / (p (1 - p)), the divisor no less than 1e-12 (PyTorch): so the gradient pulls p back from
 * 0 and 1 also where the bounded logarithm is flat. */
static tg_tensor binary_cross_entropy_dp(tg_tensor p, tg_tensor t, tg_tensor dy) {
    const tg_tensor variance = tg_mul(p, tg_sub(tg_num(1), p));
    return tg_mul(dy, tg_div(tg_sub(p, t), tg_maximum(variance, tg_num(1e-12))));
}

/* dt = dy (log(1 - p) - log p), bounded as in the term */
static tg_tensor binary_cross_entropy_dt(tg_tensor p, tg_tensor dy) {
    const tg_tensor log_p = tg_maximum(tg_log(p), tg_num(-100));
    const tg_tensor log_q = tg_maximum(tg_log1p(tg_neg(p)), tg_num(-100));
    return tg_mul(dy, tg_sub(log_q, log_p));
}

TERM(binary_cross_entropy, TG_COSTLY, binary_cross_entropy_dp(p, t, dy), binary_cross_entropy_dt(p, dy))

tg_tensor tg_binary_cross_entropy_at(const char *where, tg_tensor p, tg_tensor y) {
    return tg_mean_at(where, tg_apply_2(where, &tg_op_binary_cross_entropy, p, y));
}

/* y = max(p, 0) - p t + log(1 + e^-|p|) with the logit p: no e^p of a large p, no difference of large numbers
 * where the loss is small. */
TG_MAP_KERNELS_1(minus_abs, x > 0 ? -x : x)
TG_MAP_KERNELS_3(logit_term, (x > 0 ? x : 0) - x * y + z)
#define BINARY_CROSS_ENTROPY_WITH_LOGITS_KERNEL(type, suffix)                                                \
    static void binary_cross_entropy_with_logits_##suffix(int64_t n, void *out, const void *const *in,       \
                                                          const void *attr) {                                \
        const struct tg_vector_math *math = tg_vector_math();                                                \
        type rest[PIECE];                                                                                    \
        (void)attr;                                                                                          \
        for (int64_t at = 0; at < n; at += PIECE) {                                                          \
            const int64_t m = n - at < PIECE ? n - at : PIECE;                                               \
            const void *const x[] = {(const type *)in[0] + at, (const type *)in[1] + at, rest};              \
            minus_abs_##suffix(m, rest, x, NULL);                                                            \
            math->softplus_##suffix(m, rest, rest);                                                          \
            logit_term_##suffix(m, (type *)out + at, x, NULL);                                               \
        }                                                                                                    \
    }
BINARY_CROSS_ENTROPY_WITH_LOGITS_KERNEL(float, f32)
BINARY_CROSS_ENTROPY_WITH_LOGITS_KERNEL(double, f64)

/* dp = dy (sigmoid p - t), dt = -dy p */
TERM(binary_cross_entropy_with_logits, TG_COSTLY, tg_mul(dy, tg_sub(tg_sigmoid(p), t)), tg_neg(tg_mul(dy, p)))

tg_tensor tg_binary_cross_entropy_with_logits_at(const char *where, tg_tensor z, tg_tensor y) {
    return tg_mean_at(where, tg_apply_2(where, &tg_op_binary_cross_entropy_with_logits, z, y));
}

/* --- cross entropy -------------------------------------------------------------------------------------- */

/* Labels are i64 and have the logits' shape without its last axis. */
static bool labels_fit(const char *where, tg_tensor logits, tg_tensor labels) {
    const tg_shape classes = tg_shape_of_at(where, logits), given = tg_shape_of_at(where, labels);
    const tg_dtype dtype = tg_dtype_of_at(where, labels);
    tg_shape expected = classes;
    char text[3][TG_SHAPE_TEXT];
    if (dtype != TG_I64) {
        tg_tape_fail(labels.tape, TG_ERR_DTYPE, where,
                     "cross_entropy: the labels are %s and must be i64, the numbers of classes (tg_from_i64)",
                     tg_dtype_name(dtype));
        return false;
    }
    if (classes.rank == 0) {
        tg_tape_fail(logits.tape, TG_ERR_SHAPE, where,
                     "cross_entropy: the logits are a scalar and must be [.., classes]");
        return false;
    }
    expected.rank--;
    if (tg_shape_equal(given, expected)) return true;
    tg_tape_fail(logits.tape, TG_ERR_SHAPE, where,
                 "cross_entropy: the logits are %s, the last axis being the classes, and the labels %s; they "
                 "must be %s",
                 tg_shape_format(classes, sizeof text[0], text[0]),
                 tg_shape_format(given, sizeof text[1], text[1]),
                 tg_shape_format(expected, sizeof text[2], text[2]));
    return false;
}

/* -mean log_softmax(logits)[label]; the logarithm of the softmax is what makes it stable. */
tg_tensor tg_cross_entropy_at(const char *where, tg_tensor logits, tg_tensor labels) {
    if (tg_is_valid(logits) && tg_is_valid(labels) && !labels_fit(where, logits, labels))
        return tg_refused(logits.tape);
    const tg_tensor log_p = tg_log_softmax_at(where, logits, -1);
    return tg_neg_at(where, tg_mean_at(where, tg_take_labels_at(where, log_p, labels)));
}
