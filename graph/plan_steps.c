/* plan_steps.c: the records that a plan runs.
 *
 * Owns: turning units and places into steps with all pointers, strides and kernels looked up; the blocks that
 * the results of a chain share; the scratch that forwards need. After this nothing of the planning is left.
 */
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

/* --- kernels -------------------------------------------------------------------------------------------- */

static bool make_kernels(const tg_planning *p, const tg_unit *unit, tg_step *step) {
    tg_kernel_call *calls = tg_planning_memory(p, unit->n, sizeof *calls);
    if (!calls) return false;
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = member(p, unit, i);
        const void **in = tg_planning_memory(p, v->node->n_in, sizeof *in);
        if (!in) return false;
        for (uint32_t k = 0; k < v->node->n_in; k++) in[k] = tg_value_array(p, tg_value_input(p, v, k)).data;
        calls[i] = (tg_kernel_call){kernel_of(p, v), tg_value_array(p, v).data, in, attr_of(v)};
    }
    step->as.kernels.n = unit->size;
    step->as.kernels.calls = calls;
    return true;
}

/* --- chains --------------------------------------------------------------------------------------------- */

/* Which blocks of a chain are in use: sources keep theirs, results give theirs back after their last reader.
 */
typedef struct chain_maker {
    const tg_planning *p;
    const tg_unit *unit;
    uint32_t id; /* of the unit */
    tg_chain *chain;
    uint32_t used; /* a bit for each slot */
    const tg_value *source_of[TG_CHAIN_SLOTS];
    int64_t widest;
} chain_maker;

static int take_slot(chain_maker *m) {
    int slot = 0;
    while (m->used >> slot & 1) slot++;
    m->used |= 1U << slot;
    return slot;
}

static void note_width(chain_maker *m, int64_t bytes) {
    if (bytes > m->widest) m->widest = bytes;
}

/* Where a chain reads x: in a block of its own making, in memory, or gathered (once for all its readers). */
static tg_chain_place place_of(chain_maker *m, const tg_value *x) {
    const tg_planning *p = m->p;
    const tg_value *root = tg_value_root(p, x);
    const int64_t bytes = (int64_t)tg_dtype_size((tg_dtype)x->node->dtype);
    note_width(m, bytes);
    if (root->unit == m->id && !root->in_memory) return (tg_chain_place){NULL, bytes, root->slot};
    const tg_array array = tg_value_array(p, x);
    if (tg_value_is_direct(x, m->unit->size)) return (tg_chain_place){array.data, bytes, 0};
    int i = 0;
    while (i < m->chain->n_sources && m->source_of[i] != x) i++;
    if (i == m->chain->n_sources) {
        const tg_array shape = tg_node_array(member(p, m->unit, 0)->node);
        tg_chain_source *source = &m->chain->sources[m->chain->n_sources++];
        source->slot = take_slot(m);
        tg_cursor_over_broadcast(&source->cursor, &array, shape.rank, shape.shape);
        m->source_of[i] = x;
    }
    return (tg_chain_place){NULL, bytes, m->chain->sources[i].slot};
}

static void free_blocks_read_last(chain_maker *m, const tg_value *v, uint32_t i) {
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *root = tg_value_root(m->p, tg_value_input(m->p, v, k));
        if (root->unit == m->id && !root->in_memory && root->last_here == i) m->used &= ~(1U << root->slot);
    }
}

static void add_call(chain_maker *m, tg_value *v, uint32_t i) {
    tg_chain_call *call = &m->chain->calls[m->chain->n_calls++];
    *call = (tg_chain_call){.kernel = kernel_of(m->p, v), .attr = attr_of(v), .n_in = (int)v->node->n_in};
    bool same_width = true;
    const int64_t bytes = (int64_t)tg_dtype_size((tg_dtype)v->node->dtype);
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        call->in[k] = place_of(m, tg_value_input(m->p, v, k));
        same_width &= call->in[k].element_bytes == bytes;
    }
    note_width(m, bytes);
    call->out = (tg_chain_place){NULL, bytes, 0};
    if (same_width) free_blocks_read_last(m, v, i); /* the result may take the place of an operand */
    if (v->in_memory || v->node->op == &tg_assign_op)
        call->out.data = tg_value_array(m->p, v).data;
    else
        call->out.slot = v->slot = take_slot(m);
    if (!same_width) free_blocks_read_last(m, v, i);
}

static void add_fold(chain_maker *m, const tg_value *v) {
    const struct tg_op *op = v->node->op;
    const size_t element = tg_dtype_size(m->p->tape->dtype);
    const size_t parts = (size_t)tg_chain_parts(m->unit->size, m->unit->row) * element;
    const size_t apart = tg_slab_bytes(parts);
    tg_chain_fold *fold = &m->chain->folds[m->chain->n_folds];
    *fold = (tg_chain_fold){.kernels = m->p->tape->dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64,
                            .start = op->start,
                            .in = place_of(m, tg_value_input(m->p, v, 0)),
                            .out = tg_value_array(m->p, v).data,
                            .parts = m->p->slab + m->unit->parts_offset + (size_t)m->chain->n_folds * apart};
    m->chain->n_folds++;
}

