/* slicing.c: parts of a tensor, and tensors put together.
 *
 * Owns: slice, unslice (its adjoint) and concat, whose gradient is slices. All three see a part of an axis as
 * a view; two of them write to it. Must not know dtypes: elements are copied, never looked at. */
#include "ops/axes.h"
#include "ops/descriptors.h"
#include "ops/views.h"

#include <string.h>

/* Elements start, start + step, ... of an axis, `count` of them; the axis has `size`. Every such element is
 * there: start and start + (count - 1) step lie in 0..size-1, and start = 0 when count is 0. */
struct span { /* without padding: the bytes of attributes are compared */
    int64_t axis, start, step, count, size;
};

/* The strides and first element of a part of an array; its shape is the caller's. */
static void *span_view(const struct span *span, const tg_array *whole, int64_t *strides) {
    for (int i = 0; i < whole->rank; i++) strides[i] = whole->strides[i];
    const int64_t offset = span->start * strides[span->axis];
    strides[span->axis] *= span->step;
    return tg_array_size(whole) ? (char *)whole->data + offset * (int64_t)tg_dtype_size(whole->dtype)
                                : whole->data;
}

/* Copies an array to its place in the output of a call. */
static void write_span(const tg_call *c, const struct span *span, const tg_array *from) {
    int64_t strides[TG_MAX_RANK];
    void *data = span_view(span, &c->out, strides);
    const tg_array to = {data, from->shape, strides, from->rank, from->dtype};
    if (tg_array_size(from)) tg_array_copy(&to, from);
}

/* --- slice: y = x[start : stop : step] along an axis; dx = zeros with dy in its place ------------------- */

/* An attribute says which length its axis has; it is the builder's, but tg_apply can be given any. */
static bool span_fits(const tg_call *c, int64_t length) {
    const struct span *span = c->attr;
    if (span->axis < c->in[0].rank && c->in[0].shape[span->axis] == length) return true;
    char text[TG_SHAPE_TEXT];
    return tg_fail(c, TG_ERR_SHAPE, "the attribute is for %lld elements along axis %d; the input is %s",
                   (long long)length, (int)span->axis,
                   tg_shape_format(tg_array_shape(&c->in[0]), sizeof text, text));
}

static bool slice_infer(tg_call *c) {
    const struct span *span = c->attr;
    if (!span_fits(c, span->size)) return false;
    c->out_dtype = c->in[0].dtype;
    c->out_shape = tg_array_shape(&c->in[0]);
    c->out_shape.dim[span->axis] = span->count;
    return true;
}

static bool slice_view(tg_call *c, int64_t *strides) {
    c->out.data = span_view(c->attr, &c->in[0], strides);
    return true;
}

static void slice_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_apply_1(c->where, &tg_op_unslice, dy, c->attr);
}

const struct tg_op tg_op_slice = {
    .name = "slice",
    .kind = TG_VIEW,
    .n_inputs = 1,
    .attr_size = sizeof(struct span),
    .infer = slice_infer,
    .view = slice_view,
    .backward = slice_backward,
};

/* An index as Python takes it: from the end when negative, then no further out than a step past the ends. */
static int64_t clip(int64_t index, int64_t size, bool backwards) {
    const int64_t first = backwards ? -1 : 0, last = backwards ? size - 1 : size;
    if (index < 0) index += size;
    return index < first ? first : index > last ? last : index;
}

/* x[start : stop : step] of an axis of `size` elements. */
static struct span span_of(int axis, int64_t size, int64_t start, int64_t stop, int64_t step) {
    const bool backwards = step < 0;
    const int64_t first = start != TG_END ? clip(start, size, backwards) : backwards ? size - 1 : 0;
    const int64_t end = stop != TG_END ? clip(stop, size, backwards) : backwards ? -1 : size;
    const int64_t distance = backwards ? first - end : end - first;
    if (step < -INT64_MAX) step = -INT64_MAX;
    const int64_t stride = backwards ? -step : step;
    const int64_t count = distance > 0 ? (distance - 1) / stride + 1 : 0;
    return (struct span){axis, count ? first : 0, count > 1 ? step : 1, count, size};
}

tg_tensor tg_slice_at(const char *where, tg_tensor x, int axis, int64_t start, int64_t stop, int64_t step) {
    if (!tg_is_valid(x)) return tg_apply_1(where, &tg_op_slice, x, NULL);
    const tg_shape shape = tg_shape_of_at(where, x);
    const int at = tg_resolve_axis(x.tape, where, "slice", axis, shape);
    if (at < 0) return tg_refused(x.tape);
    if (step == 0) {
        tg_tape_fail(x.tape, TG_ERR_VALUE, where, "slice: the step is 0");
        return tg_refused(x.tape);
    }
    const struct span span = span_of(at, shape.dim[at], start, stop, step);
    return tg_apply_1(where, &tg_op_slice, x, &span);
}

