/* plan_timing.h: when the steps of a plan's runs began.
 *
 * Owns: the record that a profiled run fills in, and what is written of it. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_PLAN_TIMING_H
#define TAPEGRAD_GRAPH_PLAN_TIMING_H

#include "graph/plan_parts.h"

enum { TG_TIMED_RUNS = 64 }; /* the last so many are kept */

struct tg_timing {
    uint64_t n_runs; /* that were finished */
    /* Nanoseconds: the beginning of each step and the end of the last, for run i % TG_TIMED_RUNS. */
    uint64_t *at;
    const char *prefix; /* of the files that tg_plan_free writes */
};

static inline uint64_t *tg_timing_run(const tg_plan *plan, const tg_timing *t, uint64_t run) {
    return t->at + run % TG_TIMED_RUNS * ((size_t)plan->n_steps + 1);
}
static inline uint64_t tg_timing_kept(const tg_timing *t) {
    return t->n_runs < TG_TIMED_RUNS ? t->n_runs : TG_TIMED_RUNS;
}

/* Writes the kept runs, a plan's steps one after the other, as the JSON that chrome://tracing and Perfetto
 * read. */
void tg_timing_write_trace(FILE *stream, const tg_plan *plan, const tg_timing *t);

/* When TAPEGRAD_PROFILE is set: gives a new plan a timing, with memory of its own. False when that is out. */
bool tg_timing_by_environment(tg_plan *plan);

/* Writes its files, and says on the tape, as a warning, when that fails. */
void tg_timing_write_files(const tg_plan *plan);

#endif
