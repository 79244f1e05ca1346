/* gradient.h: differentiating what the tape recorded.
 *
 * Owns: tg_backward and tg_gradients, the leaves' gradients, and the three operations that differentiation
 * itself needs (accumulate, sum_to, broadcast_to). */
#ifndef TAPEGRAD_GRAPH_GRADIENT_H
#define TAPEGRAD_GRAPH_GRADIENT_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds dy/dp to the gradient of every parameter p that y was recorded from, as PyTorch does: calling it twice
 * doubles them; tg_zero_grad and tg_tape_zero_grad clear. y must have one element (or give the cotangent dy,
 * of y's shape, to tg_backward_from). Leaves the tape as it was, to rewind or to use again.
 * A graph that is recorded again after a rewind, with the same operations, attributes and shapes, is known
 * again: from its second time on (large arrays: at once) its gradients are computed by a plan that the tape
 * keeps, with the same results bit for bit. Where memory is short the plans are given up.
 * Errors: an error that already stuck to the tape; TG_ERR_GRADIENT when y does not depend on a parameter,
 * goes through an operation that has no gradient, or was recorded from a leaf that has changed since; then no
 * gradient has changed. */
#define tg_backward(...) tg_backward_at(TG_HERE, __VA_ARGS__)
#define tg_backward_from(...) tg_backward_from_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_backward_at(const char *where, tg_tensor y);
TG_API TG_MUST_USE tg_status tg_backward_from_at(const char *where, tg_tensor y, tg_tensor dy);

/* dxs[i] = the gradient of y with respect to xs[i], as fresh tensors on the tape which can be used and
 * differentiated again (inside tg_no_grad: as constants). xs may be any tensors of y's tape, leaves or not,
 * parameters or not; where y does not depend on xs[i] the gradient is zeros. y must have one element, or
 * tg_gradients_from is given the cotangent dy: dxs[i] = dy^T (dy/dx), a vector-Jacobian product.
 * dxs must not be xs. The leaves' own gradients (tg_grad) are not touched. Errors as tg_backward; all dxs
 * are invalid then. */
#define tg_gradients(...) tg_gradients_at(TG_HERE, __VA_ARGS__)
#define tg_gradients_from(...) tg_gradients_from_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_gradients_at(const char *where, tg_tensor y, int n, const tg_tensor *xs,
                                             tg_tensor *dxs);
TG_API TG_MUST_USE tg_status tg_gradients_from_at(const char *where, tg_tensor y, tg_tensor dy, int n,
                                                  const tg_tensor *xs, tg_tensor *dxs);

/* The accumulated gradient of a parameter: a tensor that lives as long as the parameter, zeros at first.
 * Errors: TG_ERR_GRADIENT when x is not a parameter. */
#define tg_grad(...) tg_grad_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_grad_at(const char *where, tg_tensor x);

/* Sets the gradient of one parameter, or of every parameter of the tape, to zero. */
#define tg_zero_grad(...) tg_zero_grad_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_zero_grad_at(const char *where, tg_tensor x);
TG_API void tg_tape_zero_grad(tg_tape *tape);

/* The same values (shared memory), a constant to differentiation. */
#define tg_detach(...) tg_detach_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_detach_at(const char *where, tg_tensor x);

/* The sum of n tensors, with broadcasting: dx[i] = dy. */
#define tg_accumulate(...) tg_accumulate_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_accumulate_at(const char *where, int n, const tg_tensor *xs);

/* Sums x over the axes that broadcasting would have expanded, so that the result has the given shape. The
 * adjoint of tg_broadcast_to. */
#define tg_sum_to(...) tg_sum_to_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_sum_to_at(const char *where, tg_tensor x, tg_shape shape);

/* x seen in a larger shape by NumPy's broadcasting rule; a view. The adjoint of tg_sum_to. */
#define tg_broadcast_to(...) tg_broadcast_to_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_broadcast_to_at(const char *where, tg_tensor x, tg_shape shape);

#ifdef __cplusplus
}
#endif
#endif
