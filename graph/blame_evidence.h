/* blame_evidence.h: what is known of a guilty node, for naming its mistake.
 *
 * Owns: the gathering of evidence; the patterns are those of mistake.h. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_BLAME_EVIDENCE_H
#define TAPEGRAD_GRAPH_BLAME_EVIDENCE_H

#include "graph/blame_graph.h"
#include "graph/local_slopes.h"

/* The index of an element by its number in row-major order. */
tg_shape tg_blame_index(tg_shape shape, int64_t element);

/* Names the mistake in the gradient of input k. Of inputs that are too large to be compared whole it takes a
 * sample, in which only some mistakes can be seen. False, with an error, when memory is out. */
bool tg_blame_name_mistake(const tg_blame_graph *g, tg_local *l, int k, int64_t worst, tg_mistake *mistake);

#endif
