/* plan_fusion.c: in which order a plan computes, and what it computes together.
 *
 * Owns: the units of a plan. They follow the tape's order, except that an elementwise operation, or a
 * product, draws later elementwise ones of its shape to itself when all that they read is there, and then the
 * reductions of their results; and a product draws a sum that it can make itself, and later products, to run
 * at once with it. So a unit depends on earlier units only, and there are no cycles to look for. Nothing
 * moves past an assign: what reads a leaf before it is changed does so in the plan as well. */
#include "graph/plan_parts.h"

enum {
    WINDOW = 256,       /* how far ahead of a unit's first member others are looked for */
    SCALAR_MOST = 1024, /* members of a unit of scalars */
    FEW = 64,           /* elements for which numbers are written out */
    /* What products that run at once may cost in all: with more to do, to meet less often gains nothing. */
    MOST_AT_ONCE = 32 * TG_PRODUCT_WORK,
    LEAST_AT_ONCE = TG_PRODUCT_WORK / 4 /* a smaller product does not look for others */
};

/* A unit while it grows. */
typedef struct growing {
    tg_unit *unit;
    uint32_t id, mark;
    uint32_t first,
        first_mark;         /* of the first of the units that run at once with it: its own if it is that */
    tg_array shape, narrow; /* of its elements, and of what has one element a row */
    int slots;              /* blocks that it may need: an upper bound */
    int n_folds;
    bool all_direct;  /* nothing is gathered or reduced, but numbers repeated for a few elements */
    bool all_narrow;  /* no operand has more bytes than a value */
    bool passed_call; /* leaves for later what can fail */
    bool torn;        /* what would have followed cannot, because of the units that run at once with it */
} growing;

static growing begin_unit(tg_planning *p, tg_step_kind kind) {
    tg_unit *unit = &p->units[p->n_units];
    *unit = (tg_unit){.kind = kind, .first = p->n_members, .at_once = 1};
    growing g = {
        .unit = unit, .id = p->n_units, .mark = ++p->n_marks, .all_direct = true, .all_narrow = true};
    g.first = g.id, g.first_mark = g.mark;
    return g;
}

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

/* Of all units, all members but the first so many. */
static void drop_members(tg_planning *p, uint32_t kept) {
    while (p->n_members > kept) {
        tg_value *v = &p->values[p->members[--p->n_members]];
        v->unit = TG_NONE;
        v->late = false;
    }
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
    bool beside;           /* of what units compute or change that run at once with it */
    int slots;             /* that it takes */
} reading;

/* Whether a unit that runs at once with this one changes the leaf. */
static bool is_changed_beside(const growing *g, const tg_value *leaf) {
    return leaf->changed_here >= g->first_mark && leaf->changed_here < g->mark;
}

/* How a member for n elements (those of the chain, or its rows) reads u: as what the chain computes or as
 * what is there. A leaf that it changes itself must be read block by block, where it lies. */
static reading read_of(const tg_planning *p, const growing *g, const tg_value *u, int64_t n) {
    const tg_value *root = tg_value_root(p, u);
    if (root->unit == g->id) {
        const bool narrow = tg_value_is_narrow(g->unit, root), spread = narrow && n == g->unit->form.n;
        const bool fits = spread ? is_spread(p, g, u) : tg_value_is_whole(p, u) && tg_value_size(u) == n;
        return (reading){!root->late && fits, true, false, spread};
    }
    const bool given = root->role == TG_ROLE_GIVEN;
    const bool beside = given ? is_changed_beside(g, root) : root->unit >= g->first && root->unit != TG_NONE;
    const bool there = given ? root->passed_change != g->mark : root->unit < g->first;
    return (reading){there && !beside && (root->changed_here != g->mark || is_aligned(p, u, n)), false,
                     beside, !tg_value_is_direct(u, n)};
}

/* Whether the chain, which can read the inputs of the assign v, can change its leaf, block by block. */
static bool can_change(const tg_planning *p, const growing *g, const tg_value *v, int64_t n) {
    const tg_value *leaf = tg_value_root(p, v);
    return leaf->passed_read != g->mark && leaf->gathered_here != g->mark &&
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
static bool can_take(const tg_planning *p, growing *g, const tg_value *v, int64_t n, int *slots) {
    bool possible = true, inside = false, beside = false;
    *slots = !is_assign(v); /* which writes to its leaf */
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const reading r = read_of(p, g, tg_value_input(p, v, k), n);
        possible &= r.possible;
        *slots += r.slots;
        inside |= r.inside;
        beside |= r.beside;
    }
    if (is_assign(v)) beside |= tg_value_root(p, v)->read_at_once == g->first_mark;
    g->torn |= inside && beside;
    if (!possible || beside || (is_assign(v) && !can_change(p, g, v, n))) return false;
    if (v->after_calls && g->passed_call) return false;
    if (n != g->unit->form.n && !inside) return false;
    if ((g->n_folds || g->unit->form.row > 1) && has_wide_operand(p, v)) return false;
    return g->unit->form.n == 1 ? g->unit->n < SCALAR_MOST : g->slots + *slots <= TG_CHAIN_SLOTS;
}

