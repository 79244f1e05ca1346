/* gradient.c: reverse-mode differentiation, as more operations on the same tape.
 *
 * Owns: the reverse pass (one loop, no recursion), the cotangents while it runs, and the leaves' gradients.
 * An operation's backward writes operations; this file only brings them the cotangents and sums where paths
 * meet. */
#include "core/map_driver.h"
#include "core/reduce_kernels.h"
#include "graph/node.h"

#include <string.h>

/* --- cotangents in flight
 * ----------------------------------------------------------------------------------------- */

/* A node that has more than one cotangent keeps them in a list. A part of rank r is the sum of 8^r
 * cotangents: whenever eight of one rank have gathered they are summed to one of the next, so that the list
 * stays short and the error grows with log n however many there are. */
typedef struct contribution {
    struct contribution *next;
    uint32_t node, rank;
} contribution;

/* One slot a node: 0 none, an odd number one (its node, shifted left and marked), else a list. Most nodes
 * have one cotangent, so that a chain of n operations costs n slots and no lists. */
typedef uintptr_t slot;

typedef struct pass {
    tg_tape *tape;
    const char *where;
    uint32_t low, high;     /* nodes that can matter */
    slot *slots;            /* high - low + 1 */
    const uint8_t *reaches; /* which nodes depend on a wanted one; NULL: those that require gradients */
    contribution *spare;    /* to be used again */
} pass;

static bool out_of_memory(const pass *p) {
    tg_tape_fail(p->tape, TG_ERR_MEMORY, p->where, "gradient: out of memory for the cotangents");
    return false;
}

static bool is_wanted(const pass *p, uint32_t i) {
    if (i < p->low) return false;
    return p->reaches ? p->reaches[i - p->low] : tg_node_at(p->tape, i)->flags & TG_NODE_REQUIRES_GRAD;
}

static slot slot_of(uint32_t node) { return (slot)node << 1 | 1; }

static contribution *new_contribution(pass *p, uint32_t node, contribution *next) {
    contribution *made = p->spare;
    if (made)
        p->spare = made->next;
    else
        made = tg_arena_alloc(&p->tape->scratch, sizeof *made, sizeof(void *));
    if (made)
        *made = (contribution){next, node, 0};
    else
        out_of_memory(p);
    return made;
}

/* Sums eight parts of one rank at the head of the list to one of the next rank, as often as there are such.
 */
static bool carry(pass *p, contribution *list) {
    for (;;) {
        tg_tensor parts[TG_MAX_MAP_INPUTS];
        contribution *part = list, *last = NULL;
        int n = 0;
        for (; part && n < TG_MAX_MAP_INPUTS && part->rank == list->rank; part = part->next) {
            parts[n++] = tg_handle(p->tape, part->node);
            last = part;
        }
        if (n < TG_MAX_MAP_INPUTS) return true;
        const tg_tensor sum = tg_accumulate_at(p->where, n, parts);
        if (sum.node == TG_NO_NODE) return false;
        last->next = p->spare; /* all but the head are spare now */
        p->spare = list->next;
        *list = (contribution){part, sum.node, list->rank + 1};
    }
}

static bool contribute(pass *p, uint32_t i, uint32_t node) {
    slot *at = &p->slots[i - p->low];
    if (*at == 0) {
        *at = slot_of(node);
        return true;
    }
    contribution *list = *at & 1 ? new_contribution(p, (uint32_t)(*at >> 1), NULL) : (contribution *)*at;
    contribution *head = list ? new_contribution(p, node, list) : NULL;
    if (!head) return false;
    *at = (slot)head;
    return carry(p, head);
}

