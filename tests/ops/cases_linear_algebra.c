/* cases_linear_algebra.c: rows for matmul.
 *
 * Owns: the reference, which reads vectors and batches as NumPy does. */
#include "tests/ops/case_table.h"

static int64_t axis_or(tg_shape shape, int from_end, int64_t missing) {
    return shape.rank >= from_end ? shape.dim[shape.rank - from_end] : missing;
}

/* Where the matrix begins that a broadcast batch takes from x. */
static const long double *matrix(const struct tg_case_values *x, tg_shape batch, int64_t i, int64_t size) {
    int64_t from = 0, stride = 1;
    for (int k = batch.rank - 1, own = x->shape.rank - 3; own >= 0; k--, own--) {
        if (x->shape.dim[own] != 1) from += i % batch.dim[k] * stride;
        i /= batch.dim[k];
        stride *= x->shape.dim[own];
    }
    return x->data + from * size;
}

static void product(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    (void)context;
    const tg_shape a = x[0].shape, b = x[1].shape;
    const int64_t m = axis_or(a, 2, 1), k = axis_or(a, 1, 0), n = b.rank == 1 ? 1 : axis_or(b, 1, 1);
    tg_shape batch = {0, {0}};
    batch.rank = (a.rank > b.rank ? a.rank : b.rank) - 2;
    if (batch.rank < 0) batch.rank = 0;
    int64_t n_batch = 1;
    for (int i = 0; i < batch.rank; i++) {
        const int64_t left = axis_or(a, batch.rank - i + 2, 1), right = axis_or(b, batch.rank - i + 2, 1);
        batch.dim[i] = left == 1 ? right : left;
        n_batch *= batch.dim[i];
    }
    tg_shape shape = batch;
    if (a.rank > 1) shape.dim[shape.rank++] = m;
    if (b.rank > 1) shape.dim[shape.rank++] = n;
    long double *out = tg_case_resize(y, shape);
    for (int64_t t = 0; t < n_batch; t++) {
        const long double *left = matrix(&x[0], batch, t, m * k), *right = matrix(&x[1], batch, t, k * n);
        for (int64_t i = 0; i < m; i++) {
            for (int64_t j = 0; j < n; j++) {
                long double sum = 0;
                for (int64_t l = 0; l < k; l++) sum += left[i * k + l] * right[l * n + j];
                *out++ = sum;
            }
        }
    }
}

static tg_tensor build_matmul(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_matmul(x[0], x[1]);
}

static const struct tg_case_shapes matrices[] = {
    {{TG_SHAPE(2, 3), TG_SHAPE(3, 4)}}, {{TG_SHAPE(1, 4), TG_SHAPE(4, 1)}},
    {{TG_SHAPE(3, 1), TG_SHAPE(1, 2)}}, {{TG_SHAPE(5, 2), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 0), TG_SHAPE(0, 3)}}, {{TG_SHAPE(0, 2), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 2), TG_SHAPE(2, 0)}},
};
static const struct tg_case_shapes vectors[] = {
    {{TG_SHAPE(4), TG_SHAPE(4)}},       {{TG_SHAPE(0), TG_SHAPE(0)}},
    {{TG_SHAPE(3), TG_SHAPE(3, 2)}},    {{TG_SHAPE(2, 3), TG_SHAPE(3)}},
    {{TG_SHAPE(2), TG_SHAPE(2, 0)}},    {{TG_SHAPE(3), TG_SHAPE(2, 3, 2)}},
    {{TG_SHAPE(2, 2, 3), TG_SHAPE(3)}}, {{TG_SHAPE(1), TG_SHAPE(1)}},
    {{TG_SHAPE(3, 0), TG_SHAPE(0)}},    {{TG_SHAPE(2), TG_SHAPE(1, 2, 2, 1)}},
};
static const struct tg_case_shapes batches[] = {
    {{TG_SHAPE(2, 2, 3), TG_SHAPE(2, 3, 1)}}, {{TG_SHAPE(2, 2, 2), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 3), TG_SHAPE(2, 3, 2)}},    {{TG_SHAPE(2, 1, 2, 1), TG_SHAPE(3, 1, 2)}},
    {{TG_SHAPE(1, 2, 2), TG_SHAPE(3, 2, 1)}}, {{TG_SHAPE(0, 2, 2), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 2, 0), TG_SHAPE(0, 2)}},    {{TG_SHAPE(1, 1, 1, 1, 1, 2, 1, 2), TG_SHAPE(2, 2)}},
};

#define TG_ROW(which)                                                                                        \
    {                                                                                                        \
        .op = "matmul", .label = #which, .n_inputs = 2,                                                      \
        .input = {{.low = -2, .high = 2}, {.low = -2, .high = 2}}, TG_CASE_SHAPES(which),                    \
        .build = build_matmul, .reference = product                                                          \
    }

static const struct tg_case rows[] = {TG_ROW(matrices), TG_ROW(vectors), TG_ROW(batches)};
const struct tg_case_list tg_cases_linear_algebra = {TG_CASE_COUNT(rows), rows};
