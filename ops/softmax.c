/* softmax.c: logsumexp, softmax and log_softmax.
 *
 * Owns: the shift by the largest element, without which e^x overflows at 89 in f32. Each forward is a few
 * reductions and elementwise passes by the drivers of core/, which bring vector instructions and threads
 * whichever axis is reduced. Must not know how those work. */
#include "core/map_driver.h"
#include "core/reduce_driver.h"
#include "core/vector_math.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/descriptors.h"
#include "ops/reduction.h"

#include <math.h>

/* --- the passes ----------------------------------------------------------------------------------------- */

TG_MAP_KERNELS_1(finite_or_zero, isfinite(x) ? x : 0)
TG_MAP_KERNELS_2(difference, x - y)
TG_MAP_KERNELS_2(quotient, x / y)

/* e^(a - b); log a; log a + b; (a - b) - c. */
#define TG_PASSES(suffix, type)                                                                              \
    static void exp_difference_##suffix(int64_t n, void *out, const void *const *in, const void *attr) {     \
        difference_##suffix(n, out, in, attr);                                                               \
        tg_vector_math()->exp_##suffix(n, out, out);                                                         \
    }                                                                                                        \
    static void log_##suffix(int64_t n, void *out, const void *const *in, const void *attr) {                \
        (void)attr;                                                                                          \
        tg_vector_math()->log_##suffix(n, out, in[0]);                                                       \
    }                                                                                                        \
    static void log_plus_##suffix(int64_t n, void *out, const void *const *in, const void *attr) {           \
        const type *b = in[1];                                                                               \
        type *y = out;                                                                                       \
        log_##suffix(n, out, in, attr);                                                                      \
        for (int64_t i = 0; i < n; i++) y[i] += b[i];                                                        \
    }                                                                                                        \
    static void minus_both_##suffix(int64_t n, void *out, const void *const *in, const void *attr) {         \
        const type *a = in[0], *b = in[1], *c = in[2];                                                       \
        type *y = out;                                                                                       \
        (void)attr;                                                                                          \
        for (int64_t i = 0; i < n; i++) y[i] = (a[i] - b[i]) - c[i];                                         \
    }

TG_PASSES(f32, float)
TG_PASSES(f64, double)

enum pass { FINITE_OR_ZERO, QUOTIENT, EXP_DIFFERENCE, LOG, LOG_PLUS, MINUS_BOTH };

static const struct {
    int n_in;
    tg_cost cost;
    tg_map_kernel *f32, *f64;
} passes[] = {
    [FINITE_OR_ZERO] = {1, TG_CHEAP, finite_or_zero_f32, finite_or_zero_f64},
    [QUOTIENT] = {2, TG_CHEAP, quotient_f32, quotient_f64},
    [EXP_DIFFERENCE] = {2, TG_COSTLY, exp_difference_f32, exp_difference_f64},
    [LOG] = {1, TG_COSTLY, log_f32, log_f64},
    [LOG_PLUS] = {2, TG_COSTLY, log_plus_f32, log_plus_f64},
    [MINUS_BOTH] = {3, TG_CHEAP, minus_both_f32, minus_both_f64},
};

/* out = pass(in[0], in[1], ...), with broadcasting; in[0] may be out. */
static void run(enum pass pass, const tg_array *out, const tg_array *in) {
    tg_map_kernel *kernel = out->dtype == TG_F32 ? passes[pass].f32 : passes[pass].f64;
    tg_map_run(kernel, passes[pass].n_in, in, out, NULL, passes[pass].cost);
}

/* out = the reduction, sum or max, of x over the axes of the call. */
static void reduce(const tg_call *c, const struct tg_op *op, const tg_array *x, const tg_array *out) {
    const tg_reduction *over = c->attr;
    tg_reduce_run(x->dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64, op->start, over->mask, x, out);
}

/* A contiguous array beside the tape. */
struct local {
    tg_array array;
    tg_shape shape;
    int64_t strides[TG_MAX_RANK];
};

static void local_init(struct local *local, tg_shape shape, tg_dtype dtype, void *data) {
    local->shape = shape;
    tg_strides_contiguous(shape, local->strides);
    local->array = (tg_array){data, local->shape.dim, local->strides, shape.rank, dtype};
}

/* In scratch memory. The shape may be that of a broadcast view, of more elements than there is memory for. */
static bool local_new(const tg_call *c, tg_shape shape, struct local *local) {
    const uint64_t size = (uint64_t)tg_shape_size(shape);
    if (size > SIZE_MAX / sizeof(double)) return tg_fail(c, TG_ERR_MEMORY, "out of memory for e^x");
    void *data = tg_call_scratch(c, size * sizeof(double) + 1);
    local_init(local, shape, c->in[0].dtype, data);
    return data != NULL;
}

static tg_shape kept_shape(const tg_call *c) {
    return tg_shape_reduced(tg_array_shape(&c->in[0]), ((const tg_reduction *)c->attr)->mask, true);
}

/* --- logsumexp: y = log sum e^x = m + log sum e^(x - m), m = max x; dx = dy e^(x - y) ------------------- */

/* The mask is the builders', but tg_apply can be given any. */
static bool mask_fits(const tg_call *c) {
    if (((const tg_reduction *)c->attr)->mask >> c->in[0].rank == 0) return true;
    return tg_fail(c, TG_ERR_SHAPE, "an axis is out of range for rank %d", c->in[0].rank);
}

static bool logsumexp_infer(tg_call *c) {
    if (!mask_fits(c)) return false;
    const tg_reduction *over = c->attr;
    c->out_shape = tg_shape_reduced(tg_array_shape(&c->in[0]), over->mask, over->keepdims);
    return tg_expect_dtype(c, 0, tg_tape_dtype(c->tape));
}

