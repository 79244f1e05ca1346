/* tensor_expectations.h: what tests of single operations say about tensors and errors.
 *
 * Owns: comparison of a whole tensor with numbers written in the test, and of an error with words that its
 * message must have. Must not know any operation. */
#ifndef TAPEGRAD_TESTS_OPS_TENSOR_EXPECTATIONS_H
#define TAPEGRAD_TESTS_OPS_TENSOR_EXPECTATIONS_H

#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

/* expect(x, TG_SHAPE(2, 2), 1, 2, 3, 4): x has this shape and these elements, within 1e-12 (on an f32 tape
 * 1e-6) of their size; NaN and infinities as written. */
#define expect(x, shape, ...)                                                                                \
    expect_at(__LINE__, x, shape, (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),               \
              (const double[]){__VA_ARGS__})

/* x has this shape and no elements. */
#define expect_empty(x, shape) expect_at(__LINE__, x, shape, 0, (const double[]){0})

static inline bool is_near(double got, double expected, double error) {
    if (isnan(expected)) return isnan(got);
    if (isinf(expected)) return got == expected;
    return fabs(got - expected) <= error * fmax(1, fabs(expected));
}

static inline void expect_at(int line, tg_tensor x, tg_shape shape, int64_t n, const double *expected) {
    double got[64];
    char text[2][TG_SHAPE_TEXT];
    cr_assert(tg_is_valid(x), "line %d: %s", line, tg_tape_error(x.tape));
    const tg_shape found = tg_shape_of(x);
    cr_assert(tg_shape_equal(found, shape), "line %d: the shape is %s, not %s", line,
              tg_shape_format(found, sizeof text[0], text[0]),
              tg_shape_format(shape, sizeof text[1], text[1]));
    cr_assert(n <= 64 && tg_read_f64(x, n, got) == TG_OK, "line %d: %s", line, tg_tape_error(x.tape));
    const double error = tg_tape_dtype(x.tape) == TG_F32 ? 1e-6 : 1e-12;
    for (int64_t i = 0; i < n; i++)
        cr_expect(is_near(got[i], expected[i], error), "line %d: element %lld is %.17g, not %.17g", line,
                  (long long)i, got[i], expected[i]);
}

/* The operation that gave x failed: the message has this place, the words, and nothing else went wrong
 * before. The error is cleared. */
#define expect_error(x, kind, words) expect_error_at(__FILE__ ":", __LINE__, x, kind, words)

static inline void expect_error_at(const char *file, int line, tg_tensor x, tg_status kind,
                                   const char *words) {
    const char *message = tg_tape_error(x.tape);
    cr_expect(!tg_is_valid(x), "line %d: the operation did not fail", line);
    cr_assert(message != NULL, "line %d: there is no error", line);
    cr_expect(tg_tape_status(x.tape) == kind, "line %d: %s error: %s", line,
              tg_status_name(tg_tape_status(x.tape)), message);
    cr_expect(strstr(message, words) != NULL, "line %d: '%s' is not in: %s", line, words, message);
    cr_expect(strncmp(message, file, strlen(file)) == 0, "line %d: no place in: %s", line, message);
    tg_tape_clear_error(x.tape);
}

/* The gradient of sum(w y) with respect to x, w being 1, 2, 3, ... */
static inline tg_tensor gradient_of(tg_tensor y, tg_tensor x) {
    double w[64];
    tg_tensor dx = {0};
    for (int i = 0; i < 64; i++) w[i] = i + 1;
    const int64_t n = tg_size(y);
    cr_assert(n <= 64);
    const tg_status status = tg_gradients_from(y, tg_from_f64(y.tape, tg_shape_of(y), n, w), 1, &x, &dx);
    cr_assert(status == TG_OK, "%s", tg_tape_error(y.tape));
    return dx;
}

/* A parameter with the given numbers. */
#define param(tape, shape, ...)                                                                              \
    tg_param_f64(tape, shape, (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)),                   \
                 (const double[]){__VA_ARGS__})

/* 0, 1, 2, ... in a shape. */
static inline tg_tensor ascending(tg_tape *tape, tg_shape shape) {
    double values[512];
    for (int i = 0; i < 512; i++) values[i] = i;
    cr_assert(tg_shape_size(shape) <= 512);
    return tg_param_f64(tape, shape, tg_shape_size(shape), values);
}

#endif