/* --- unslice: y = zeros with x where slice took it from; dx = that slice of dy -------------------------- */

static bool unslice_infer(tg_call *c) {
    const struct span *span = c->attr;
    if (!span_fits(c, span->count)) return false;
    c->out_dtype = c->in[0].dtype;
    c->out_shape = tg_array_shape(&c->in[0]);
    c->out_shape.dim[span->axis] = span->size;
    return true;
}

static bool unslice_forward(const tg_call *c) {
    const size_t bytes = (size_t)tg_array_size(&c->out) * tg_dtype_size(c->out.dtype);
    if (bytes) memset(c->out.data, 0, bytes);
    write_span(c, c->attr, &c->in[0]);
    return true;
}

static void unslice_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_apply_1(c->where, &tg_op_slice, dy, c->attr);
}

const struct tg_op tg_op_unslice = {
    .name = "unslice",
    .kind = TG_OTHER,
    .n_inputs = 1,
    .attr_size = sizeof(struct span),
    .infer = unslice_infer,
    .forward = unslice_forward,
    .backward = unslice_backward,
};

/* --- concat: y = x_0, x_1, ... one after the other along an axis; dx_i = that part of dy ---------------- */

static bool concat_infer(tg_call *c) {
    const int axis = *(const int *)c->attr;
    char text[2][TG_SHAPE_TEXT];
    c->out_dtype = c->in[0].dtype;
    c->out_shape = tg_array_shape(&c->in[0]);
    if (c->out_shape.rank == 0) return tg_fail(c, TG_ERR_SHAPE, "a scalar has no axis to join along");
    for (int i = 1; i < c->n_in; i++) {
        if (!tg_expect_dtype(c, i, c->out_dtype)) return false;
        const tg_shape next = tg_array_shape(&c->in[i]);
        tg_shape aligned = next;
        aligned.dim[axis] = c->out_shape.dim[axis];
        if (next.rank != c->out_shape.rank || !tg_shape_equal(aligned, c->out_shape)) {
            const tg_shape first = tg_array_shape(&c->in[0]);
            return tg_fail(c, TG_ERR_SHAPE, "input 0 is %s and input %d is %s: only axis %d may differ",
                           tg_shape_format(first, sizeof text[0], text[0]), i,
                           tg_shape_format(next, sizeof text[1], text[1]), axis);
        }
        if (__builtin_add_overflow(c->out_shape.dim[axis], next.dim[axis], &c->out_shape.dim[axis]))
            return tg_fail(c, TG_ERR_MEMORY, "the result is larger than memory can be");
    }
    return true;
}

/* The span of an input of `count` elements, after those that begin at start. */
static struct span part_of(const tg_call *c, int64_t start, int64_t count, int64_t size) {
    return (struct span){*(const int *)c->attr, count ? start : 0, 1, count, size};
}

static bool concat_forward(const tg_call *c) {
    const int axis = *(const int *)c->attr;
    int64_t start = 0;
    for (int i = 0; i < c->n_in; start += c->in[i++].shape[axis]) {
        const struct span part = part_of(c, start, c->in[i].shape[axis], c->out.shape[axis]);
        write_span(c, &part, &c->in[i]);
    }
    return true;
}

static void concat_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const int axis = *(const int *)c->attr;
    const int64_t size = tg_dim(dy, axis);
    int64_t start = 0;
    for (int i = 0; i < c->n_in; i++) {
        const int64_t count = tg_dim(c->x[i], axis);
        const struct span part = part_of(c, start, count, size);
        if (tg_needs_grad(c, i)) dx[i] = tg_apply_1(c->where, &tg_op_slice, dy, &part);
        start += count;
    }
}

const struct tg_op tg_op_concat = {
    .name = "concat",
    .kind = TG_OTHER,
    .n_inputs = -1,
    .attr_size = sizeof(int),
    .infer = concat_infer,
    .forward = concat_forward,
    .backward = concat_backward,
};

tg_tensor tg_concat_at(const char *where, int n, const tg_tensor *xs, int axis) {
    int at = 0;
    if (n > 0 && tg_is_valid(xs[0]) && tg_shape_of_at(where, xs[0]).rank > 0) {
        at = tg_resolve_axis(xs[0].tape, where, "concat", axis, tg_shape_of_at(where, xs[0]));
        if (at < 0) return tg_refused(xs[0].tape);
    }
    return tg_apply_at(where, &tg_op_concat, n, xs, &at);
}
