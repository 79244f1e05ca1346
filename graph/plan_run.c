/* plan_run.c: running a plan: one loop over its steps.
 *
 * Owns: the check that all that the plan needs is still there. Runs records that are complete: nothing is
 * looked up, locked or allocated here. */
#include "core/machine_peaks.h"
#include "core/reduce_driver.h"
#include "graph/deferred.h"
#include "graph/plan_timing.h"

static bool check_living(const char *where, const tg_plan *plan) {
    const tg_tape *tape = plan->tape;
    if (plan->newest < tape->n_nodes && tg_node_at(tape, plan->newest)->epoch == plan->newest_epoch)
        return true;
    char what[256];
    snprintf(what, sizeof what, "plan_run: the plan made at %s needs what is no longer on the tape",
             plan->place);
    tg_fail_stale(where, what, (tg_tensor){plan->tape, plan->newest, (uint32_t)plan->newest_epoch});
    return false;
}

static void run_kernels(const tg_step *step) {
    const int64_t n = step->as.kernels.n;
    if (n == 0) return;
    const tg_kernel_call *calls = step->as.kernels.calls;
    for (uint32_t i = 0; i < step->as.kernels.n_calls; i++)
        calls[i].kernel(n, calls[i].out, calls[i].in, calls[i].attr);
}

static bool run_call(const tg_step *step) {
    const tg_call *call = &step->as.call;
    tg_tape *tape = call->tape;
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    const bool done = tg_call_forward(call);
    tg_arena_rewind(&tape->scratch, before);
    if (!done && !tape->status) tg_fail(call, TG_ERR_OP, "forward failed and did not say why");
    return done;
}

static bool run_products(tg_tape *tape, const tg_step *step) {
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    const size_t bytes = step->as.products.scratch_bytes;
    void *scratch = bytes ? tg_arena_alloc(&tape->scratch, bytes, 64) : NULL;
    if (bytes && !scratch) {
        tg_tape_fail(tape, TG_ERR_MEMORY, step->place, "%s: out of memory for %zu bytes of scratch",
                     step->ops[0]->name, bytes);
        return false;
    }
    tg_products_run(step->as.products.n, step->as.products.all, scratch);
    tg_arena_rewind(&tape->scratch, before);
    return true;
}

static bool run_step(tg_tape *tape, const tg_step *step) {
    switch (step->kind) {
        case TG_STEP_KERNELS: run_kernels(step); return true;
        case TG_STEP_CHAIN: tg_chain_run(&step->as.chain); return true;
        case TG_STEP_REDUCE:
            tg_reduce_run(step->as.reduce.kernels, step->as.reduce.start, step->as.reduce.mask,
                          &step->as.reduce.in, &step->shown);
            return true;
        case TG_STEP_PRODUCT: return run_products(tape, step);
        case TG_STEP_CALL: return run_call(step);
        case TG_STEP_COPY:
            if (tg_array_size(&step->as.copy.to)) tg_array_copy(&step->as.copy.to, &step->as.copy.from);
            return true;
    }
    return false;
}

bool tg_plan_run_steps(const tg_plan *plan) {
    for (uint32_t i = 0; i < plan->n_steps; i++)
        if (!run_step(plan->tape, &plan->steps[i])) return false;
    return true;
}

/* The same, with an eye on the clock. A run that fails does not count. */
static void run_timed(const tg_plan *plan, tg_timing *timing) {
    uint64_t *at = tg_timing_run(plan, timing, timing->n_runs);
    bool good = true;
    at[0] = tg_clock_ns();
    for (uint32_t i = 0; good && i < plan->n_steps; i++) {
        good = run_step(plan->tape, &plan->steps[i]);
        at[i + 1] = tg_clock_ns();
    }
    timing->n_runs += good;
}

tg_status tg_plan_run_at(const char *where, tg_plan *plan) {
    if (!plan) return TG_ERR_HANDLE; /* the tape knows why there is none */
    tg_tape *tape = plan->tape;
    if (tape->status || !tg_settle(tape)) return tape->status;
    if (!check_living(where, plan)) return tape->status;
    const tg_arena kept =
        tape->scratch; /* forwards take their scratch from the tape: now that is the plan's */
    tape->scratch = plan->scratch;
    for (uint32_t i = 0; i < plan->n_changes; i++)
        tg_leaf_change(tape, plan->changes[i].leaf, plan->changes[i].place);
    if (TG_UNLIKELY(plan->timing != NULL))
        run_timed(plan, plan->timing);
    else
        (void)tg_plan_run_steps(plan); /* the tape keeps the error */
    plan->scratch = tape->scratch;
    tape->scratch = kept;
    return tape->status;
}
