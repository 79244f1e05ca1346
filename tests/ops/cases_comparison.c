/* cases_comparison.c: the case rows of ops/comparison.c. */
#include "tests/ops/case_table.h"

static const struct tg_case_shapes pairs[] = {
    {{TG_SCALAR, TG_SCALAR}},        {{TG_SHAPE(5), TG_SHAPE(5)}},       {{TG_SHAPE(2, 3), TG_SHAPE(3)}},
    {{TG_SHAPE(3, 1), TG_SHAPE(4)}}, {{TG_SHAPE(2, 0), TG_SHAPE(2, 1)}},
};
static const struct tg_case_shapes triples[] = {
    {{TG_SCALAR, TG_SCALAR, TG_SCALAR}},        {{TG_SHAPE(2, 3), TG_SHAPE(2, 3), TG_SHAPE(2, 3)}},
    {{TG_SHAPE(2, 1), TG_SHAPE(3), TG_SCALAR}}, {{TG_SHAPE(3), TG_SHAPE(2, 3), TG_SHAPE(2, 1)}},
    {{TG_SHAPE(4), TG_SCALAR, TG_SCALAR}},      {{TG_SHAPE(0), TG_SHAPE(0), TG_SHAPE(1)}},
};
static const struct tg_case_shapes singles[] = {
    {{TG_SCALAR}}, {{TG_SHAPE(5)}}, {{TG_SHAPE(3, 2)}}, {{TG_SHAPE(0, 2)}}};

#define COMPARISON(name, expression)                                                                         \
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

COMPARISON(equal, a == b)
COMPARISON(not_equal, a != b)
COMPARISON(less, a < b)
COMPARISON(less_equal, a <= b)
COMPARISON(greater, a > b)
COMPARISON(greater_equal, a >= b)

static tg_tensor where_build(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_where(x[0], x[1], x[2]);
}
static long double whichever_has_shape(long double a, long double b) { return a + b; }
static void where_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    struct tg_case_values first = {0}, both[2];
    (void)context;
    tg_case_map_2(x, &first, whichever_has_shape); /* for the shapes only */
    both[0] = first, both[1] = x[2];
    tg_case_map_2(both, y, whichever_has_shape);
    for (int64_t i = 0; i < y->n; i++)
        y->data[i] = tg_case_broadcast_value(&x[0], y->shape, i) != 0
                         ? tg_case_broadcast_value(&x[1], y->shape, i)
                         : tg_case_broadcast_value(&x[2], y->shape, i);
    tg_case_free(1, &first);
}

static tg_tensor to_value_build(const tg_tensor *x, const void *context) {
    (void)context;
    return tg_to_value(x[0]);
}
static long double same(long double x) { return x; }
static void to_value_reference(const struct tg_case_values *x, struct tg_case_values *y,
                               const void *context) {
    (void)context;
    tg_case_map_1(x, y, same);
}

#define ROW(name)                                                                                            \
    {.op = #name,                                                                                            \
     .n_inputs = 2,                                                                                          \
     .input = {{.low = -2, .high = 2}, {.low = -2, .high = 2}},                                              \
     TG_CASE_SHAPES(pairs),                                                                                  \
     .build = name##_build,                                                                                  \
     .reference = name##_reference,                                                                          \
     .values_only = true},                                                                                   \
    {                                                                                                        \
        .op = #name, .label = "of integers", .n_inputs = 2,                                                  \
        .input = {{TG_I64, .low = -1, .high = 1}, {TG_I64, .low = -1, .high = 1}}, TG_CASE_SHAPES(pairs),    \
        .build = name##_build, .reference = name##_reference, .values_only = true                            \
    }

static const struct tg_case rows[] = {
    ROW(equal),
    ROW(not_equal),
    ROW(less),
    ROW(less_equal),
    ROW(greater),
    ROW(greater_equal),
    {.op = "where",
     .n_inputs = 3,
     .input = {{.dtype = TG_BOOL}, {.low = -2, .high = 2}, {.low = -2, .high = 2}},
     TG_CASE_SHAPES(triples),
     .build = where_build,
     .reference = where_reference},
    {.op = "to_value",
     .label = "bool",
     .n_inputs = 1,
     .input = {{.dtype = TG_BOOL}},
     TG_CASE_SHAPES(singles),
     .build = to_value_build,
     .reference = to_value_reference,
     .values_only = true},
    {.op = "to_value",
     .label = "i64",
     .n_inputs = 1,
     .input = {{TG_I64, .low = -1000, .high = 1000}},
     TG_CASE_SHAPES(singles),
     .build = to_value_build,
     .reference = to_value_reference,
     .values_only = true},
};
const struct tg_case_list tg_cases_comparison = {TG_CASE_COUNT(rows), rows};
