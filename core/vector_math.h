/* vector_math.h: exp, log and their kin over contiguous arrays, several elements at a time.
 *
 * Owns: the table of functions and its choice by CPU. The sources are plain branch-free C, compiled once
 * for each CPU level. Internal: not installed. */
#ifndef TAPEGRAD_CORE_VECTOR_MATH_H
#define TAPEGRAD_CORE_VECTOR_MATH_H

#include "core/status.h"

typedef void tg_vector_f32(int64_t n, float *y, const float *x);
typedef void tg_vector_f64(int64_t n, double *y, const double *x);

/* y[i] = f(x[i]) for i < n; y may be x itself, and must not overlap it otherwise. NaN, infinities, signed
 * zeros and denormals behave as in IEEE 754 and C's <math.h>. softplus(x) = log(1 + e^x). */
struct tg_vector_math {
    const char *cpu; /* "portable", "avx2", ... */
    tg_vector_f32 *exp_f32, *log_f32, *log1p_f32, *tanh_f32, *sigmoid_f32, *softplus_f32;
    tg_vector_f64 *exp_f64, *log_f64, *log1p_f64, *tanh_f64, *sigmoid_f64, *softplus_f64;
};

/* The table for this CPU, or the one that the environment variable TAPEGRAD_CPU names. Chosen once; safe
 * to call from any thread. */
const struct tg_vector_math *tg_vector_math(void);

/* The level-th table that this CPU can run (0 is portable), NULL past the last: for tests and benches. */
const struct tg_vector_math *tg_vector_math_level(int level);

#endif
