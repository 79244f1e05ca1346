/* cases_views.c: rows for views, slices and concat.
 *
 * Owns: their references: each says from which element of the input an element of the output comes. The
 * strided layouts of the table make views of views. */
#include "tests/ops/case_table.h"

/* --- references ----------------------------------------------------------------------------------------- */

/* Position i of a shape as an index for each axis. */
static void unravel(tg_shape shape, int64_t i, int64_t *index) {
    for (int k = shape.rank - 1; k >= 0; k--) {
        index[k] = i % shape.dim[k];
        i /= shape.dim[k];
    }
}

static int64_t ravel(tg_shape shape, const int64_t *index) {
    int64_t i = 0;
    for (int k = 0; k < shape.rank; k++) i = i * shape.dim[k] + index[k];
    return i;
}

/* The same elements in row-major order, in a shape of the row's. */
static void same_order(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    tg_shape shape = *(const tg_shape *)context;
    int64_t known = 1;
    for (int k = 0; k < shape.rank; k++) known *= shape.dim[k] == -1 ? 1 : shape.dim[k];
    for (int k = 0; k < shape.rank; k++)
        if (shape.dim[k] == -1) shape.dim[k] = x->n / known;
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++) out[i] = x->data[i];
}

static void permuted(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const tg_axes *axes = context;
    const int rank = x->shape.rank;
    tg_shape shape = x->shape;
    for (int k = 0; k < rank; k++) shape.dim[k] = x->shape.dim[(axes->axis[k] + rank) % rank];
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++) {
        int64_t to[TG_MAX_RANK], from[TG_MAX_RANK];
        unravel(shape, i, to);
        for (int k = 0; k < rank; k++) from[(axes->axis[k] + rank) % rank] = to[k];
        out[i] = x->data[ravel(x->shape, from)];
    }
}

static void expanded(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    long double *out = tg_case_resize(y, *(const tg_shape *)context);
    for (int64_t i = 0; i < y->n; i++) out[i] = tg_case_broadcast_value(x, y->shape, i);
}

/* A slice, and the indices that it takes, written down by hand after Python. */
struct sliced {
    int axis;
    int64_t start, stop, step;
    int n, index[8];
};

static void taken(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const struct sliced *slice = context;
    const int axis = (slice->axis + x->shape.rank) % x->shape.rank;
    tg_shape shape = x->shape;
    shape.dim[axis] = slice->n;
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++) {
        int64_t index[TG_MAX_RANK];
        unravel(shape, i, index);
        index[axis] = slice->index[index[axis]];
        out[i] = x->data[ravel(x->shape, index)];
    }
}

/* The adjoint, into an axis of 5. */
static void put_back(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const struct sliced *slice = context;
    const int axis = (slice->axis + x->shape.rank) % x->shape.rank;
    tg_shape shape = x->shape;
    shape.dim[axis] = 5;
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++) out[i] = 0;
    for (int64_t i = 0; i < x->n; i++) {
        int64_t index[TG_MAX_RANK];
        unravel(x->shape, i, index);
        index[axis] = slice->index[index[axis]];
        out[ravel(shape, index)] = x->data[i];
    }
}

enum { PARTS = 3 };

static void joined(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const int axis = (*(const int *)context + x->shape.rank) % x->shape.rank;
    tg_shape shape = x[0].shape;
    for (int k = 1; k < PARTS; k++) shape.dim[axis] += x[k].shape.dim[axis];
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++) {
        int64_t index[TG_MAX_RANK];
        int part = 0;
        unravel(shape, i, index);
        while (index[axis] >= x[part].shape.dim[axis]) index[axis] -= x[part++].shape.dim[axis];
        out[i] = x[part].data[ravel(x[part].shape, index)];
    }
}

/* --- what is built -------------------------------------------------------------------------------------- */

