/* assign.c: changing a leaf by a value that was computed, as an operation of its own.
 *
 * Owns: tg_assign. It is the one operation that is not pure: its node shows the leaf's memory, and a plan
 * that has the node among its outputs makes the change again. Must not know how plans order it. */
#include "graph/node.h"

/* Whether the values of x lie, all or in part, in the memory of the leaf, otherwise than as the leaf itself.
 */
static bool overlaps(const tg_array *leaf, const tg_array *x) {
    const int64_t element = (int64_t)tg_dtype_size(x->dtype);
    int64_t low = 0, high = element;
    for (int i = 0; i < x->rank; i++) {
        const int64_t reach = (x->shape[i] - 1) * x->strides[i] * element;
        if (reach < 0)
            low += reach;
        else
            high += reach;
    }
    const uintptr_t begin = (uintptr_t)leaf->data, at = (uintptr_t)x->data;
    const uintptr_t end = begin + (uintptr_t)(tg_array_size(leaf) * element);
    return at + (uintptr_t)low < end && at + (uintptr_t)high > begin;
}

static bool is_same(const tg_array *a, const tg_array *b) {
    return a->data == b->data && tg_array_is_contiguous(b);
}

/* out is in[0], the leaf; a value made of the leaf itself, such as its transpose, is read whole before it is
 * written. */
static bool assign_forward(const tg_call *c) {
    tg_array from = c->in[1];
    int64_t strides[TG_MAX_RANK];
    const int64_t size = tg_array_size(&c->out);
    if (size == 0 || is_same(&c->out, &from)) return true;
    if (overlaps(&c->out, &from)) {
        void *copy = tg_call_scratch(c, (size_t)size * tg_dtype_size(from.dtype));
        if (!copy) return false;
        tg_strides_contiguous(tg_array_shape(&from), strides);
        from.data = copy;
        from.strides = strides;
        tg_array_copy(&from, &c->in[1]);
    }
    tg_array_copy(&c->out, &from);
    return true;
}

static bool assign_infer(tg_call *c) {
    return tg_fail(c, TG_ERR_OP, "is recorded by tg_assign alone, not by tg_apply");
}

const struct tg_op tg_assign_op = {.name = "assign",
                                   .kind = TG_OTHER,
                                   .n_inputs = 2,
                                   .infer = assign_infer,
                                   .forward = assign_forward,
                                   .backward = TG_NOT_DIFFERENTIABLE};

/* Whether value can be assigned to leaf; else an error. */
static bool fits(const char *where, tg_tensor leaf, tg_tensor value) {
    const tg_node *to = tg_node_of(where, "assign", leaf), *from = tg_node_of(where, "assign", value);
    if (!to || !from) {
        tg_tape *any = to ? leaf.tape : from ? value.tape : NULL; /* else the tapes, if any, know already */
        tg_tape_fail(any, TG_ERR_HANDLE, where, "assign: the %s is not a tensor of this tape",
                     to ? "value" : "leaf");
        return false;
    }
    if (leaf.tape != value.tape) {
        tg_tape_fail(leaf.tape, TG_ERR_HANDLE, where, "assign: the tensors are on two tapes");
        return false;
    }
    const tg_array a = tg_node_array(to), b = tg_node_array(from);
    if (a.dtype == b.dtype && tg_shape_equal(tg_array_shape(&a), tg_array_shape(&b))) return true;
    char to_text[TG_SHAPE_TEXT], from_text[TG_SHAPE_TEXT];
    tg_tape_fail(leaf.tape, a.dtype != b.dtype ? TG_ERR_DTYPE : TG_ERR_SHAPE, where,
                 "assign: %s %s does not fit a leaf that is %s %s", tg_dtype_name(b.dtype),
                 tg_shape_format(tg_array_shape(&b), sizeof from_text, from_text), tg_dtype_name(a.dtype),
                 tg_shape_format(tg_array_shape(&a), sizeof to_text, to_text));
    return false;
}

/* The node: a view of the leaf, a constant to differentiation. */
static tg_node *record(tg_tape *tape, const char *where, const tg_node *leaf, tg_tensor to, tg_tensor from) {
    tg_node *node = tg_node_new(tape, where, &tg_assign_op, (tg_dtype)leaf->dtype, leaf->rank);
    if (!node) return NULL;
    if (leaf->rank) node->here.dims = leaf->here.dims;
    node->data = leaf->data;
    node->in.few[0] = to.node;
    node->in.few[1] = from.node;
    node->n_in = 2;
    node->flags = TG_NODE_VIEW | TG_NODE_BARRIER;
    return node;
}

tg_tensor tg_assign_at(const char *where, tg_tensor leaf, tg_tensor value) {
    if (!fits(where, leaf, value))
        return leaf.tape && !tg_is_num(leaf) ? tg_invalid(leaf.tape) : (tg_tensor){0};
    tg_tape *tape = leaf.tape;
    const tg_node *to = tg_leaf_node(where, "assign", leaf);
    if (!to) return tg_invalid(tape);
    const bool now = tape->values_on && tg_node_has_values(tape, tg_node_at(tape, value.node));
    if (now) tg_leaf_change(tape, to->extra.leaf, where);
    if (!record(tape, where, to, leaf, value)) return tg_invalid(tape);
    if (!now) return tg_handle(tape, tape->n_nodes - 1);
    const tg_array arrays[2] = {tg_node_array(to), tg_node_array(tg_node_at(tape, value.node))};
    const tg_call call = {
        .op = &tg_assign_op, .tape = tape, .where = where, .n_in = 2, .in = arrays, .out = arrays[0]};
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    const bool done = assign_forward(&call);
    tg_arena_rewind(&tape->scratch, before);
    if (done) return tg_handle(tape, tape->n_nodes - 1);
    tg_node_drop(tape);
    return tg_invalid(tape);
}
