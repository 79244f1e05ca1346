/* cases_reduction.c: rows for sum, mean, max and the softmax family.
 *
 * Owns: their references, written from the definitions: gather the elements that meet in one place, combine
 * them. Edges (infinities, ties, messages) are in test_reduction.c and test_softmax.c. */
#include "tests/ops/case_table.h"

#include <math.h>

/* What a row reduces: everything, or some axes. */
struct over {
    tg_tensor (*some)(tg_tensor x, tg_axes axes, bool keepdims);
    tg_tensor (*all)(tg_tensor x); /* if given, and axes do not matter */
    long double (*combine)(int64_t n, const long double *x);
    tg_axes axes;
    bool keepdims;
};

/* --- references ----------------------------------------------------------------------------------------- */

static bool is_reduced(const struct over *over, int axis, int rank) {
    bool reduced = over->all != NULL;
    for (int i = 0; i < over->axes.n; i++) reduced |= (over->axes.axis[i] + rank) % rank == axis;
    return reduced;
}

static tg_shape reduced_shape(const struct over *over, tg_shape shape, bool keepdims) {
    tg_shape out = {0, {0}};
    for (int i = 0; i < shape.rank; i++) {
        const bool reduced = is_reduced(over, i, shape.rank);
        if (!reduced || keepdims) out.dim[out.rank++] = reduced ? 1 : shape.dim[i];
    }
    return out;
}

/* Where element `position` of a tensor goes when the axes of `over` are reduced. */
static int64_t goes_to(const struct over *over, tg_shape shape, int64_t position) {
    int64_t to = 0, stride = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        if (!is_reduced(over, i, shape.rank)) {
            to += position % shape.dim[i] * stride;
            stride *= shape.dim[i];
        }
        position /= shape.dim[i];
    }
    return to;
}

enum { MOST = 64 };

static void reduction(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const struct over *over = context;
    long double *out = tg_case_resize(y, reduced_shape(over, x->shape, over->keepdims)), met[MOST];
    for (int64_t i = 0; i < y->n; i++) {
        int64_t n = 0;
        for (int64_t j = 0; j < x->n; j++)
            if (goes_to(over, x->shape, j) == i) met[n++] = x->data[j];
        out[i] = over->combine(n, met);
    }
}

static long double sum(int64_t n, const long double *x) {
    long double y = 0;
    for (int64_t i = 0; i < n; i++) y += x[i];
    return y;
}
static long double mean(int64_t n, const long double *x) { return sum(n, x) / (long double)n; }
static long double largest(int64_t n, const long double *x) {
    long double y = -INFINITY;
    for (int64_t i = 0; i < n; i++) y = x[i] > y ? x[i] : y;
    return y;
}
static long double logsumexp(int64_t n, const long double *x) {
    long double y = 0;
    for (int64_t i = 0; i < n; i++) y += expl(x[i]);
    return logl(y);
}

/* x - logsumexp x, for both of the softmax family. */
static void log_softmax(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const struct over along = {.combine = logsumexp, .axes = {1, {*(const int *)context}}};
    struct tg_case_values total = {0};
    reduction(x, &total, &along);
    long double *out = tg_case_resize(y, x->shape);
    for (int64_t i = 0; i < x->n; i++) out[i] = x->data[i] - total.data[goes_to(&along, x->shape, i)];
    tg_case_free(1, &total);
}
static void softmax(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    log_softmax(x, y, context);
    for (int64_t i = 0; i < y->n; i++) y->data[i] = expl(y->data[i]);
}

/* --- what is built -------------------------------------------------------------------------------------- */

#define TG_REDUCTION(name)                                                                                   \
    static tg_tensor name##_some(tg_tensor x, tg_axes axes, bool keepdims) {                                 \
        return tg_##name##_axes(x, axes, keepdims);                                                          \
    }                                                                                                        \
    static tg_tensor name##_all(tg_tensor x) { return tg_##name(x); }
TG_REDUCTION(sum)
TG_REDUCTION(mean)
TG_REDUCTION(max)
TG_REDUCTION(logsumexp)

