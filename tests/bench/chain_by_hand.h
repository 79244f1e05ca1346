/* chain_by_hand.h: mean(tanh(sigmoid(x) * x + x)) and its gradient as one fused loop: the floor.
 *
 * x is read once and dx written once, in blocks that stay in the nearest cache; the library's own vector
 * functions, so that passes are compared and not a better exponential. */
#ifndef TAPEGRAD_BENCH_CHAIN_BY_HAND_H
#define TAPEGRAD_BENCH_CHAIN_BY_HAND_H

#include "core/vector_math.h"

enum { CHAIN_BLOCK = 512 };

/* The sum of a block of n <= CHAIN_BLOCK, and dx of the mean over all. */
static inline float chain_block(int64_t n, const float *restrict x, float *restrict dx, float scale) {
    const struct tg_vector_math *math = tg_vector_math();
    float s[CHAIN_BLOCK], t[CHAIN_BLOCK], sum = 0;
    math->sigmoid_f32(n, s, x);
    for (int64_t i = 0; i < n; i++) t[i] = s[i] * x[i] + x[i];
    math->tanh_f32(n, t, t);
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        sum += t[i];
        dx[i] = scale * (1 - t[i] * t[i]) * (s[i] + x[i] * s[i] * (1 - s[i]) + 1);
    }
    return sum;
}

/* The mean, and dx. Where n is small no parallel region is begun: it costs 0.3 us, even with one thread. */
static inline double chain_by_hand(int64_t n, const float *x, float *dx) {
    const float scale = 1 / (float)n;
    double sum = 0;
    if (n <= 16384) {
        for (int64_t at = 0; at < n; at += CHAIN_BLOCK)
            sum += (double)chain_block(n - at < CHAIN_BLOCK ? n - at : CHAIN_BLOCK, x + at, dx + at, scale);
        return sum / (double)n;
    }
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (int64_t at = 0; at < n; at += CHAIN_BLOCK)
        sum += (double)chain_block(n - at < CHAIN_BLOCK ? n - at : CHAIN_BLOCK, x + at, dx + at, scale);
    return sum / (double)n;
}

#endif
