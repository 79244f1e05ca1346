/* plan.c: the life of a plan: made from a tape's outputs, freed.
 *
 * Owns: the order of the planner's parts, the memory of a plan, the scratch that forwards will need. Must not
 * know how values are scheduled, fused, placed or run. */
#include "graph/deferred.h"
#include "graph/plan_timing.h"

#include <math.h>
#include <string.h>

/* --- memory --------------------------------------------------------------------------------------------- */

bool tg_planning_out_of_memory(const tg_planning *p) {
    tg_tape_fail(p->tape, TG_ERR_MEMORY, p->where, "plan: out of memory");
    return false;
}

static void *allocate(const tg_planning *p, tg_arena *arena, size_t n, size_t bytes) {
    const size_t align = n * bytes < 64 ? 16 : 64; /* there are many small ones, which share lines */
    void *memory = bytes && n > SIZE_MAX / 2 / bytes ? NULL : tg_arena_alloc(arena, n * bytes, align);
    if (!memory) (void)tg_planning_out_of_memory(p);
    return memory;
}

void *tg_planning_temporary(const tg_planning *p, size_t n, size_t bytes) {
    return allocate(p, &p->tape->scratch, n, bytes);
}
void *tg_planning_memory(const tg_planning *p, size_t n, size_t bytes) {
    return allocate(p, &p->plan->arena, n, bytes);
}

bool tg_value_call(const tg_planning *p, const tg_value *v, tg_call *call) {
    const tg_node *node = v->node;
    tg_array *in = tg_planning_temporary(p, node->n_in, sizeof *in);
    if (!in) return false;
    for (uint32_t k = 0; k < node->n_in; k++)
        in[k] = tg_node_array(tg_node_at(p->tape, tg_node_inputs(node)[k]));
    const tg_array out = tg_node_array(node);
    *call = (tg_call){.op = node->op,
                      .tape = p->tape,
                      .where = p->where,
                      .n_in = (int)node->n_in,
                      .in = in,
                      .attr = node->op->attr_size ? node->extra.attr : NULL,
                      .out_shape = tg_array_shape(&out),
                      .out_dtype = out.dtype,
                      .out = out};
    return true;
}

/* --- scratch -------------------------------------------------------------------------------------------- */

/* Runs one forward on what lies where the plan will read, with the plan's scratch and its result thrown away.
 * That it fails is not yet an error, unless memory is out: a label may be out of range until it is written
 * anew. */
static bool try_forward(const tg_planning *p, tg_call call, void *result, size_t *most) {
    tg_tape *tape = p->tape;
    call.out.data = result;
    const tg_arena kept = tape->scratch;
    tape->scratch = p->plan->scratch;
    (void)tg_call_forward(&call);
    p->plan->scratch = tape->scratch;
    tape->scratch = kept;
    const size_t used = tg_arena_used(&p->plan->scratch);
    if (used > *most) *most = used;
    tg_arena_rewind(&p->plan->scratch, (tg_arena_position){0, 0});
    if (tape->status == TG_ERR_MEMORY) return false;
    tg_tape_clear_error(tape);
    return true;
}

/* One chunk that is enough for every forward: then none of them ever asks for more. */
static bool reserve_scratch(const tg_planning *p) {
    size_t most = 0, widest = 0;
    for (uint32_t u = 0; u < p->n_units; u++) {
        const size_t bytes = tg_value_bytes(&p->values[p->members[p->units[u].first]]);
        if (p->units[u].kind == TG_STEP_CALL && bytes > widest) widest = bytes;
    }
    void *result = tg_planning_temporary(p, widest + 1, 1);
    if (!result) return false;
    for (uint32_t u = 0, s = 0; u < p->n_units; u += p->units[u].at_once, s++) {
        const tg_value *v = &p->values[p->members[p->units[u].first]];
        const tg_step *step = &p->plan->steps[s];
        if (step->kind == TG_STEP_PRODUCT && step->as.products.scratch_bytes > most)
            most = step->as.products.scratch_bytes;
        if (step->kind != TG_STEP_CALL) continue;
        if (v->node->op != &tg_assign_op) {
            if (!try_forward(p, step->as.call, result, &most)) return false;
        } else if (tg_value_input(p, v, 1)->root == v->root && tg_value_bytes(v) > most) {
            most = tg_value_bytes(v); /* a view of the leaf itself is copied first */
        }
    }
    p->plan->counts.scratch_bytes = most;
    tg_arena_free(&p->plan->scratch);
    if (most == 0) return true;
    if (!allocate(p, &p->plan->scratch, most + 64, 1)) return false;
    tg_arena_rewind(&p->plan->scratch, (tg_arena_position){0, 0});
    return true;
}

