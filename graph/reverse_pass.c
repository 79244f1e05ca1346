/* reverse_pass.c: the reverse pass: one loop over the tape, no recursion.
 *
 * An operation's backward writes operations on the same tape; this file only brings them the cotangents,
 * which cotangent.c keeps and sums where paths meet, and takes from them what they hand on. */
#include "graph/reverse_pass.h"

#include <string.h>

static bool out_of_memory(const tg_pass *p) {
    tg_tape_fail(p->tape, TG_ERR_MEMORY, p->where, "gradient: out of memory");
    return false;
}

/* Whether the gradient of node i, the input k of the node whose backward runs, is wanted. */
static bool is_wanted(const tg_pass *p, uint32_t i, uint32_t k) {
    if (TG_UNLIKELY(p->alone)) return p->alone_needs[k];
    if (i < p->low) return false;
    return p->reaches ? p->reaches[i - p->low] : tg_node_at(p->tape, i)->flags & TG_NODE_REQUIRES_GRAD;
}

enum { FEW = 8 };

/* --- one operation -------------------------------------------------------------------------------------- */

/* False, with an error, when input k of node i, which shows the values of a leaf, was changed in place after
 * the node was recorded. */
static bool is_unchanged(const tg_pass *p, const tg_node *node, uint32_t i, uint32_t k) {
    const uint32_t in = tg_node_inputs(node)[k], under = tg_leaf_under(p->tape, in);
    if (under == TG_NO_NODE) return true;
    const tg_leaf *leaf = tg_node_at(p->tape, under)->extra.leaf;
    if (p->oldest_reader) p->oldest_reader[under] = i + 1;
    if (!leaf || !tg_leaf_changed_since(leaf, node, i)) return true;
    char text[TG_TEXT];
    tg_tape_fail(
        p->tape, TG_ERR_GRADIENT, p->where,
        "gradient: %s recorded at %s used input %u, %s (made at %s), which was changed in place at %s "
        "since; record it again, or differentiate before the change",
        node->op->name, node->place, (unsigned)k, tg_node_describe(p->tape, in, sizeof text / 2, text),
        tg_node_at(p->tape, in)->place, leaf->changed_at);
    return false;
}

/* What backward is given and writes; n_in of each. */
typedef struct backward_arrays {
    tg_array *in;
    tg_tensor *x, *dx;
    bool *needs;
} backward_arrays;

/* The value, seen in this shape. */
static tg_tensor number(tg_tape *tape, const char *where, double value, tg_shape shape) {
    const uint32_t i = tg_number_node(tape, where, value, tape->dtype);
    return i == TG_NO_NODE ? tg_invalid(tape) : tg_broadcast_to_at(where, tg_handle(tape, i), shape);
}

/* Hands what backward wrote for input k on, summed to the input's shape. */
static TG_INLINE bool hand_on(tg_pass *p, const tg_call *call, uint32_t in, int k, tg_tensor dx) {
    tg_tape *tape = p->tape;
    if (!call->needs[k] || !dx.tape) return true;
    if (TG_UNLIKELY(tg_is_num(dx))) dx = number(tape, call->where, tg_item(dx), tg_array_shape(&call->in[k]));
    bool good = dx.tape == tape && tg_is_living(dx);
    const tg_dtype dtype = good ? (tg_dtype)tg_node_at(tape, dx.node)->dtype : tape->dtype;
    if (TG_UNLIKELY(dtype != tape->dtype))
        return tg_fail(call, TG_ERR_GRADIENT, "backward gave a %s gradient for input %d",
                       tg_dtype_name(dtype), k);
    if (good && (call->in[k].rank || tg_node_at(tape, dx.node)->rank)) {
        dx = tg_sum_to(dx, tg_array_shape(&call->in[k]));
        good = dx.node != TG_NO_NODE;
    }
    if (TG_UNLIKELY(p->alone))
        p->alone[k] = dx;
    else
        good = good && tg_cotangent_add(&p->cotangents, in, dx.node);
    if (good) return true;
    return tg_fail(call, TG_ERR_GRADIENT, "backward gave an invalid gradient for input %d", k);
}

