/* gradient.c: gradients of any tensors, and those that parameters keep.
 *
 * Owns: tg_gradients, whose results stay on the tape, and looking at and clearing the leaves' gradients. The
 * pass itself is reverse_pass.c's, tg_backward is backward.c's. */
#include "graph/reverse_pass.h"

#include <string.h>

static tg_status failed(tg_tape *tape) { return tape->status ? tape->status : TG_ERR_MEMORY; }

/* --- tg_gradients --------------------------------------------------------------------------------------- */

uint8_t *tg_reach(tg_tape *tape, uint32_t low, uint32_t high, int n, const tg_tensor *xs) {
    uint8_t *reaches = tg_arena_alloc(&tape->scratch, (size_t)(high - low) + 1, 64);
    if (!reaches) return NULL;
    memset(reaches, 0, (size_t)(high - low) + 1);
    for (int k = 0; k < n; k++)
        if (xs[k].node <= high) reaches[xs[k].node - low] = 1;
    for (uint32_t i = low; i <= high; i++) {
        const tg_node *node = tg_node_at(tape, i);
        if (!node->op || (node->flags & TG_NODE_BARRIER) || !tg_dtype_is_value((tg_dtype)node->dtype))
            continue;
        const uint32_t *in = tg_node_inputs(node);
        for (uint32_t k = 0; k < node->n_in; k++) reaches[i - low] |= in[k] >= low && reaches[in[k] - low];
    }
    return reaches;
}

/* Marks what depends on an x, and how low the pass must go. False, with an error, for an x that will not do.
 */
static bool find_reach(tg_pass *p, int n, const tg_tensor *xs) {
    tg_tape *tape = p->tape;
    p->low = p->high;
    for (int k = 0; k < n; k++) {
        if (!xs[k].tape || xs[k].tape != tape) {
            tg_tape_fail(tape, TG_ERR_HANDLE, p->where, "gradients: x %d is not a tensor of y's tape", k);
            return false;
        }
        const tg_node *node = tg_node_of(p->where, "gradients", xs[k]);
        if (!node) return false;
        if (!tg_dtype_is_value((tg_dtype)node->dtype)) {
            tg_tape_fail(tape, TG_ERR_DTYPE, p->where, "gradients: x %d is %s and cannot be differentiated",
                         k, tg_dtype_name((tg_dtype)node->dtype));
            return false;
        }
        if (xs[k].node < p->low) p->low = xs[k].node;
    }
    p->reaches = tg_reach(tape, p->low, p->high, n, xs);
    if (!p->reaches) tg_tape_fail(tape, TG_ERR_MEMORY, p->where, "gradient: out of memory");
    return p->reaches != NULL;
}

/* The gradients that arrived; zeros where nothing arrived. */
static bool collect(const tg_pass *p, int n, const tg_tensor *xs, tg_tensor *dxs) {
    tg_tape *tape = p->tape;
    for (int k = 0; k < n; k++) {
        if (xs[k].node <= p->high && tg_cotangent_any(&p->cotangents, xs[k].node)) {
            dxs[k] = tg_handle(tape, tg_cotangent_node(&p->cotangents, xs[k].node));
            continue;
        }
        const tg_array array = tg_node_array(tg_node_at(tape, xs[k].node));
        const uint32_t zero = tg_number_node(tape, p->where, 0, tape->dtype);
        if (zero == TG_NO_NODE) return false;
        dxs[k] = tg_broadcast_to_at(p->where, tg_handle(tape, zero), tg_array_shape(&array));
        if (dxs[k].node == TG_NO_NODE) return false;
    }
    return true;
}

/* Makes what was recorded since n_nodes constants to differentiation. */
static void make_constants(const tg_tape *tape, uint32_t n_nodes) {
    for (uint32_t i = n_nodes; i < tape->n_nodes; i++) {
        tg_node *node = tg_node_at(tape, i);
        if (node->op) node->flags = (uint8_t)((node->flags & ~TG_NODE_REQUIRES_GRAD) | TG_NODE_BARRIER);
    }
}

static tg_status gradients(const char *where, tg_tensor y, const tg_tensor *given, int n, const tg_tensor *xs,
                           tg_tensor *dxs) {
    const bool on_tape = y.tape && !tg_is_num(y);
    for (int k = 0; k < n; k++) dxs[k] = on_tape ? tg_invalid(y.tape) : (tg_tensor){0};
    if (!on_tape) return TG_ERR_HANDLE;
    tg_tape *tape = y.tape;
    if (tape->status) return tape->status;
    if (!tg_node_of(where, "gradients", y)) return failed(tape);
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    const uint32_t n_nodes = tape->n_nodes;
    const bool grad_was_on = tg_tape_set_grad(tape, true); /* a backward may itself ask for gradients */
    tg_pass p = {.tape = tape, .where = where, .high = y.node};
    const bool good = find_reach(&p, n, xs) && tg_pass_run(&p, given) && collect(&p, n, xs, dxs);
    tg_tape_set_grad(tape, grad_was_on);
    if (!grad_was_on) make_constants(tape, n_nodes);
    tg_arena_rewind(&tape->scratch, scratch);
    for (int k = 0; k < n && !good; k++) dxs[k] = tg_invalid(tape);
    return good ? TG_OK : failed(tape);
}

tg_status tg_gradients_at(const char *where, tg_tensor y, int n, const tg_tensor *xs, tg_tensor *dxs) {
    return gradients(where, y, NULL, n, xs, dxs);
}
tg_status tg_gradients_from_at(const char *where, tg_tensor y, tg_tensor dy, int n, const tg_tensor *xs,
                               tg_tensor *dxs) {
    return gradients(where, y, &dy, n, xs, dxs);
}

/* --- the leaves' gradients ------------------------------------------------------------------------------ */

static tg_leaf *parameter(const char *where, const char *what, tg_tensor x) {
    const tg_node *node = tg_node_of(where, what, x);
    if (!node) return NULL;
    if (!node->op && node->extra.leaf && node->extra.leaf->gradient != TG_NO_NODE) return node->extra.leaf;
    char text[TG_TEXT];
    tg_tape_fail(x.tape, TG_ERR_GRADIENT, where,
                 "%s: %s, made at %s, is not a parameter: make it by tg_param_*, or use tg_gradients", what,
                 tg_node_describe(x.tape, x.node, sizeof text / 2, text), node->place);
    return NULL;
}

tg_tensor tg_grad_at(const char *where, tg_tensor x) {
    const tg_leaf *leaf = parameter(where, "grad", x);
    if (leaf) return tg_handle(x.tape, leaf->gradient);
    return x.tape && !tg_is_num(x) ? tg_invalid(x.tape) : (tg_tensor){0};
}

tg_status tg_zero_grad_at(const char *where, tg_tensor x) {
    const tg_leaf *leaf = parameter(where, "zero_grad", x);
    if (!leaf) return x.tape && !tg_is_num(x) ? failed(x.tape) : TG_ERR_HANDLE;
    tg_leaf_clear(where, x.tape, leaf);
    return TG_OK;
}

void tg_tape_zero_grad(tg_tape *tape) {
    if (!tape) return;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE;) {
        const tg_leaf *leaf = tg_node_at(tape, i)->extra.leaf;
        tg_leaf_clear("tg_tape_zero_grad", tape, leaf);
        i = leaf->previous;
    }
}
