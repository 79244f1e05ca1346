/* backward_cache.h: which gradients a tape has plans for.
 *
 * Owns: how often a graph must be seen before it is planned, how many plans are kept, and giving them up
 * where memory is short. Must not know how graphs are compared or plans made. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_BACKWARD_CACHE_H
#define TAPEGRAD_GRAPH_BACKWARD_CACHE_H

#include "graph/backward_plan.h"

/* The plan that fits y as it is recorded now, or NULL. */
tg_backward_plan *tg_backward_cache_find(tg_tape *tape, tg_tensor y, const tg_tensor *given);

/* Notes that y, to which no plan fits, is to be differentiated through `span` nodes. Whether a plan is worth
 * its making; *since is the epoch of the tape when y was seen before, 0: never. */
bool tg_backward_cache_wants(tg_tape *tape, tg_tensor y, uint32_t span, uint64_t *since);

/* No plan can be made for y. */
void tg_backward_cache_refuse(tg_tape *tape, tg_tensor y);

/* A plan yet to be made, NULL when memory is out; to be kept by the cache, unless it is too large, or freed.
 */
tg_backward_plan *tg_backward_cache_new(const char *where, tg_tape *tape);
bool tg_backward_cache_keep(tg_tape *tape, tg_backward_plan *b);
void tg_backward_plan_free(tg_tape *tape, tg_backward_plan *b);

#endif
