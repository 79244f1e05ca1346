/* cases_elementwise_unary.c: the case rows of ops/elementwise_unary.c. */
#include "tests/ops/case_table.h"

#include <math.h>

static const struct tg_case_shapes shapes[] = {
    {{TG_SCALAR}},      {{TG_SHAPE(5)}}, {{TG_SHAPE(3, 4)}},    {{TG_SHAPE(2, 3, 2)}},
    {{TG_SHAPE(1, 1)}}, {{TG_SHAPE(0)}}, {{TG_SHAPE(2, 0, 3)}},
};

/* The two functions of a row, from the function in long double. */
#define UNARY(name, expression)                                                                              \
    static long double name##_of(long double x) { return expression; }                                       \
    static void name##_reference(const struct tg_case_values *x, struct tg_case_values *y,                   \
                                 const void *context) {                                                      \
        (void)context;                                                                                       \
        tg_case_map_1(x, y, name##_of);                                                                      \
    }                                                                                                        \
    static tg_tensor name##_build(const tg_tensor *x, const void *context) {                                 \
        (void)context;                                                                                       \
        return tg_##name(x[0]);                                                                              \
    }

UNARY(neg, -x)
UNARY(square, x *x)
UNARY(sqrt, sqrtl(x))
UNARY(exp, expl(x))
UNARY(log, logl(x))
UNARY(log1p, log1pl(x))
UNARY(sin, sinl(x))
UNARY(cos, cosl(x))
UNARY(abs, fabsl(x))
UNARY(sign, x > 0 ? 1 : x < 0 ? -1 : 0)
UNARY(floor, floorl(x))
UNARY(sigmoid, 1 / (1 + expl(-x)))
UNARY(logsigmoid, -log1pl(expl(-x)))
UNARY(softplus, log1pl(expl(x)))
UNARY(tanh, tanhl(x))
UNARY(relu, x > 0 ? x : 0)

static const double slope = 0.1;
static void leaky_relu_reference(const struct tg_case_values *x, struct tg_case_values *y,
                                 const void *context) {
    long double *out = tg_case_resize(y, x->shape);
    for (int64_t i = 0; i < x->n; i++)
        out[i] = x->data[i] > 0 ? x->data[i] : (long double)*(const double *)context * x->data[i];
}
static tg_tensor leaky_relu_build(const tg_tensor *x, const void *context) {
    return tg_leaky_relu(x[0], *(const double *)context);
}

#define ROW(name, from, to)                                                                                  \
    {                                                                                                        \
        .op = #name, .n_inputs = 1, .input = {{.low = from, .high = to}}, TG_CASE_SHAPES(shapes),            \
        .build = name##_build, .reference = name##_reference, .context = &slope                              \
    }

static const struct tg_case rows[] = {
    ROW(neg, -3, 3),        ROW(square, -3, 3),     ROW(sqrt, 0.2, 4),    ROW(exp, -3, 3),
    ROW(log, 0.2, 4),       ROW(log1p, -0.7, 3),    ROW(abs, -3, 3),      ROW(sign, -3, 3),
    ROW(sigmoid, -4, 4),    ROW(logsigmoid, -4, 4), ROW(softplus, -4, 4), ROW(tanh, -2, 2),
    ROW(relu, -3, 3),       ROW(leaky_relu, -3, 3), ROW(sin, -7, 7),      ROW(cos, -7, 7),
    ROW(floor, -2.9, -2.1),
};
const struct tg_case_list tg_cases_elementwise_unary = {TG_CASE_COUNT(rows), rows};
