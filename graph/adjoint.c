/* adjoint.c: the operations that differentiation itself needs, and detach.
 *
 * Owns: accumulate (the sum of cotangents that meet), sum_to and broadcast_to (adjoint to each other),
 * detach. They live beside the tape because no gradient can be formed without them. */
#include "core/reduce_kernels.h"
#include "graph/node.h"

#include <string.h>

/* --- accumulate: y = x0 + x1 + ... ---------------------------------------------------------------------- */

static void accumulate_f32(int64_t n, void *out, const void *const *in, const void *attr) {
    tg_accumulate_f32(n, out, in, *(const int *)attr);
}
static void accumulate_f64(int64_t n, void *out, const void *const *in, const void *attr) {
    tg_accumulate_f64(n, out, in, *(const int *)attr);
}

static void accumulate_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    for (int i = 0; i < c->n_in; i++) dx[i] = dy;
}

const struct tg_op tg_accumulate_op = {.name = "accumulate",
                                       .kind = TG_MAP,
                                       .n_inputs = -1,
                                       .attr_size = sizeof(int),
                                       .arithmetic = TG_ADD,
                                       .map_f32 = accumulate_f32,
                                       .map_f64 = accumulate_f64,
                                       .backward = accumulate_backward};

/* More than TG_MAX_MAP_INPUTS tensors are summed as a tree, so that the error grows with log n. */
tg_tensor tg_accumulate_at(const char *where, int n, const tg_tensor *xs) {
    if (n <= TG_MAX_MAP_INPUTS) return tg_apply_at(where, &tg_accumulate_op, n, xs, &n);
    tg_tape *tape = NULL;
    for (int i = 0; i < n && !tape; i++)
        if (!tg_is_num(xs[i])) tape = xs[i].tape;
    if (!tape) return (tg_tensor){0};
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    tg_tensor *level = tg_arena_alloc(&tape->scratch, (size_t)n * sizeof *level, 64);
    if (!level) {
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "accumulate: out of memory for %d tensors", n);
        return tg_invalid(tape);
    }
    memcpy(level, xs, (size_t)n * sizeof *level);
    while (n > 1) {
        int made = 0;
        for (int i = 0; i < n; i += TG_MAX_MAP_INPUTS) {
            const int group = n - i < TG_MAX_MAP_INPUTS ? n - i : TG_MAX_MAP_INPUTS;
            level[made++] =
                group == 1 ? level[i] : tg_apply_at(where, &tg_accumulate_op, group, level + i, &group);
        }
        n = made;
    }
    const tg_tensor sum = level[0];
    tg_arena_rewind(&tape->scratch, before);
    return sum;
}

/* --- sum_to: y = x summed over the axes that broadcasting would have expanded --------------------------- */

typedef struct sum_to_attr {
    tg_reduction reduction; /* first: what TG_REDUCE reads */
    tg_shape shape;
} sum_to_attr;

static bool sum_to_infer(tg_call *c) {
    const sum_to_attr *attr = c->attr;
    const tg_shape from = tg_array_shape(&c->in[0]);
    tg_shape both;
    if (!tg_expect_dtype(c, 0, c->tape->dtype)) return false;
    c->out_shape = attr->shape;
    if (tg_shape_broadcast(attr->shape, from, &both) && tg_shape_equal(both, from)) return true;
    char text[2][TG_SHAPE_TEXT];
    return tg_fail(c, TG_ERR_SHAPE, "%s cannot be summed to %s: the second does not broadcast to the first",
                   tg_shape_format(from, sizeof text[0], text[0]),
                   tg_shape_format(attr->shape, sizeof text[1], text[1]));
}

static void sum_to_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_broadcast_to(dy, tg_array_shape(&c->in[0]));
}

static const struct tg_op sum_to = {.name = "sum_to",
                                    .kind = TG_REDUCE,
                                    .n_inputs = 1,
                                    .attr_size = sizeof(sum_to_attr),
                                    .infer = sum_to_infer,
                                    .reduce_f32 = &tg_sum_kernels_f32,
                                    .reduce_f64 = &tg_sum_kernels_f64,
                                    .has_identity = true,
                                    .backward = sum_to_backward};

