/* plan_steps.c: the records that a plan runs.
 *
 * Owns: turning units and places into steps with all pointers, strides and kernels looked up; the blocks that
 * the results of a chain share; the scratch that forwards need. After this nothing of the planning is left.
 */
#include "core/number_kernels.h"
#include "core/threads.h"
#include "graph/plan_parts.h"

#include <string.h>

static tg_value *member(const tg_planning *p, const tg_unit *unit, uint32_t i) {
    return &p->values[p->members[unit->first + i]];
}

/* The arrays of v's inputs in the plan. */
static tg_array *inputs_of(const tg_planning *p, const tg_value *v) {
    tg_array *in = tg_planning_memory(p, v->node->n_in, sizeof *in);
    for (uint32_t k = 0; in && k < v->node->n_in; k++) in[k] = tg_value_array(p, tg_value_input(p, v, k));
    return in;
}

static const void *attr_of(const tg_value *v) { return v->node->op->attr_size ? v->node->extra.attr : NULL; }

/* An assign within a chain: the value into the leaf, which may be the value itself. */
static void copy_1(int64_t n, void *out, const void *const *in, const void *attr) {
    (void)attr;
    memmove(out, in[1], (size_t)n);
}
static void copy_4(int64_t n, void *out, const void *const *in, const void *attr) {
    copy_1(4 * n, out, in, attr);
}
static void copy_8(int64_t n, void *out, const void *const *in, const void *attr) {
    copy_1(8 * n, out, in, attr);
}

static tg_map_kernel *kernel_of(const tg_planning *p, const tg_value *v) {
    const size_t element = tg_dtype_size((tg_dtype)v->node->dtype);
    if (v->node->op == &tg_assign_op) return element == 1 ? copy_1 : element == 4 ? copy_4 : copy_8;
    tg_array in[TG_MAX_MAP_INPUTS];
    for (uint32_t k = 0; k < v->node->n_in; k++) in[k] = tg_node_array(tg_value_input(p, v, k)->node);
    return tg_map_kernel_for(p->tape, v->node->op, (int)v->node->n_in, in);
}

/* What v computes if that is arithmetic on values alone. */
static tg_arithmetic arithmetic_of(const tg_planning *p, const tg_value *v) {
    const tg_dtype dtype = p->tape->dtype;
    const tg_arithmetic arithmetic = v->node->op == &tg_assign_op ? TG_COPY : v->node->op->arithmetic;
    bool values = v->node->dtype == dtype && (arithmetic < TG_ADD || v->node->n_in > 1);
    for (uint32_t k = 0; k < v->node->n_in; k++) values &= tg_value_input(p, v, k)->node->dtype == dtype;
    return values ? arithmetic : TG_NO_ARITHMETIC;
}

/* --- kernels -------------------------------------------------------------------------------------------- */

/* Where a kernel for n elements reads x; a number that is to be repeated is written out. */
static const void *operand_of(const tg_planning *p, const tg_value *x, const tg_array *shape, int64_t n) {
    const tg_array array = tg_value_array(p, x);
    if (n == 0 || tg_value_is_direct(x, n)) return array.data;
    void *repeated = tg_planning_memory(p, (size_t)n, tg_dtype_size(array.dtype));
    tg_cursor cursor;
    tg_cursor_over_broadcast(&cursor, &array, shape->rank, shape->shape);
    if (repeated) tg_cursor_read(&cursor, n, repeated);
    return repeated;
}

