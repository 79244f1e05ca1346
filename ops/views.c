/* views.c: the same elements in another shape or order.
 *
 * Owns: reshape and permute, and what is made of them: transpose, expand, squeeze, unsqueeze. A view is a
 * data pointer and strides; where none can show the elements, view() says so and the library copies them.
 * Must not know dtypes: no element is looked at. */
#include "ops/views.h"

#include "graph/gradient.h"
#include "ops/axes.h"
#include "ops/descriptors.h"

/* --- reshape: y holds the elements of x in row-major order; dx = dy in the shape of x ------------------- */

/* Works out the dimension that is -1; false when there is none to fit. */
static bool fill_in(tg_shape *shape, int64_t size) {
    int unknown = -1;
    tg_shape known = *shape;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] != -1) continue;
        if (unknown >= 0) return false;
        unknown = i;
        known.dim[i] = 1;
    }
    if (unknown < 0) return true;
    const int64_t rest = tg_shape_size(known);
    if (rest <= 0 || size % rest) return false;
    shape->dim[unknown] = size / rest;
    return true;
}

static bool reshape_infer(tg_call *c) {
    const tg_shape old = tg_array_shape(&c->in[0]), *asked = c->attr;
    const int64_t size = tg_shape_size(old);
    char text[2][TG_SHAPE_TEXT];
    if (asked->rank < 0 || asked->rank > TG_MAX_RANK)
        return tg_fail(c, TG_ERR_SHAPE, "rank %d is not in 0..%d", asked->rank, TG_MAX_RANK);
    c->out_dtype = c->in[0].dtype;
    c->out_shape = *asked;
    if (fill_in(&c->out_shape, size) && tg_shape_size(c->out_shape) == size) return true;
    return tg_fail(c, TG_ERR_SHAPE, "%s has %lld elements and does not fit into %s",
                   tg_shape_format(old, sizeof text[0], text[0]), (long long)size,
                   tg_shape_format(*asked, sizeof text[1], text[1]));
}

/* Splits both shapes into the smallest groups of axes with equal numbers of elements: [4, 6] and [2, 2, 3, 2]
 * into [4] = [2, 2] and [6] = [3, 2]. The axes of a group can be divided anew when each steps over the whole
 * of the next (NumPy's rule). Axes of size 1 have no steps. */
static bool reshape_view(tg_call *c, int64_t *strides) {
    const tg_array *x = &c->in[0];
    const tg_shape new = c->out_shape;
    int64_t dim[TG_MAX_RANK], step[TG_MAX_RANK];
    int rank = 0, from = 0, to = 0;
    c->out.data = x->data;
    tg_strides_contiguous(new, strides);
    if (tg_shape_size(new) == 0) return true;
    for (int i = 0; i < x->rank; i++)
        if (x->shape[i] != 1) dim[rank] = x->shape[i], step[rank++] = x->strides[i];
    while (from < rank) {
        int from_end = from + 1, to_end = to + 1;
        for (int64_t n_from = dim[from], n_to = new.dim[to]; n_from != n_to;) {
            if (n_from < n_to)
                n_from *= dim[from_end++];
            else
                n_to *= new.dim[to_end++];
        }
        for (int i = from; i + 1 < from_end; i++)
            if (step[i] != step[i + 1] * dim[i + 1]) return false;
        int64_t stride = step[from_end - 1];
        for (int i = to_end - 1; i >= to; stride *= new.dim[i--]) strides[i] = stride;
        from = from_end, to = to_end;
    }
    return true;
}

static void reshape_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_reshape(dy, tg_shape_of(c->x[0]));
}

const struct tg_op tg_op_reshape = {
    .name = "reshape",
    .kind = TG_VIEW,
    .n_inputs = 1,
    .attr_size = sizeof(tg_shape),
    .infer = reshape_infer,
    .view = reshape_view,
    .backward = reshape_backward,
};

tg_tensor tg_reshape_at(const char *where, tg_tensor x, tg_shape shape) {
    tg_shape attr;
    tg_shape_copy(&attr, shape);
    return tg_apply_1(where, &tg_op_reshape, x, &attr);
}

tg_tensor tg_squeeze_at(const char *where, tg_tensor x, tg_axes axes) {
    if (!tg_is_valid(x)) return tg_reshape_at(where, x, TG_SCALAR);
    const tg_shape shape = tg_shape_of_at(where, x);
    unsigned mask;
    if (!tg_resolve_axes(x.tape, where, "squeeze", axes, shape, &mask)) return tg_refused(x.tape);
    for (int i = 0; i < shape.rank; i++) {
        if (!(mask & 1u << i) || shape.dim[i] == 1) continue;
        char text[TG_SHAPE_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "squeeze: axis %d of %s has %lld elements, not 1", i,
                     tg_shape_format(shape, sizeof text, text), (long long)shape.dim[i]);
        return tg_refused(x.tape);
    }
    return tg_reshape_at(where, x, tg_shape_reduced(shape, mask, false));
}