/* The whole cotangent of node i, summed where there are several; an invalid handle on error. */
static tg_tensor total(pass *p, uint32_t i) {
    slot *at = &p->slots[i - p->low];
    while (!(*at & 1)) {
        tg_tensor parts[TG_MAX_MAP_INPUTS];
        contribution *last = NULL, *rest = (contribution *)*at;
        int n = 0;
        for (; rest && n < TG_MAX_MAP_INPUTS; rest = rest->next) { /* the newest, the smallest sums, first */
            parts[n++] = tg_handle(p->tape, rest->node);
            last = rest;
        }
        const tg_tensor sum = tg_accumulate_at(p->where, n, parts);
        if (sum.node == TG_NO_NODE) return sum;
        if (rest) *last = (contribution){rest, sum.node, 0};
        *at = rest ? (slot)last : slot_of(sum.node);
    }
    return tg_handle(p->tape, (uint32_t)(*at >> 1));
}

/* --- one operation
 * -------------------------------------------------------------------------------------------------- */

/* An error when an input of node i was changed in place after the node was recorded. */
static bool check_unchanged(const pass *p, const tg_node *node, uint32_t i) {
    const uint32_t *in = tg_node_inputs(node);
    for (uint32_t k = 0; k < node->n_in; k++) {
        const tg_node *input = tg_node_at(p->tape, in[k]);
        if (input->op && !(input->flags & TG_NODE_VIEW)) continue;
        const tg_leaf *leaf = tg_leaf_under(p->tape, input, NULL);
        if (!leaf || !leaf->changed_at) continue;
        if (node->epoch > leaf->changed_epoch ||
            (node->epoch == leaf->changed_epoch && i >= leaf->changed_nodes))
            continue;
        char text[TG_TEXT];
        tg_tape_fail(
            p->tape, TG_ERR_GRADIENT, p->where,
            "gradient: %s recorded at %s used input %u, %s (made at %s), which was changed in place at %s "
            "since; record it again, or differentiate before the change",
            node->op->name, node->place, (unsigned)k, tg_node_describe(p->tape, in[k], sizeof text / 2, text),
            input->place, leaf->changed_at);
        return false;
    }
    return true;
}

enum { FEW = 8 };

/* Runs the backward of node i and hands its gradients on. c.in, x, dx and needs hold node->n_in each. */
static bool run_backward(pass *p, uint32_t i, tg_tensor dy, tg_array *arrays, tg_tensor *x, bool *needs,
                         tg_tensor *dx) {
    tg_tape *tape = p->tape;
    tg_node *node = tg_node_at(tape, i);
    const uint32_t *in = tg_node_inputs(node);
    bool any = false;
    for (uint32_t k = 0; k < node->n_in; k++) {
        const tg_node *input = tg_node_at(tape, in[k]);
        arrays[k] = tg_node_array(input);
        x[k] = (tg_tensor){tape, in[k], (uint32_t)input->epoch};
        any |= needs[k] = is_wanted(p, in[k]) && tg_dtype_is_value((tg_dtype)input->dtype);
        dx[k] = (tg_tensor){0};
    }
    if (!any) return true;
    if (!check_unchanged(p, node, i)) return false;

    const char *place = tape->place, *backward_of = tape->backward_of;
    tape->place = node->place;
    tape->backward_of = node->op->name;
    const tg_call call = {.op = node->op,
                          .tape = tape,
                          .where = node->place,
                          .n_in = (int)node->n_in,
                          .in = arrays,
                          .attr = node->op->attr_size ? node->extra.attr : NULL,
                          .out = tg_node_array(node),
                          .x = x,
                          .y = {tape, i, (uint32_t)node->epoch},
                          .needs = needs};
    node->op->backward(&call, dy, dx);
    bool good = tape->status == TG_OK;
    for (uint32_t k = 0; good && k < node->n_in; k++) {
        if (!needs[k] || !dx[k].tape) continue;
        if (tg_is_num(dx[k]))
            dx[k] =
                tg_broadcast_to(tg_scalar_at(node->place, tape, tg_item(dx[k])), tg_array_shape(&arrays[k]));
        good = dx[k].tape == tape && tg_is_living(dx[k]);
        if (good && (arrays[k].rank || tg_node_at(tape, dx[k].node)->rank)) {
            dx[k] = tg_sum_to(dx[k], tg_array_shape(&arrays[k]));
            good = dx[k].node != TG_NO_NODE;
        }
        good = good && contribute(p, in[k], dx[k].node);
        if (!good)
            tg_fail(&call, TG_ERR_GRADIENT, "backward gave an invalid gradient for input %u", (unsigned)k);
    }
    tape->place = place;
    tape->backward_of = backward_of;
    return good;
}

