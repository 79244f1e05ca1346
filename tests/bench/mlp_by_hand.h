/* mlp_by_hand.h: a training step of a multilayer perceptron as one would write it in C: the floor.
 *
 * Examples in rows; relu or sigmoid hidden layers; softmax cross entropy, or, with one output, sigmoid and
 * binary cross entropy; SGD or Adam. Each thread takes its examples forward and back, then makes its rows of
 * every weight's gradient: SGD lets BLAS subtract it from the weights as it is made, Adam takes it block by
 * block while it is in cache. Buffers are made once. */
#ifndef TAPEGRAD_BENCH_MLP_BY_HAND_H
#define TAPEGRAD_BENCH_MLP_BY_HAND_H

#include <math.h>

#include "blas_by_hand.h"
#include "core/vector_math.h"

enum { MLP_MOST_LAYERS = 4, ADAM_ROWS = 128, MLP_PART = 8 };

#define BETA1 0.9F
#define BETA2 0.999F
#define EPSILON 1e-8F

typedef struct mlp {
    int n_layers, batch, size[MLP_MOST_LAYERS + 1]; /* of the input, and of each layer's output */
    bool relu, adam;
    float rate, loss;
    float *a[MLP_MOST_LAYERS + 1];  /* the input, activations, and the logits */
    float *dz[MLP_MOST_LAYERS + 1]; /* of each layer's output */
    float *w[MLP_MOST_LAYERS], *b[MLP_MOST_LAYERS];
    float *dw, *m[MLP_MOST_LAYERS], *v[MLP_MOST_LAYERS], *bm[MLP_MOST_LAYERS], *bv[MLP_MOST_LAYERS];
    const int64_t *labels;
    const float *targets; /* of the one output */
    float *scratch;       /* batch * the last size */
    double beta1_power, beta2_power;
} mlp;

static inline void mlp_forward(mlp *n, int begin, int end) {
    for (int l = 0; l < n->n_layers; l++) {
        const int in = n->size[l], out = n->size[l + 1];
        float *restrict z = n->a[l + 1] + (size_t)begin * (size_t)out;
        const float *restrict b = n->b[l];
        product(CblasNoTrans, CblasNoTrans, end - begin, out, in, 1, n->a[l] + begin * in, in, n->w[l], out,
                0, z, out);
        const bool relu = n->relu && l + 1 < n->n_layers;
        for (int i = 0; i < end - begin; i++)
            for (int j = 0; j < out; j++) {
                const float s = z[i * out + j] + b[j];
                z[i * out + j] = relu && !(s > 0) ? 0 : s;
            }
        if (!n->relu && l + 1 < n->n_layers)
            tg_vector_math()->sigmoid_f32((int64_t)(end - begin) * out, z, z);
    }
}

/* The sum of the losses of rows [begin, end), and dz of the logits. */
static inline float mlp_cross_entropy(mlp *n, int begin, int end) {
    const struct tg_vector_math *math = tg_vector_math();
    const int classes = n->size[n->n_layers];
    const float *z = n->a[n->n_layers];
    float *dz = n->dz[n->n_layers], *sums = n->scratch, loss = 0;
    const float scale = 1 / (float)n->batch;
    for (int i = begin; i < end; i++) {
        float largest = z[i * classes];
        for (int j = 1; j < classes; j++) largest = fmaxf(largest, z[i * classes + j]);
        for (int j = 0; j < classes; j++) dz[i * classes + j] = z[i * classes + j] - largest;
        loss -= dz[i * classes + n->labels[i]];
    }
    math->exp_f32((int64_t)(end - begin) * classes, dz + begin * classes, dz + begin * classes);
    for (int i = begin; i < end; i++) {
        float sum = 0;
        for (int j = 0; j < classes; j++) sum += dz[i * classes + j];
        for (int j = 0; j < classes; j++) dz[i * classes + j] *= scale / sum;
        dz[i * classes + n->labels[i]] -= scale;
        sums[i] = sum;
    }
    math->log_f32(end - begin, sums + begin, sums + begin);
    for (int i = begin; i < end; i++) loss += sums[i];
    return loss;
}