static bool make_kernels(const tg_planning *p, const tg_unit *unit, tg_step *step) {
    tg_kernel_call *calls = tg_planning_memory(p, unit->n, sizeof *calls);
    if (!calls) return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = member(p, unit, i);
        if (v->done) continue;
        const void **in = tg_planning_memory(p, v->node->n_in, sizeof *in);
        if (!in) return false;
        const tg_array shape = tg_node_array(v->node);
        for (uint32_t k = 0; k < v->node->n_in; k++) {
            in[k] = operand_of(p, tg_value_input(p, v, k), &shape, unit->form.n);
            if (unit->form.n && !in[k]) return false;
        }
        tg_map_kernel *kernel = kernel_of(p, v);
        if (unit->form.n == 1) {
            tg_map_kernel *number = tg_number_kernel(p->tape->dtype, arithmetic_of(p, v), (int)v->node->n_in);
            if (number) kernel = number;
        }
        calls[n++] = (tg_kernel_call){kernel, tg_value_array(p, v).data, in, attr_of(v)};
    }
    step->as.kernels.n = unit->form.n;
    step->as.kernels.n_calls = n;
    step->as.kernels.calls = calls;
    return true;
}

/* --- chains --------------------------------------------------------------------------------------------- */

/* What a chain's members read from blocks that they do not compute themselves: x, gathered or spread. */
typedef struct made_block {
    const tg_value *x;
    bool narrow, spread;
    int slot;
} made_block;

/* Which blocks of a chain are in use: sources and what is spread keep theirs, results give theirs back after
 * their last reader. No other results are ever in a slot of the former. */
typedef struct chain_maker {
    const tg_planning *p;
    const tg_unit *unit;
    uint32_t id; /* of the unit */
    tg_chain *chain;
    uint32_t used, ever_used; /* a bit for each slot */
    int n_made;
    made_block made[TG_CHAIN_SLOTS];
    tg_array shape, narrow; /* of elements, and of rows' results */
    int64_t widest;
    bool good; /* there was memory */
} chain_maker;

/* The first slot that is not among `taken`. */
static int take_slot(chain_maker *m, uint32_t taken) {
    int slot = 0;
    while (taken >> slot & 1) slot++;
    m->used |= 1U << slot;
    m->ever_used |= 1U << slot;
    return slot;
}

static void note_width(chain_maker *m, int64_t bytes) {
    if (bytes > m->widest) m->widest = bytes;
}

static const made_block *made_of(const chain_maker *m, const tg_value *x, bool narrow) {
    for (int i = 0; i < m->n_made; i++)
        if (m->made[i].x == x && m->made[i].narrow == narrow) return &m->made[i];
    return NULL;
}

static const made_block *make_block(chain_maker *m, const tg_value *x, bool narrow) {
    made_block *made = &m->made[m->n_made++];
    *made = (made_block){.x = x, .narrow = narrow, .slot = take_slot(m, m->ever_used)};
    return made;
}

/* The attribute of tg_chain_fold_rows and tg_chain_spread. */
static const tg_chain_rows *rows_of(chain_maker *m, const struct tg_op *op, tg_dtype dtype) {
    const int64_t row = m->unit->form.row;
    tg_chain_rows *rows = tg_planning_memory(m->p, 1, sizeof *rows);
    m->good &= rows != NULL;
    if (!rows) return NULL;
    *rows = (tg_chain_rows){
        {NULL, op ? op->start : 0, tg_dtype_size(dtype)}, row, tg_rows_are_short(m->unit->form.n / row, row)};
    if (op) rows->by.kernels = dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64;
    return rows;
}

/* A block of the elements that the rows' results, which lie at `from`, are repeated to. */
static const made_block *spread(chain_maker *m, const tg_value *x, tg_chain_place from) {
    const made_block *made = make_block(m, x, false);
    const tg_dtype dtype = (tg_dtype)x->node->dtype;
    m->chain->calls[m->chain->n_calls++] =
        (tg_chain_call){.kernel = tg_chain_spread,
                        .attr = rows_of(m, NULL, dtype),
                        .n_in = 1,
                        .narrow = true,
                        .in = {from},
                        .out = {.element_bytes = from.element_bytes, .slot = made->slot}};
    return made;
}

/* Where a member of the chain for its elements, or narrow, its rows, reads x: in a block of the chain's own
 * making, in memory, or gathered. Gathered and spread blocks are made once for all readers. */
