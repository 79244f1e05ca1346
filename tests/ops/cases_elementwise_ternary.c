/* cases_elementwise_ternary.c: the case rows of ops/elementwise_ternary.c. */
#include "tests/ops/case_table.h"

static const struct tg_case_shapes triples[] = {
    {{TG_SCALAR, TG_SCALAR, TG_SCALAR}},        {{TG_SHAPE(2, 3), TG_SHAPE(2, 3), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 1), TG_SHAPE(3), TG_SCALAR}}, {{TG_SHAPE(3), TG_SHAPE(2, 3), TG_SHAPE(2, 1)}},
    {{TG_SHAPE(4), TG_SCALAR, TG_SCALAR}},      {{TG_SHAPE(0), TG_SHAPE(0), TG_SHAPE(1)}},
};

/* The shape of all three, by two maps; then the values. */
static long double sum(long double a, long double b) { return a + b; }
static void shaped(const struct tg_case_values *x, struct tg_case_values *y) {
    struct tg_case_values both[2] = {{.n = 0}, {.n = 0}};
    tg_case_map_2(x, &both[0], sum);
    both[1] = x[2];
    tg_case_map_2(both, y, sum);
    tg_case_free(1, both);
}

/* The two functions of a row, from the function in long double. */
#define TERNARY(name, expression)                                                                            \
    static void name##_reference(const struct tg_case_values *x, struct tg_case_values *y,                   \
                                 const void *context) {                                                      \
        (void)context;                                                                                       \
        shaped(x, y);                                                                                        \
        for (int64_t i = 0; i < y->n; i++) {                                                                 \
            const long double a = tg_case_broadcast_value(&x[0], y->shape, i),                               \
                              b = tg_case_broadcast_value(&x[1], y->shape, i),                               \
                              c = tg_case_broadcast_value(&x[2], y->shape, i);                               \
            y->data[i] = expression;                                                                         \
        }                                                                                                    \
    }                                                                                                        \
    static tg_tensor name##_build(const tg_tensor *x, const void *context) {                                 \
        (void)context;                                                                                       \
        return tg_##name(x[0], x[1], x[2]);                                                                  \
    }

TERNARY(addcmul, a + b * c)
TERNARY(lerp, a + c * (b - a))

#define ROW(name)                                                                                            \
    {                                                                                                        \
        .op = #name, .n_inputs = 3,                                                                          \
        .input = {{.low = -3, .high = 3}, {.low = -3, .high = 3}, {.low = -3, .high = 3}},                   \
        TG_CASE_SHAPES(triples), .build = name##_build, .reference = name##_reference                        \
    }

static const struct tg_case rows[] = {ROW(addcmul), ROW(lerp)};
const struct tg_case_list tg_cases_elementwise_ternary = {TG_CASE_COUNT(rows), rows};