/* --- new, free ------------------------------------------------------------------------------------------ */

static tg_node *root_of(const tg_tape *tape, tg_node *node) {
    while (node->flags & TG_NODE_VIEW) node = tg_node_at(tape, tg_node_inputs(node)[0]);
    return node;
}

static bool check_outputs(const char *where, tg_tape *tape, int n, const tg_tensor *outputs) {
    if (tape->status || !tg_settle(tape)) return false;
    if (n < 1) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "plan: there are no outputs");
        return false;
    }
    for (int i = 0; i < n; i++) {
        char what[40];
        snprintf(what, sizeof what, "plan: output %d", i);
        if (outputs[i].tape != tape) {
            tg_tape_fail(tape, TG_ERR_HANDLE, where, "%s is not a tensor of this tape", what);
            return false;
        }
        tg_node *node = tg_node_of(where, what, outputs[i]);
        if (!node) return false;
        node = root_of(tape, node);
        if (!(node->flags & TG_NODE_NO_VALUES) || node->rank == 0) continue;
        char text[TG_TEXT];
        tg_tape_fail(tape, TG_ERR_VALUE, where,
                     "%s is %s, recorded at %s without values (tg_no_values): there is no memory for them; "
                     "tg_assign it to a leaf",
                     what, tg_node_describe(tape, outputs[i].node, sizeof text / 2, text), node->place);
        return false;
    }
    return true;
}

/* Outputs that were recorded without values, which are scalars, have one from now on: NaN until the first
 * run. */
static void give_values(tg_tape *tape, int n, const tg_tensor *outputs) {
    for (int i = 0; i < n; i++) {
        tg_node *node = root_of(tape, tg_node_at(tape, outputs[i].node));
        if (!(node->flags & TG_NODE_NO_VALUES)) continue;
        node->flags &= (uint8_t)~TG_NODE_NO_VALUES;
        if (node->dtype == TG_F32) node->here.f32 = NAN;
        if (node->dtype == TG_F64) node->here.f64 = NAN;
    }
}

void tg_plan_open(tg_plan *plan, const char *where, tg_tape *tape, tg_allocator allocator) {
    *plan = (tg_plan){.tape = tape, .place = where};
    tg_arena_init(&plan->arena, allocator);
    tg_arena_init(&plan->scratch, allocator);
}

void tg_plan_close(tg_plan *plan) {
    tg_arena_free(&plan->arena);
    tg_arena_free(&plan->scratch);
}

bool tg_plan_make(tg_planning *p, int n_outputs, const tg_tensor *outputs) {
    return tg_plan_schedule(p, n_outputs, outputs) && tg_plan_fuse(p) && tg_plan_place(p) &&
           tg_plan_make_steps(p);
}

tg_plan *tg_plan_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *outputs) {
    if (!tape || !check_outputs(where, tape, n, outputs)) return NULL;
    tg_plan *plan = tg_memory_new(&tape->allocator, sizeof *plan);
    if (!plan) {
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "plan: out of memory");
        return NULL;
    }
    tg_plan_open(plan, where, tape, tape->allocator);
    tg_planning planning = {.tape = tape, .plan = plan, .where = where};
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    const bool good =
        tg_plan_make(&planning, n, outputs) && tg_plan_count_work(&planning) && reserve_scratch(&planning);
    tg_arena_rewind(&tape->scratch, before);
    if (good && tg_timing_by_environment(plan)) {
        give_values(tape, n, outputs);
        return plan;
    }
    if (good) tg_tape_fail(tape, TG_ERR_MEMORY, where, "plan: out of memory");
    tg_plan_free(plan);
    return NULL;
}

void tg_plan_free(tg_plan *plan) {
    if (!plan) return;
    tg_timing_write_files(plan);
    const tg_allocator allocator = plan->tape->allocator;
    tg_plan_close(plan);
    tg_memory_free(&allocator, plan, sizeof *plan);
}