/* A second thread pays from 32768 cheap elements on, or 8192 dear ones, of one operation. */
static int64_t grain_of(const tg_planning *p, const tg_unit *unit, int64_t block) {
    int64_t cost = 0;
    for (uint32_t i = 0; i < unit->n; i++) cost += member(p, unit, i)->node->op->cost == TG_COSTLY ? 4 : 1;
    const int64_t grain = 32768 / cost / block * block;
    return grain < block ? block : grain;
}

/* How many of a chain's operands may have to be gathered, and how many reductions it has. */
static void count_parts(const tg_planning *p, const tg_unit *unit, uint32_t *sources, uint32_t *folds) {
    *sources = *folds = 0;
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = member(p, unit, i);
        *folds += v->node->op->kind == TG_REDUCE;
        for (uint32_t k = 0; k < v->node->n_in; k++)
            *sources += !tg_value_is_direct(tg_value_input(p, v, k), unit->size);
    }
}

static bool make_chain(tg_planning *p, const tg_unit *unit, tg_step *step) {
    tg_chain *chain = &step->as.chain;
    uint32_t n_sources, n_folds;
    count_parts(p, unit, &n_sources, &n_folds);
    *chain = (tg_chain){.n = unit->size,
                        .row = unit->row,
                        .value_bytes = tg_dtype_size(p->tape->dtype),
                        .calls = tg_planning_memory(p, unit->n - n_folds, sizeof *chain->calls),
                        .folds = tg_planning_memory(p, n_folds, sizeof *chain->folds),
                        .sources = tg_planning_memory(p, n_sources, sizeof *chain->sources)};
    if (!chain->calls || !chain->folds || !chain->sources) return false;
    chain_maker maker = {.p = p, .unit = unit, .id = (uint32_t)(unit - p->units), .chain = chain};
    /* What is folded is needed to the end of a block, sources from its beginning. */
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = member(p, unit, i);
        for (uint32_t k = 0; k < v->node->n_in; k++) {
            tg_value *root = tg_value_root(p, tg_value_input(p, v, k));
            root->last_here = v->node->op->kind == TG_REDUCE ? unit->n : i;
            if (root->unit != maker.id) (void)place_of(&maker, tg_value_input(p, v, k));
        }
    }
    for (uint32_t i = 0; i < unit->n; i++) {
        tg_value *v = member(p, unit, i);
        if (v->node->op->kind != TG_REDUCE)
            add_call(&maker, v, i);
        else
            add_fold(&maker, v);
    }
    chain->block = tg_chain_block(maker.widest);
    chain->grain = grain_of(p, unit, chain->block);
    return true;
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

static bool make_call(const tg_planning *p, const tg_value *v, tg_step *step) {
    const tg_array *in = inputs_of(p, v);
    if (!in) return false;
    step->as.call = (tg_call){.op = v->node->op,
                              .tape = p->tape,
                              .where = v->node->place,
                              .n_in = (int)v->node->n_in,
                              .in = in,
                              .attr = attr_of(v),
                              .out_shape = tg_array_shape(&step->shown),
                              .out_dtype = step->shown.dtype,
                              .out = step->shown};
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

static bool make_step(tg_planning *p, const tg_unit *unit, tg_step *step) {
    const tg_value *last = member(p, unit, unit->n - 1);
    const struct tg_op **ops = tg_planning_memory(p, unit->n, sizeof *ops);
    if (!ops) return false;
    for (uint32_t i = 0; i < unit->n; i++) ops[i] = member(p, unit, i)->node->op;
    *step = (tg_step){.kind = unit->kind,
                      .n_ops = unit->n,
                      .ops = ops,
                      .place = last->node->place,
                      .shown = tg_value_array(p, last)};
    switch (unit->kind) {
        case TG_STEP_KERNELS: return make_kernels(p, unit, step);
        case TG_STEP_CHAIN: return make_chain(p, unit, step);
        case TG_STEP_REDUCE: return make_reduce(p, last, step);
        case TG_STEP_CALL: return make_call(p, last, step);
        case TG_STEP_COPY: return make_copy(p, last, step);
    }
    return false;
}

static bool note_changes(tg_planning *p) {
    tg_plan *plan = p->plan;
    plan->changes = tg_planning_memory(p, p->n_assigns, sizeof *plan->changes);
    for (uint32_t i = 0; plan->changes && i < p->n_values; i++) {
        const tg_value *v = &p->values[i];
        if (v->node->op == &tg_assign_op)
            plan->changes[plan->n_changes++] =
                (tg_plan_change){tg_value_root(p, v)->node->extra.leaf, v->node->place};
    }
    return plan->changes != NULL;
}

bool tg_plan_make_steps(tg_planning *p) {
    p->plan->steps = tg_planning_memory(p, p->n_units, sizeof *p->plan->steps);
    if (!p->plan->steps || !note_changes(p)) return false;
    for (uint32_t u = 0; u < p->n_units; u++)
        if (!make_step(p, &p->units[u], &p->plan->steps[u])) return false;
    p->plan->n_steps = p->n_units;
    return true;
}
