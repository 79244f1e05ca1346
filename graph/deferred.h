/* deferred.h: recording without computing, until somebody looks.
 *
 * Owns: the stretch of the tape that is recorded and not yet computed, and computing it when a value is
 * looked at. What follows from numbers alone is computed at once. Must not know why something is deferred.
 * Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_DEFERRED_H
#define TAPEGRAD_GRAPH_DEFERRED_H

#include "graph/node.h"

/* From here to tg_deferral_end operations are recorded as in tg_no_values, and what nodes need beside
 * themselves comes from the given arena. One at a time on a tape; ending what has ended does nothing. */
void tg_deferral_begin(tg_deferral *deferral, tg_tape *tape, tg_arena *arena);
void tg_deferral_end(tg_tape *tape, tg_arena *arena);

/* Computes what was deferred; from then on operations compute at once again. To be called before values are
 * read and before anything is changed. False with an error on the tape; nothing happens where nothing is
 * deferred. */
bool tg_settle_now(tg_tape *tape);
static inline bool tg_settle(tg_tape *tape) { return TG_LIKELY(!tape->deferring) || tg_settle_now(tape); }

/* Computes a node that was recorded without values, if its inputs have some. (apply.c) */
bool tg_node_compute(tg_tape *tape, uint32_t i);

#endif