static tg_chain_place place_of(chain_maker *m, const tg_value *x, bool narrow) {
    const tg_planning *p = m->p;
    const tg_value *root = tg_value_root(p, x);
    const tg_array array = tg_value_array(p, x);
    const int64_t rows = m->unit->form.n / m->unit->form.row;
    tg_chain_place place = {NULL, (int64_t)tg_dtype_size((tg_dtype)x->node->dtype), 0, narrow};
    note_width(m, place.element_bytes);
    const made_block *made = made_of(m, x, narrow);
    if (!made && root->unit == m->id) {
        place.narrow = tg_value_is_narrow(m->unit, root);
        if (root->in_memory)
            place.data = tg_value_array(p, root).data;
        else
            place.slot = root->slot;
        if (narrow || !place.narrow) return place;
        made = spread(m, x, place);
        place = (tg_chain_place){.element_bytes = place.element_bytes};
    } else if (!made && tg_value_is_direct(x, narrow ? rows : m->unit->form.n)) {
        place.data = array.data;
        return place;
    } else if (!made) {
        const tg_array shape = narrow ? m->narrow : m->shape;
        tg_chain_source *source = &m->chain->sources[m->chain->n_sources++];
        made = make_block(m, x, narrow);
        *source = (tg_chain_source){.slot = made->slot, .narrow = narrow};
        tg_cursor_over_broadcast(&source->cursor, &array, shape.rank, shape.shape);
    }
    place.slot = made->slot;
    return place;
}

/* Whether v is computed for each row: it reads narrow operands, or is what rows are folded to. */
static bool is_narrow(const chain_maker *m, const tg_value *v) {
    return !v->late && tg_value_is_narrow(m->unit, v);
}

/* The blocks of narrow results stay as they are: a run of the accumulator may read them for all lines of a
 * block while it writes its own results. */
static void free_blocks_read_last(chain_maker *m, const tg_value *v, uint32_t i) {
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *root = tg_value_root(m->p, tg_value_input(m->p, v, k));
        const bool has_block = root->unit == m->id && !root->in_memory;
        if (has_block && root->last_here == i && !is_narrow(m, root)) m->used &= ~(1U << root->slot);
    }
}

static void add_call(chain_maker *m, tg_value *v, uint32_t i) {
    const struct tg_op *op = v->node->op;
    const bool folds = op->kind == TG_REDUCE, narrow = is_narrow(m, v);
    tg_chain_call call = {.n_in = (int)v->node->n_in, .narrow = narrow, .arithmetic = arithmetic_of(m->p, v)};
    call.kernel = folds ? tg_chain_fold_rows : kernel_of(m->p, v);
    call.attr = folds ? rows_of(m, op, (tg_dtype)v->node->dtype) : attr_of(v);
    call.out = (tg_chain_place){NULL, (int64_t)tg_dtype_size((tg_dtype)v->node->dtype), 0, narrow};
    bool in_place = !folds; /* the result may take the place of an operand */
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        call.in[k] = place_of(m, tg_value_input(m->p, v, k), narrow && !folds);
        in_place &= call.in[k].element_bytes == call.out.element_bytes;
    }
    note_width(m, call.out.element_bytes);
    if (in_place) free_blocks_read_last(m, v, i);
    if (v->in_memory || op == &tg_assign_op)
        call.out.data = tg_value_array(m->p, v).data;
    else
        call.out.slot = v->slot = take_slot(m, m->used);
    if (!in_place) free_blocks_read_last(m, v, i);
    m->chain->calls[m->chain->n_calls++] = call; /* after what it made place_of add */
}