static bool propagate(pass *p, uint32_t i, tg_tensor dy) {
    const size_t n = tg_node_at(p->tape, i)->n_in;
    tg_array few_arrays[FEW];
    tg_tensor few[2 * FEW];
    bool few_needs[FEW];
    if (n <= FEW) return run_backward(p, i, dy, few_arrays, few, few_needs, few + FEW);
    tg_array *arrays = tg_arena_alloc(&p->tape->scratch, n * sizeof *arrays, 64);
    tg_tensor *x = tg_arena_alloc(&p->tape->scratch, 2 * n * sizeof *x, 64);
    bool *needs = tg_arena_alloc(&p->tape->scratch, n * sizeof *needs, 64);
    if (!arrays || !x || !needs) return out_of_memory(p);
    return run_backward(p, i, dy, arrays, x, needs, x + n);
}

/* --- the reverse pass
 * ------------------------------------------------------------------------------------------------- */

static bool prepare(pass *p) {
    const size_t n = (size_t)(p->high - p->low) + 1;
    p->slots = tg_arena_alloc(&p->tape->scratch, n * sizeof *p->slots, 64);
    if (!p->slots) return out_of_memory(p);
    memset(p->slots, 0, n * sizeof *p->slots);
    return true;
}

/* Inputs are older than outputs, so that the tape's order is topological: from the newest node to the oldest
 * every cotangent is complete when its node is reached. */
static bool run_pass(pass *p, tg_tensor dy) {
    if (!contribute(p, p->high, dy.node)) return false;
    for (uint32_t i = p->high + 1; i-- > p->low;) {
        if (!p->slots[i - p->low]) continue;
        const tg_tensor cotangent = total(p, i);
        if (cotangent.node == TG_NO_NODE) return false;
        const tg_node *node = tg_node_at(p->tape, i);
        if (!node->op || (node->flags & TG_NODE_BARRIER)) continue;
        if (!propagate(p, i, cotangent)) return false;
    }
    return true;
}

/* The cotangent to begin with: ones for a y of one element, or the caller's. Invalid, with an error,
 * otherwise. */
static tg_tensor first_cotangent(const char *where, tg_tensor y, const tg_tensor *given) {
    tg_tape *tape = y.tape;
    const tg_array array = tg_node_array(tg_node_at(tape, y.node));
    const tg_shape shape = tg_array_shape(&array);
    char text[TG_TEXT], other[TG_SHAPE_TEXT];
    tg_node_describe(tape, y.node, sizeof text, text);
    if (!tg_dtype_is_value(array.dtype)) {
        tg_tape_fail(tape, TG_ERR_DTYPE, where, "gradient: y is %s: %s cannot be differentiated", text,
                     tg_dtype_name(array.dtype));
    } else if (!given && tg_array_size(&array) != 1) {
        tg_tape_fail(tape, TG_ERR_SHAPE, where,
                     "gradient: y is %s, not one number; take its tg_sum or tg_mean, or give a cotangent",
                     text);
    } else if (!given || tg_is_num(*given)) {
        const uint32_t one = tg_number_node(tape, where, given ? tg_item(*given) : 1, tape->dtype);
        if (one != TG_NO_NODE) return tg_broadcast_to_at(where, tg_handle(tape, one), shape);
    } else if (given->tape != tape) {
        tg_tape_fail(tape, TG_ERR_HANDLE, where, "gradient: the cotangent is not a tensor of y's tape");
    } else {
        const tg_node *node = tg_node_of(where, "gradient: cotangent", *given);
        const tg_array from = node ? tg_node_array(node) : array;
        if (node && from.dtype == array.dtype && tg_shape_equal(tg_array_shape(&from), shape)) return *given;
        tg_tape_fail(tape, TG_ERR_SHAPE, where, "gradient: the cotangent is %s %s and y is %s",
                     tg_dtype_name(from.dtype), tg_shape_format(tg_array_shape(&from), sizeof other, other),
                     text);
    }
    return tg_invalid(tape);
}

