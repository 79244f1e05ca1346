/* axes.h: axes as callers give them: resolved, or refused with a message that names them.
 *
 * Owns: the checks that builders make before they apply an operation, and the way back from a reduced tensor
 * to the axes that it lost. For authors of operations. */
#ifndef TAPEGRAD_OPS_AXES_H
#define TAPEGRAD_OPS_AXES_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bits of axes in a tensor of this shape; or false, with an error on the tape that names the operation,
 * the axis, rank and shape. */
TG_API bool tg_resolve_axes(tg_tape *tape, const char *where, const char *name, tg_axes axes, tg_shape shape,
                            unsigned *mask);

/* One axis as 0..rank-1; or -1, with the same errors. */
TG_API int tg_resolve_axis(tg_tape *tape, const char *where, const char *name, int axis, tg_shape shape);

/* The attribute of a reduction of x over some or over all axes. True also for an x that is not living:
 * tg_apply says what is wrong with it. */
TG_API bool tg_reduce_some(const char *where, const char *name, tg_tensor x, tg_axes axes, bool keepdims,
                           tg_reduction *over);
TG_API tg_reduction tg_reduce_all(const char *where, tg_tensor x);

/* What a builder returns that has reported an error itself. */
static inline tg_tensor tg_refused(tg_tape *tape) {
    tg_tensor refused = {tape, UINT32_MAX, 0};
    return refused;
}

/* A reduced tensor (y or dy) with the axes that the call reduced put back as 1, as if by keepdims. */
TG_API tg_tensor tg_keep_axes(const tg_call *c, tg_tensor reduced);

#ifdef __cplusplus
}
#endif
#endif
