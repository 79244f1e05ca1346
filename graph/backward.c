/* backward.c: tg_backward: the gradients of parameters, kept with them.
 *
 * Owns: the choice between a plan that is there, one that is made now, and computing at once. All three begin
 * with the same reverse pass and give the same gradients; where a plan cannot be had or fails, nothing has
 * changed and the pass computes at once, which also finds the right words for an error. */
#include "core/map_driver.h"
#include "graph/backward_cache.h"
#include "graph/deferred.h"

#include <string.h>

static tg_status failed(tg_tape *tape) { return tape->status ? tape->status : TG_ERR_MEMORY; }

/* False, with an error, when what was differentiated has no values: then its gradients have none either. */
static bool have_values(const tg_pass *p) {
    tg_tape *tape = p->tape;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE; i = tg_node_at(tape, i)->extra.leaf->previous)
        if (i >= p->low && i <= p->high && tg_cotangent_any(&p->cotangents, i) &&
            !tg_node_with_values(p->where, "backward", tg_handle(tape, tg_cotangent_node(&p->cotangents, i))))
            return false;
    return true;
}

/* leaf gradient += cotangent, for every parameter that has one; = where the gradient is clear. */
static void add_to_leaves(const tg_pass *p) {
    tg_tape *tape = p->tape;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE;) {
        const tg_leaf *leaf = tg_node_at(tape, i)->extra.leaf;
        if (i >= p->low && i <= p->high && tg_cotangent_any(&p->cotangents, i)) {
            const tg_node *gradient = tg_node_at(tape, leaf->gradient);
            const tg_array sum = tg_node_array(gradient);
            const tg_array parts[2] = {tg_node_array(tg_node_at(tape, tg_cotangent_node(&p->cotangents, i))),
                                       sum};
            const int n = gradient->extra.leaf->clear ? 1 : 2;
            tg_map_run(tg_map_kernel_for(tape, &tg_accumulate_op, n, parts), n, parts, &sum, &n, TG_CHEAP);
            tg_leaf_change(tape, gradient->extra.leaf, p->where);
        }
        i = leaf->previous;
    }
}

/* The oldest parameter, but nothing newer than y. */
static uint32_t lowest(const tg_tape *tape, uint32_t y) {
    uint32_t low = y;
    for (uint32_t i = tape->last_parameter; i != TG_NO_NODE; i = tg_node_at(tape, i)->extra.leaf->previous)
        if (i < low) low = i;
    return low;
}

typedef enum outcome {
    ADDED,    /* to the leaves */
    FAILED,   /* with an error on the tape */
    PLANNED,  /* nothing is added yet */
    UNPLANNED /* nothing has happened, but for an error on the tape perhaps: compute at once */
} outcome;

/* In memory that is given back at once: planning needs far more than running. */
static bool make_plan(const tg_pass *p, const tg_tensor *given, tg_backward_plan *b, uint64_t since) {
    const tg_arena kept = p->tape->scratch;
    tg_arena_init(&p->tape->scratch, p->tape->memory);
    const bool good = tg_backward_plan_make(b, p, given, since);
    tg_arena_free(&p->tape->scratch);
    p->tape->scratch = kept;
    return good;
}

static bool note_readers(tg_pass *p) {
    const size_t bytes = p->tape->n_nodes * sizeof *p->oldest_reader;
    p->oldest_reader = tg_arena_alloc(&p->tape->scratch, bytes, 64);
    if (p->oldest_reader) memset(p->oldest_reader, 0, bytes);
    return p->oldest_reader != NULL;
}