static tg_tensor build_reshape(const tg_tensor *x, const void *context) {
    return tg_reshape(x[0], *(const tg_shape *)context);
}
static tg_tensor build_permute(const tg_tensor *x, const void *context) {
    return tg_permute(x[0], *(const tg_axes *)context);
}
static tg_tensor build_transpose(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_transpose(x[0]);
}
static tg_tensor build_expand(const tg_tensor *x, const void *context) {
    return tg_expand(x[0], *(const tg_shape *)context);
}
static tg_tensor build_squeeze(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_squeeze(x[0], TG_AXES(0, -1));
}
static tg_tensor build_unsqueeze(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_unsqueeze(tg_unsqueeze(x[0], 0), -1);
}
static tg_tensor build_slice(const tg_tensor *x, const void *context) {
    const struct sliced *slice = context;
    return tg_slice(x[0], slice->axis, slice->start, slice->stop, slice->step);
}
/* The gradient of a slice whose cotangent is x. */
static tg_tensor build_unslice(const tg_tensor *x, const void *context) {
    const struct sliced *slice = context;
    tg_shape shape = tg_shape_of(x[0]);
    shape.dim[(slice->axis + shape.rank) % shape.rank] = 5;
    const tg_tensor whole = tg_zeros(x[0].tape, shape);
    tg_tensor d_whole;
    if (tg_gradients_from(build_slice(&whole, context), x[0], 1, &whole, &d_whole) != TG_OK) return whole;
    return d_whole;
}
static tg_tensor build_concat(const tg_tensor *x, const void *context) {
    return tg_concat(PARTS, x, *(const int *)context);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static const tg_shape vector = {1, {-1}}, two_rows = {2, {2, -1}}, deep = {8, {1, 2, 1, -1, 1, 3, 1, 1}},
                      inner = {2, {3, 2}}, outer = {4, {1, 3, 2, 1}}, wide = {3, {2, 3, 4}};
static const tg_axes reversed = {3, {2, 1, 0}}, rotated = {3, {-1, 0, 1}}, swapped = {2, {1, 0}};
static const int first = 0, last = -1;
static const struct sliced every = {0, TG_END, TG_END, 1, 5, {0, 1, 2, 3, 4}};
static const struct sliced backwards = {0, TG_END, TG_END, -1, 5, {4, 3, 2, 1, 0}};
static const struct sliced inside = {0, 1, 4, 1, 3, {1, 2, 3}};
static const struct sliced stepped = {0, 0, 5, 2, 3, {0, 2, 4}};
static const struct sliced from_end = {0, -2, TG_END, 1, 2, {3, 4}};
static const struct sliced down = {0, -2, 0, -2, 2, {3, 1}};
static const struct sliced clipped = {0, -100, 100, 3, 2, {0, 3}};
static const struct sliced nothing = {0, 3, 2, 1, 0, {0}};
static const struct sliced columns = {-1, 1, TG_END, 2, 2, {1, 3}};

static const struct tg_case_shapes six[] = {
    {{TG_SHAPE(6)}}, {{TG_SHAPE(3, 2)}}, {{TG_SHAPE(2, 1, 3)}}, {{TG_SHAPE(1, 6, 1)}}};
static const struct tg_case_shapes even[] = {{{TG_SHAPE(6)}}, {{TG_SHAPE(3, 4)}}, {{TG_SHAPE(0, 3)}}};
static const struct tg_case_shapes any[] = {{{TG_SCALAR}}, {{TG_SHAPE(3, 4)}}, {{TG_SHAPE(2, 0)}}};
static const struct tg_case_shapes cubes[] = {{{TG_SHAPE(2, 3, 2)}}, {{TG_SHAPE(1, 4, 0)}}};
static const struct tg_case_shapes matrices[] = {{{TG_SHAPE(3, 4)}}, {{TG_SHAPE(1, 3)}}, {{TG_SHAPE(0, 3)}}};
static const struct tg_case_shapes expandable[] = {
    {{TG_SCALAR}}, {{TG_SHAPE(4)}}, {{TG_SHAPE(3, 1)}}, {{TG_SHAPE(2, 1, 1)}}, {{TG_SHAPE(2, 3, 4)}}};
static const struct tg_case_shapes framed[] = {{{TG_SHAPE(1, 3, 2, 1)}}};
static const struct tg_case_shapes inner_only[] = {{{TG_SHAPE(3, 2)}}};
static const struct tg_case_shapes fives[] = {{{TG_SHAPE(5)}}, {{TG_SHAPE(5, 2)}}, {{TG_SHAPE(5, 0)}}};
static const struct tg_case_shapes rows_of_5[] = {{{TG_SHAPE(5)}}, {{TG_SHAPE(2, 2, 5)}}};
static const struct tg_case_shapes twos[] = {{{TG_SHAPE(2)}}, {{TG_SHAPE(2, 3)}}};
static const struct tg_case_shapes threes[] = {{{TG_SHAPE(3)}}, {{TG_SHAPE(3, 2)}}};
static const struct tg_case_shapes none[] = {{{TG_SHAPE(0)}}, {{TG_SHAPE(0, 2)}}};
static const struct tg_case_shapes pairs[] = {{{TG_SHAPE(2)}}, {{TG_SHAPE(3, 2)}}};
static const struct tg_case_shapes stacks[] = {
    {{TG_SHAPE(2), TG_SHAPE(1), TG_SHAPE(3)}},
    {{TG_SHAPE(1, 3), TG_SHAPE(0, 3), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 0), TG_SHAPE(1, 0), TG_SHAPE(2, 0)}},
};
static const struct tg_case_shapes sides[] = {
    {{TG_SHAPE(2), TG_SHAPE(1), TG_SHAPE(3)}},
    {{TG_SHAPE(2, 1, 2), TG_SHAPE(2, 1, 1), TG_SHAPE(2, 1, 2)}},
};

