/* backward_plan.c: what a reverse pass has recorded, made into a plan, and the graph behind it known again.
 *
 * The plan reads values of the graph where they lie. So it holds for every graph whose nodes have the same
 * operations, attributes, shapes and addresses: after a rewind the tape gives the same memory to the same
 * requests. Values do not matter: a backward that looks at them is not planned. */
#include "graph/backward_plan.h"

#include "graph/deferred.h"

#include <string.h>

/* --- knowing a graph again ------------------------------------------------------------------------------ */

/* What a node points to and is to be the same: each part begins at a multiple of 8 bytes. */
typedef struct node_parts {
    const void *at[3];
    size_t bytes[3];
} node_parts;

static inline node_parts parts_of(const tg_node *node) {
    return (node_parts){{node->here.dims, node->extra.attr, node->in.many},
                        {node->rank * 2 * sizeof(int64_t), node->op ? node->op->attr_size : 0,
                         node->n_in > 2 ? node->n_in * sizeof(uint32_t) : 0}};
}

static inline size_t padded(size_t bytes) { return (bytes + 7) & ~(size_t)7; }

static size_t contents_bytes(const tg_node *node) {
    const node_parts x = parts_of(node);
    return padded(x.bytes[0]) + padded(x.bytes[1]) + padded(x.bytes[2]);
}

/* The end of what is copied of the contents. */
static char *copy_node(const tg_node *node, tg_node *to, char *contents) {
    const node_parts x = parts_of(node);
    *to = *node;
    for (int k = 0; k < 3; contents += padded(x.bytes[k++]))
        if (x.bytes[k]) memcpy(contents, x.at[k], x.bytes[k]);
    return contents;
}

/* Whether the nodes are the same but for their values, names and lines; NULL if not, else the end of the
 * copied contents. */
static inline const char *same(const tg_node *now, const tg_node *then, const char *contents) {
    if (now->op != then->op || now->data != then->data || now->extra.attr != then->extra.attr ||
        memcmp(&now->in, &then->in, sizeof now->in) != 0 || now->n_in != then->n_in ||
        now->rank != then->rank || now->dtype != then->dtype || ((now->flags ^ then->flags) & ~TG_NODE_NAMED))
        return NULL;
    if (now->rank && now->here.dims != then->here.dims) return NULL;
    const node_parts x = parts_of(now);
    for (int k = 0; k < 3; contents += padded(x.bytes[k++]))
        if (x.bytes[k] && memcmp(contents, x.at[k], x.bytes[k]) != 0) return NULL;
    return contents;
}

static bool same_graph(const tg_backward_plan *b, const tg_tape *tape) {
    const tg_node *then = b->nodes;
    const char *contents = b->contents;
    if (b->cotangent != TG_NO_NODE) {
        contents = same(tg_node_at(tape, b->cotangent), then++, contents);
        if (!contents) return false;
    }
    for (uint32_t i = b->high + 1; i-- > b->low; then++) {
        const tg_node *now = tg_node_at(tape, i);
        if (now->epoch == then->epoch) return true; /* the very same, and so are all that are older */
        contents = same(now, then, contents);
        if (!contents) return false;
    }
    return !b->below_epoch || tg_node_at(tape, b->low - 1)->epoch == b->below_epoch;
}

static bool same_cotangent(const tg_backward_plan *b, tg_tensor y, const tg_tensor *given) {
    if (!given || tg_is_num(*given)) {
        const double number = given ? tg_item(*given) : 1;
        return b->cotangent == TG_NO_NODE && memcmp(&number, &b->number, sizeof number) == 0;
    }
    return b->cotangent == given->node && given->tape == y.tape && tg_is_living(*given);
}

bool tg_backward_plan_fits(const tg_backward_plan *b, tg_tensor y, const tg_tensor *given) {
    const tg_tape *tape = y.tape;
    if (b->high != y.node || !same_cotangent(b, y, given) || !same_graph(b, tape)) return false;
    for (uint32_t k = 0; k < b->n_reads; k++) {
        const tg_backward_read *read = &b->reads[k];
        const tg_leaf *leaf = tg_node_at(tape, read->leaf)->extra.leaf;
        if (tg_leaf_changed_since(leaf, tg_node_at(tape, read->reader), read->reader)) return false;
    }
    for (uint32_t k = 0; k < b->n_outputs; k++)
        if (tg_node_at(tape, b->outputs[k].gradient)->extra.leaf->clear != b->outputs[k].clear) return false;
    return true;
}