static void add_fold(chain_maker *m, const tg_value *v, uint32_t i) {
    const struct tg_op *op = v->node->op;
    const tg_dtype dtype = m->p->tape->dtype;
    const size_t apart = tg_slab_bytes((size_t)tg_chain_partials(&m->unit->form) * m->unit->form.value_bytes);
    const tg_chain_place in = place_of(m, tg_value_input(m->p, v, 0), false); /* may add a call */
    tg_chain_fold *fold = &m->chain->folds[m->chain->n_folds];
    *fold = (tg_chain_fold){
        .by = {dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64, op->start, m->unit->form.value_bytes},
        .after = m->chain->n_calls,
        .in = in,
        .out = tg_value_array(m->p, v).data,
        .parts = m->p->slab + m->unit->parts_offset + (size_t)m->chain->n_folds * apart};
    m->chain->n_folds++;
    free_blocks_read_last(m, v, i);
}

static int64_t grain_of(const tg_planning *p, const tg_unit *unit) {
    int64_t work = 0;
    for (uint32_t i = 0; i < unit->n; i++) work += tg_work_of(member(p, unit, i)->node->op->cost);
    return tg_thread_grain(work);
}

/* How many of a chain's operands may have to be gathered or spread, and how many reductions it has. */
static void count_parts(const tg_planning *p, const tg_unit *unit, uint32_t *made, uint32_t *folds) {
    *made = *folds = 0;
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = member(p, unit, i);
        *folds += v->late;
        for (uint32_t k = 0; k < v->node->n_in; k++) {
            const tg_value *x = tg_value_input(p, v, k);
            *made += !tg_value_is_direct(x, unit->form.n);
        }
    }
}

/* Finds who reads what last, and makes blocks for sources: they are needed from the beginning of a block. */
static void look_ahead(chain_maker *m) {
    for (uint32_t i = tg_unit_first_in_blocks(m->unit); i < m->unit->n; i++) {
        const tg_value *v = member(m->p, m->unit, i);
        const bool narrow = v->node->op->kind != TG_REDUCE && is_narrow(m, v);
        if (is_narrow(m, v) && !m->narrow.shape) m->narrow = tg_node_array(v->node);
        for (uint32_t k = 0; k < v->node->n_in; k++) {
            tg_value *root = tg_value_root(m->p, tg_value_input(m->p, v, k));
            root->last_here = i;
            if (root->unit != m->id) (void)place_of(m, tg_value_input(m->p, v, k), narrow);
        }
    }
}

bool tg_plan_make_chain(const tg_planning *p, const tg_unit *unit, tg_chain *chain) {
    const uint32_t begin = tg_unit_first_in_blocks(unit);
    const tg_value *first = member(p, unit, begin);
    uint32_t n_made, n_folds;
    count_parts(p, unit, &n_made, &n_folds);
    *chain = unit->form;
    chain->calls = tg_planning_memory(p, unit->n - n_folds + n_made, sizeof *chain->calls);
    chain->folds = tg_planning_memory(p, n_folds, sizeof *chain->folds);
    chain->sources = tg_planning_memory(p, n_made, sizeof *chain->sources);
    if (!chain->calls || !chain->folds || !chain->sources) return false;
    if (first->node->op->kind == TG_REDUCE) first = tg_value_input(p, first, 0);
    chain_maker maker = {.p = p,
                         .unit = unit,
                         .id = (uint32_t)(unit - p->units),
                         .chain = chain,
                         .shape = tg_node_array(first->node),
                         .good = true};
    look_ahead(&maker);
    for (uint32_t i = begin; i < unit->n; i++) {
        tg_value *v = member(p, unit, i);
        if (v->late)
            add_fold(&maker, v, i);
        else if (!v->done)
            add_call(&maker, v, i);
    }
    int n_slots = 0;
    while (maker.ever_used >> n_slots) n_slots++;
    /* Panels are whole rows of a matrix. */
    const bool of_panel = unit->kind == TG_STEP_PRODUCT;
    chain->unit = of_panel ? maker.shape.shape[maker.shape.rank - 1] : chain->row;
    tg_chain_cut(chain, of_panel, n_slots, maker.widest);
    chain->grain = grain_of(p, unit);
    return maker.good && (tg_chain_join_calls(chain, &p->plan->arena) || tg_planning_out_of_memory(p));
}

/* --- steps of one operation ----------------------------------------------------------------------------- */

