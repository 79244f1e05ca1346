/* indexing.c: elements picked by integer tensors.
 *
 * Owns: take_along and put_along, each the other's adjoint, and the check of indices. */
#include "ops/indexing.h"

#include "core/cursor.h"
#include "ops/descriptors.h"
#include "ops/labels.h"
#include "ops/views.h"

#include <string.h>

/* The attribute of both. */
struct along {
    int axis;     /* as the caller gave it: negative ones count from the end */
    int labels;   /* 1: errors speak of class labels (an int, so that there is no padding to compare) */
    int64_t size; /* put_along: elements along the axis */
};

/* --- what both check ------------------------------------------------------------------------------------ */

static int axis_of(const tg_call *c) {
    return tg_axis_normalize(((const struct along *)c->attr)->axis, c->in[0].rank);
}

/* The dtype of the index, the axis, and equal shapes (but along the axis, where that is free). */
static bool fits(const tg_call *c, bool axis_is_free) {
    const tg_array *x = &c->in[0], *index = &c->in[1];
    const int given = ((const struct along *)c->attr)->axis, axis = axis_of(c);
    if (!tg_expect_dtype(c, 1, TG_I64)) return false;
    bool equal = index->rank == x->rank;
    for (int i = 0; equal && i < x->rank; i++)
        equal = index->shape[i] == x->shape[i] || (axis_is_free && i == axis);
    if (equal && axis >= 0) return true;

    char text[2][TG_SHAPE_TEXT];
    tg_shape_format(tg_array_shape(x), sizeof text[0], text[0]);
    tg_shape_format(tg_array_shape(index), sizeof text[1], text[1]);
    if (axis < 0)
        return tg_fail(c, TG_ERR_SHAPE, "axis %d is out of range for rank %d, shape %s", given, x->rank,
                       text[0]);
    if (axis_is_free)
        return tg_fail(c, TG_ERR_SHAPE,
                       "the index is %s and the input %s: all dimensions but that of axis %d must be equal",
                       text[1], text[0], given);
    return tg_fail(c, TG_ERR_SHAPE, "the index is %s and the values are %s: they must have one shape",
                   text[1], text[0]);
}

/* The error for the element-th index, j, which is none of 0..size-1. */
static bool out_of_range(const tg_call *c, int64_t element, int64_t j, int64_t size) {
    const bool labels = ((const struct along *)c->attr)->labels;
    tg_shape at = tg_array_shape(&c->in[1]);
    for (int i = at.rank - 1; i >= 0; i--) {
        const int64_t dim = at.dim[i];
        at.dim[i] = element % dim;
        element /= dim;
    }
    at.rank -= labels; /* the last axis is not the caller's */
    char text[TG_SHAPE_TEXT], range[40] = "";
    tg_shape_format(at, sizeof text, text);
    if (size > 0) snprintf(range, sizeof range, " 0..%lld", (long long)size - 1);
    if (labels) {
        tg_tape_fail(c->tape, TG_ERR_VALUE, c->where,
                     "cross_entropy: label %lld at %s is out of range%s for %lld classes", (long long)j, text,
                     range, (long long)size);
        return false;
    }
    return tg_fail(c, TG_ERR_VALUE, "index %lld at %s is out of range%s (axis %d has %lld elements)",
                   (long long)j, text, range, axis_of(c), (long long)size);
}

/* Visits the elements at position 0 of the axis of x, in the order of the index's elements. */
static void open_lines(tg_cursor *cursor, const tg_array *x, const tg_array *index, int axis) {
    int64_t strides[TG_MAX_RANK];
    for (int i = 0; i < x->rank; i++) strides[i] = i == axis ? 0 : x->strides[i];
    const tg_array lines = {x->data, index->shape, strides, x->rank, x->dtype};
    tg_cursor_over(cursor, &lines);
}

/* --- take_along ----------------------------------------------------------------------------------------- */

/* y[.., i, ..] = x[.., index[.., i, ..], ..], dx = put_along(dy, index) */
static bool take_along_infer(tg_call *c) {
    if (!fits(c, true)) return false;
    c->out_dtype = c->in[0].dtype;
    c->out_shape = tg_array_shape(&c->in[1]);
    return true;
}

static void copy_element(void *to, const void *from, size_t bytes) {
    switch (bytes) { /* so that no copy is a call */
        case 8: memcpy(to, from, 8); break;
        case 4: memcpy(to, from, 4); break;
        default: memcpy(to, from, 1); break;
    }
}