static tg_status failed(tg_tape *tape) { return tape->status ? tape->status : TG_ERR_MEMORY; }

/* --- tg_backward
 * ------------------------------------------------------------------------------------------------------ */

/* leaf gradient += cotangent, for every parameter that has one. */
static void add_to_leaves(const pass *p) {
    tg_tape *tape = p->tape;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE;) {
        tg_leaf *leaf = tg_node_at(tape, i)->extra.leaf;
        if (i >= p->low && i <= p->high && p->slots[i - p->low]) {
            tg_node *gradient = tg_node_at(tape, leaf->gradient);
            const tg_array sum = tg_node_array(gradient);
            const tg_array parts[2] = {
                sum, tg_node_array(tg_node_at(tape, (uint32_t)(p->slots[i - p->low] >> 1)))};
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
    const bool grad_was_on = tg_tape_set_grad(tape, false);
    bool good = prepare(&p);
    if (good) {
        const tg_tensor dy = first_cotangent(where, y, given);
        good = dy.node != TG_NO_NODE && run_pass(&p, dy);
    }
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

/* --- tg_gradients
 * ------------------------------------------------------------------------------------------------------ */

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
    uint8_t *reaches = tg_arena_alloc(&tape->scratch, (size_t)(p->high - p->low) + 1, 64);
    if (!reaches) return out_of_memory(p);
    memset(reaches, 0, (size_t)(p->high - p->low) + 1);
    for (int k = 0; k < n; k++)
        if (xs[k].node <= p->high) reaches[xs[k].node - p->low] = 1;
    for (uint32_t i = p->low; i <= p->high; i++) {
        const tg_node *node = tg_node_at(tape, i);
        if (!node->op || (node->flags & TG_NODE_BARRIER) || !tg_dtype_is_value((tg_dtype)node->dtype))
            continue;
        const uint32_t *in = tg_node_inputs(node);
        for (uint32_t k = 0; k < node->n_in; k++)
            reaches[i - p->low] |= in[k] >= p->low && reaches[in[k] - p->low];
    }
    p->reaches = reaches;
    return true;
}

/* The gradients out of the slots; zeros where nothing arrived. */
static bool collect(const pass *p, int n, const tg_tensor *xs, tg_tensor *dxs) {
    tg_tape *tape = p->tape;
    for (int k = 0; k < n; k++) {
        const slot at = xs[k].node <= p->high ? p->slots[xs[k].node - p->low] : 0;
        if (at) {
            dxs[k] = tg_handle(tape, (uint32_t)(at >> 1));
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

static tg_status gradients(const char *where, tg_tensor y, const tg_tensor *given, int n, const tg_tensor *xs,
                           tg_tensor *dxs) {
    const bool on_tape = y.tape && !tg_is_num(y);
    for (int k = 0; k < n; k++) dxs[k] = on_tape ? tg_invalid(y.tape) : (tg_tensor){0};
    if (!on_tape) return TG_ERR_HANDLE;
    tg_tape *tape = y.tape;
    if (tape->status) return tape->status;
    if (!tg_node_of(where, "gradients", y)) return failed(tape);
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    pass p = {.tape = tape, .where = where, .high = y.node};
    bool good = find_reach(&p, n, xs) && prepare(&p);
    if (good) {
        const tg_tensor dy = first_cotangent(where, y, given);
        good = dy.node != TG_NO_NODE && run_pass(&p, dy) && collect(&p, n, xs, dxs);
    }
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

/* --- the leaves' gradients
 * ----------------------------------------------------------------------------------------------- */

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
