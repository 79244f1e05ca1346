/* plan_fusion.c: in which order a plan computes, and what it computes together.
 *
 * Owns: the units of a plan. They follow the tape's order, except that an elementwise operation, or a
 * product, draws later elementwise ones of its shape to itself when all that they read is there, and then the
 * reductions of their results: so a unit depends on earlier units only, and there are no cycles to look for.
 * Nothing moves past an assign: what reads a leaf before it is changed does so in the plan as well. */
#include "graph/plan_parts.h"

enum {
    WINDOW = 256,       /* how far ahead of a unit's first member others are looked for */
    SCALAR_MOST = 1024, /* members of a unit of scalars */
    FEW = 64            /* elements for which numbers are written out */
};

/* A unit while it grows. */
typedef struct growing {
    tg_unit *unit;
    uint32_t id;
    tg_array shape, narrow; /* of its elements, and of what has one element a row */
    int slots;              /* blocks that it may need: an upper bound */
    int n_folds;
    bool all_direct;  /* nothing is gathered or reduced, but numbers repeated for a few elements */
    bool all_narrow;  /* no operand has more bytes than a value */
    bool passed_call; /* leaves for later what can fail */
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

/* Whether u repeats the chain's result for a row along that row. */
static bool is_spread(const tg_planning *p, const growing *g, const tg_value *u) {
    const tg_value *root = tg_value_root(p, u);
    const tg_array array = tg_node_array(u->node);
    const int64_t row = g->unit->form.row, rows = g->unit->form.n / row;
    if (u->node->data != u->base || tg_value_size(root) != rows) return false;
    tg_cursor c;
    tg_cursor_over_broadcast(&c, &array, g->shape.rank, g->shape.shape);
    return c.rank == 2 && c.size[0] == rows && (rows == 1 || c.stride[0] == 1) && c.size[1] == row &&
           c.stride[1] == 0;
}

/* Whether u is read element by element as its root lies. */
static bool is_aligned(const tg_planning *p, const tg_value *u, int64_t n) {
    return tg_value_is_direct(u, n) && tg_value_size(tg_value_root(p, u)) == n;
}

typedef struct reading {
    bool possible, inside; /* inside: of what the chain computes */
    int slots;             /* that it takes */
} reading;

/* How a member for n elements (those of the chain, or its rows) reads u: as what the chain computes or as
 * what is there. A leaf that it changes itself must be read block by block, where it lies. */
static reading read_of(const tg_planning *p, const growing *g, const tg_value *u, int64_t n) {
    const tg_value *root = tg_value_root(p, u);
    if (root->unit == g->id) {
        const bool narrow = tg_value_is_narrow(g->unit, root), spread = narrow && n == g->unit->form.n;
        const bool fits = spread ? is_spread(p, g, u) : tg_value_is_whole(p, u) && tg_value_size(u) == n;
        return (reading){!root->late && fits, true, spread};
    }
    const bool there = root->role == TG_ROLE_GIVEN ? root->passed_change != g->id : root->unit != TG_NONE;
    return (reading){there && (root->changed_here != g->id || is_aligned(p, u, n)), false,
                     !tg_value_is_direct(u, n)};
}

/* Whether the chain, which can read the inputs of the assign v, can change its leaf, block by block. */
static bool can_change(const tg_planning *p, const growing *g, const tg_value *v, int64_t n) {
    const tg_value *leaf = tg_value_root(p, v);
    return leaf->passed_read != g->id && leaf->gathered_here != g->id &&
           tg_value_is_direct(tg_value_input(p, v, 1), n);
}

static bool has_wide_operand(const tg_planning *p, const tg_value *v) {
    const size_t most = tg_dtype_size(p->tape->dtype);
    bool any = tg_dtype_size((tg_dtype)v->node->dtype) > most;
    for (uint32_t k = 0; k < v->node->n_in; k++)
        any |= tg_dtype_size((tg_dtype)tg_value_input(p, v, k)->node->dtype) > most;
    return any;
}

/* Whether v, for n elements, can be computed with the chain: all that it reads is there, and there is room.
 */
static bool can_take(const tg_planning *p, const growing *g, const tg_value *v, int64_t n, int *slots) {
    bool inside = false;
    *slots = !is_assign(v); /* which writes to its leaf */
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const reading r = read_of(p, g, tg_value_input(p, v, k), n);
        if (!r.possible) return false;
        *slots += r.slots;
        inside |= r.inside;
    }
    if (is_assign(v) && !can_change(p, g, v, n)) return false;
    if (v->after_calls && g->passed_call) return false;
    if (n != g->unit->form.n && !inside) return false;
    if ((g->n_folds || g->unit->form.row > 1) && has_wide_operand(p, v)) return false;
    return g->unit->form.n == 1 ? g->unit->n < SCALAR_MOST : g->slots + *slots <= TG_CHAIN_SLOTS;
}

