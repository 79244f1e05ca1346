/* test_number_kernels.c: arithmetic on single numbers rounds as C does, and is there for all kinds. */
#include "core/number_kernels.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const double special[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 1e-40, 3, -0.1, 1e300, 7.5};
enum { N_SPECIAL = sizeof special / sizeof *special };

static double by_hand(tg_arithmetic arithmetic, double a, double b) {
    switch (arithmetic) {
        case TG_COPY: return a;
        case TG_NEGATE: return -a;
        case TG_SQUARE: return a * a;
        case TG_ROOT: return sqrt(a);
        case TG_RECTIFY: return a <= 0 ? 0 : a;
        case TG_ADD: return a + b;
        case TG_SUBTRACT: return a - b;
        case TG_MULTIPLY: return a * b;
        case TG_DIVIDE: return a / b;
        default: return NAN;
    }
}

/* One operation of two floats, computed in double and rounded, is that of floats. */
#define CHECK(name, type, dtype)                                                                             \
    static void name(tg_arithmetic arithmetic, double of_a, double of_b) {                                   \
        const type a = (type)of_a, b = (type)of_b;                                                           \
        const type expected = (type)by_hand(arithmetic, (double)a, (double)b);                               \
        type y[2] = {42, 42};                                                                                \
        tg_number_kernel(dtype, arithmetic, 1 + (arithmetic >= TG_ADD))(1, y, (const void *[]){&a, &b},      \
                                                                        NULL);                               \
        cr_assert(isnan(expected) ? isnan(y[0]) : memcmp(&expected, y, sizeof(type)) == 0,                   \
                  "%d of %g and %g: %g", (int)arithmetic, of_a, of_b, (double)y[0]);                         \
        cr_assert(y[1] == 42);                                                                               \
    }
CHECK(check_f32, float, TG_F32)
CHECK(check_f64, double, TG_F64)

Test(number_kernels, every_kind_rounds_as_c_does) {
    for (int arithmetic = TG_COPY; arithmetic < TG_N_ARITHMETIC; arithmetic++)
        for (int i = 0; i < N_SPECIAL * N_SPECIAL; i++) {
            check_f32((tg_arithmetic)arithmetic, special[i / N_SPECIAL], special[i % N_SPECIAL]);
            check_f64((tg_arithmetic)arithmetic, special[i / N_SPECIAL], special[i % N_SPECIAL]);
        }
}

Test(number_kernels, there_is_none_for_another_number_of_inputs_or_none) {
    cr_expect_null(tg_number_kernel(TG_F32, TG_NO_ARITHMETIC, 1));
    cr_expect_null(tg_number_kernel(TG_F64, TG_ADD, 3));
    cr_expect_null(tg_number_kernel(TG_F64, TG_NEGATE, 2));
    cr_expect_null(tg_number_kernel(TG_F32, TG_MULTIPLY, 1));
}