static bool make_reduce(const tg_planning *p, const tg_value *v, tg_step *step) {
    const struct tg_op *op = v->node->op;
    step->as.reduce.kernels = p->tape->dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64;
    step->as.reduce.start = op->start;
    step->as.reduce.mask = ((const tg_reduction *)v->node->extra.attr)->mask;
    step->as.reduce.in = tg_value_array(p, tg_value_input(p, v, 0));
    return true;
}

bool tg_plan_make_call(const tg_planning *p, const tg_value *v, tg_call *call) {
    const tg_array *in = inputs_of(p, v), out = tg_value_array(p, v);
    if (!in) return false;
    *call = (tg_call){.op = v->node->op,
                      .tape = p->tape,
                      .where = v->node->place,
                      .n_in = (int)v->node->n_in,
                      .in = in,
                      .attr = attr_of(v),
                      .out_shape = tg_array_shape(&out),
                      .out_dtype = out.dtype,
                      .out = out};
    return true;
}

/* The elements in row-major order: the result's memory, seen in the input's shape. */
static bool make_copy(const tg_planning *p, const tg_value *v, tg_step *step) {
    const tg_array from = tg_value_array(p, tg_value_input(p, v, 0));
    int64_t *strides = tg_planning_memory(p, TG_MAX_RANK, sizeof *strides);
    if (!strides) return false;
    tg_strides_contiguous(tg_array_shape(&from), strides);
    step->as.copy.from = from;
    step->as.copy.to = (tg_array){step->shown.data, from.shape, strides, from.rank, from.dtype};
    return true;
}

/* The step of a unit, or of those that are computed at once: their members lie side by side. */
static bool make_step(tg_planning *p, const tg_unit *unit, tg_step *step) {
    const tg_unit *end = unit + unit->at_once - 1;
    const tg_value *last = member(p, end, end->n - 1);
    const uint32_t n = end->first + end->n - unit->first;
    const struct tg_op **ops = tg_planning_memory(p, n, sizeof *ops);
    if (!ops) return false;
    for (uint32_t i = 0; i < n; i++) ops[i] = member(p, unit, i)->node->op;
    *step = (tg_step){.kind = unit->kind,
                      .n_ops = n,
                      .ops = ops,
                      .place = last->node->place,
                      .shown = tg_value_array(p, last)};
    switch (unit->kind) {
        case TG_STEP_KERNELS: return make_kernels(p, unit, step);
        case TG_STEP_CHAIN: return tg_plan_make_chain(p, unit, &step->as.chain);
        case TG_STEP_REDUCE: return make_reduce(p, last, step);
        case TG_STEP_PRODUCT: return tg_plan_make_products(p, unit, step);
        case TG_STEP_CALL: return tg_plan_make_call(p, last, &step->as.call);
        case TG_STEP_COPY: return make_copy(p, last, step);
    }
    return false;
}

static bool note_changes(tg_planning *p) {
    tg_plan *plan = p->plan;
    plan->changes = tg_planning_memory(p, p->n_assigns, sizeof *plan->changes);
    for (uint32_t i = 0; plan->changes && i < p->n_values; i++) {
        const tg_value *v = &p->values[i];
        if (v->node->op == &tg_assign_op && v->role == TG_ROLE_COMPUTED)
            plan->changes[plan->n_changes++] =
                (tg_plan_change){tg_value_root(p, v)->node->extra.leaf, v->node->place};
    }
    return plan->changes != NULL;
}

bool tg_plan_make_steps(tg_planning *p) {
    tg_plan *plan = p->plan;
    plan->steps = tg_planning_memory(p, p->n_units, sizeof *plan->steps);
    if (!plan->steps || !note_changes(p)) return false;
    uint32_t n = 0;
    for (uint32_t u = 0; u < p->n_units; u += p->units[u].at_once)
        if (!make_step(p, &p->units[u], &plan->steps[n++])) return false;
    plan->n_steps = n;
    return true;
}
