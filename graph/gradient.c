/* gradient.c: reverse-mode differentiation, as more operations on the same tape.
 *
 * Owns: the reverse pass (one loop, no recursion) and the leaves' gradients. An operation's backward writes
 * operations; this file only brings them the cotangents, which cotangent.c keeps and sums where paths meet.
 */
#include "core/map_driver.h"
#include "core/reduce_kernels.h"
#include "graph/cotangent.h"
#include "graph/node.h"

#include <string.h>

/* The cotangents in flight, and whose are wanted. */
typedef struct pass {
    tg_tape *tape;
    const char *where;
    uint32_t low, high;     /* nodes that can matter */
    const uint8_t *reaches; /* which nodes depend on a wanted one; NULL: those that require gradients */
    tg_cotangents cotangents;
    tg_tensor *alone; /* one node alone: its inputs' gradients; NULL: they go to the cotangents */
    const bool *alone_needs;
} pass;

static bool out_of_memory(const pass *p) {
    tg_tape_fail(p->tape, TG_ERR_MEMORY, p->where, "gradient: out of memory");
    return false;
}

/* Whether the gradient of node i, the input k of the node whose backward runs, is wanted. */
static bool is_wanted(const pass *p, uint32_t i, uint32_t k) {
    if (TG_UNLIKELY(p->alone)) return p->alone_needs[k];
    if (i < p->low) return false;
    return p->reaches ? p->reaches[i - p->low] : tg_node_at(p->tape, i)->flags & TG_NODE_REQUIRES_GRAD;
}

enum { FEW = 8 };

/* --- one operation -------------------------------------------------------------------------------------- */

/* False, with an error, when input k of node i (a leaf, or a view of one) was changed in place after the node
 * was recorded. */
static bool is_unchanged(const pass *p, const tg_node *node, uint32_t i, uint32_t k) {
    const uint32_t in = tg_node_inputs(node)[k];
    const tg_node *input = tg_node_at(p->tape, in);
    const tg_leaf *leaf = tg_leaf_under(p->tape, input);
    if (!leaf || !tg_leaf_changed_since(leaf, node, i)) return true;
    char text[TG_TEXT];
    tg_tape_fail(
        p->tape, TG_ERR_GRADIENT, p->where,
        "gradient: %s recorded at %s used input %u, %s (made at %s), which was changed in place at %s "
        "since; record it again, or differentiate before the change",
        node->op->name, node->place, (unsigned)k, tg_node_describe(p->tape, in, sizeof text / 2, text),
        input->place, leaf->changed_at);
    return false;
}

/* What backward is given and writes; n_in of each. */
typedef struct backward_arrays {
    tg_array *in;
    tg_tensor *x, *dx;
    bool *needs;
} backward_arrays;