static void take(tg_planning *p, growing *g, tg_value *v, int64_t n, int slots) {
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *u = tg_value_input(p, v, k);
        if (!is_aligned(p, u, n)) tg_value_root(p, u)->gathered_here = g->id;
        g->all_direct &= tg_value_is_direct(u, n) || (u->constant && n <= FEW);
    }
    if (is_assign(v)) tg_value_root(p, v)->changed_here = g->id;
    g->slots += slots;
    g->all_narrow &= !has_wide_operand(p, v);
    add_member(p, g, v);
}

/* Takes v, elementwise or an assign, into the chain: of its shape, or with one element for each row. */
static bool try_map(tg_planning *p, growing *g, tg_value *v) {
    const tg_array array = tg_node_array(v->node);
    const bool narrow = g->unit->form.row > 1 && same_shape(&array, &g->narrow);
    if (!(narrow || same_shape(&array, &g->shape)) || v->node->n_in > TG_MAX_MAP_INPUTS) return false;
    const int64_t n = tg_array_size(&array);
    int slots;
    if (!can_take(p, g, v, n, &slots)) return false;
    take(p, g, v, n, slots);
    return true;
}

/* Notes what v, which the chain leaves for later, is still to read and to change. */
static void pass_over(tg_planning *p, growing *g, const tg_value *v) {
    g->passed_call |= v->node->op->kind == TG_CONTRACT || v->node->op->kind == TG_OTHER;
    for (uint32_t k = 0; k < v->node->n_in; k++)
        tg_value_root(p, tg_value_input(p, v, k))->passed_read = g->id;
    if (is_assign(v)) tg_value_root(p, v)->passed_change = g->id;
}

/* What a reduction makes one of: the elements of a row, when it reduces trailing axes, or the columns of
 * lines, when it reduces leading ones; else 0. */
static int64_t line_of(const tg_value *v, const tg_array *in, bool *by_columns) {
    const unsigned mask = ((const tg_reduction *)v->node->extra.attr)->mask;
    int64_t line = 1;
    int changes = 0;
    bool reduced = false, first = true;
    *by_columns = false;
    for (int axis = in->rank; axis-- > 0;) {
        if (in->shape[axis] == 1) continue;
        changes += !first && reduced != (mask >> axis & 1);
        reduced = mask >> axis & 1;
        if (first) *by_columns = !reduced;
        if (changes == 0) line *= in->shape[axis];
        first = false;
    }
    return changes > 1 || (*by_columns && changes == 0) ? 0 : line;
}

/* Whether the chain can reduce lines too: short ones are rows, whose results its members may read. */
static bool can_reduce(const growing *g, int64_t line, bool by_columns, int64_t leaf) {
    const tg_chain *form = &g->unit->form;
    if (line < 2 || form->n < 2 || !g->all_narrow) return false;
    if (!by_columns && line <= leaf) {
        if (form->row > 1) return form->row == line;
        return form->line == 1 || (form->by_columns && form->line <= leaf && form->line % line == 0);
    }
    if (g->n_folds == TG_CHAIN_FOLDS) return false;
    if (form->line > 1) return form->line == line && form->by_columns == by_columns;
    return form->row == 1 || (by_columns && line <= leaf && line % form->row == 0);
}

