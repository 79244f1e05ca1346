/* losses.h: what training minimizes. Each gives the mean over all examples (elements), a scalar.
 *
 * Prediction and target must have the same shape: broadcasting (n, 1) against (n) is the classic mistake in a
 * loss, so it is refused (TG_ERR_SHAPE). So is a loss over nothing. Gradients flow to both. */
#ifndef TAPEGRAD_OPS_LOSSES_H
#define TAPEGRAD_OPS_LOSSES_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Mean squared error: mean (prediction - target)^2. */
#define tg_mse(...) tg_mse_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_mse_at(const char *where, tg_tensor prediction, tg_tensor target);

/* -mean (y log p + (1 - y) log(1 - p)) on probabilities p; the logarithms are no less than -100, as PyTorch's
 * binary_cross_entropy, so that p = 0 and p = 1 stay finite; NaN for p outside 0..1. Gradient:
 * (p - y) / max(p (1 - p), 1e-12). */
#define tg_binary_cross_entropy(...) tg_binary_cross_entropy_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_binary_cross_entropy_at(const char *where, tg_tensor p, tg_tensor y);

/* The same on logits z, p = sigmoid(z), exact for any z: mean (max(z, 0) - z y + log(1 + e^-|z|)). */
#define tg_binary_cross_entropy_with_logits(...) tg_binary_cross_entropy_with_logits_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_binary_cross_entropy_with_logits_at(const char *where, tg_tensor z, tg_tensor y);

/* Softmax cross entropy: logits [..., classes], labels i64 [...] in 0..classes-1; mean of
 * logsumexp(logits) - logits[label]. A label out of range is TG_ERR_VALUE, naming its position. */
#define tg_cross_entropy(...) tg_cross_entropy_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_cross_entropy_at(const char *where, tg_tensor logits, tg_tensor labels);

#ifdef __cplusplus
}
#endif
#endif