/* Hands what backward wrote for input k on, summed to the input's shape. */
static TG_INLINE bool hand_on(pass *p, const tg_call *call, uint32_t in, int k, tg_tensor dx) {
    tg_tape *tape = p->tape;
    if (!call->needs[k] || !dx.tape) return true;
    if (TG_UNLIKELY(tg_is_num(dx)))
        dx = tg_broadcast_to(tg_scalar_at(call->where, tape, tg_item(dx)), tg_array_shape(&call->in[k]));
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

/* Runs the backward of node i, which has n inputs, and hands its gradients on. */
static TG_INLINE bool run_backward(pass *p, uint32_t i, uint32_t n, tg_tensor dy, const backward_arrays *a) {
    tg_tape *tape = p->tape;
    const tg_node *node = tg_node_at(tape, i);
    const uint32_t *in = tg_node_inputs(node);
    bool any = false;
    for (uint32_t k = 0; k < n; k++) {
        const tg_node *input = tg_node_at(tape, in[k]);
        a->in[k] = tg_node_array(input);
        a->x[k] = (tg_tensor){tape, in[k], (uint32_t)input->epoch};
        a->dx[k] = (tg_tensor){0};
        any |= a->needs[k] = is_wanted(p, in[k], k) && tg_dtype_is_value((tg_dtype)input->dtype);
    }
    if (!any) return true;
    /* A view shows its leaf as it is now, so only what computed from values can be outdated. */
    for (uint32_t k = 0; k < n && !(node->flags & TG_NODE_VIEW); k++) {
        const tg_node *input = tg_node_at(tape, in[k]);
        const bool changes =
            input->op ? input->flags & TG_NODE_VIEW : input->extra.leaf && input->extra.leaf->changed_at;
        if (changes && !is_unchanged(p, node, i, k)) return false;
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
                          .out = tg_node_array(node),
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

static bool propagate(pass *p, uint32_t i, tg_tensor dy) {
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
    pass p = {.tape = y.tape, .where = where, .high = y.node, .alone = dx, .alone_needs = needs};
    for (uint32_t k = 0; k < n; k++) dx[k] = (tg_tensor){0};
    const tg_arena_position scratch = tg_arena_here(&y.tape->scratch);
    const bool was = tg_tape_set_grad(y.tape, true); /* a backward may itself ask for gradients */
    const bool good = propagate(&p, y.node, dy);
    tg_tape_set_grad(y.tape, was);
    tg_arena_rewind(&y.tape->scratch, scratch);
    return good;
}

/* --- the reverse pass ----------------------------------------------------------------------------------- */

/* Inputs are older than outputs, so that the tape's order is topological: from the newest node to the oldest
 * every cotangent is complete when its node is reached. */
static bool run_pass(pass *p, tg_tensor dy) {
    if (!tg_cotangent_add(&p->cotangents, p->high, dy.node)) return false;
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
    if (given ? tg_is_num(*given) : tg_array_size(&array) == 1) {
        const uint32_t one = tg_number_node(tape, where, given ? tg_item(*given) : 1, tape->dtype);
        if (one == TG_NO_NODE) return tg_invalid(tape);
        return tg_broadcast_to_at(where, tg_handle(tape, one), shape);
    }
    if (given && given->tape == tape && tg_is_living(*given)) {
        const tg_array from = tg_node_array(tg_node_at(tape, given->node));
        if (from.dtype == array.dtype && tg_shape_equal(tg_array_shape(&from), shape)) return *given;
    }
    return refuse_cotangent(where, y, given);
}

static tg_status failed(tg_tape *tape) { return tape->status ? tape->status : TG_ERR_MEMORY; }

/* --- tg_backward ---------------------------------------------------------------------------------------- */

/* False, with an error, when what was differentiated has no values: then its gradients have none either. */
static bool have_values(const pass *p) {
    tg_tape *tape = p->tape;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE; i = tg_node_at(tape, i)->extra.leaf->previous)
        if (i >= p->low && i <= p->high && tg_cotangent_any(&p->cotangents, i) &&
            !tg_node_with_values(p->where, "backward", tg_handle(tape, tg_cotangent_node(&p->cotangents, i))))
            return false;
    return true;
}

/* leaf gradient += cotangent, for every parameter that has one. */
static void add_to_leaves(const pass *p) {
    tg_tape *tape = p->tape;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE;) {
        tg_leaf *leaf = tg_node_at(tape, i)->extra.leaf;
        if (i >= p->low && i <= p->high && tg_cotangent_any(&p->cotangents, i)) {
            tg_node *gradient = tg_node_at(tape, leaf->gradient);
            const tg_array sum = tg_node_array(gradient);
            const tg_array parts[2] = {sum,
                                       tg_node_array(tg_node_at(tape, tg_cotangent_node(&p->cotangents, i)))};
            tg_map_run(tape->dtype == TG_F32 ? tg_add_kernel_f32 : tg_add_kernel_f64, 2, parts, &sum, NULL,
                       TG_CHEAP);
            tg_leaf_change(tape, gradient->extra.leaf, p->where);
        }
        i = leaf->previous;
    }
}

static tg_status backward(const char *where, tg_tensor y, const tg_tensor *given) {
    if (!y.tape || tg_is_num(y)) return TG_ERR_HANDLE;
    tg_tape *tape = y.tape;
    if (tape->status) return tape->status;
    const tg_node *node = tg_node_of(where, "backward", y);
    if (!node) return failed(tape);
    if (!(node->flags & TG_NODE_REQUIRES_GRAD)) {
        char text[TG_TEXT];
        return tg_tape_fail(
            tape, TG_ERR_GRADIENT, where,
            "backward: %s, made at %s, does not depend on any parameter (tg_param_*), or was recorded "
            "in tg_no_grad",
            tg_node_describe(tape, y.node, sizeof text / 2, text), node->place);
    }
    pass p = {.tape = tape, .where = where, .high = y.node};
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE; i = tg_node_at(tape, i)->extra.leaf->previous)
        p.low = i;
    if (p.low > p.high) p.low = p.high;

    const uint32_t n_nodes = tape->n_nodes;
    const tg_arena_position nodes = tg_arena_here(&tape->arena), scratch = tg_arena_here(&tape->scratch);
    const bool grad_was_on = tg_tape_set_grad(tape, true); /* a backward may itself ask for gradients */
    bool good = tg_cotangents_open(&p.cotangents, tape, where, p.low, p.high);
    if (good) {
        const tg_tensor dy = first_cotangent(where, y, given);
        good = dy.node != TG_NO_NODE && run_pass(&p, dy);
    }
    good = good && have_values(&p);
    if (good) add_to_leaves(&p);
    tg_tape_set_grad(tape, grad_was_on);
    tg_arena_rewind(&tape->scratch, scratch);
    tg_tape_cut(tape, n_nodes, nodes, NULL);
    return good ? TG_OK : failed(tape);
}