/* What a backward writes must not depend on values, which may not be there yet. */
static TG_INLINE tg_array without_data(tg_array array) {
    array.data = NULL;
    return array;
}

/* Runs the backward of node i, which has n inputs, and hands its gradients on. */
static TG_INLINE bool run_backward(tg_pass *p, uint32_t i, uint32_t n, tg_tensor dy,
                                   const backward_arrays *a) {
    tg_tape *tape = p->tape;
    const tg_node *node = tg_node_at(tape, i);
    const uint32_t *in = tg_node_inputs(node);
    bool any = false;
    for (uint32_t k = 0; k < n; k++) {
        const tg_node *input = tg_node_at(tape, in[k]);
        a->in[k] = without_data(tg_node_array(input));
        a->x[k] = (tg_tensor){tape, in[k], (uint32_t)input->epoch};
        a->dx[k] = (tg_tensor){0};
        any |= a->needs[k] = is_wanted(p, in[k], k) && tg_dtype_is_value((tg_dtype)input->dtype);
    }
    if (!any) return true;
    /* A view shows its leaf as it is now, so only what computed from values can be outdated. */
    for (uint32_t k = 0; k < n && !(node->flags & TG_NODE_VIEW); k++) {
        const tg_node *input = tg_node_at(tape, in[k]);
        const tg_leaf *leaf = input->op ? NULL : input->extra.leaf;
        const bool shows_leaf = leaf ? leaf->changed_at || p->oldest_reader : input->flags & TG_NODE_VIEW;
        if (shows_leaf && !is_unchanged(p, node, i, k)) return false;
    }
    const char *place = tape->place, *backward_of = tape->backward_of;
    tape->place = node->place;
    tape->backward_of = node->op->name;
    const tg_call call = {.op = node->op,
                          .tape = tape,
                          .where = node->place,
                          .n_in = (int)n,
                          .in = a->in,
                          .attr = node->op->attr_size ? node->extra.attr : NULL,
                          .out = without_data(tg_node_array(node)),
                          .x = a->x,
                          .y = {tape, i, (uint32_t)node->epoch},
                          .needs = a->needs};
    node->op->backward(&call, dy, a->dx);
    bool good = tape->status == TG_OK;
    for (uint32_t k = 0; good && k < n; k++) good = hand_on(p, &call, in[k], (int)k, a->dx[k]);
    tape->place = place;
    tape->backward_of = backward_of;
    return good;
}

static bool propagate(tg_pass *p, uint32_t i, tg_tensor dy) {
    const uint32_t n = tg_node_at(p->tape, i)->n_in;
    tg_array in[FEW];
    tg_tensor x[FEW], dx[FEW];
    bool needs[FEW];
    backward_arrays arrays = {in, x, dx, needs};
    if (n == 1)
        return run_backward(p, i, 1, dy, &arrays); /* constants, for the compiler to unroll the loops */
    if (n == 2) return run_backward(p, i, 2, dy, &arrays);
    if (n > FEW) {
        arrays = (backward_arrays){.in = tg_arena_alloc(&p->tape->scratch, n * sizeof *arrays.in, 64),
                                   .x = tg_arena_alloc(&p->tape->scratch, n * sizeof *arrays.x, 64),
                                   .dx = tg_arena_alloc(&p->tape->scratch, n * sizeof *arrays.dx, 64),
                                   .needs = tg_arena_alloc(&p->tape->scratch, n * sizeof *arrays.needs, 64)};
        if (!arrays.in || !arrays.x || !arrays.dx || !arrays.needs) return out_of_memory(p);
    }
    return run_backward(p, i, n, dy, &arrays);
}

bool tg_node_gradients(const char *where, tg_tensor y, tg_tensor dy, const bool *needs, tg_tensor *dx) {
    const uint32_t n = tg_node_at(y.tape, y.node)->n_in;
    tg_pass p = {.tape = y.tape, .where = where, .high = y.node, .alone = dx, .alone_needs = needs};
    for (uint32_t k = 0; k < n; k++) dx[k] = (tg_tensor){0};
    const tg_arena_position scratch = tg_arena_here(&y.tape->scratch);
    const bool was = tg_tape_set_grad(y.tape, true); /* a backward may itself ask for gradients */
    const bool good = propagate(&p, y.node, dy);
    tg_tape_set_grad(y.tape, was);
    tg_arena_rewind(&y.tape->scratch, scratch);
    return good;
}

