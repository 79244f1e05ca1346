/* plan_schedule.c: what a plan must compute.
 *
 * Owns: which nodes are needed, which values follow from numbers alone, which operations are equal, which
 * have no effect. Nodes that are views are not computed: strides are the tape's, and memory that of the root.
 * Must not know what is fused or where results lie. */
#include "graph/plan_parts.h"

#include <string.h>

/* --- needed nodes --------------------------------------------------------------------------------------- */

/* Marks outputs and all that they were recorded from. An output is kept in the tape's memory, which for a
 * view is that of its root. */
static uint8_t *mark(tg_planning *p, int n_outputs, const tg_tensor *outputs) {
    uint32_t newest = 0;
    for (int i = 0; i < n_outputs; i++)
        if (outputs[i].node > newest) newest = outputs[i].node;
    uint8_t *marks = tg_planning_temporary(p, (size_t)newest + 1, 1);
    if (!marks) return NULL;
    memset(marks, 0, (size_t)newest + 1);
    for (int i = 0; i < n_outputs; i++) {
        uint32_t root = outputs[i].node;
        marks[root] |= TG_MARK_NEEDED;
        while (tg_node_at(p->tape, root)->flags & TG_NODE_VIEW)
            root = tg_node_inputs(tg_node_at(p->tape, root))[0];
        marks[root] |= TG_MARK_KEPT;
    }
    for (uint32_t i = newest + 1; i-- > 0;) {
        const tg_node *node = tg_node_at(p->tape, i);
        p->plan->counts.recorded += node->op != NULL;
        if (!(marks[i] & TG_MARK_NEEDED)) continue;
        p->n_values++;
        if (i < p->first) continue;
        p->plan->counts.needed += node->op != NULL;
        for (uint32_t k = 0; k < node->n_in; k++) marks[tg_node_inputs(node)[k]] |= TG_MARK_NEEDED;
    }
    p->plan->newest = newest;
    p->plan->newest_epoch = tg_node_at(p->tape, newest)->epoch;
    return marks;
}

/* --- equal operations ----------------------------------------------------------------------------------- */

typedef struct equal_table {
    uint32_t *slots;  /* a power of two of them; 1 + value, 0: free */
    uint32_t *stamps; /* by value: see stamp_of */
    size_t mask;
} equal_table;

static bool table_new(const tg_planning *p, equal_table *table) {
    size_t size = 16;
    while (size < 2 * (size_t)p->n_values) size *= 2;
    table->slots = tg_planning_temporary(p, size, sizeof *table->slots);
    table->stamps = tg_planning_temporary(p, p->n_values, sizeof *table->stamps);
    if (!table->slots || !table->stamps) return false;
    memset(table->slots, 0, size * sizeof *table->slots);
    table->mask = size - 1;
    return true;
}

/* The last assign to a leaf that v reads: what reads it before and after is not equal. Assigns count up, so
 * that the largest is enough. */
static uint32_t stamp_of(const tg_planning *p, const tg_value *v) {
    uint32_t stamp = 0;
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const uint32_t assigned = tg_value_root(p, tg_value_input(p, v, k))->assigned;
        if (assigned > stamp) stamp = assigned;
    }
    return stamp;
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const tg_planning *p, const tg_value *v, uint32_t stamp) {
    const struct tg_op *op = v->node->op;
    uint64_t hash = mix((uint64_t)(uintptr_t)op, stamp);
    const unsigned char *attr = v->node->extra.attr;
    for (size_t i = 0; i < op->attr_size; i++) hash = mix(hash, attr[i]);
    for (uint32_t k = 0; k < v->node->n_in; k++) hash = mix(hash, tg_value_id(p, tg_value_input(p, v, k)));
    return hash;
}

static bool equal(const tg_planning *p, const tg_value *a, const tg_value *b) {
    if (a->node->op != b->node->op || a->node->n_in != b->node->n_in || a->role != b->role) return false;
    const size_t bytes = a->node->op->attr_size;
    if (bytes && memcmp(a->node->extra.attr, b->node->extra.attr, bytes) != 0) return false;
    for (uint32_t k = 0; k < a->node->n_in; k++)
        if (tg_value_input(p, a, k) != tg_value_input(p, b, k)) return false;
    return true;
}

