/* reduction.h: sums, means, maxima and the softmax family, over all or some axes.
 *
 * Each reduction has two forms: tg_sum(x) over everything, giving a scalar, and tg_sum_axes(x, TG_AXES(0,
 * -1), keepdims) over some axes, which are dropped or kept as 1. Negative axes count from the end. Errors:
 * TG_ERR_SHAPE for an axis out of range or given twice, and for a reduction over nothing without an
 * identity (max, mean); TG_ERR_DTYPE for i64 and bool. */
#ifndef TAPEGRAD_OPS_REDUCTION_H
#define TAPEGRAD_OPS_REDUCTION_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The sum; 0 over nothing. Summed in blocks: the error grows with log n, and does not depend on threads. */
#define tg_sum(...) tg_sum_at(TG_HERE, __VA_ARGS__)
#define tg_sum_axes(...) tg_sum_axes_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_sum_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_sum_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims);

/* The arithmetic mean. */
#define tg_mean(...) tg_mean_at(TG_HERE, __VA_ARGS__)
#define tg_mean_axes(...) tg_mean_axes_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_mean_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_mean_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims);

/* The largest element; NaN if any is NaN. Ties share the gradient evenly (PyTorch's amax). */
#define tg_max(...) tg_max_at(TG_HERE, __VA_ARGS__)
#define tg_max_axes(...) tg_max_axes_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_max_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_max_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims);

/* log of the sum of e^x, without overflow; -inf over nothing and where all are -inf, inf where one is inf. */
#define tg_logsumexp(...) tg_logsumexp_at(TG_HERE, __VA_ARGS__)
#define tg_logsumexp_axes(...) tg_logsumexp_axes_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_logsumexp_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_logsumexp_axes_at(const char *where, tg_tensor x, tg_axes axes, bool keepdims);

/* e^x / sum e^x along one axis, and its logarithm x - logsumexp(x); stable for any finite x. */
#define tg_softmax(...) tg_softmax_at(TG_HERE, __VA_ARGS__)
#define tg_log_softmax(...) tg_log_softmax_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_softmax_at(const char *where, tg_tensor x, int axis);
TG_API tg_tensor tg_log_softmax_at(const char *where, tg_tensor x, int axis);

#ifdef __cplusplus
}
#endif
#endif
