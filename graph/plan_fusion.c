/* plan_fusion.c: in which order a plan computes, and what it computes together.
 *
 * Owns: the units of a plan. They follow the tape's order, except that an elementwise operation draws later
 * ones of its shape to itself when all that they read is there, and then the reductions of their results: so
 * a unit depends on earlier units only, and there are no cycles to look for. Nothing moves past an assign:
 * what reads a leaf before it is changed does so in the plan as well. */
#include "graph/plan_parts.h"

enum {
    WINDOW = 256,       /* how far ahead of a unit's first member others are looked for */
    SCALAR_MOST = 1024, /* members of a unit of scalars */
    SHORT_ROW = 16,     /* a call of fold for each row does not pay, */
    FEW_ELEMENTS = 4096 /* but where there is little of everything */
};

/* A unit while it grows. */
typedef struct growing {
    tg_unit *unit;
    uint32_t id;
    tg_array shape; /* of its first member */
    int slots;      /* blocks that it may need: an upper bound */
    int n_folds;
    bool all_direct; /* nothing is gathered */
} growing;

static bool is_map(const tg_value *v) { return v->role == TG_ROLE_COMPUTED && v->node->op->kind == TG_MAP; }

static bool is_assign(const tg_value *v) { return v->node->op == &tg_assign_op; }

static bool same_shape(const tg_array *a, const tg_array *b) {
    if (tg_array_size(a) == 1 && tg_array_size(b) == 1) return true;
    return tg_shape_equal(tg_array_shape(a), tg_array_shape(b));
}

static void add_member(tg_planning *p, growing *g, tg_value *v) {
    p->members[p->n_members++] = tg_value_id(p, v);
    v->unit = g->id;
    g->unit->n++;
}

/* Whether a chain can read the input u: as its member's result, or as something that is there. A leaf that it
 * changes itself must be read block by block, where it lies. */
static bool can_read(const tg_planning *p, const growing *g, const tg_value *u, bool *inside) {
    const tg_value *root = tg_value_root(p, u);
    *inside = root->unit == g->id;
    if (*inside) return is_map(root) && tg_value_is_whole(p, u);
    if (root->role != TG_ROLE_GIVEN) return root->unit != TG_NONE;
    if (root->passed_change == g->id) return false;
    return root->changed_here != g->id || tg_value_is_direct(u, g->unit->size);
}

/* Whether the chain, which can read the inputs of the assign v, can change its leaf, block by block. */
static bool can_change(const tg_planning *p, const growing *g, const tg_value *v) {
    const tg_value *leaf = tg_value_root(p, v);
    return leaf->passed_read != g->id && leaf->gathered_here != g->id &&
           tg_value_is_direct(tg_value_input(p, v, 1), g->unit->size);
}

/* Takes v, elementwise or an assign, into the chain if all it reads is there and there is room. */
static bool try_map(tg_planning *p, growing *g, tg_value *v) {
    const tg_array array = tg_node_array(v->node);
    if (!same_shape(&array, &g->shape) || v->node->n_in > TG_MAX_MAP_INPUTS) return false;
    const int64_t n = g->unit->size;
    int slots = 1;
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *u = tg_value_input(p, v, k);
        bool inside;
        if (!can_read(p, g, u, &inside)) return false;
        slots += !inside && !tg_value_is_direct(u, n);
    }
    if (is_assign(v) && !can_change(p, g, v)) return false;
    if (n == 1 ? g->unit->n >= SCALAR_MOST : g->slots + slots > TG_CHAIN_SLOTS) return false;
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *u = tg_value_input(p, v, k);
        if (!tg_value_is_direct(u, n)) tg_value_root(p, u)->gathered_here = g->id;
    }
    if (is_assign(v)) tg_value_root(p, v)->changed_here = g->id;
    g->slots += slots;
    g->all_direct &= slots == 1;
    add_member(p, g, v);
    return true;
}

/* Notes what v, which the chain leaves for later, is still to read and to change. */
static void pass_over(tg_planning *p, const growing *g, const tg_value *v) {
    for (uint32_t k = 0; k < v->node->n_in; k++)
        tg_value_root(p, tg_value_input(p, v, k))->passed_read = g->id;
    if (is_assign(v)) tg_value_root(p, v)->passed_change = g->id;
}

