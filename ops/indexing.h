/* indexing.h: elements picked by integer tensors, and its adjoint. */
#ifndef TAPEGRAD_OPS_INDEXING_H
#define TAPEGRAD_OPS_INDEXING_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out[.., i, ..] = x[.., index[.., i, ..], ..] along one axis (NumPy's take_along_axis): x may be
 * of any dtype; index (i64) has x's rank and x's dimensions but along the axis. Errors: TG_ERR_VALUE for an
 * index outside 0..dim-1, naming its position; TG_ERR_SHAPE; TG_ERR_DTYPE. */
#define tg_take_along(...) tg_take_along_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_take_along_at(const char *where, tg_tensor x, tg_tensor index, int axis);

/* The adjoint: zeros with `size` elements along the axis, to which values[.., i, ..] is added at
 * index[.., i, ..]; repeated indices add up. values and index have the same shape. */
#define tg_put_along(...) tg_put_along_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_put_along_at(const char *where, tg_tensor values, tg_tensor index, int axis,
                                 int64_t size);

#ifdef __cplusplus
}
#endif
#endif
