/* expectations.h: vectors in one line, and what is expected of tensors and errors.
 *
 * Owns: only what the tests of single operations share. */
#ifndef TAPEGRAD_TESTS_OPS_EXPECTATIONS_H
#define TAPEGRAD_TESTS_OPS_EXPECTATIONS_H

#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* Two arguments, a count and an array: vector(tape, NUMBERS(1, 2, 3)). */
#define NUMBERS(...) (int64_t)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), ((double[]){__VA_ARGS__})
#define INTEGERS(...)                                                                                        \
    (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), ((int64_t[]){__VA_ARGS__})
#define BOOLEANS(...) (int64_t)(sizeof((bool[]){__VA_ARGS__}) / sizeof(bool)), ((bool[]){__VA_ARGS__})

static inline tg_tensor vector(tg_tape *tape, int64_t n, const double *values) {
    return tg_param_f64(tape, TG_SHAPE(n), n, values);
}

/* dy/dx for y = f(x), where every element of y counts once. */
static inline tg_tensor derivative(tg_tensor y, tg_tensor x) {
    tg_tensor dx;
    cr_expect(tg_gradients_from(y, tg_num(1), 1, &x, &dx) == TG_OK, "%s",
              x.tape ? tg_tape_error(x.tape) : "no tape");
    return dx;
}

/* All elements: NaN for NaN, infinities exactly, the rest to 14 digits (6 on an f32 tape). */
#define expect_values(...) expect_values_at(TG_HERE, __VA_ARGS__)
static inline void expect_values_at(const char *where, tg_tensor x, int64_t n, const double *expected) {
    cr_assert(tg_is_valid(x), "%s: %s", where, x.tape ? tg_tape_error(x.tape) : "no tape");
    cr_assert(tg_size(x) == n, "%s: %lld elements and not %lld", where, (long long)tg_size(x), (long long)n);
    const double error = tg_dtype_of(x) == TG_F32 ? 1e-6 : 1e-14;
    double *got = calloc((size_t)n + 1, sizeof *got);
    cr_assert(got && tg_read_f64(x, n, got) == TG_OK);
    for (int64_t i = 0; i < n; i++) {
        const bool same = isnan(expected[i])   ? isnan(got[i])
                          : isinf(expected[i]) ? got[i] == expected[i]
                                               : fabs(got[i] - expected[i]) <= error * fabs(expected[i]);
        cr_expect(same, "%s: element %lld is %.17g and must be %.17g", where, (long long)i, got[i],
                  expected[i]);
    }
    free(got);
}

/* The result is invalid, the tape's error is of this kind and has all of the text; the error is cleared. */
#define expect_error(...) expect_error_at(TG_HERE, __VA_ARGS__)
static inline void expect_error_at(const char *where, tg_tensor result, tg_tape *tape, tg_status status,
                                   const char *text) {
    const char *error = tg_tape_error(tape);
    cr_expect(!tg_is_valid(result), "%s: the result is valid", where);
    cr_expect(tg_tape_status(tape) == status, "%s: the status is %s", where,
              tg_status_name(tg_tape_status(tape)));
    cr_expect(error && strstr(error, text), "%s: the error is: %s", where, error ? error : "none");
    tg_tape_clear_error(tape);
}

#endif
