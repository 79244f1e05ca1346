/* reduction.c: sum, mean and max over axes.
 *
 * Owns: what is folded, and how it is differentiated. The order of the work, strides and threads belong to
 * core/reduce_driver. A gradient returns to the axes that the forward lost: they are put back as 1
 * (tg_keep_axes) and broadcast, which is a view. */
#include "ops/reduction.h"

#include "core/reduce_kernels.h"
#include "graph/gradient.h"
#include "ops/axes.h"
#include "ops/elementwise.h"
#include "ops/descriptors.h"

#include <math.h>
#include <string.h>

static tg_tensor reduce_axes(const char *where, const struct tg_op *op, tg_tensor x, tg_axes axes,
                             bool keepdims) {
    tg_reduction over;
    if (!tg_reduce_some(where, op->name, x, axes, keepdims, &over)) return tg_refused(x.tape);
    return tg_apply_1(where, op, x, &over);
}

static tg_tensor reduce_all(const char *where, const struct tg_op *op, tg_tensor x) {
    const tg_reduction over = tg_reduce_all(where, x);
    return tg_apply_1(where, op, x, &over);
}

/* --- sum: y = sum x_i, dx_i = dy ------------------------------------------------------------------------ */

static void sum_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_broadcast_to(tg_keep_axes(c, dy), tg_shape_of(c->x[0]));
}

const struct tg_op tg_op_sum = {
    .name = "sum",
    .kind = TG_REDUCE,
    .n_inputs = 1,
    .attr_size = sizeof(tg_reduction),
    .reduce_f32 = &tg_sum_kernels_f32,
    .reduce_f64 = &tg_sum_kernels_f64,
    .has_identity = true,
    .backward = sum_backward,
};

tg_tensor tg_sum_at(const char *where, tg_tensor x) { return reduce_all(where, &tg_op_sum, x); }

tg_tensor tg_sum_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims) {
    return reduce_axes(where, &tg_op_sum, x, axes, keepdims);
}

/* --- mean: y = sum x_i / n, dx_i = dy / n --------------------------------------------------------------- */

/* A sum that is divided at its end. */
#define TG_MEAN_KERNELS(suffix, type)                                                                        \
    static void mean_finish_##suffix(int64_t n, void *accumulator, int64_t count) {                          \
        type *y = accumulator;                                                                               \
        for (int64_t i = 0; i < n; i++) y[i] /= (type)count;                                                 \
    }                                                                                                        \
    static const tg_reduction_kernels mean_##suffix = {tg_sum_fold_##suffix, tg_sum_merge_##suffix,          \
                                                       mean_finish_##suffix, tg_sum_merge_rows_##suffix};

TG_MEAN_KERNELS(f32, float)
TG_MEAN_KERNELS(f64, double)

static void mean_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_reduction *over = c->attr;
    const tg_shape shape = tg_shape_of(c->x[0]);
    double count = 1;
    for (int i = 0; i < shape.rank; i++)
        if (over->mask & 1u << i) count *= (double)shape.dim[i];
    dx[0] = tg_broadcast_to(tg_keep_axes(c, tg_div(dy, tg_num(count))), shape);
}

const struct tg_op tg_op_mean = {
    .name = "mean",
    .kind = TG_REDUCE,
    .n_inputs = 1,
    .attr_size = sizeof(tg_reduction),
    .reduce_f32 = &mean_f32,
    .reduce_f64 = &mean_f64,
    .backward = mean_backward,
};

tg_tensor tg_mean_at(const char *where, tg_tensor x) { return reduce_all(where, &tg_op_mean, x); }

tg_tensor tg_mean_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims) {
    return reduce_axes(where, &tg_op_mean, x, axes, keepdims);
}

/* --- max: y = max x_i, dx_i = dy [x_i = y] / (how many x_j = y) ----------------------------------------- */

enum { LANES = 64 };

/* A NaN stays: nothing is larger than it, and it takes the place of anything. The fold merges rows of LANES,
 * because compilers make vector instructions of a merge and not of a maximum. */
#define TG_MAX_KERNELS(suffix, type)                                                                         \
    static inline type larger_##suffix(type a, type x) { return ((x > a) | (x != x)) ? x : a; }              \
    static void max_merge_##suffix(int64_t n, void *accumulator, const void *in) {                           \
        type *y = accumulator;                                                                               \
        const type *x = in;                                                                                  \
        for (int64_t i = 0; i < n; i++) y[i] = larger_##suffix(y[i], x[i]);                                  \
    }                                                                                                        \
    static void max_fold_##suffix(int64_t n, void *accumulator, const void *in) {                            \
        const type *x = in;                                                                                  \
        type lanes[LANES], y = *(type *)accumulator;                                                         \
        if (n >= LANES) {                                                                                    \
            memcpy(lanes, x, sizeof lanes);                                                                  \
            for (n -= LANES, x += LANES; n > 0; n -= LANES, x += LANES)                                      \
                max_merge_##suffix(n < LANES ? n : LANES, lanes, x);                                         \
            for (int half = LANES / 2; half >= 4; half /= 2) max_merge_##suffix(half, lanes, lanes + half);  \
            x = lanes, n = 4;                                                                                \
        }                                                                                                    \
        for (int64_t i = 0; i < n; i++) y = larger_##suffix(y, x[i]);                                        \
        *(type *)accumulator = y;                                                                            \
    }                                                                                                        \
    static const tg_reduction_kernels max_##suffix = {.fold = max_fold_##suffix, .merge = max_merge_##suffix};

TG_MAX_KERNELS(f32, float)
TG_MAX_KERNELS(f64, double)

/* Which elements are the largest. */
static tg_tensor max_branch(const tg_call *c) { return tg_equal(c->x[0], tg_keep_axes(c, c->y)); }

/* Ties share evenly, as in PyTorch's amax. */
static void max_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_reduction *over = c->attr;
    tg_axes axes = {0};
    for (int i = 0; i < TG_MAX_RANK; i++)
        if (over->mask & 1u << i) axes.axis[axes.n++] = i;
    const tg_tensor winners = tg_to_value(max_branch(c));
    const tg_tensor share = tg_div(tg_keep_axes(c, dy), tg_sum_axes(winners, axes, true));
    dx[0] = tg_mul(winners, share);
}

const struct tg_op tg_op_max = {
    .name = "max",
    .kind = TG_REDUCE,
    .n_inputs = 1,
    .attr_size = sizeof(tg_reduction),
    .reduce_f32 = &max_f32,
    .reduce_f64 = &max_f64,
    .start = -INFINITY,
    .backward = max_backward,
    .branch = max_branch,
};

tg_tensor tg_max_at(const char *where, tg_tensor x) { return reduce_all(where, &tg_op_max, x); }

tg_tensor tg_max_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims) {
    return reduce_axes(where, &tg_op_max, x, axes, keepdims);
}