static tg_tensor build_reduction(const tg_tensor *x, const void *context) {
    const struct over *over = context;
    return over->all ? over->all(x[0]) : over->some(x[0], over->axes, over->keepdims);
}
static tg_tensor build_softmax(const tg_tensor *x, const void *context) {
    return tg_softmax(x[0], *(const int *)context);
}
static tg_tensor build_log_softmax(const tg_tensor *x, const void *context) {
    return tg_log_softmax(x[0], *(const int *)context);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static const struct tg_case_shapes any[] = {
    {{TG_SHAPE(4)}}, {{TG_SHAPE(3, 4)}}, {{TG_SHAPE(1, 1)}}, {{TG_SHAPE(2, 3, 2)}}, {{TG_SHAPE(1, 5)}}};
static const struct tg_case_shapes any_or_none[] = {
    {{TG_SCALAR}}, {{TG_SHAPE(4)}}, {{TG_SHAPE(2, 3, 2)}}, {{TG_SHAPE(0)}}, {{TG_SHAPE(2, 0)}}};
static const struct tg_case_shapes rank_3[] = {
    {{TG_SHAPE(2, 3, 2)}}, {{TG_SHAPE(1, 4, 1)}}, {{TG_SHAPE(3, 0, 2)}}};
static const struct tg_case_shapes hollow[] = {{{TG_SHAPE(3, 0, 2)}}};
static const struct tg_case_shapes full[] = {{{TG_SHAPE(2, 3, 2)}}, {{TG_SHAPE(1, 4, 1)}}};
static const struct tg_case_shapes rank_8[] = {{{TG_SHAPE(1, 2, 1, 2, 1, 2, 1, 2)}}};
static const struct tg_case_shapes scalar[] = {{{TG_SCALAR}}};

#define TG_OVER(name, f)                                                                                     \
    static const struct over name##_first = {name##_some, NULL, f, {1, {0}}, false};                         \
    static const struct over name##_last = {name##_some, NULL, f, {1, {-1}}, true};                          \
    static const struct over name##_outer = {name##_some, NULL, f, {2, {-1, 0}}, false};                     \
    static const struct over name##_middle = {name##_some, NULL, f, {1, {1}}, true};                         \
    static const struct over name##_deep = {name##_some, NULL, f, {3, {1, 4, -1}}, false};                   \
    static const struct over name##_none = {name##_some, NULL, f, {0, {0}}, false};                          \
    static const struct over name##_every = {NULL, name##_all, f, {0, {0}}, false};
TG_OVER(sum, sum)
TG_OVER(mean, mean)
TG_OVER(max, largest)
TG_OVER(logsumexp, logsumexp)

static const int first = 0, middle = 1, last = -1;

#define TG_ROW(name, axes, which)                                                                            \
    {                                                                                                        \
        .op = #name, .label = #axes, .n_inputs = 1, .input = {{.low = -3, .high = 3}},                       \
        TG_CASE_SHAPES(which), .build = build_reduction, .reference = reduction, .context = &name##_##axes   \
    }
#define TG_ROWS(name)                                                                                        \
    TG_ROW(name, first, any), TG_ROW(name, last, any), TG_ROW(name, outer, rank_3),                          \
        TG_ROW(name, middle, full), TG_ROW(name, deep, rank_8), TG_ROW(name, none, scalar)
#define TG_SOFTMAX_ROW(name, axis, which)                                                                    \
    {                                                                                                        \
        .op = #name, .label = #axis, .n_inputs = 1, .input = {{.low = -3, .high = 3}},                       \
        TG_CASE_SHAPES(which), .build = build_##name, .reference = name, .context = &axis                    \
    }
#define TG_SOFTMAX_ROWS(name)                                                                                \
    TG_SOFTMAX_ROW(name, first, any), TG_SOFTMAX_ROW(name, last, any), TG_SOFTMAX_ROW(name, middle, rank_3)

static const struct tg_case rows[] = {
    TG_ROWS(sum),
    TG_ROW(sum, middle, hollow),
    TG_ROW(sum, every, any_or_none),
    TG_ROWS(mean),
    TG_ROW(mean, every, any),
    TG_ROWS(max),
    TG_ROW(max, every, any),
    TG_ROWS(logsumexp),
    TG_ROW(logsumexp, middle, hollow),
    TG_ROW(logsumexp, every, any_or_none),
    TG_SOFTMAX_ROWS(softmax),
    TG_SOFTMAX_ROWS(log_softmax),
};
const struct tg_case_list tg_cases_reduction = {TG_CASE_COUNT(rows), rows};