static void take(tg_planning *p, growing *g, tg_value *v, int64_t n, int slots) {
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *u = tg_value_input(p, v, k);
        if (!is_aligned(p, u, n)) tg_value_root(p, u)->gathered_here = g->mark;
        g->all_direct &= tg_value_is_direct(u, n) || (u->constant && n <= FEW);
    }
    if (is_assign(v)) tg_value_root(p, v)->changed_here = g->mark;
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
        tg_value_root(p, tg_value_input(p, v, k))->passed_read = g->mark;
    if (is_assign(v)) tg_value_root(p, v)->passed_change = g->mark;
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

/* Whether value k is yet to be computed. */
static bool is_waiting(const tg_planning *p, uint32_t k) {
    const tg_value *v = &p->values[k];
    return v->role == TG_ROLE_COMPUTED && v->same == k && v->unit == TG_NONE;
}

/* Takes what it can of the values from i on, before which none waits; or only one of them, unless NULL. */
static void draw(tg_planning *p, growing *g, uint32_t i, const tg_value *only) {
    for (uint32_t k = i; k < p->n_values && k - i < WINDOW; k++) {
        tg_value *v = &p->values[k];
        if (!is_waiting(p, k)) continue;
        const bool wanted = only ? v == only : !tg_value_waits(p, v);
        if (!wanted || !try_member(p, g, v)) pass_over(p, g, v);
        if (v == only) return;
    }
}

static tg_chain form_of(const tg_planning *p, int64_t n) {
    return (tg_chain){.n = n, .row = 1, .line = 1, .value_bytes = tg_dtype_size(p->tape->dtype)};
}

/* The chain that begins with value i; false if i cannot be in any (an assign of what must be gathered, a
 * reduction of axes in the middle) or would be alone in it, as a reduction of what is in memory. */
static bool grow_chain(tg_planning *p, uint32_t i) {
    tg_value *first = &p->values[i];
    const bool reduces = first->node->op->kind == TG_REDUCE;
    growing g = begin_unit(p, TG_STEP_CHAIN);
    tg_unit *unit = g.unit;
    g.shape = tg_node_array((reduces ? tg_value_input(p, first, 0) : first)->node);
    unit->form = form_of(p, tg_array_size(&g.shape));
    if (!try_member(p, &g, first)) return false;
    draw(p, &g, i, NULL);
    if (reduces && unit->n == 1) unit->kind = TG_STEP_REDUCE;
    if (unit->form.n == 0 || (g.all_direct && unit->form.n <= TG_LEAF_BYTES / widest_of(p, unit)))
        unit->kind = TG_STEP_KERNELS;
    p->n_units++;
    return true;
}

/* --- products ------------------------------------------------------------------------------------------- */

/* Whether it pays that what follows the product v does so panel by panel. */
static bool pays_by_panel(const tg_value *v, const tg_prepared_product *prepared) {
    return tg_value_bytes(v) > TG_LEAF_BYTES && tg_product_pays_by_panel(prepared);
}

/* Whether a member that is computed panel by panel reads what the product leaves in memory. */
static bool reads_product(const tg_planning *p, const tg_unit *unit) {
    const uint32_t begin = tg_unit_first_in_blocks(unit);
    for (uint32_t i = begin; i < unit->n; i++) {
        const tg_value *v = &p->values[p->members[unit->first + i]];
        for (uint32_t k = 0; k < v->node->n_in; k++)
            if (tg_value_input(p, v, k)->root == p->members[unit->first + begin - 1]) return true;
    }
    return false;
}

/* Makes the sum the second member, if it is one that reads nothing which others make. */
static bool move_sum_ahead(const tg_planning *p, const tg_unit *unit, const tg_value *sum) {
    uint32_t *member = &p->members[unit->first], i = 1;
    while (i < unit->n && &p->values[member[i]] != sum) i++;
    if (i == unit->n) return false;
    for (uint32_t k = 0; k < sum->node->n_in; k++) {
        const tg_value *root = tg_value_root(p, tg_value_input(p, sum, k));
        if (tg_value_id(p, root) != member[0] && root->unit == p->values[member[0]].unit) return false;
    }
    for (; i > 1; i--) member[i] = member[i - 1];
    member[1] = tg_value_id(p, sum);
    return true;
}

