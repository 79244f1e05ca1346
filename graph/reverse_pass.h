/* reverse_pass.h: the loop that carries cotangents from a node back to what it was recorded from.
 *
 * Owns: one pass: whose cotangents are wanted, what an operation's backward is given, and that what it gives
 * is summed to its inputs' shapes. What becomes of the cotangents is the caller's business. Internal: not
 * installed. */
#ifndef TAPEGRAD_GRAPH_REVERSE_PASS_H
#define TAPEGRAD_GRAPH_REVERSE_PASS_H

#include "graph/cotangent.h"

typedef struct tg_pass {
    tg_tape *tape;
    const char *where;
    uint32_t low, high;      /* nodes that can matter: the newest is y */
    const uint8_t *reaches;  /* which nodes depend on a wanted one; NULL: those that require gradients */
    uint32_t *oldest_reader; /* by node, leaves: 1 + the oldest that the pass met of those computed from its
                              * values, 0: none; NULL: not asked for */
    tg_cotangents cotangents;
    tg_tensor *alone; /* one node alone: its inputs' gradients; NULL: they go to the cotangents */
    const bool *alone_needs;
} tg_pass;

/* Writes the gradients of y, node `high`, onto the tape, from ones (for a y of one element) or from the given
 * cotangent on; afterwards p->cotangents has one for each wanted node that any flows to, in the tape's
 * scratch memory. False with an error on the tape. */
bool tg_pass_run(tg_pass *p, const tg_tensor *given);

#endif
