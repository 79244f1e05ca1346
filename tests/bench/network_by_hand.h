/* network_by_hand.h: a training step of the 2-4-1 network as one would write it in C: the floor.
 *
 * tanh hidden layer, sigmoid output, cross entropy, gradient descent; full batch, examples in columns, fused
 * as far as it goes. It uses the library's own vector functions, so that what is compared is the tape and not
 * a better exponential. Written once and included for each type: REAL, and NAME(x) for x_f32 or x_f64. */
#ifndef TAPEGRAD_BENCH_NETWORK_BY_HAND_H
#define TAPEGRAD_BENCH_NETWORK_BY_HAND_H

#include "core/vector_math.h"

enum { EXAMPLES = 400, INPUTS = 2, HIDDEN = 4 };

#endif

typedef struct NAME(network) {
    REAL x[INPUTS][EXAMPLES], y[EXAMPLES];
    REAL w1[HIDDEN][INPUTS], b1[HIDDEN], w2[HIDDEN], b2, loss;
    REAL a1[HIDDEN][EXAMPLES], dz2[EXAMPLES], z2[EXAMPLES], softplus[EXAMPLES];
} NAME(network);

static void NAME(network_forward)(NAME(network) * n) {
    const struct tg_vector_math *math = tg_vector_math();
    for (int h = 0; h < HIDDEN; h++) {
        const REAL w0 = n->w1[h][0], w1 = n->w1[h][1], b = n->b1[h];
        for (int i = 0; i < EXAMPLES; i++) n->a1[h][i] = w0 * n->x[0][i] + w1 * n->x[1][i] + b;
    }
    math->NAME(tanh)((int64_t)HIDDEN * EXAMPLES, n->a1[0], n->a1[0]);
    for (int i = 0; i < EXAMPLES; i++) {
        REAL z = n->b2;
        for (int h = 0; h < HIDDEN; h++) z += n->w2[h] * n->a1[h][i];
        n->z2[i] = z;
    }
    math->NAME(sigmoid)(EXAMPLES, n->dz2, n->z2);
    math->NAME(softplus)(EXAMPLES, n->softplus, n->z2);
}

/* One step; leaves the loss before it in n->loss. */
static void NAME(network_step)(NAME(network) * n, REAL learning_rate) {
    NAME(network_forward)(n);
    REAL loss = 0, db2 = 0;
#pragma omp simd reduction(+ : loss, db2)
    for (int i = 0; i < EXAMPLES; i++) {
        loss += n->softplus[i] - n->z2[i] * n->y[i];
        n->dz2[i] = (n->dz2[i] - n->y[i]) * ((REAL)1 / EXAMPLES);
        db2 += n->dz2[i];
    }
    for (int h = 0; h < HIDDEN; h++) {
        REAL dw2 = 0, db1 = 0, dw10 = 0, dw11 = 0;
        const REAL w2 = n->w2[h];
#pragma omp simd reduction(+ : dw2, db1, dw10, dw11)
        for (int i = 0; i < EXAMPLES; i++) {
            const REAL a = n->a1[h][i], dz = w2 * n->dz2[i] * (1 - a * a);
            dw2 += n->dz2[i] * a;
            db1 += dz;
            dw10 += dz * n->x[0][i];
            dw11 += dz * n->x[1][i];
        }
        n->w2[h] -= learning_rate * dw2;
        n->b1[h] -= learning_rate * db1;
        n->w1[h][0] -= learning_rate * dw10;
        n->w1[h][1] -= learning_rate * dw11;
    }
    n->b2 -= learning_rate * db2;
    n->loss = loss / EXAMPLES;
}