/* Draws to the product, the unit's only member, the sum that it makes itself, or NULL, and, if it pays, the
 * chain that follows: each panel then passes through it while it is in cache. A chain that reduces as well is
 * left to be one by itself, since its sums are cut otherwise than panels are. */
static void grow_epilogue(tg_planning *p, growing *g, uint32_t from, const tg_value *product,
                          const tg_value *sum, bool by_panel) {
    tg_unit *unit = g->unit;
    g->shape = tg_node_array(product->node);
    g->passed_call = true;
    unit->form = form_of(p, tg_array_size(&g->shape));
    /* What the product reads changes when all panels are made. */
    for (uint32_t k = 0; k < product->node->n_in; k++)
        tg_value_root(p, tg_value_input(p, product, k))->gathered_here = g->mark;
    draw(p, g, from, by_panel ? NULL : sum);
    unit->adds = sum && move_sum_ahead(p, unit, sum);
    if (by_panel && g->n_folds == 0 && unit->form.row == 1 && reads_product(p, unit)) return;
    drop_members(p, unit->first + 1 + unit->adds);
    unit->n = 1 + unit->adds;
}

/* Whether the product v, before which others wait, can run at once with the units from `first` on: all that
 * it reads is there, as it is to be. */
static bool can_run_beside(const tg_planning *p, const growing *first, const tg_value *v) {
    if (!v->node->op->product || v->after_calls) return false;
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *root = tg_value_root(p, tg_value_input(p, v, k));
        const bool there = root->role == TG_ROLE_GIVEN
                               ? root->passed_at_once != first->mark && root->changed_here < first->mark
                               : root->unit < first->id;
        if (!there) return false;
    }
    return true;
}

/* A unit of the product v and what follows it; false if it had better be apart from those from `first` on. */
static bool grow_product(tg_planning *p, const growing *first, uint32_t from, tg_value *v,
                         const tg_value *sum, bool by_panel) {
    growing g = begin_unit(p, TG_STEP_PRODUCT);
    g.first = first->id, g.first_mark = first->mark;
    add_member(p, &g, v);
    if (sum || by_panel) grow_epilogue(p, &g, from, v, sum, by_panel);
    if (g.torn) {
        drop_members(p, g.unit->first);
        return false;
    }
    for (uint32_t i = 0; i < g.unit->n; i++) {
        const tg_value *reader = &p->values[p->members[g.unit->first + i]];
        for (uint32_t k = 0; k < reader->node->n_in; k++)
            tg_value_root(p, tg_value_input(p, reader, k))->read_at_once = first->mark;
    }
    p->n_units++;
    return true;
}

/* The units of the product i and of later ones that run at once with it, if there is work for two threads. */
static bool grow_products(tg_planning *p, uint32_t i) {
    const growing first = {.id = p->n_units, .mark = p->n_marks + 1};
    int64_t cost = 0, most = MOST_AT_ONCE;
    for (uint32_t k = i; k < p->n_values && k - i < WINDOW && cost < most; k++) {
        tg_value *v = &p->values[k];
        if (!is_waiting(p, k)) continue;
        if (is_assign(v)) tg_value_root(p, v)->passed_at_once = first.mark;
        if (k > i && !can_run_beside(p, &first, v)) continue;
        tg_prepared_product prepared;
        const tg_value *sum;
        if (!tg_plan_try_product(p, v, &prepared, &sum)) return false;
        const bool joins = tg_product_joins(&prepared) && cost + prepared.cost <= most;
        if (k > i && !joins) continue;
        if (grow_product(p, &first, i, v, sum, pays_by_panel(v, &prepared))) cost += prepared.cost;
        if (!joins || cost < LEAST_AT_ONCE) most = 0;
    }
    tg_unit *unit = &p->units[first.id];
    if (cost >= 2 * TG_PRODUCT_WORK) {
        unit->at_once = p->n_units - first.id;
    } else {
        drop_members(p, unit->first + unit->n);
        p->n_units = first.id + 1;
    }
    return true;
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
        if (!is_waiting(p, i)) continue;
        const tg_step_kind kind = kind_of(v->node->op);
        if (kind == TG_STEP_PRODUCT) {
            if (!grow_products(p, i)) return false;
        } else if ((kind != TG_STEP_REDUCE && !is_map(v) && !is_assign(v)) || !grow_chain(p, i)) {
            growing g = begin_unit(p, kind);
            add_member(p, &g, v);
            p->n_units++;
        }
    }
    return true;
}