/* --- running -------------------------------------------------------------------------------------------- */

/* What is added comes after all that can fail; what was clear can be cleared again. */
static void take_back(const char *where, const tg_backward_plan *b) {
    tg_tape *tape = b->plan.tape;
    for (uint32_t k = 0; k < b->n_outputs; k++) {
        const uint32_t gradient = b->outputs[k].gradient;
        if (!b->outputs[k].clear) continue;
        tg_node_at(tape, gradient)->extra.leaf->clear = false;
        tg_leaf_clear(where, tape, tg_node_at(tape, gradient - 1)->extra.leaf);
    }
}

bool tg_backward_plan_run(const char *where, const tg_backward_plan *b) {
    tg_tape *tape = b->plan.tape;
    if (!tg_plan_run_steps(&b->plan)) {
        take_back(where, b);
        return false;
    }
    for (uint32_t k = 0; k < b->n_outputs; k++)
        tg_leaf_change(tape, tg_node_at(tape, b->outputs[k].gradient)->extra.leaf, where);
    return true;
}

/* --- making --------------------------------------------------------------------------------------------- */

/* A making of a plan: the pass, and what becomes of it. */
typedef struct maker {
    tg_backward_plan *b;
    const tg_pass *pass;
    tg_planning planning;
    uint32_t oldest; /* node that the plan depends on */
    tg_backward_output *outputs;
    tg_tensor *results;
    tg_plan_home *homes;
} maker;

/* The node of the gradient if i is one; nothing else may be read that the plan changes. */
static bool is_gradient(const tg_tape *tape, uint32_t i) {
    if (i == TG_NO_NODE || i == 0) return false;
    const tg_node *before = tg_node_at(tape, i - 1);
    return !before->op && before->extra.leaf && before->extra.leaf->gradient == i;
}

/* Notes the oldest node whose shape a backward has seen. */
static void look_at_graph(maker *m) {
    const tg_pass *p = m->pass;
    for (uint32_t i = p->low; i <= p->high; i++) {
        const tg_node *node = tg_node_at(p->tape, i);
        if (!tg_cotangent_any(&p->cotangents, i)) continue;
        for (uint32_t k = 0; k < node->n_in; k++)
            if (tg_node_inputs(node)[k] < m->oldest) m->oldest = tg_node_inputs(node)[k];
    }
}

/* Notes the oldest node that was read. False where a gradient was, since its changes would have to be seen,
 * or what has no values. */
static bool look_at_inputs(maker *m) {
    const tg_tape *tape = m->pass->tape;
    for (uint32_t i = m->planning.first; i < tape->n_nodes; i++) {
        const tg_node *node = tg_node_at(tape, i);
        for (uint32_t k = 0; k < node->n_in; k++) {
            const uint32_t in = tg_node_inputs(node)[k];
            if (in < m->oldest) m->oldest = in;
            if (in >= m->planning.first) continue;
            if (is_gradient(tape, tg_leaf_under(tape, in))) return false;
            if (!tg_node_has_values(tape, tg_node_at(tape, in))) return false;
        }
    }
    return true;
}

/* Records what is to be written to the gradient of parameter i: the cotangent where it was clear and can be
 * computed where it is to lie, else a sum. */
static bool add_output(maker *m, uint32_t i) {
    tg_tape *tape = m->pass->tape;
    const uint32_t gradient = tg_node_at(tape, i)->extra.leaf->gradient;
    const uint32_t from = tg_cotangent_node(&m->pass->cotangents, i);
    const bool clear = tg_node_at(tape, gradient)->extra.leaf->clear;
    const tg_node *node = tg_node_at(tape, from);
    const bool elsewhere = from < m->planning.first || !node->op ||
                           (node->flags & (TG_NODE_VIEW | TG_NODE_OUTPUT)) ||
                           !(node->flags & TG_NODE_NO_VALUES);
    tg_tensor result = tg_handle(tape, from);
    if (elsewhere || !clear) {
        const tg_tensor parts[2] = {tg_handle(tape, from), tg_handle(tape, gradient)};
        const int n = clear ? 1 : 2;
        result = tg_apply_at(m->pass->where, &tg_accumulate_op, n, parts, &n);
        if (result.node == TG_NO_NODE) return false;
    }
    tg_node_at(tape, result.node)->flags |= TG_NODE_OUTPUT | TG_NODE_NO_VALUES;
    const uint32_t k = m->b->n_outputs++;
    m->results[k] = result;
    m->homes[k] = (tg_plan_home){tg_node_at(tape, gradient)->data, !clear};
    m->outputs[k] = (tg_backward_output){gradient, clear};
    return true;
}