/* The elements of a row that a reduction makes one of, when it reduces trailing axes; else 0. */
static int64_t row_of(const tg_value *v, const tg_value *input) {
    const unsigned mask = ((const tg_reduction *)v->node->extra.attr)->mask;
    const tg_array in = tg_node_array(input->node);
    int64_t row = 1;
    bool kept = false;
    for (int axis = in.rank; axis-- > 0;) {
        if (in.shape[axis] == 1) continue;
        const bool reduced = mask >> axis & 1;
        if (reduced && kept) return 0;
        if (reduced) row *= in.shape[axis];
        kept |= !reduced;
    }
    return row;
}

static void try_reduce(tg_planning *p, growing *g, tg_value *v) {
    const tg_value *u = tg_value_input(p, v, 0);
    bool inside;
    if (g->n_folds == TG_CHAIN_FOLDS || g->unit->size <= 1 || !can_read(p, g, u, &inside) || !inside) return;
    const int64_t row = row_of(v, u);
    if (row < 2 || (g->unit->row && g->unit->row != row)) return;
    if (row < SHORT_ROW && g->unit->size > FEW_ELEMENTS) return;
    g->unit->row = row;
    g->n_folds++;
    add_member(p, g, v);
}

static int64_t widest_of(const tg_planning *p, const tg_unit *unit) {
    int64_t widest = 4;
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = &p->values[p->members[unit->first + i]];
        const int64_t bytes = (int64_t)tg_dtype_size((tg_dtype)v->node->dtype);
        if (bytes > widest) widest = bytes;
        for (uint32_t k = 0; k < v->node->n_in; k++) {
            const int64_t in = (int64_t)tg_dtype_size((tg_dtype)tg_value_input(p, v, k)->node->dtype);
            if (in > widest) widest = in;
        }
    }
    return widest;
}

/* The chain that begins with value i; false if i cannot be in any (an assign of what must be gathered). */
static bool grow_chain(tg_planning *p, tg_unit *unit, uint32_t i) {
    growing g = {
        .unit = unit, .id = p->n_units, .shape = tg_node_array(p->values[i].node), .all_direct = true};
    unit->kind = TG_STEP_CHAIN;
    unit->size = tg_array_size(&g.shape);
    if (!try_map(p, &g, &p->values[i])) return false;
    uint32_t end = i + 1;
    for (; end < p->n_values && end - i < WINDOW; end++) {
        tg_value *v = &p->values[end];
        if (v->role != TG_ROLE_COMPUTED || v->same != end || v->unit != TG_NONE) continue;
        if (!(is_map(v) || is_assign(v)) || !try_map(p, &g, v)) pass_over(p, &g, v);
    }
    for (uint32_t k = i + 1; k < end; k++) {
        tg_value *v = &p->values[k];
        if (v->same == k && v->unit == TG_NONE && v->role == TG_ROLE_COMPUTED &&
            v->node->op->kind == TG_REDUCE)
            try_reduce(p, &g, v);
    }
    if (unit->size == 0) unit->kind = TG_STEP_KERNELS;
    if (g.all_direct && !g.n_folds && unit->size <= tg_chain_block(widest_of(p, unit)))
        unit->kind = TG_STEP_KERNELS;
    return true;
}

bool tg_plan_fuse(tg_planning *p) {
    p->units = tg_planning_temporary(p, p->n_computed, sizeof *p->units);
    p->members = tg_planning_temporary(p, p->n_computed, sizeof *p->members);
    if (!p->units || !p->members) return false;
    for (uint32_t i = 0; i < p->n_values; i++) {
        tg_value *v = &p->values[i];
        if (v->role != TG_ROLE_COMPUTED || v->same != i || v->unit != TG_NONE) continue;
        tg_unit *unit = &p->units[p->n_units];
        *unit = (tg_unit){.kind = TG_STEP_CALL, .first = p->n_members};
        const tg_op_kind kind = v->node->op->kind;
        if ((kind != TG_MAP && !is_assign(v)) || !grow_chain(p, unit, i)) {
            growing g = {.unit = unit, .id = p->n_units};
            unit->kind = kind == TG_REDUCE ? TG_STEP_REDUCE : kind == TG_VIEW ? TG_STEP_COPY : TG_STEP_CALL;
            add_member(p, &g, v);
        }
        p->n_units++;
    }
    return true;
}
