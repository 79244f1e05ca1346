/* logistic_by_hand.h: a step of logistic regression as one would write it in C: the floor.
 *
 * Features in rows, examples in columns; cross entropy, gradient descent. The data, 10 MB in f32, are read
 * twice, eight rows at a time: once for the logits, once for the gradient, which updates the weights at once.
 * Each thread has its rows. Written once and included for each type: REAL, and NAME(x) for x_f32 or x_f64. */
#ifndef TAPEGRAD_BENCH_LOGISTIC_BY_HAND_H
#define TAPEGRAD_BENCH_LOGISTIC_BY_HAND_H

#include <string.h>

#include "blas_by_hand.h"
#include "core/vector_math.h"

enum { FEATURES = 12288, EXAMPLES = 209, ROWS = 8, MOST_THREADS = 2 };

#endif

typedef struct NAME(logistic) {
    REAL *x, *w, y[EXAMPLES], b, loss;
    REAL z[MOST_THREADS][EXAMPLES], dz[EXAMPLES], softplus[EXAMPLES];
} NAME(logistic);

/* z += w^T x over rows [begin, end). */
static void NAME(add_logits)(const NAME(logistic) * l, int begin, int end, REAL *restrict z) {
    for (int row = begin; row < end; row += ROWS) {
        const REAL *restrict x = l->x + (size_t)row * EXAMPLES, *restrict w = l->w + row;
        for (int i = 0; i < EXAMPLES; i++) {
            REAL sum = z[i];
            for (int r = 0; r < ROWS; r++) sum += w[r] * x[r * EXAMPLES + i];
            z[i] = sum;
        }
    }
}

static void NAME(update_weights)(const NAME(logistic) * l, int begin, int end, REAL rate) {
    const REAL *restrict dz = l->dz;
    for (int row = begin; row < end; row += 4) {
        const REAL *restrict x = l->x + (size_t)row * EXAMPLES;
        REAL dw0 = 0, dw1 = 0, dw2 = 0, dw3 = 0;
#pragma omp simd reduction(+ : dw0, dw1, dw2, dw3)
        for (int i = 0; i < EXAMPLES; i++) {
            dw0 += dz[i] * x[i];
            dw1 += dz[i] * x[EXAMPLES + i];
            dw2 += dz[i] * x[2 * EXAMPLES + i];
            dw3 += dz[i] * x[3 * EXAMPLES + i];
        }
        l->w[row] -= rate * dw0;
        l->w[row + 1] -= rate * dw1;
        l->w[row + 2] -= rate * dw2;
        l->w[row + 3] -= rate * dw3;
    }
}

/* From the sums of n threads to dz; b's update; the loss before the step. */
static void NAME(finish_logits)(NAME(logistic) * l, int n, REAL rate) {
    const struct tg_vector_math *math = tg_vector_math();
    REAL *z = l->z[0], loss = 0, db = 0;
    for (int t = 1; t < n; t++)
        for (int i = 0; i < EXAMPLES; i++) z[i] += l->z[t][i];
    for (int i = 0; i < EXAMPLES; i++) z[i] += l->b;
    math->NAME(sigmoid)(EXAMPLES, l->dz, z);
    math->NAME(softplus)(EXAMPLES, l->softplus, z);
#pragma omp simd reduction(+ : loss, db)
    for (int i = 0; i < EXAMPLES; i++) {
        loss += l->softplus[i] - z[i] * l->y[i];
        l->dz[i] = (l->dz[i] - l->y[i]) * ((REAL)1 / EXAMPLES);
        db += l->dz[i];
    }
    l->b -= rate * db;
    l->loss = loss / EXAMPLES;
}

static void NAME(logistic_step)(NAME(logistic) * l, REAL rate) {
#pragma omp parallel
    {
        int begin, end, thread = 0, n_threads = 1;
        my_part(FEATURES, ROWS, &begin, &end);
#ifdef _OPENMP
        thread = omp_get_thread_num();
        n_threads = omp_get_num_threads();
#endif
        REAL sums[EXAMPLES] = {0};
        NAME(add_logits)(l, begin, end, sums);
        memcpy(l->z[thread], sums, sizeof sums);
#pragma omp barrier
#pragma omp single
        NAME(finish_logits)(l, n_threads, rate);
        NAME(update_weights)(l, begin, end, rate);
    }
}