static bool try_reduce(tg_planning *p, growing *g, tg_value *v) {
    const tg_array in = tg_node_array(tg_value_input(p, v, 0)->node);
    if (!same_shape(&in, &g->shape)) return false;
    bool by_columns;
    int slots;
    const int64_t line = line_of(v, &in, &by_columns), leaf = tg_leaf_elements(tg_dtype_size(in.dtype));
    if (!can_reduce(g, line, by_columns, leaf) || !can_take(p, g, v, g->unit->form.n, &slots)) return false;
    if (slots > 1) return false; /* the tape reduces along strides, which may be another order */
    v->late = by_columns || line > leaf;
    if (v->late) {
        g->unit->form.line = line;
        g->unit->form.by_columns = by_columns;
        g->n_folds++;
    } else if (g->unit->form.row == 1) {
        g->unit->form.row = line;
        g->narrow = tg_node_array(v->node);
    }
    take(p, g, v, g->unit->form.n, slots);
    g->all_direct = false;
    return true;
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

static bool try_member(tg_planning *p, growing *g, tg_value *v) {
    if (is_map(v) || is_assign(v)) return try_map(p, g, v);
    return v->node->op->kind == TG_REDUCE && try_reduce(p, g, v);
}

/* Takes what it can of the values after i. */
static void draw(tg_planning *p, growing *g, uint32_t i) {
    for (uint32_t k = i + 1; k < p->n_values && k - i < WINDOW; k++) {
        tg_value *v = &p->values[k];
        if (v->role != TG_ROLE_COMPUTED || v->same != k || v->unit != TG_NONE) continue;
        if (tg_value_waits(p, v) || !try_member(p, g, v)) pass_over(p, g, v);
    }
}

static tg_chain form_of(const tg_planning *p, int64_t n) {
    return (tg_chain){.n = n, .row = 1, .line = 1, .value_bytes = tg_dtype_size(p->tape->dtype)};
}

/* The chain that begins with value i; false if i cannot be in any (an assign of what must be gathered, a
 * reduction of axes in the middle) or would be alone in it, as a reduction of what is in memory. */
static bool grow_chain(tg_planning *p, tg_unit *unit, uint32_t i) {
    tg_value *first = &p->values[i];
    const bool reduces = first->node->op->kind == TG_REDUCE;
    growing g = {.unit = unit,
                 .id = p->n_units,
                 .shape = tg_node_array((reduces ? tg_value_input(p, first, 0) : first)->node),
                 .all_direct = true,
                 .all_narrow = true};
    unit->kind = TG_STEP_CHAIN;
    unit->form = form_of(p, tg_array_size(&g.shape));
    if (!try_member(p, &g, first)) return false;
    draw(p, &g, i);
    if (reduces && unit->n == 1) unit->kind = TG_STEP_REDUCE;
    if (unit->form.n == 0 || (g.all_direct && unit->form.n <= TG_LEAF_BYTES / widest_of(p, unit)))
        unit->kind = TG_STEP_KERNELS;
    return true;
}

/* --- products ------------------------------------------------------------------------------------------- */

/* Whether what follows the product v may do so panel by panel; false, with an error, when memory is out. */
static bool find_panels(const tg_planning *p, const tg_value *v, bool *panels) {
    tg_call call;
    tg_product product;
    tg_prepared_product prepared;
    *panels = false;
    if (tg_value_bytes(v) <= TG_LEAF_BYTES) return true;
    if (!tg_value_call(p, v, &call)) return false;
    v->node->op->product(&call, &product);
    tg_product_prepare(&prepared, &product, NULL);
    *panels = tg_product_pays_by_panel(&prepared);
    return true;
}

/* Whether a member after the first, which is a product, reads it. */
static bool reads_product(const tg_planning *p, const tg_unit *unit) {
    for (uint32_t i = 1; i < unit->n; i++) {
        const tg_value *v = &p->values[p->members[unit->first + i]];
        for (uint32_t k = 0; k < v->node->n_in; k++)
            if (tg_value_input(p, v, k)->root == p->members[unit->first]) return true;
    }
    return false;
}

/* Draws to the product, the unit's only member, the chain that follows it: each panel then passes through it
 * while it is in cache. A chain that reduces as well is left to be one by itself, since its sums are cut
 * otherwise than panels are. */
static void grow_epilogue(tg_planning *p, growing *g, const tg_value *product) {
    tg_unit *unit = g->unit;
    g->shape = tg_node_array(product->node);
    g->passed_call = true;
    unit->form = form_of(p, tg_array_size(&g->shape));
    /* What the product reads changes when all panels are made. */
    for (uint32_t k = 0; k < product->node->n_in; k++)
        tg_value_root(p, tg_value_input(p, product, k))->gathered_here = g->id;
    draw(p, g, tg_value_id(p, product));
    if (g->n_folds == 0 && unit->form.row == 1 && reads_product(p, unit)) return;
    for (; unit->n > 1; unit->n--) {
        tg_value *v = &p->values[p->members[--p->n_members]];
        v->unit = TG_NONE;
        v->late = false;
    }
}

/* --- all units ------------------------------------------------------------------------------------------ */

/* What computes v by itself. */
static tg_step_kind kind_of(const struct tg_op *op) {
    if (op->kind == TG_REDUCE) return TG_STEP_REDUCE;
    if (op->kind == TG_VIEW) return TG_STEP_COPY;
    return op->product ? TG_STEP_PRODUCT : TG_STEP_CALL;
}

bool tg_plan_fuse(tg_planning *p) {
    p->units = tg_planning_temporary(p, p->n_computed, sizeof *p->units);
    p->members = tg_planning_temporary(p, p->n_computed, sizeof *p->members);
    if (!p->units || !p->members || !tg_plan_find_readers(p)) return false;
    for (uint32_t i = 0; i < p->n_values; i++) {
        tg_value *v = &p->values[i];
        if (v->role != TG_ROLE_COMPUTED || v->same != i || v->unit != TG_NONE) continue;
        tg_unit *unit = &p->units[p->n_units];
        *unit = (tg_unit){.first = p->n_members};
        if ((kind_of(v->node->op) != TG_STEP_REDUCE && !is_map(v) && !is_assign(v)) ||
            !grow_chain(p, unit, i)) {
            growing g = {.unit = unit, .id = p->n_units, .all_direct = true, .all_narrow = true};
            bool panels = false;
            unit->kind = kind_of(v->node->op);
            if (unit->kind == TG_STEP_PRODUCT && !find_panels(p, v, &panels)) return false;
            add_member(p, &g, v);
            if (panels) grow_epilogue(p, &g, v);
        }
        p->n_units++;
    }
    return true;
}