static bool gets_cotangent(const tg_pass *p, uint32_t parameter) {
    return parameter >= p->low && parameter <= p->high && tg_cotangent_any(&p->cotangents, parameter);
}

static bool add_outputs(maker *m) {
    const tg_pass *p = m->pass;
    uint32_t n = 0;
    for (uint32_t i = p->tape->last_parameter; i != TG_NO_NODE;
         i = tg_node_at(p->tape, i)->extra.leaf->previous)
        n += gets_cotangent(p, i);
    m->outputs = tg_planning_temporary(&m->planning, n, sizeof *m->outputs);
    m->results = tg_planning_temporary(&m->planning, n, sizeof *m->results);
    m->homes = tg_planning_temporary(&m->planning, n, sizeof *m->homes);
    bool good = n > 0 && m->outputs && m->results && m->homes;
    for (uint32_t i = p->tape->last_parameter; good && i != TG_NO_NODE;
         i = tg_node_at(p->tape, i)->extra.leaf->previous)
        if (gets_cotangent(p, i)) good = add_output(m, i);
    m->planning.homes = m->homes;
    return good;
}

static bool keep_outputs(const maker *m) {
    tg_backward_plan *b = m->b;
    b->outputs = tg_planning_memory(&m->planning, b->n_outputs, sizeof *b->outputs);
    if (b->outputs) memcpy(b->outputs, m->outputs, b->n_outputs * sizeof *b->outputs);
    return b->outputs != NULL;
}

static bool note_reads(maker *m) {
    const tg_pass *p = m->pass;
    tg_backward_plan *b = m->b;
    uint32_t n = 0;
    for (uint32_t i = 0; i <= p->high; i++) n += p->oldest_reader[i] != 0;
    b->reads = tg_planning_memory(&m->planning, n, sizeof *b->reads);
    for (uint32_t i = 0; b->reads && i <= p->high; i++) {
        if (!p->oldest_reader[i] || !tg_node_at(p->tape, i)->extra.leaf) continue;
        b->reads[b->n_reads++] = (tg_backward_read){i, p->oldest_reader[i] - 1};
        if (i < m->oldest) m->oldest = i;
    }
    return b->reads != NULL;
}

/* Copies the nodes down to the oldest that matters, or to one that is expected to stay. */
static bool copy_graph(maker *m, const tg_tensor *given, uint64_t since) {
    const tg_tape *tape = m->pass->tape;
    tg_backward_plan *b = m->b;
    b->low = b->high + 1;
    while (b->low > m->oldest && tg_node_at(tape, b->low - 1)->epoch > since) b->low--;
    if (b->low > m->oldest) b->below_epoch = tg_node_at(tape, b->low - 1)->epoch;
    const bool from_tensor = given && !tg_is_num(*given);
    b->number = !given ? 1 : from_tensor ? 0 : tg_item(*given);
    b->cotangent = from_tensor ? given->node : TG_NO_NODE;
    size_t bytes = from_tensor ? contents_bytes(tg_node_at(tape, given->node)) : 0;
    for (uint32_t i = b->low; i <= b->high; i++) bytes += contents_bytes(tg_node_at(tape, i));
    b->nodes = tg_planning_memory(&m->planning, (size_t)b->high - b->low + 2, sizeof *b->nodes);
    b->contents = tg_planning_memory(&m->planning, bytes, 1);
    if (!b->nodes || !b->contents) return false;
    tg_node *to = b->nodes;
    char *contents = b->contents;
    if (from_tensor) contents = copy_node(tg_node_at(tape, given->node), to++, contents);
    for (uint32_t i = b->high + 1; i-- > b->low;) contents = copy_node(tg_node_at(tape, i), to++, contents);
    return true;
}

bool tg_backward_plan_make(tg_backward_plan *b, const tg_pass *p, const tg_tensor *given, uint64_t since) {
    maker m = {.b = b, .pass = p, .oldest = p->low};
    m.planning = (tg_planning){
        .tape = p->tape, .plan = &b->plan, .where = p->where, .first = p->tape->deferral->first};
    b->high = p->high;
    look_at_graph(&m);
    if (!look_at_inputs(&m) || !add_outputs(&m)) return false;
    tg_deferral_end(p->tape, &b->plan.arena);
    return keep_outputs(&m) && tg_plan_make(&m.planning, (int)b->n_outputs, m.results) && note_reads(&m) &&
           copy_graph(&m, given, since);
}