static inline float mlp_binary_cross_entropy(mlp *n, int begin, int end) {
    const struct tg_vector_math *math = tg_vector_math();
    const float *z = n->a[n->n_layers], *y = n->targets, scale = 1 / (float)n->batch;
    float *dz = n->dz[n->n_layers], loss = 0;
    math->sigmoid_f32(end - begin, dz + begin, z + begin);
    math->softplus_f32(end - begin, n->scratch + begin, z + begin);
#pragma omp simd reduction(+ : loss)
    for (int i = begin; i < end; i++) {
        loss += n->scratch[i] - z[i] * y[i];
        dz[i] = (dz[i] - y[i]) * scale;
    }
    return loss;
}

static inline void mlp_backward(mlp *n, int begin, int end) {
    for (int l = n->n_layers - 1; l > 0; l--) {
        const int in = n->size[l], out = n->size[l + 1];
        float *restrict dz = n->dz[l] + (size_t)begin * (size_t)in;
        const float *restrict a = n->a[l] + (size_t)begin * (size_t)in;
        product(CblasNoTrans, CblasTrans, end - begin, in, out, 1, n->dz[l + 1] + begin * out, out, n->w[l],
                out, 0, dz, in);
        const int size = (end - begin) * in;
        if (n->relu)
            for (int i = 0; i < size; i++) dz[i] = a[i] > 0 ? dz[i] : 0;
        else
            for (int i = 0; i < size; i++) dz[i] *= a[i] * (1 - a[i]);
    }
}

static inline void mlp_adam(const mlp *n, int size, float *restrict p, const float *restrict dp,
                            float *restrict m, float *restrict v) {
    const float rate = (float)((double)n->rate / (1 - n->beta1_power));
    const float unbias = (float)(1 / (1 - n->beta2_power));
    for (int i = 0; i < size; i++) {
        m[i] = BETA1 * m[i] + (1 - BETA1) * dp[i];
        v[i] = BETA2 * v[i] + (1 - BETA2) * (dp[i] * dp[i]);
        p[i] -= rate * m[i] / (sqrtf(unbias * v[i]) + EPSILON);
    }
}

static inline void mlp_update_bias(mlp *n, int l) {
    int begin, end;
    const int out = n->size[l + 1];
    my_part(out, 16, &begin, &end);
    float db[1024] = {0}; /* no layer is wider */
    for (int i = 0; i < n->batch; i++)
        for (int j = begin; j < end; j++) db[j] += n->dz[l + 1][i * out + j];
    if (n->adam) {
        mlp_adam(n, end - begin, n->b[l] + begin, db + begin, n->bm[l] + begin, n->bv[l] + begin);
    } else {
        for (int j = begin; j < end; j++) n->b[l][j] -= n->rate * db[j];
    }
}

/* This thread's rows of every weight. */
static inline void mlp_update(mlp *n) {
    for (int l = 0; l < n->n_layers; l++) {
        const int in = n->size[l], out = n->size[l + 1];
        int begin, end;
        my_part(in, MLP_PART, &begin, &end);
        for (int row = begin, rows; row < end; row += rows) {
            rows = n->adam && end - row > ADAM_ROWS ? ADAM_ROWS : end - row;
            const int at = row * out;
            float *to = n->adam ? n->dw + at : n->w[l] + at;
            product(CblasTrans, CblasNoTrans, rows, out, n->batch, n->adam ? 1 : -n->rate, n->a[l] + row, in,
                    n->dz[l + 1], out, n->adam ? 0 : 1, to, out);
            if (n->adam) mlp_adam(n, rows * out, n->w[l] + at, to, n->m[l] + at, n->v[l] + at);
        }
        mlp_update_bias(n, l);
    }
}

/* One step; leaves the loss before it in n->loss. */
static inline void mlp_step(mlp *n) {
    float loss = 0;
    n->beta1_power *= (double)BETA1;
    n->beta2_power *= (double)BETA2;
#pragma omp parallel reduction(+ : loss)
    {
        int begin, end;
        my_part(n->batch, MLP_PART, &begin, &end);
        mlp_forward(n, begin, end);
        loss += n->labels ? mlp_cross_entropy(n, begin, end) : mlp_binary_cross_entropy(n, begin, end);
        mlp_backward(n, begin, end);
#pragma omp barrier
        mlp_update(n);
    }
    n->loss = loss / (float)n->batch;
}

#endif
