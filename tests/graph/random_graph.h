/* random_graph.h: graphs at random, for tests that compare two ways of computing them.
 *
 * Owns: the generator: elementwise operations, reductions, views, products and choices on tensors of small
 * and empty shapes, and of shapes longer than a block. The same seed gives the same graph. */
#ifndef TAPEGRAD_TESTS_RANDOM_GRAPH_H
#define TAPEGRAD_TESTS_RANDOM_GRAPH_H

#include "tapegrad.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { LEAVES = 4, NODES = 24, OUTPUTS = 4 };

typedef struct generator {
    uint64_t state;
    tg_tape *tape;
    int n;
    tg_tensor x[LEAVES + 2 * NODES + 8];
} generator;

static inline uint32_t draw(generator *g, uint32_t n) {
    g->state = g->state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(g->state >> 33) % n;
}

static inline tg_tensor any(generator *g) { /* new ones are more likely */
    const uint32_t a = draw(g, (uint32_t)g->n), b = draw(g, (uint32_t)g->n);
    return g->x[a > b ? a : b];
}

/* One that broadcasts with a; a itself when none is found soon. */
static inline tg_tensor beside(generator *g, tg_tensor a) {
    for (int turn = 0; turn < 6; turn++) {
        const tg_tensor b = any(g);
        tg_shape both;
        if (tg_shape_broadcast(tg_shape_of(a), tg_shape_of(b), &both) && tg_shape_size(both) < 20000)
            return b;
    }
    return a;
}

static inline tg_shape random_shape(generator *g) {
    static const int64_t dims[] = {1, 2, 3, 5, 0, 30, 2, 700};
    tg_shape shape = {.rank = (int)draw(g, 4)};
    int64_t size = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.dim[i] = dims[draw(g, draw(g, 4) ? 4 : 8)];
        if (size * shape.dim[i] > 5000) shape.dim[i] = 1;
        size *= shape.dim[i];
    }
    return shape;
}

static inline tg_tensor elementwise(generator *g, tg_tensor a) {
    const tg_tensor b = beside(g, a);
    switch (draw(g, 14)) {
        case 0: return tg_tanh(a);
        case 1: return tg_sigmoid(a);
        case 2: return tg_neg(a);
        case 3: return tg_relu(a);
        case 4: return tg_mul(tg_num(0.5), tg_square(tg_tanh(a)));
        case 5: return tg_add(a, b);
        case 6: return tg_sub(tg_num(1), tg_tanh(tg_mul(a, b)));
        case 7: return tg_maximum(a, b);
        case 8: return tg_where(tg_less(a, b), a, b);
        case 9: return tg_div(a, tg_add(tg_num(2), tg_square(b)));
        case 10: return tg_add(tg_mul(tg_num(2), a), tg_mul(tg_num(2), a));
        case 11: return tg_mul(a, tg_num(1));
        case 12: return tg_sub(tg_div(a, tg_num(1)), tg_num(0));
        default: return tg_exp(tg_tanh(b));
    }
}

static inline tg_tensor reduction(generator *g, tg_tensor a) {
    const tg_shape shape = tg_shape_of(a);
    const bool keep = draw(g, 2), empty = tg_shape_size(shape) == 0;
    if (shape.rank == 0 || draw(g, 3) == 0) return empty ? tg_sum(a) : tg_mean(a);
    tg_axes axes = TG_AXES((int)draw(g, (uint32_t)shape.rank) - shape.rank);
    if (axes.axis[0] != -1 && draw(g, 2)) axes = TG_AXES(axes.axis[0], -1);
    switch (empty ? 0 : draw(g, 4)) {
        case 0: return tg_sum_axes(a, axes, keep);
        case 1: return tg_mean_axes(a, axes, keep);
        case 2: return tg_logsumexp_axes(a, axes, keep);
        default: return tg_max_axes(a, axes, keep);
    }
}

static inline tg_tensor view(generator *g, tg_tensor a) {
    const tg_shape shape = tg_shape_of(a);
    tg_shape larger = shape;
    switch (draw(g, 5)) {
        case 0: return shape.rank > 1 ? tg_transpose(a) : a;
        case 1: return shape.rank > 0 ? tg_slice(a, -1, TG_END, TG_END, -1) : a;
        case 2: return tg_reshape(a, TG_SHAPE(tg_shape_size(shape)));
        case 3:
            if (shape.rank > 2 || tg_shape_size(shape) > 3000) return tg_detach(a);
            larger.rank++;
            larger.dim[0] = 2;
            for (int i = 0; i < shape.rank; i++) larger.dim[i + 1] = shape.dim[i];
            return tg_expand(a, larger);
        default: return shape.rank > 0 && shape.dim[0] > 1 ? tg_slice(a, 0, 1, TG_END, 1) : a;
    }
}

static inline tg_tensor other(generator *g, tg_tensor a) {
    const tg_shape shape = tg_shape_of(a);
    if (shape.rank == 0) return tg_tanh(a);
    if (draw(g, 3) == 0 &&
        shape.dim[shape.rank - 1] > 0) { /* each row with its mean taken out, or its size */
        const tg_axes row = TG_AXES(-1);
        if (draw(g, 2)) return tg_sub(a, tg_mean_axes(a, row, true));
        return tg_div(a, tg_sqrt(tg_add(tg_num(1), tg_sum_axes(tg_square(a), row, true))));
    }
    if (draw(g, 2) && shape.rank == 2 && shape.dim[0] < 50)
        return tg_tanh(tg_matmul(a, tg_transpose(draw(g, 2) ? a : tg_sigmoid(a))));
    return draw(g, 2) ? tg_softmax(a, -1) : tg_log_softmax(a, 0);
}

/* Records a graph of the leaves that are there already: some of its values into out, and a sum of them. */
static inline tg_tensor random_graph(generator *g, tg_tensor *out) {
    for (int i = 0; i < NODES; i++) {
        const tg_tensor a = any(g);
        const uint32_t kind = draw(g, 8);
        const tg_tensor made = kind < 4   ? elementwise(g, a)
                               : kind < 5 ? reduction(g, a)
                               : kind < 7 ? view(g, a)
                                          : other(g, a);
        g->x[g->n++] = made;
    }
    tg_tensor total = tg_num(0);
    for (int i = 0; i < OUTPUTS; i++) {
        out[i] = g->x[g->n - 1 - 2 * i];
        total = tg_add(total, tg_sum(tg_tanh(out[i])));
    }
    return total;
}

/* Begins a graph with leaves of random shapes and values. */
static inline void random_leaves(generator *g, tg_tape *tape, uint64_t seed, tg_key key, tg_tensor *leaves) {
    *g = (generator){.state = seed * 2654435761U + 1, .tape = tape};
    for (int i = 0; i < LEAVES; i++) {
        const tg_shape shape = random_shape(g);
        leaves[i] = g->x[g->n++] = tg_param_normal(tape, shape, tg_key_split(key, (uint64_t)i), 1);
    }
}

static inline void write_normal(tg_tensor leaf, tg_key key) {
    const int64_t n = tg_size(leaf);
    double *values = calloc((size_t)n + 1, sizeof *values);
    cr_assert(values);
    tg_random_normal(key, n, values);
    cr_assert_eq(tg_write_f64(leaf, n, values), TG_OK);
    free(values);
}

#endif