/* The axes of `from` that are missing in `to`, or 1 there and not here. */
static unsigned expanded_axes(tg_shape from, tg_shape to) {
    const int lead = from.rank - to.rank;
    unsigned mask = 0;
    for (int i = 0; i < from.rank; i++)
        if (i < lead || (to.dim[i - lead] == 1 && from.dim[i] != 1)) mask |= 1U << i;
    return mask;
}

tg_tensor tg_sum_to_at(const char *where, tg_tensor x, tg_shape shape) {
    sum_to_attr attr;
    memset(&attr, 0, sizeof attr);
    tg_shape_copy(&attr.shape, shape);
    if (tg_is_valid(x)) {
        const tg_array array = tg_node_array(tg_node_at(x.tape, x.node));
        if (tg_shape_equal(tg_array_shape(&array), shape)) return x;
        if (shape.rank >= 0 && shape.rank <= array.rank)
            attr.reduction.mask = expanded_axes(tg_array_shape(&array), shape);
    }
    return tg_apply_1(where, &sum_to, x, &attr);
}

/* --- broadcast_to: y = x, seen in a larger shape -------------------------------------------------------- */

static bool broadcast_to_infer(tg_call *c) {
    const tg_shape *shape = c->attr;
    const tg_shape from = tg_array_shape(&c->in[0]);
    tg_shape both;
    c->out_shape = *shape;
    c->out_dtype = c->in[0].dtype;
    if (tg_shape_broadcast(from, *shape, &both) && tg_shape_equal(both, *shape)) return true;
    char text[2][TG_SHAPE_TEXT];
    return tg_fail(c, TG_ERR_SHAPE, "%s does not broadcast to %s",
                   tg_shape_format(from, sizeof text[0], text[0]),
                   tg_shape_format(*shape, sizeof text[1], text[1]));
}

static bool broadcast_to_view(tg_call *c, int64_t *strides) {
    const tg_array *in = &c->in[0];
    const int lead = c->out_shape.rank - in->rank;
    for (int i = 0; i < c->out_shape.rank; i++)
        strides[i] =
            i < lead || (in->shape[i - lead] == 1 && c->out_shape.dim[i] != 1) ? 0 : in->strides[i - lead];
    c->out.data = in->data;
    return true;
}

static void broadcast_to_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = dy; /* the library sums it to x's shape */
}

static const struct tg_op broadcast_to = {.name = "broadcast_to",
                                          .kind = TG_VIEW,
                                          .n_inputs = 1,
                                          .attr_size = sizeof(tg_shape),
                                          .infer = broadcast_to_infer,
                                          .view = broadcast_to_view,
                                          .backward = broadcast_to_backward};

tg_tensor tg_broadcast_to_at(const char *where, tg_tensor x, tg_shape shape) {
    if (tg_is_valid(x)) {
        const tg_array array = tg_node_array(tg_node_at(x.tape, x.node));
        if (tg_shape_equal(tg_array_shape(&array), shape)) return x;
    }
    tg_shape attr;
    tg_shape_copy(&attr, shape);
    return tg_apply_1(where, &broadcast_to, x, &attr);
}

/* --- detach: y = x, a constant to differentiation ------------------------------------------------------- */

static bool detach_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    c->out_dtype = c->in[0].dtype;
    return true;
}

static bool detach_view(tg_call *c, int64_t *strides) {
    if (c->in[0].rank) memcpy(strides, c->in[0].strides, (size_t)c->in[0].rank * sizeof *strides);
    c->out.data = c->in[0].data;
    return true;
}

static const struct tg_op detach = {.name = "detach",
                                    .kind = TG_VIEW,
                                    .n_inputs = 1,
                                    .infer = detach_infer,
                                    .view = detach_view,
                                    .backward = TG_NOT_DIFFERENTIABLE};

tg_tensor tg_detach_at(const char *where, tg_tensor x) {
    if (!x.tape || tg_is_num(x)) return x;
    const bool was = tg_tape_set_grad(x.tape, false);
    const tg_tensor y = tg_apply_1(where, &detach, x, NULL);
    tg_tape_set_grad(x.tape, was);
    return y;
}
