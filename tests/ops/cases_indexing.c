/* cases_indexing.c: the case rows of ops/indexing.c. */
#include "tests/ops/case_table.h"

/* Axes as they are given, with the shapes that go with each. Indices are drawn from 0..2. */
static const int first = 0, last = -1, middle = 1;
static const struct tg_case_shapes along_first[] = {
    {{TG_SHAPE(3), TG_SHAPE(5)}},
    {{TG_SHAPE(4, 3), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(3, 2), TG_SHAPE(0, 2)}},
    {{TG_SHAPE(0, 2), TG_SHAPE(0, 2)}},
};
static const struct tg_case_shapes along_last[] = {
    {{TG_SHAPE(4), TG_SHAPE(1)}},
    {{TG_SHAPE(2, 3), TG_SHAPE(2, 4)}},
    {{TG_SHAPE(0, 3), TG_SHAPE(0, 1)}},
};
static const struct tg_case_shapes along_middle[] = {{{TG_SHAPE(2, 3, 2), TG_SHAPE(2, 1, 2)}}};
static const struct tg_case_shapes equal_shapes[] = {
    {{TG_SHAPE(5), TG_SHAPE(5)}},
    {{TG_SHAPE(2, 3), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(0, 2), TG_SHAPE(0, 2)}},
};
enum { SIZE = 4 }; /* what put_along makes of the axis */

/* The position in an array of shape `of`, where the place i in `shape` has j along the axis instead. */
static int64_t moved(tg_shape shape, tg_shape of, int axis, int64_t i, int64_t j) {
    int64_t at = 0, stride = 1;
    for (int k = shape.rank - 1; k >= 0; k--) {
        at += (k == axis ? j : i % shape.dim[k]) * stride;
        i /= shape.dim[k];
        stride *= of.dim[k];
    }
    return at;
}

static int axis_of(const struct tg_case_values *x, const void *context) {
    const int axis = *(const int *)context;
    return axis < 0 ? axis + x->shape.rank : axis;
}

static tg_tensor take_build(const tg_tensor *x, const void *context) {
    return tg_take_along(x[0], x[1], *(const int *)context);
}
static void take_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    long double *out = tg_case_resize(y, x[1].shape);
    for (int64_t i = 0; i < y->n; i++)
        out[i] = x[0].data[moved(x[1].shape, x[0].shape, axis_of(x, context), i, (int64_t)x[1].data[i])];
}

static tg_tensor put_build(const tg_tensor *x, const void *context) {
    return tg_put_along(x[0], x[1], *(const int *)context, SIZE);
}
static void put_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    const int axis = axis_of(x, context);
    tg_shape shape = x[0].shape;
    shape.dim[axis] = SIZE;
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++) out[i] = 0;
    for (int64_t i = 0; i < x[0].n; i++)
        out[moved(x[0].shape, shape, axis, i, (int64_t)x[1].data[i])] += x[0].data[i];
}

#define ROW(name, text, some_shapes, functions, axis)                                                        \
    {                                                                                                        \
        .op = #name, .label = text, .n_inputs = 2,                                                           \
        .input = {{.low = -2, .high = 2}, {TG_I64, .low = 0, .high = 2}}, TG_CASE_SHAPES(some_shapes),       \
        .build = functions##_build, .reference = functions##_reference, .context = axis                      \
    }

static const struct tg_case rows[] = {
    ROW(take_along, "first axis", along_first, take, &first),
    ROW(take_along, "last axis", along_last, take, &last),
    ROW(take_along, "middle axis", along_middle, take, &middle),
    ROW(put_along, "first axis", equal_shapes, put, &first),
    ROW(put_along, "last axis", equal_shapes, put, &last),
};
const struct tg_case_list tg_cases_indexing = {TG_CASE_COUNT(rows), rows};