tg_status tg_backward_at(const char *where, tg_tensor y) { return backward(where, y, NULL); }
tg_status tg_backward_from_at(const char *where, tg_tensor y, tg_tensor dy) {
    return backward(where, y, &dy);
}

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
static bool find_reach(pass *p, int n, const tg_tensor *xs) {
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
    return p->reaches || out_of_memory(p);
}

/* The gradients that arrived; zeros where nothing arrived. */
static bool collect(const pass *p, int n, const tg_tensor *xs, tg_tensor *dxs) {
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
    pass p = {.tape = tape, .where = where, .high = y.node};
    bool good = find_reach(&p, n, xs) && tg_cotangents_open(&p.cotangents, tape, where, p.low, p.high);
    if (good) {
        const tg_tensor dy = first_cotangent(where, y, given);
        good = dy.node != TG_NO_NODE && run_pass(&p, dy) && collect(&p, n, xs, dxs);
    }
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

static void clear_gradient(const char *where, tg_tape *tape, const tg_leaf *leaf) {
    tg_node *gradient = tg_node_at(tape, leaf->gradient);
    const tg_array array = tg_node_array(gradient);
    const size_t bytes = (size_t)tg_array_size(&array) * tg_dtype_size(tape->dtype);
    if (bytes) memset(gradient->data, 0, bytes);
    tg_leaf_change(tape, gradient->extra.leaf, where);
}

tg_status tg_zero_grad_at(const char *where, tg_tensor x) {
    const tg_leaf *leaf = parameter(where, "zero_grad", x);
    if (!leaf) return x.tape && !tg_is_num(x) ? failed(x.tape) : TG_ERR_HANDLE;
    clear_gradient(where, x.tape, leaf);
    return TG_OK;
}

void tg_tape_zero_grad(tg_tape *tape) {
    if (!tape) return;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE;) {
        const tg_leaf *leaf = tg_node_at(tape, i)->extra.leaf;
        clear_gradient("tg_tape_zero_grad", tape, leaf);
        i = leaf->previous;
    }
}
