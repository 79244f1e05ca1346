/* test_number_kernels.c: arithmetic on single numbers rounds as C does, and is there for all kinds. */
#include "core/number_kernels.h"

#include "tests/core/arithmetic_by_hand.h"

#include <criterion/criterion.h>
#include <string.h>

#define CHECK(name, type, dtype)                                                                             \
    static void name(tg_arithmetic arithmetic, double of_a, double of_b) {                                   \
        const type a = (type)of_a, b = (type)of_b;                                                           \
        const type expected = (type)arithmetic_by_hand(arithmetic, (double)a, (double)b);                    \
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