#define TG_DRAWN .input = {{.low = -2, .high = 2}, {.low = -2, .high = 2}, {.low = -2, .high = 2}}
#define TG_ROW(name, what, which, made, expected, data)                                                      \
    {                                                                                                        \
        .op = name, .label = what, .n_inputs = 1, TG_DRAWN, TG_CASE_SHAPES(which), .build = made,            \
        .reference = expected, .context = data                                                               \
    }
#define TG_SLICE_ROW(name, which) TG_ROW("slice", #name, which, build_slice, taken, &name)
#define TG_UNSLICE_ROW(name, which) TG_ROW("unslice", #name, which, build_unslice, put_back, &name)
#define TG_CONCAT_ROW(axis, which)                                                                           \
    {                                                                                                        \
        .op = "concat", .label = #axis, .n_inputs = PARTS, TG_DRAWN, TG_CASE_SHAPES(which),                  \
        .build = build_concat, .reference = joined, .context = &axis                                         \
    }

static const struct tg_case rows[] = {
    TG_ROW("reshape", "vector", any, build_reshape, same_order, &vector),
    TG_ROW("reshape", "two rows", even, build_reshape, same_order, &two_rows),
    TG_ROW("reshape", "rank 8", six, build_reshape, same_order, &deep),
    TG_ROW("reshape", "squeeze", framed, build_squeeze, same_order, &inner),
    TG_ROW("reshape", "unsqueeze", inner_only, build_unsqueeze, same_order, &outer),
    TG_ROW("permute", "reversed", cubes, build_permute, permuted, &reversed),
    TG_ROW("permute", "rotated", cubes, build_permute, permuted, &rotated),
    TG_ROW("permute", "transpose", matrices, build_transpose, permuted, &swapped),
    TG_ROW("broadcast_to", "expand", expandable, build_expand, expanded, &wide),
    TG_SLICE_ROW(every, fives),
    TG_SLICE_ROW(backwards, fives),
    TG_SLICE_ROW(inside, fives),
    TG_SLICE_ROW(stepped, fives),
    TG_SLICE_ROW(from_end, fives),
    TG_SLICE_ROW(down, fives),
    TG_SLICE_ROW(clipped, fives),
    TG_SLICE_ROW(nothing, fives),
    TG_SLICE_ROW(columns, rows_of_5),
    TG_UNSLICE_ROW(inside, threes),
    TG_UNSLICE_ROW(down, twos),
    TG_UNSLICE_ROW(nothing, none),
    TG_UNSLICE_ROW(columns, pairs),
    TG_CONCAT_ROW(first, stacks),
    TG_CONCAT_ROW(last, sides),
};
const struct tg_case_list tg_cases_views = {TG_CASE_COUNT(rows), rows};