static bool take_along_forward(const tg_call *c) {
    const tg_array *x = &c->in[0], *index = &c->in[1];
    const int axis = axis_of(c);
    const int64_t n = tg_array_size(index), size = x->shape[axis], stride = x->strides[axis];
    const size_t bytes = tg_dtype_size(x->dtype);
    char *y = c->out.data;
    tg_cursor lines, indices;
    if (n == 0) return true;
    open_lines(&lines, x, index, axis);
    tg_cursor_over(&indices, index);
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = *(const int64_t *)tg_cursor_take(&indices, 1);
        if (j < 0 || j >= size) return out_of_range(c, i, j, size);
        const char *line = tg_cursor_take(&lines, 1);
        copy_element(y + i * (int64_t)bytes, line + j * stride * (int64_t)bytes, bytes);
    }
    return true;
}

static void take_along_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const int axis = axis_of(c);
    dx[0] = tg_put_along(dy, c->x[1], axis, c->in[0].shape[axis]);
}

const struct tg_op tg_op_take_along = {.name = "take_along",
                                       .kind = TG_OTHER,
                                       .n_inputs = 2,
                                       .attr_size = sizeof(struct along),
                                       .infer = take_along_infer,
                                       .forward = take_along_forward,
                                       .backward = take_along_backward};

static tg_tensor take(const char *where, tg_tensor x, tg_tensor index, struct along along) {
    tg_tensor inputs[2] = {x, index};
    return tg_apply_at(where, &tg_op_take_along, 2, inputs, &along);
}

tg_tensor tg_take_along_at(const char *where, tg_tensor x, tg_tensor index, int axis) {
    return take(where, x, index, (struct along){.axis = axis});
}

tg_tensor tg_take_labels_at(const char *where, tg_tensor x, tg_tensor labels) {
    const tg_tensor index = tg_unsqueeze_at(where, labels, -1);
    const tg_tensor taken = take(where, x, index, (struct along){.axis = -1, .labels = 1});
    return tg_squeeze_at(where, taken, TG_AXES(-1));
}

/* --- put_along ------------------------------------------------------------------------------------------ */

/* y = 0 but y[.., index[.., i, ..], ..] += values[.., i, ..], dvalues = take_along(dy, index) */
static bool put_along_infer(tg_call *c) {
    const struct along *along = c->attr;
    if (!tg_expect_dtype(c, 0, tg_tape_dtype(c->tape)) || !fits(c, false)) return false;
    if (along->size < 0)
        return tg_fail(c, TG_ERR_VALUE, "the size of axis %d is %lld", along->axis, (long long)along->size);
    c->out_shape = tg_array_shape(&c->in[0]);
    c->out_shape.dim[axis_of(c)] = along->size;
    return true;
}

static bool put_along_forward(const tg_call *c) {
    const tg_array *values = &c->in[0], *index = &c->in[1], *y = &c->out;
    const int axis = axis_of(c);
    const int64_t n = tg_array_size(index), size = y->shape[axis], stride = y->strides[axis];
    const int64_t total = tg_array_size(y);
    if (total) memset(y->data, 0, (size_t)total * tg_dtype_size(y->dtype));
    if (n == 0) return true;
    tg_cursor lines, indices, from;
    open_lines(&lines, y, index, axis);
    tg_cursor_over(&indices, index);
    tg_cursor_over(&from, values);
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = *(const int64_t *)tg_cursor_take(&indices, 1);
        if (j < 0 || j >= size) return out_of_range(c, i, j, size);
        void *line = tg_cursor_take(&lines, 1);
        const void *value = tg_cursor_take(&from, 1);
        if (y->dtype == TG_F32)
            ((float *)line)[j * stride] += *(const float *)value;
        else
            ((double *)line)[j * stride] += *(const double *)value;
    }
    return true;
}

static void put_along_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_take_along(dy, c->x[1], ((const struct along *)c->attr)->axis);
}

const struct tg_op tg_op_put_along = {.name = "put_along",
                                      .kind = TG_OTHER,
                                      .n_inputs = 2,
                                      .attr_size = sizeof(struct along),
                                      .infer = put_along_infer,
                                      .forward = put_along_forward,
                                      .backward = put_along_backward};

tg_tensor tg_put_along_at(const char *where, tg_tensor values, tg_tensor index, int axis, int64_t size) {
    tg_tensor inputs[2] = {values, index};
    const struct along along = {.axis = axis, .size = size};
    return tg_apply_at(where, &tg_op_put_along, 2, inputs, &along);
}
