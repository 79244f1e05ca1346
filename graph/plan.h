/* plan.h: a recorded graph made into a schedule that runs again and again without allocating.
 *
 * Owns: tg_plan. A plan is made from outputs on a tape; running it computes them anew from the present values
 * of the leaves. Forward, gradients (tg_gradients) and updates (tg_assign) are all operations, so that a
 * whole training step is one plan. */
#ifndef TAPEGRAD_GRAPH_PLAN_H
#define TAPEGRAD_GRAPH_PLAN_H

#include "graph/gradient.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_plan tg_plan;

/* A plan for the n outputs: nodes that they do not need are left out, what depends on numbers (tg_num) alone
 * is not computed again, equal operations are merged, elementwise operations are fused with each other and
 * with the reductions that follow, and intermediate results share one slab of memory. Nothing is recorded and
 * no value changes. The tape must keep all that the outputs were recorded from, for as long as the plan is
 * run; free the plan before the tape. Several plans on one tape work. To be freed by tg_plan_free. Returns
 * NULL with an error on the tape: one that stuck to it already, TG_ERR_HANDLE (stale, foreign or invalid
 * outputs), TG_ERR_VALUE (no outputs), TG_ERR_MEMORY. */
#define tg_plan_new(...) tg_plan_new_at(TG_HERE, __VA_ARGS__)
TG_API tg_plan *tg_plan_new_at(const char *where, tg_tape *tape, int n, const tg_tensor *outputs);

/* Computes the outputs from the present values of the leaves, in the order in which they were recorded; the
 * results are read through the outputs' handles. Intermediate tensors keep the values they have, so take
 * gradients (tg_gradients) before planning and make them outputs. An output that is a tg_assign changes its
 * leaf, which counts as a change in place. Values that the plan reads from leaves by tg_write_* are seen by
 * the next run.
 *
 * Results are those of the tape, bit for bit. They do not depend on the number of threads. Runs allocate
 * nothing. The NaN check of the tape does not look into plans.
 * Errors: one that stuck to the tape; TG_ERR_HANDLE when the tape was rewound past what the plan needs; what
 * operations fail with, a label out of range say. */
#define tg_plan_run(...) tg_plan_run_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_plan_run_at(const char *where, tg_plan *plan);

/* Frees the plan and its memory. NULL is allowed. */
TG_API void tg_plan_free(tg_plan *plan);

/* Prints the steps, each with its operations, shape and line, and what the plan saves: nodes left out, merged
 * and folded; the bytes of the slab beside those of all intermediate results. TG_ERR_FILE when the stream
 * fails. */
TG_API tg_status tg_plan_print(FILE *stream, const tg_plan *plan);

/* Runs the plan n_runs times (0: 64 times) and says where the time went: to `table` a line a step, to `trace`
 * JSON for Perfetto (ui.perfetto.dev) or chrome://tracing; either may be NULL. These are runs like any other:
 * assigns change their leaves. With several threads each run is followed by one with a single thread.
 *
 * The table has for each step the median time of the last 64 runs, its share of the whole, flops and bytes
 * (see tg_plan_print) with their shares of what this machine can do at most, which is measured on the spot,
 * and how many times faster all threads are than one (below 1: slower). Bytes that stay in caches may go
 * beyond 100%. Errors: those of tg_plan_run, TG_ERR_MEMORY, TG_ERR_FILE when a stream fails.
 *
 * Without a change to the program: where the environment variable TAPEGRAD_PROFILE is set when a plan is
 * made, its runs are timed, and tg_plan_free writes PREFIX-N.txt and PREFIX-N.json of the last 64, N being
 * the first number that is free. PREFIX is the variable's value, "tapegrad-profile" if that is 1; 0 is off.
 * That a file cannot be written is a warning (tg_tape_warning). A plan that is not profiled reads no clock.
 */
#define tg_plan_profile(...) tg_plan_profile_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_plan_profile_at(const char *where, FILE *table, FILE *trace, tg_plan *plan,
                                                int n_runs);

#ifdef __cplusplus
}
#endif
#endif
