/* views.h: the same elements in another shape or order, parts of a tensor, and tensors put together.
 *
 * Views share memory and cost nothing; reshape copies where no strides can express the result. All work on
 * every dtype. Errors: TG_ERR_SHAPE for what does not fit, with the shapes. */
#ifndef TAPEGRAD_OPS_VIEWS_H
#define TAPEGRAD_OPS_VIEWS_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The same elements, in row-major order, in another shape; one dimension may be -1 and is worked out. */
#define tg_reshape(...) tg_reshape_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_reshape_at(const char *where, tg_tensor x, tg_shape shape);

/* The last two axes exchanged (rank >= 2); axes in any order: axis i of the result is axis axes[i] of x. */
#define tg_transpose(...) tg_transpose_at(TG_HERE, __VA_ARGS__)
#define tg_permute(...) tg_permute_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_transpose_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_permute_at(const char *where, tg_tensor x, tg_axes axes);

/* x broadcast to a larger shape; a dimension of -1 keeps that of x. */
#define tg_expand(...) tg_expand_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_expand_at(const char *where, tg_tensor x, tg_shape shape);

/* Drops the given axes, which must have size 1; adds an axis of size 1 before `axis` of the result (-1:
 * last). */
#define tg_squeeze(...) tg_squeeze_at(TG_HERE, __VA_ARGS__)
#define tg_unsqueeze(...) tg_unsqueeze_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_squeeze_at(const char *where, tg_tensor x, tg_axes axes);
TG_API tg_tensor tg_unsqueeze_at(const char *where, tg_tensor x, int axis);

/* Elements start, start + step, ... before stop along one axis, as Python's x[start:stop:step]: negative
 * indices count from the end, indices past an end are clipped, a negative step goes backwards. TG_END as
 * start or stop leaves it out: tg_slice(x, 0, TG_END, TG_END, -1) reverses. A step of 0 is TG_ERR_VALUE. */
#define TG_END INT64_MAX
#define tg_slice(...) tg_slice_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_slice_at(const char *where, tg_tensor x, int axis, int64_t start, int64_t stop,
                             int64_t step);

/* Tensors joined along an existing axis; all other dimensions must be equal. */
#define tg_concat(...) tg_concat_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_concat_at(const char *where, int n, const tg_tensor *xs, int axis);

#ifdef __cplusplus
}
#endif
#endif
