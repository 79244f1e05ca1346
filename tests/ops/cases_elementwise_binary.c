/* cases_elementwise_binary.c: the case rows of ops/elementwise_binary.c. */
#include "tests/ops/case_table.h"

#include <math.h>

static const struct tg_case_shapes pairs[] = {
    {{TG_SCALAR, TG_SCALAR}},           {{TG_SHAPE(4), TG_SHAPE(4)}},    {{TG_SHAPE(2, 3), TG_SHAPE(2, 3)}},
    {{TG_SCALAR, TG_SHAPE(3)}},         {{TG_SHAPE(2, 3), TG_SHAPE(3)}}, {{TG_SHAPE(2, 1), TG_SHAPE(1, 3)}},
    {{TG_SHAPE(3), TG_SHAPE(2, 1, 1)}}, {{TG_SHAPE(0), TG_SHAPE(0)}},    {{TG_SHAPE(1), TG_SHAPE(0)}},
    {{TG_SHAPE(2, 0), TG_SHAPE(2, 1)}},
};
static const struct tg_case_shapes singles[] = {{{TG_SCALAR}}, {{TG_SHAPE(2, 3)}}};

/* The two functions of a row, from the function in long double. */
#define BINARY(name, expression)                                                                             \
    static long double name##_of(long double a, long double b) { return expression; }                        \
    static void name##_reference(const struct tg_case_values *x, struct tg_case_values *y,                   \
                                 const void *context) {                                                      \
        (void)context;                                                                                       \
        tg_case_map_2(x, y, name##_of);                                                                      \
    }                                                                                                        \
    static tg_tensor name##_build(const tg_tensor *x, const void *context) {                                 \
        (void)context;                                                                                       \
        return tg_##name(x[0], x[1]);                                                                        \
    }

BINARY(add, a + b)
BINARY(sub, a - b)
BINARY(mul, a *b)
BINARY(div, a / b)
BINARY(pow, powl(a, b))
BINARY(maximum, a > b ? a : b)
BINARY(minimum, a < b ? a : b)

/* A number as exponent: its gradient, with its logarithm of a negative base, must not be made. */
static const double two = 2, three = 3, half = -0.5;
static tg_tensor power_build(const tg_tensor *x, const void *context) {
    return tg_pow(x[0], tg_num(*(const double *)context));
}
static void power_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    long double *out = tg_case_resize(y, x->shape);
    for (int64_t i = 0; i < x->n; i++) out[i] = powl(x->data[i], (long double)*(const double *)context);
}

/* The same tensor twice: both gradients meet. */
static tg_tensor itself_build(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_mul(x[0], x[0]);
}
static void itself_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    (void)context;
    power_reference(x, y, &two);
}

#define ROW(name, low_a, high_a, low_b, high_b)                                                              \
    {                                                                                                        \
        .op = #name, .n_inputs = 2,                                                                          \
        .input = {{.low = low_a, .high = high_a}, {.low = low_b, .high = high_b}}, TG_CASE_SHAPES(pairs),    \
        .build = name##_build, .reference = name##_reference                                                 \
    }
#define ROW_1(name, text, from, to, build_row, reference_row, number)                                        \
    {                                                                                                        \
        .op = #name, .label = text, .n_inputs = 1, .input = {{.low = from, .high = to}},                     \
        TG_CASE_SHAPES(singles), .build = build_row, .reference = reference_row, .context = number           \
    }

static const struct tg_case rows[] = {
    ROW(add, -3, 3, -3, 3),
    ROW(sub, -3, 3, -3, 3),
    ROW(mul, -3, 3, -3, 3),
    ROW(div, -3, 3, 0.5, 3),
    ROW(pow, 0.3, 3, -2, 2.5),
    ROW(maximum, -3, 3, -3, 3),
    ROW(minimum, -3, 3, -3, 3),
    ROW_1(pow, "a number as exponent", -3, 3, power_build, power_reference, &three),
    ROW_1(pow, "a negative number as exponent", 0.3, 3, power_build, power_reference, &half),
    ROW_1(mul, "of a tensor by itself", -3, 3, itself_build, itself_reference, NULL),
};
const struct tg_case_list tg_cases_elementwise_binary = {TG_CASE_COUNT(rows), rows};
