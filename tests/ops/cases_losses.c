/* cases_losses.c: the case rows of ops/losses.c. */
#include "tests/ops/case_table.h"

#include <math.h>

static const struct tg_case_shapes pairs[] = {
    {{TG_SCALAR, TG_SCALAR}},
    {{TG_SHAPE(5), TG_SHAPE(5)}},
    {{TG_SHAPE(1, 4), TG_SHAPE(1, 4)}},
    {{TG_SHAPE(2, 3), TG_SHAPE(2, 3)}},
};
static const struct tg_case_shapes labelled[] = {
    {{TG_SHAPE(3), TG_SCALAR}},
    {{TG_SHAPE(4, 3), TG_SHAPE(4)}},
    {{TG_SHAPE(2, 2, 3), TG_SHAPE(2, 2)}},
};

/* The two functions of a row, from one term of the mean. */
#define LOSS(name, expression)                                                                               \
    static long double name##_of(long double p, long double t) { return expression; }                        \
    static void name##_reference(const struct tg_case_values *x, struct tg_case_values *y,                   \
                                 const void *context) {                                                      \
        (void)context;                                                                                       \
        mean_of(x, y, name##_of);                                                                            \
    }                                                                                                        \
    static tg_tensor name##_build(const tg_tensor *x, const void *context) {                                 \
        (void)context;                                                                                       \
        return tg_##name(x[0], x[1]);                                                                        \
    }

static void mean_of(const struct tg_case_values *x, struct tg_case_values *y,
                    long double (*term)(long double, long double)) {
    long double sum = 0, *out = tg_case_resize(y, TG_SCALAR);
    for (int64_t i = 0; i < x->n; i++) sum += term(x[0].data[i], x[1].data[i]);
    *out = sum / (long double)x->n;
}

LOSS(mse, (p - t) * (p - t))
LOSS(binary_cross_entropy, -(t *logl(p) + (1 - t) * logl(1 - p)))
LOSS(binary_cross_entropy_with_logits, log1pl(expl(p)) - p * t)

static tg_tensor cross_entropy_build(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_cross_entropy(x[0], x[1]);
}
static void cross_entropy_reference(const struct tg_case_values *x, struct tg_case_values *y,
                                    const void *context) {
    const int64_t classes = x[0].shape.dim[x[0].shape.rank - 1];
    long double loss = 0;
    (void)context;
    for (int64_t i = 0; i < x[1].n; i++) {
        long double sum = 0;
        for (int64_t k = 0; k < classes; k++) sum += expl(x[0].data[i * classes + k]);
        loss += logl(sum) - x[0].data[i * classes + (int64_t)x[1].data[i]];
    }
    *tg_case_resize(y, TG_SCALAR) = loss / (long double)x[1].n;
}

#define ROW(name, function, low_p, high_p, low_t, high_t)                                                    \
    {                                                                                                        \
        .op = #name, .n_inputs = 2,                                                                          \
        .input = {{.low = low_p, .high = high_p}, {.low = low_t, .high = high_t}}, TG_CASE_SHAPES(pairs),    \
        .build = function##_build, .reference = function##_reference                                         \
    }

static const struct tg_case rows[] = {
    ROW(squared_error, mse, -2, 2, -2, 2),
    ROW(binary_cross_entropy, binary_cross_entropy, 0.1, 0.9, 0, 1),
    ROW(binary_cross_entropy_with_logits, binary_cross_entropy_with_logits, -3, 3, 0, 1),
    {.op = "take_along",
     .label = "cross_entropy",
     .n_inputs = 2,
     .input = {{.low = -3, .high = 3}, {TG_I64, .low = 0, .high = 2}},
     TG_CASE_SHAPES(labelled),
     .build = cross_entropy_build,
     .reference = cross_entropy_reference},
};
const struct tg_case_list tg_cases_losses = {TG_CASE_COUNT(rows), rows};
