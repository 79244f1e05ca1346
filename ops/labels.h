/* labels.h: what a loss needs of indexing.c: one element picked from each line by its class label.
 *
 * As tg_take_along, but that its errors speak of labels. Internal: not installed. */
#ifndef TAPEGRAD_OPS_LABELS_H
#define TAPEGRAD_OPS_LABELS_H

#include "graph/op.h"

/* out[..] = x[.., labels[..]]: x is [.., classes], labels i64 [..]. Both must be living tensors. */
tg_tensor tg_take_labels_at(const char *where, tg_tensor x, tg_tensor labels);

#endif
