/* backward_plan.h: the gradients of one recorded graph as a plan, which the same graph can use when it is
 * recorded again.
 *
 * Owns: making such a plan, knowing the graph again, running it. Must not know which plans are worth making
 * or keeping. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_BACKWARD_PLAN_H
#define TAPEGRAD_GRAPH_BACKWARD_PLAN_H

#include "graph/plan_parts.h"
#include "graph/reverse_pass.h"

/* A leaf's gradient that the plan writes: = the cotangent where it was clear, += otherwise. */
typedef struct tg_backward_output {
    uint32_t gradient;
    bool clear;
} tg_backward_output;

/* A leaf that was read, and the oldest node that was computed from its values. */
typedef struct tg_backward_read {
    uint32_t leaf, reader;
} tg_backward_read;

typedef struct tg_backward_plan {
    tg_plan plan;  /* its arena holds everything */
    uint32_t high; /* y */

    double number;      /* the cotangent that it begins with, unless it is a tensor: */
    uint32_t cotangent; /* its node, or TG_NO_NODE */

    /* Copies of the nodes from y down to `low`, and the cotangent's before them; what they point to follows
     * in `contents`, in their order. The node below them, if any that matters, is known by its epoch: where
     * it lives, all older ones do. */
    uint32_t low;
    uint64_t below_epoch; /* 0: nothing older matters */
    tg_node *nodes;
    char *contents;

    uint32_t n_outputs, n_reads;
    tg_backward_output *outputs;
    tg_backward_read *reads;
} tg_backward_plan;

/* The plan for what the pass has recorded while operations were deferred to the arena of b->plan; ends the
 * deferral, unless something fails before. Nodes that are older than `since` (an epoch of the tape) are
 * expected to live as long as the plan is of use. False: the gradients cannot be planned, or, with an error
 * on the tape, memory is out. */
bool tg_backward_plan_make(tg_backward_plan *b, const tg_pass *p, const tg_tensor *given, uint64_t since);

/* Whether what y was recorded from is the graph that b was made for, with the same cotangent to begin with,
 * with no leaf changed since, and with the same gradients clear. */
bool tg_backward_plan_fits(const tg_backward_plan *b, tg_tensor y, const tg_tensor *given);

/* Adds to the leaves' gradients. False: a forward has failed, and no gradient has changed. */
bool tg_backward_plan_run(const char *where, const tg_backward_plan *b);

/* The bytes that it holds. */
static inline size_t tg_backward_plan_bytes(const tg_backward_plan *b) {
    return sizeof *b + b->plan.arena.held + b->plan.scratch.held;
}

#endif
