/* linear_algebra.h: products of matrices. */
#ifndef TAPEGRAD_OPS_LINEAR_ALGEBRA_H
#define TAPEGRAD_OPS_LINEAR_ALGEBRA_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* a @ b as NumPy's matmul: [m, k] x [k, n] -> [m, n]; leading axes are batches and broadcast; a vector on the
 * left is a row, on the right a column, and its axis is dropped again ([k] x [k] -> scalar). Transposed views
 * are taken as they are. k = 0 gives zeros. Gradients: da = dy b^T, db = a^T dy. Errors: TG_ERR_SHAPE when
 * inner dimensions differ, batches do not broadcast, or an operand is a scalar. */
#define tg_matmul(...) tg_matmul_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_matmul_at(const char *where, tg_tensor a, tg_tensor b);

#ifdef __cplusplus
}
#endif
#endif