/* Where m is infinite there is no shift: x - m would be inf - inf, and e^x is right as it is. */
static bool logsumexp_forward(const tg_call *c) {
    struct local y, m, e;
    local_init(&y, kept_shape(c), c->out.dtype, c->out.data);
    if (!local_new(c, y.shape, &m) || !local_new(c, tg_array_shape(&c->in[0]), &e)) return false;
    reduce(c, &tg_op_max, &c->in[0], &m.array);
    run(FINITE_OR_ZERO, &m.array, &m.array);
    run(EXP_DIFFERENCE, &e.array, (const tg_array[]){c->in[0], m.array});
    reduce(c, &tg_op_sum, &e.array, &y.array);
    run(LOG_PLUS, &y.array, (const tg_array[]){y.array, m.array});
    return true;
}

/* Where y is -inf all x are: nothing counts and nothing flows, where x - y would be NaN. */
static void logsumexp_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    tg_tensor y = tg_keep_axes(c, c->y);
    y = tg_where(tg_equal(y, tg_num(-INFINITY)), tg_num(0), y);
    dx[0] = tg_mul(tg_keep_axes(c, dy), tg_exp(tg_sub(c->x[0], y)));
}

const struct tg_op tg_op_logsumexp = {
    .name = "logsumexp",
    .kind = TG_OTHER,
    .n_inputs = 1,
    .attr_size = sizeof(tg_reduction),
    .cost = TG_COSTLY,
    .infer = logsumexp_infer,
    .forward = logsumexp_forward,
    .backward = logsumexp_backward,
};

tg_tensor tg_logsumexp_at(const char *where, tg_tensor x) {
    const tg_reduction over = tg_reduce_all(where, x);
    return tg_apply_1(where, &tg_op_logsumexp, x, &over);
}

tg_tensor tg_logsumexp_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims) {
    tg_reduction over;
    if (!tg_reduce_some(where, "logsumexp", x, axes, keepdims, &over)) return tg_refused(x.tape);
    return tg_apply_1(where, &tg_op_logsumexp, x, &over);
}

/* --- softmax: y = e^x / sum e^x; dx = y (dy - sum dy y) ------------------------------------------------- */

/* For softmax and log_softmax, along the one axis in a tg_reduction that keeps it. */
static bool softmax_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    if (!mask_fits(c)) return false;
    return tg_expect_dtype(c, 0, tg_tape_dtype(c->tape));
}

static tg_tensor softmax_apply(const char *where, const struct tg_op *op, tg_tensor x, int axis) {
    tg_reduction along;
    if (!tg_reduce_some(where, op->name, x, TG_AXES(axis), true, &along)) return tg_refused(x.tape);
    return tg_apply_1(where, op, x, &along);
}

static tg_tensor sum_along(const tg_call *c, tg_tensor x) {
    return tg_apply_1(c->where, &tg_op_sum, x, c->attr);
}

static bool softmax_forward(const tg_call *c) {
    struct local m, sum;
    if (!local_new(c, kept_shape(c), &m) || !local_new(c, m.shape, &sum)) return false;
    reduce(c, &tg_op_max, &c->in[0], &m.array);
    run(EXP_DIFFERENCE, &c->out, (const tg_array[]){c->in[0], m.array});
    reduce(c, &tg_op_sum, &c->out, &sum.array);
    run(QUOTIENT, &c->out, (const tg_array[]){c->out, sum.array});
    return true;
}

static void softmax_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(c->y, tg_sub(dy, sum_along(c, tg_mul(dy, c->y))));
}

const struct tg_op tg_op_softmax = {
    .name = "softmax",
    .kind = TG_OTHER,
    .n_inputs = 1,
    .attr_size = sizeof(tg_reduction),
    .cost = TG_COSTLY,
    .infer = softmax_infer,
    .forward = softmax_forward,
    .backward = softmax_backward,
};

tg_tensor tg_softmax_at(const char *where, tg_tensor x, int axis) {
    return softmax_apply(where, &tg_op_softmax, x, axis);
}

/* --- log_softmax: y = x - log sum e^x; dx = dy - e^y sum dy --------------------------------------------- */

/* (x - m) - log sum e^(x - m): the first difference is exact where x is near m, however large both are. */
static bool log_softmax_forward(const tg_call *c) {
    struct local m, sum;
    if (!local_new(c, kept_shape(c), &m) || !local_new(c, m.shape, &sum)) return false;
    reduce(c, &tg_op_max, &c->in[0], &m.array);
    run(EXP_DIFFERENCE, &c->out, (const tg_array[]){c->in[0], m.array});
    reduce(c, &tg_op_sum, &c->out, &sum.array);
    run(LOG, &sum.array, &sum.array);
    run(MINUS_BOTH, &c->out, (const tg_array[]){c->in[0], m.array, sum.array});
    return true;
}

static void log_softmax_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_sub(dy, tg_mul(tg_exp(c->y), sum_along(c, dy)));
}

const struct tg_op tg_op_log_softmax = {
    .name = "log_softmax",
    .kind = TG_OTHER,
    .n_inputs = 1,
    .attr_size = sizeof(tg_reduction),
    .cost = TG_COSTLY,
    .infer = softmax_infer,
    .forward = log_softmax_forward,
    .backward = log_softmax_backward,
};

tg_tensor tg_log_softmax_at(const char *where, tg_tensor x, int axis) {
    return softmax_apply(where, &tg_op_log_softmax, x, axis);
}
