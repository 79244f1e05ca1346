/* infer.h: what an operation may be applied to, and the shape and dtype that come of it.
 *
 * Owns: the checks before anything is recorded. Must not touch values, nor record. Internal: not installed.
 */
#ifndef TAPEGRAD_GRAPH_INFER_H
#define TAPEGRAD_GRAPH_INFER_H

#include "graph/node.h"

/* Whether the operation is complete and takes n inputs; false, with an error, otherwise. */
bool tg_op_is_applicable(tg_tape *tape, const char *where, const struct tg_op *op, int n, const void *attr);

/* Sets c->out_shape and c->out_dtype from c->in and c->attr; false, with an error, where they do not fit. */
bool tg_call_infer(tg_call *c);

#endif
