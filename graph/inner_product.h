/* inner_product.h: the number that two tensors of one shape make. Internal: not installed.
 *
 * Owns: the projection by which a gradient becomes a loss that can be checked. It is here, and not made of
 * operations of ops/, because graph/ must not know those. */
#ifndef TAPEGRAD_GRAPH_INNER_PRODUCT_H
#define TAPEGRAD_GRAPH_INNER_PRODUCT_H

#include "graph/op.h"

/* y = sum_i a_i b_i, a scalar; da = dy b, db = dy a. a and b have one shape and the tape's dtype, f64. */
tg_tensor tg_inner_product(const char *where, tg_tensor a, tg_tensor b);

#endif