tg_tensor tg_unsqueeze_at(const char *where, tg_tensor x, int axis) {
    if (!tg_is_valid(x)) return tg_reshape_at(where, x, TG_SCALAR);
    const tg_shape shape = tg_shape_of_at(where, x);
    tg_shape wider = {.rank = shape.rank + 1};
    if (wider.rank > TG_MAX_RANK) {
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "unsqueeze: the rank is %d already, which is the highest",
                     shape.rank);
        return tg_refused(x.tape);
    }
    const int at = tg_axis_normalize(axis, wider.rank);
    if (at < 0) {
        char text[TG_SHAPE_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where,
                     "unsqueeze: axis %d is out of range for rank %d, what %s gets", axis, wider.rank,
                     tg_shape_format(shape, sizeof text, text));
        return tg_refused(x.tape);
    }
    for (int i = 0; i < wider.rank; i++) wider.dim[i] = i == at ? 1 : shape.dim[i < at ? i : i - 1];
    return tg_reshape_at(where, x, wider);
}

/* --- permute: axis i of y is axis axes[i] of x; dx = dy with the axes put back -------------------------- */

static bool permute_infer(tg_call *c) {
    const tg_axes *axes = c->attr;
    if (axes->n != c->in[0].rank)
        return tg_fail(c, TG_ERR_SHAPE, "%d axes are not those of an input of rank %d", axes->n,
                       c->in[0].rank);
    c->out_dtype = c->in[0].dtype;
    c->out_shape = (tg_shape){.rank = axes->n};
    for (int i = 0; i < axes->n; i++) c->out_shape.dim[i] = c->in[0].shape[axes->axis[i]];
    return true;
}

static bool permute_view(tg_call *c, int64_t *strides) {
    const tg_axes *axes = c->attr;
    c->out.data = c->in[0].data;
    for (int i = 0; i < axes->n; i++) strides[i] = c->in[0].strides[axes->axis[i]];
    return true;
}

static void permute_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_axes *axes = c->attr;
    tg_axes back = {.n = axes->n};
    for (int i = 0; i < axes->n; i++) back.axis[axes->axis[i]] = i;
    dx[0] = tg_permute(dy, back);
}

const struct tg_op tg_op_permute = {
    .name = "permute",
    .kind = TG_VIEW,
    .n_inputs = 1,
    .attr_size = sizeof(tg_axes),
    .infer = permute_infer,
    .view = permute_view,
    .backward = permute_backward,
};

tg_tensor tg_permute_at(const char *where, tg_tensor x, tg_axes axes) {
    if (!tg_is_valid(x)) return tg_apply_1(where, &tg_op_permute, x, &axes);
    const tg_shape shape = tg_shape_of_at(where, x);
    unsigned mask;
    if (!tg_resolve_axes(x.tape, where, "permute", axes, shape, &mask)) return tg_refused(x.tape);
    if (axes.n != shape.rank) {
        char text[TG_SHAPE_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "permute: %d axes given for the %d of %s", axes.n,
                     shape.rank, tg_shape_format(shape, sizeof text, text));
        return tg_refused(x.tape);
    }
    for (int i = 0; i < axes.n; i++) axes.axis[i] = tg_axis_normalize(axes.axis[i], shape.rank);
    return tg_apply_1(where, &tg_op_permute, x, &axes);
}

tg_tensor tg_transpose_at(const char *where, tg_tensor x) {
    tg_axes axes = {.n = tg_is_valid(x) ? tg_shape_of_at(where, x).rank : 0};
    if (tg_is_valid(x) && axes.n < 2) {
        char text[TG_SHAPE_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "transpose: needs at least 2 axes, got %s",
                     tg_shape_format(tg_shape_of_at(where, x), sizeof text, text));
        return tg_refused(x.tape);
    }
    for (int i = 0; i < axes.n; i++) axes.axis[i] = i < axes.n - 2 ? i : 2 * axes.n - 3 - i;
    return tg_apply_1(where, &tg_op_permute, x, &axes);
}

/* --- expand: broadcast_to, which belongs to graph/, with -1 for what stays ------------------------------ */

tg_tensor tg_expand_at(const char *where, tg_tensor x, tg_shape shape) {
    if (!tg_is_valid(x) || shape.rank < 0 || shape.rank > TG_MAX_RANK)
        return tg_broadcast_to_at(where, x, shape);
    const tg_shape old = tg_shape_of_at(where, x);
    const int added = shape.rank - old.rank;
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dim[i] != -1) continue;
        if (i < added) {
            char text[2][TG_SHAPE_TEXT];
            tg_tape_fail(x.tape, TG_ERR_SHAPE, where,
                         "expand: -1 in %s stands for an axis that %s does not have",
                         tg_shape_format(shape, sizeof text[0], text[0]),
                         tg_shape_format(old, sizeof text[1], text[1]));
            return tg_refused(x.tape);
        }
        if (added >= 0) shape.dim[i] = old.dim[i - added];
    }
    return tg_broadcast_to_at(where, x, shape);
}
