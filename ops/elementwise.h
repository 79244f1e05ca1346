/* elementwise.h: functions of each element, with NumPy broadcasting.
 *
 * Arithmetic, powers and exponentials, activations, comparisons and choice. Values are of the tape's dtype
 * (comparisons also take two i64); tg_num may stand for any operand but not for all. Every builder returns an
 * invalid handle on error (TG_ERR_SHAPE, TG_ERR_DTYPE, TG_ERR_HANDLE), kept on the tape. */
#ifndef TAPEGRAD_OPS_ELEMENTWISE_H
#define TAPEGRAD_OPS_ELEMENTWISE_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* a + b, a - b, a * b, a / b (IEEE division: 1/0 = inf, 0/0 = NaN). */
#define tg_add(...) tg_add_at(TG_HERE, __VA_ARGS__)
#define tg_sub(...) tg_sub_at(TG_HERE, __VA_ARGS__)
#define tg_mul(...) tg_mul_at(TG_HERE, __VA_ARGS__)
#define tg_div(...) tg_div_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_add_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_sub_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_mul_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_div_at(const char *where, tg_tensor a, tg_tensor b);

/* a to the power b, as C's pow. Gradients: b a^(b-1), 0 where b = 0; a^b log a, 0 where a = 0 and b >= 0
 * (PyTorch). */
#define tg_pow(...) tg_pow_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_pow_at(const char *where, tg_tensor a, tg_tensor b);

/* The larger, the smaller; NaN when either is NaN (NumPy). At a tie each gets half of the gradient. */
#define tg_maximum(...) tg_maximum_at(TG_HERE, __VA_ARGS__)
#define tg_minimum(...) tg_minimum_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_maximum_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_minimum_at(const char *where, tg_tensor a, tg_tensor b);

/* a + b c; a + w (b - a), which goes from a, where w is 0, to b, where it is 1. In one pass, the product
 * rounded. */
#define tg_addcmul(...) tg_addcmul_at(TG_HERE, __VA_ARGS__)
#define tg_lerp(...) tg_lerp_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_addcmul_at(const char *where, tg_tensor a, tg_tensor b, tg_tensor c);
TG_API tg_tensor tg_lerp_at(const char *where, tg_tensor a, tg_tensor b, tg_tensor w);

/* -x, x^2, the square root (NaN below 0; gradient inf at 0). */
#define tg_neg(...) tg_neg_at(TG_HERE, __VA_ARGS__)
#define tg_square(...) tg_square_at(TG_HERE, __VA_ARGS__)
#define tg_sqrt(...) tg_sqrt_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_neg_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_square_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_sqrt_at(const char *where, tg_tensor x);

/* e^x; the natural logarithm (log 0 = -inf, NaN below 0); log(1 + x), exact near 0. */
#define tg_exp(...) tg_exp_at(TG_HERE, __VA_ARGS__)
#define tg_log(...) tg_log_at(TG_HERE, __VA_ARGS__)
#define tg_log1p(...) tg_log1p_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_exp_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_log_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_log1p_at(const char *where, tg_tensor x);

/* The sine and the cosine of an angle in radians (NaN at infinity), by the C library. */
#define tg_sin(...) tg_sin_at(TG_HERE, __VA_ARGS__)
#define tg_cos(...) tg_cos_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_sin_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_cos_at(const char *where, tg_tensor x);

/* |x|, gradient 0 at 0; the sign -1, 0, 1 (NaN for NaN); the largest whole number not above x. The gradients
 * of the last two are 0. */
#define tg_abs(...) tg_abs_at(TG_HERE, __VA_ARGS__)
#define tg_sign(...) tg_sign_at(TG_HERE, __VA_ARGS__)
#define tg_floor(...) tg_floor_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_abs_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_sign_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_floor_at(const char *where, tg_tensor x);

/* 1 / (1 + e^-x); its logarithm; log(1 + e^x); the hyperbolic tangent. All exact at +-1000. */
#define tg_sigmoid(...) tg_sigmoid_at(TG_HERE, __VA_ARGS__)
#define tg_logsigmoid(...) tg_logsigmoid_at(TG_HERE, __VA_ARGS__)
#define tg_softplus(...) tg_softplus_at(TG_HERE, __VA_ARGS__)
#define tg_tanh(...) tg_tanh_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_sigmoid_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_logsigmoid_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_softplus_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_tanh_at(const char *where, tg_tensor x);

/* max(x, 0), gradient 0 at 0; x for x > 0 and slope x elsewhere, gradient slope at 0. NaN stays NaN. */
#define tg_relu(...) tg_relu_at(TG_HERE, __VA_ARGS__)
#define tg_leaky_relu(...) tg_leaky_relu_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_relu_at(const char *where, tg_tensor x);
TG_API tg_tensor tg_leaky_relu_at(const char *where, tg_tensor x, double slope);

/* Comparisons: bool tensors, without a gradient. Anything compared with NaN is false, but not_equal. */
#define tg_equal(...) tg_equal_at(TG_HERE, __VA_ARGS__)
#define tg_not_equal(...) tg_not_equal_at(TG_HERE, __VA_ARGS__)
#define tg_less(...) tg_less_at(TG_HERE, __VA_ARGS__)
#define tg_less_equal(...) tg_less_equal_at(TG_HERE, __VA_ARGS__)
#define tg_greater(...) tg_greater_at(TG_HERE, __VA_ARGS__)
#define tg_greater_equal(...) tg_greater_equal_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_equal_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_not_equal_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_less_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_less_equal_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_greater_at(const char *where, tg_tensor a, tg_tensor b);
TG_API tg_tensor tg_greater_equal_at(const char *where, tg_tensor a, tg_tensor b);

/* a where mask (bool) is true and b elsewhere. The gradient of what was not chosen is 0. */
#define tg_where(...) tg_where_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_where_at(const char *where, tg_tensor mask, tg_tensor a, tg_tensor b);

/* A bool or i64 tensor as values of the tape's dtype (true is 1); no gradient. */
#define tg_to_value(...) tg_to_value_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_to_value_at(const char *where, tg_tensor x);

#ifdef __cplusplus
}
#endif
#endif
