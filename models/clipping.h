/* clipping.h: keeping gradients small.
 *
 * Owns: tg_clipping and its formulas, in tensor operations: an optimizer takes one as an option. */
#ifndef TAPEGRAD_MODELS_CLIPPING_H
#define TAPEGRAD_MODELS_CLIPPING_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All zeros: nothing is clipped. Both: by value first. */
typedef struct tg_clipping {
    double value; /* each entry to -value .. value; NaN stays (PyTorch's clip_grad_value_) */
    double norm;  /* all gradients together times min(1, norm / (N + 1e-6)), N being the norm of all their
                     entries (clip_grad_norm_): gradients of norm 0 stay 0; an infinite entry becomes NaN
                     and makes the others 0; a NaN makes all NaN */
} tg_clipping;

/* The square root of the sum of the squares of all elements of n tensors, a scalar. */
#define tg_global_norm(...) tg_global_norm_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_global_norm_at(const char *where, int n, const tg_tensor *xs);

/* clipped[i] = the gradient dxs[i], clipped together with the others; of the same shape. clipped may be dxs.
 * Errors: TG_ERR_VALUE for a bound that is negative or not a number. */
#define tg_clip_gradients(...) tg_clip_gradients_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_clip_gradients_at(const char *where, int n, const tg_tensor *dxs, tg_clipping clipping,
                                      tg_tensor *clipped);

#ifdef __cplusplus
}
#endif
#endif