/* Runs the pass, computing at once; or, to make a plan, deferred, unless somebody looks at a value. */
static outcome differentiate(tg_pass *p, const tg_tensor *given, tg_backward_plan *b, uint64_t since) {
    tg_tape *tape = p->tape;
    const uint32_t n_nodes = tape->n_nodes;
    const tg_arena_position nodes = tg_arena_here(&tape->arena), scratch = tg_arena_here(&tape->scratch);
    const bool grad_was_on = tg_tape_set_grad(tape, true); /* a backward may itself ask for gradients */
    tg_deferral deferral;
    if (b) tg_deferral_begin(&deferral, tape, &b->plan.arena);
    bool good = (!b || note_readers(p)) && tg_pass_run(p, given);
    const bool computed = !tape->deferring;
    if (computed) good = good && have_values(p);
    if (good && computed) add_to_leaves(p);
    if (good && !computed) good = make_plan(p, given, b, since);
    if (b) tg_deferral_end(tape, &b->plan.arena);
    tg_tape_set_grad(tape, grad_was_on);
    tg_arena_rewind(&tape->scratch, scratch);
    tg_tape_cut(tape, n_nodes, nodes, NULL);
    if (computed) return good ? ADDED : FAILED;
    return good ? PLANNED : UNPLANNED;
}

/* A plan that is made now, if that is worth while, and whether it was kept. */
static outcome make(tg_pass *p, tg_tensor y, const tg_tensor *given, tg_backward_plan **made, bool *kept) {
    tg_tape *tape = p->tape;
    uint64_t since;
    p->low = lowest(tape, p->high);
    if (!tg_backward_cache_wants(tape, y, p->high - p->low, &since)) return UNPLANNED;
    tg_backward_plan *b = tg_backward_cache_new(p->where, tape);
    if (!b) return UNPLANNED;
    const outcome done = differentiate(p, given, b, since);
    if (done == PLANNED) {
        *made = b;
        *kept = tg_backward_cache_keep(tape, b);
    } else {
        tg_backward_plan_free(tape, b);
    }
    if (done == PLANNED ? !*kept : tape->status != TG_ERR_MEMORY) tg_backward_cache_refuse(tape, y);
    return done;
}

/* By a plan that is there, or one that is made now. */
static outcome use_plan(tg_pass *p, tg_tensor y, const tg_tensor *given) {
    tg_tape *tape = p->tape;
    tg_backward_plan *b = tg_backward_cache_find(tape, y, given);
    bool kept = true;
    if (!b) {
        const outcome done = make(p, y, given, &b, &kept);
        if (done != PLANNED) return done;
    }
    tape->backwards.running = true;
    const bool good = tg_backward_plan_run(p->where, b);
    tape->backwards.running = false;
    if (!kept) tg_backward_plan_free(tape, b);
    return good ? ADDED : UNPLANNED;
}

static tg_status backward(const char *where, tg_tensor y, const tg_tensor *given) {
    if (!y.tape || tg_is_num(y)) return TG_ERR_HANDLE;
    tg_tape *tape = y.tape;
    if (tape->status) return tape->status;
    const tg_node *node = tg_node_of(where, "backward", y);
    if (!node || !tg_settle(tape)) return failed(tape);
    if (!(node->flags & TG_NODE_REQUIRES_GRAD)) {
        char text[TG_TEXT];
        return tg_tape_fail(
            tape, TG_ERR_GRADIENT, where,
            "backward: %s, made at %s, does not depend on any parameter (tg_param_*), or was recorded "
            "in tg_no_grad",
            tg_node_describe(tape, y.node, sizeof text / 2, text), node->place);
    }
    tg_pass p = {.tape = tape, .where = where, .high = y.node};
    /* The NaN check names the operation; one backward within another is done in its order. */
    outcome done = tape->nan_check || tape->backward_of ? UNPLANNED : use_plan(&p, y, given);
    if (done == UNPLANNED) {
        tape->status = TG_OK;
        p = (tg_pass){.tape = tape, .where = where, .low = lowest(tape, y.node), .high = y.node};
        done = differentiate(&p, given, NULL, 0);
    }
    return done == ADDED ? TG_OK : failed(tape);
}

tg_status tg_backward_at(const char *where, tg_tensor y) { return backward(where, y, NULL); }
tg_status tg_backward_from_at(const char *where, tg_tensor y, tg_tensor dy) {
    return backward(where, y, &dy);
}