/* --- the reverse pass ----------------------------------------------------------------------------------- */

/* Why y cannot be differentiated with this cotangent, as an error on the tape. */
static tg_tensor refuse_cotangent(const char *where, tg_tensor y, const tg_tensor *given) {
    tg_tape *tape = y.tape;
    const tg_array array = tg_node_array(tg_node_at(tape, y.node));
    char text[TG_TEXT], other[TG_SHAPE_TEXT];
    tg_node_describe(tape, y.node, sizeof text / 2, text);
    if (!tg_dtype_is_value(array.dtype)) {
        tg_tape_fail(tape, TG_ERR_DTYPE, where, "gradient: y is %s: %s cannot be differentiated", text,
                     tg_dtype_name(array.dtype));
    } else if (!given) {
        tg_tape_fail(tape, TG_ERR_SHAPE, where,
                     "gradient: y is %s, not one number; take its tg_sum or tg_mean, or give a cotangent",
                     text);
    } else if (given->tape != tape) {
        tg_tape_fail(tape, TG_ERR_HANDLE, where, "gradient: the cotangent is not a tensor of y's tape");
    } else {
        const tg_node *node = tg_node_of(where, "gradient: cotangent", *given);
        const tg_array from = node ? tg_node_array(node) : array;
        tg_tape_fail(tape, TG_ERR_SHAPE, where, "gradient: the cotangent is %s %s and y is %s",
                     tg_dtype_name(from.dtype), tg_shape_format(tg_array_shape(&from), sizeof other, other),
                     text);
    }
    return tg_invalid(tape);
}

/* The cotangent to begin with: ones for a y of one element, or the caller's. Invalid, with an error,
 * otherwise. */
static tg_tensor first_cotangent(const char *where, tg_tensor y, const tg_tensor *given) {
    tg_tape *tape = y.tape;
    const tg_array array = tg_node_array(tg_node_at(tape, y.node));
    const tg_shape shape = tg_array_shape(&array);
    if (!tg_dtype_is_value(array.dtype)) return refuse_cotangent(where, y, given);
    if (given ? tg_is_num(*given) : tg_array_size(&array) == 1)
        return number(tape, where, given ? tg_item(*given) : 1, shape);
    if (given && given->tape == tape && tg_is_living(*given)) {
        const tg_array from = tg_node_array(tg_node_at(tape, given->node));
        if (from.dtype == array.dtype && tg_shape_equal(tg_array_shape(&from), shape)) return *given;
    }
    return refuse_cotangent(where, y, given);
}

/* Inputs are older than outputs, so that the tape's order is topological: from the newest node to the oldest
 * every cotangent is complete when its node is reached. */
static bool run(tg_pass *p, const tg_tensor *given) {
    if (!tg_cotangents_open(&p->cotangents, p->tape, p->where, p->low, p->high)) return false;
    const tg_tensor dy = first_cotangent(p->where, tg_handle(p->tape, p->high), given);
    if (dy.node == TG_NO_NODE || !tg_cotangent_add(&p->cotangents, p->high, dy.node)) return false;
    for (uint32_t i = p->high + 1; i-- > p->low;) {
        if (!tg_cotangent_any(&p->cotangents, i)) continue;
        const tg_tensor cotangent = tg_cotangent_total(&p->cotangents, i);
        if (cotangent.node == TG_NO_NODE) return false;
        const tg_node *node = tg_node_at(p->tape, i);
        if (!node->op || (node->flags & TG_NODE_BARRIER)) continue;
        if (!propagate(p, i, cotangent)) return false;
    }
    return true;
}

bool tg_pass_run(tg_pass *p, const tg_tensor *given) {
    const uint32_t least_nodes = p->tape->least_nodes;
    p->tape->least_nodes = p->tape->n_nodes;
    const bool good = run(p, given);
    p->tape->least_nodes = least_nodes;
    return good;
}