/* Merges v with an equal value before it, or remembers it. What is kept on the tape stays itself. */
static void merge(tg_planning *p, equal_table *table, tg_value *v) {
    const uint32_t id = tg_value_id(p, v);
    const uint32_t stamp = table->stamps[id] = stamp_of(p, v);
    size_t at = hash_of(p, v, stamp) & table->mask;
    for (; table->slots[at]; at = (at + 1) & table->mask) {
        const tg_value *other = &p->values[table->slots[at] - 1];
        if (table->stamps[table->slots[at] - 1] != stamp || !equal(p, v, other)) continue;
        if (v->kept) return;
        v->same = other->same;
        p->plan->counts.merged++;
        return;
    }
    table->slots[at] = id + 1;
}

/* --- operations that change nothing --------------------------------------------------------------------- */

/* Whether v is the number everywhere, and made of numbers alone. */
static bool is_number(const tg_value *v, double number) {
    const tg_array array = tg_node_array(v->node);
    if (!v->constant || !tg_dtype_is_value(array.dtype) || tg_array_size(&array) == 0) return false;
    for (int i = 0; i < array.rank; i++)
        if (array.shape[i] > 1 && array.strides[i] != 0) return false;
    return number ==
           (array.dtype == TG_F32 ? (double)*(const float *)array.data : *(const double *)array.data);
}

/* The x that v is, bit for bit: of x - 0, x * 1, -(-x). NULL: v is an operation of its own. */
static const tg_value *operand_unchanged(const tg_planning *p, const tg_value *v) {
    const struct tg_op *op = v->node->op;
    const tg_value *first = tg_value_input(p, v, 0);
    if (op->is_involution && first->role == TG_ROLE_COMPUTED && first->node->op == op)
        return tg_value_input(p, first, 0);
    for (uint32_t k = 0; k < 2 && v->node->n_in == 2; k++)
        if (op->neutral_inputs >> k & 1 && is_number(tg_value_input(p, v, k), op->neutral))
            return tg_value_input(p, v, 1 - k);
    return NULL;
}

/* If x lies as the result would. Leaves that may change are left alone: they may have by the time that the
 * result is read. */
static void leave_out(tg_planning *p, tg_value *v) {
    if (v->role != TG_ROLE_COMPUTED || v->kept || v->node->op->kind != TG_MAP) return;
    const tg_value *x = operand_unchanged(p, v);
    if (!x || !tg_value_is_whole(p, x)) return;
    if (tg_value_root(p, x)->role != TG_ROLE_COMPUTED && !p->first) return;
    const tg_array array = tg_node_array(x->node), result = tg_node_array(v->node);
    if (!tg_shape_equal(tg_array_shape(&array), tg_array_shape(&result))) return;
    v->same = tg_value_id(p, x);
    p->plan->counts.left_out++;
}

/* Whether both show the same elements of one root in the same places. */
static bool show_the_same(const tg_value *a, const tg_value *b) {
    const tg_array x = tg_node_array(a->node), y = tg_node_array(b->node);
    bool same = (uintptr_t)x.data - (uintptr_t)a->base == (uintptr_t)y.data - (uintptr_t)b->base &&
                x.dtype == y.dtype && tg_shape_equal(tg_array_shape(&x), tg_array_shape(&y));
    for (int i = 0; same && i < x.rank; i++) same = x.shape[i] == 1 || x.strides[i] == y.strides[i];
    return same;
}

/* A view of a view, as of a matrix transposed twice, may be what one of them shows already. */
static void see_through(tg_planning *p, tg_value *v) {
    enum { FAR = 16 }; /* views further up are not looked at: a chain of them may be as long as the tape */
    const tg_value *u = v;
    for (int i = 0; i < FAR && u->role == TG_ROLE_VIEW; i++) {
        u = tg_value_input(p, u, 0);
        if (!show_the_same(v, u)) continue;
        v->same = tg_value_id(p, u);
        p->plan->counts.left_out++;
        return;
    }
}

