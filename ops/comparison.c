/* comparison.c: masks: how they are made, and what is chosen by them.
 *
 * Owns: comparisons (bool results), where, and bool and i64 as values. */
#include "ops/elementwise.h"

#include "ops/descriptors.h"

/* --- comparisons ---------------------------------------------------------------------------------------- */

/* Two tensors of values, or two of i64; the result is bool. */
static bool infer_comparison(tg_call *c) {
    const bool integers = c->in[0].dtype == TG_I64 && c->in[1].dtype == TG_I64;
    const tg_dtype dtype = integers ? TG_I64 : tg_tape_dtype(c->tape);
    c->out_dtype = TG_BOOL;
    return tg_expect_dtype(c, 0, dtype) && tg_expect_dtype(c, 1, dtype) && tg_infer_broadcast(c);
}

#define COMPARE_KERNEL(function, type, comparison)                                                           \
    static void function(int64_t n, void *out, const void *const *in, const void *attr) {                    \
        const type *as = (const type *)in[0], *bs = (const type *)in[1];                                     \
        bool *to = (bool *)out;                                                                              \
        (void)attr;                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            const type a = as[i], b = bs[i];                                                                 \
            to[i] = comparison;                                                                              \
        }                                                                                                    \
    }

/* The kernels, the descriptor and the builder of one comparison. */
#define COMPARE(op, comparison)                                                                              \
    COMPARE_KERNEL(op##_f32, float, comparison)                                                              \
    COMPARE_KERNEL(op##_f64, double, comparison)                                                             \
    COMPARE_KERNEL(op##_i64, int64_t, comparison)                                                            \
    const struct tg_op tg_op_##op = {.name = #op,                                                            \
                                     .kind = TG_MAP,                                                         \
                                     .n_inputs = 2,                                                          \
                                     .infer = infer_comparison,                                              \
                                     .map_f32 = op##_f32,                                                    \
                                     .map_f64 = op##_f64,                                                    \
                                     .map_i64 = op##_i64,                                                    \
                                     .backward = TG_NOT_DIFFERENTIABLE};                                     \
    tg_tensor tg_##op##_at(const char *where, tg_tensor a, tg_tensor b) {                                    \
        return tg_apply_2(where, &tg_op_##op, a, b);                                                         \
    }

COMPARE(equal, a == b)
COMPARE(not_equal, a != b)
COMPARE(less, a < b)
COMPARE(less_equal, a <= b)
COMPARE(greater, a > b)
COMPARE(greater_equal, a >= b)

/* --- where ---------------------------------------------------------------------------------------------- */

/* y = a where mask, else b; da = dy where mask, db = dy elsewhere */
static bool where_infer(tg_call *c) {
    const tg_dtype dtype = tg_tape_dtype(c->tape);
    return tg_expect_dtype(c, 0, TG_BOOL) && tg_expect_dtype(c, 1, dtype) && tg_expect_dtype(c, 2, dtype) &&
           tg_infer_broadcast(c);
}

/* The mask is read as bytes, which compilers turn into vector instructions, and bool they do not. */
#define WHERE_KERNEL(function, type)                                                                         \
    static void function(int64_t n, void *out, const void *const *in, const void *attr) {                    \
        const uint8_t *mask = (const uint8_t *)in[0];                                                        \
        const type *a = (const type *)in[1], *b = (const type *)in[2];                                       \
        type *y = (type *)out;                                                                               \
        (void)attr;                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            const type chosen = a[i], other = b[i];                                                          \
            y[i] = mask[i] ? chosen : other;                                                                 \
        }                                                                                                    \
    }
WHERE_KERNEL(where_f32, float)
WHERE_KERNEL(where_f64, double)

static void where_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor mask = c->x[0];
    if (tg_needs_grad(c, 1)) dx[1] = tg_where(mask, dy, tg_num(0));
    if (tg_needs_grad(c, 2)) dx[2] = tg_where(mask, tg_num(0), dy);
}

const struct tg_op tg_op_where = {.name = "where",
                                  .kind = TG_MAP,
                                  .n_inputs = 3,
                                  .infer = where_infer,
                                  .map_f32 = where_f32,
                                  .map_f64 = where_f64,
                                  .backward = where_backward};

tg_tensor tg_where_at(const char *where, tg_tensor mask, tg_tensor a, tg_tensor b) {
    tg_tensor x[3] = {mask, a, b};
    return tg_apply_at(where, &tg_op_where, 3, x, NULL);
}

/* --- values --------------------------------------------------------------------------------------------- */

/* y = 0 or 1 for bool, the number for i64 (rounded to the nearest value that the dtype has). A copy with
 * conversion rather than a TG_MAP: kernels are chosen by one dtype, and this has two. */
static bool to_value_infer(tg_call *c) {
    if (tg_dtype_is_value(c->in[0].dtype))
        return tg_fail(c, TG_ERR_DTYPE, "the input is %s already; only bool and i64 are converted",
                       tg_dtype_name(c->in[0].dtype));
    c->out_shape = tg_array_shape(&c->in[0]);
    return true;
}

static bool to_value_forward(const tg_call *c) {
    if (tg_array_size(&c->out)) tg_array_copy(&c->out, &c->in[0]);
    return true;
}

const struct tg_op tg_op_to_value = {.name = "to_value",
                                     .kind = TG_OTHER,
                                     .n_inputs = 1,
                                     .infer = to_value_infer,
                                     .forward = to_value_forward,
                                     .backward = TG_NOT_DIFFERENTIABLE};

tg_tensor tg_to_value_at(const char *where, tg_tensor x) {
    return tg_apply_1(where, &tg_op_to_value, x, NULL);
}