/* --- values --------------------------------------------------------------------------------------------- */

/* What node i is to the plan. */
static void classify(tg_planning *p, tg_value *v, uint32_t i) {
    const tg_node *node = v->node;
    const uint32_t id = tg_value_id(p, v);
    v->root = v->same = id;
    v->unit = v->last_unit = v->into = v->read_in = v->counted_in = TG_NONE;
    v->base = v->home = node->data;
    v->role = TG_ROLE_GIVEN;
    if (i < p->first) return;
    if (!node->op) {
        v->constant = node->extra.leaf == NULL;
        return;
    }
    bool constant = tg_node_has_values(p->tape, node);
    for (uint32_t k = 0; k < node->n_in; k++) constant &= tg_value_input(p, v, k)->constant;
    if (node->flags & TG_NODE_VIEW) {
        v->root = tg_value_input(p, v, 0)->root;
        v->base = p->values[p->at[tg_node_inputs(node)[0]]].base;
    }
    if (node->op == &tg_assign_op) {
        v->role = TG_ROLE_COMPUTED;
        p->n_assigns++;
        tg_value_root(p, v)->assigned = id + 1;
    } else if (constant) {
        v->constant = true; /* the tape has its value */
        v->root = id;
        v->base = node->data;
        p->plan->counts.folded++;
    } else {
        v->role = node->flags & TG_NODE_VIEW ? TG_ROLE_VIEW : TG_ROLE_COMPUTED;
    }
}

bool tg_plan_schedule(tg_planning *p, int n_outputs, const tg_tensor *outputs) {
    const uint8_t *marks = mark(p, n_outputs, outputs);
    equal_table table;
    if (!marks || !table_new(p, &table)) return false;
    const uint32_t n_nodes = p->plan->newest + 1;
    p->at = tg_planning_temporary(p, n_nodes, sizeof *p->at);
    p->values = tg_planning_temporary(p, p->n_values, sizeof *p->values);
    if (!p->at || !p->values) return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_nodes; i++) {
        if (!(marks[i] & TG_MARK_NEEDED)) continue;
        p->at[i] = n;
        tg_value *v = &p->values[n++];
        *v = (tg_value){.node = tg_node_at(p->tape, i), .kept = (marks[i] & TG_MARK_KEPT) != 0};
        classify(p, v, i);
        leave_out(p, v);
        see_through(p, v);
        if (v->role != TG_ROLE_GIVEN && v->node->op != &tg_assign_op && v->same == n - 1) merge(p, &table, v);
        p->n_computed += v->role == TG_ROLE_COMPUTED && v->same == n - 1;
    }
    for (int k = 0; p->homes && k < n_outputs; k++) {
        p->values[p->at[outputs[k].node]].home = p->homes[k].data;
        p->values[p->at[outputs[k].node]].after_calls = p->homes[k].after_calls;
    }
    return true;
}

/* --- values as memory ----------------------------------------------------------------------------------- */

bool tg_value_is_whole(const tg_planning *p, const tg_value *v) {
    const tg_array array = tg_node_array(v->node);
    return v->base == v->node->data && tg_array_is_contiguous(&array) &&
           tg_array_size(&array) == tg_value_size(tg_value_root(p, v));
}

bool tg_value_is_direct(const tg_value *v, int64_t n) {
    const tg_array array = tg_node_array(v->node);
    return tg_array_size(&array) == n && tg_array_is_contiguous(&array);
}

tg_array tg_value_array(const tg_planning *p, const tg_value *v) {
    tg_array array = tg_node_array(v->node);
    const tg_value *root = tg_value_root(p, v);
    if (root->into != TG_NONE) root = &p->values[root->into];
    const bool in_slab = root->role == TG_ROLE_COMPUTED && !root->kept;
    const uintptr_t at = in_slab ? (uintptr_t)p->slab + root->offset : (uintptr_t)root->home;
    array.data = (void *)(at + ((uintptr_t)v->node->data - (uintptr_t)v->base));
    return array;
}
