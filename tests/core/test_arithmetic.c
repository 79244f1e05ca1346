/* test_arithmetic.c: every step of the accumulator rounds as C does, for any number of elements, wherever its
 * operand is. */
#include "core/arithmetic.h"
#include "tests/core/arithmetic_by_hand.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MOST = 300, STEPS = TG_STEP_DIVIDE_INTO + 1, OPERANDS = TG_IN_C + 1 };

static double step_by_hand(int step, double a, double x) {
    switch (step) {
        case TG_STEP_LOAD: return x;
        case TG_STEP_SUBTRACT_FROM: return x - a;
        case TG_STEP_DIVIDE_INTO: return x / a;
        default: return arithmetic_by_hand((tg_arithmetic)step, a, x);
    }
}

static const uint8_t load = TG_STEP(TG_STEP_LOAD, TG_IN_MEMORY), store = TG_STEP(TG_STEP_STORE, TG_IN_MEMORY);

/* y = the step of a and x, whose place is `from`; a, read before, goes to `kept`. */
static void run(tg_dtype dtype, int n, int step, int from, void *a, void *x, void *kept, void *y) {
    const bool alone = step < TG_ADD, in_register = from >= TG_IN_B;
    const uint8_t done = (uint8_t)TG_STEP(step, alone ? TG_NO_OPERAND : from);
    char *at[4];
    uint8_t steps[7];
    int n_steps = 0, n_at = 0;
    if (in_register) {
        at[n_at++] = x;
        steps[n_steps++] = load;
        steps[n_steps++] = (uint8_t)TG_STEP(TG_STEP_STORE, from);
    }
    at[n_at++] = a;
    at[n_at++] = kept;
    steps[n_steps++] = load;
    steps[n_steps++] = store;
    if (!in_register && !alone) at[n_at++] = x;
    at[n_at++] = y;
    steps[n_steps++] = done;
    steps[n_steps++] = store;
    steps[n_steps] = TG_STEP_END;
    tg_accumulator_for(dtype)(n, steps, at);
}

#define TG_CHECK(name, type, dtype)                                                                          \
    static void name(int step, int from, int n) {                                                            \
        type a[MOST], x[MOST], y[MOST + 1], kept[MOST];                                                      \
        for (int i = 0; i < n; i++) {                                                                        \
            a[i] = (type)special[(i + n) % N_SPECIAL];                                                       \
            x[i] = (type)special[(i / N_SPECIAL + 5 * n) % N_SPECIAL];                                       \
        }                                                                                                    \
        y[n] = 42;                                                                                           \
        run(dtype, n, step, from, a, x, kept, y);                                                            \
        for (int i = 0; i < n; i++) {                                                                        \
            const type operand = from == TG_IS_NUMBER ? x[0] : x[i];                                         \
            const type expected = (type)step_by_hand(step, (double)a[i], (double)operand);                   \
            cr_assert(memcmp(&kept[i], &a[i], sizeof(type)) == 0);                                           \
            cr_assert(isnan(expected) ? isnan(y[i]) : memcmp(&expected, &y[i], sizeof(type)) == 0,           \
                      "step %d of %g and %g, %d of %d: %g instead of %g", step, (double)a[i],                \
                      (double)operand, i, n, (double)y[i], (double)expected);                                \
        }                                                                                                    \
        cr_assert(y[n] == 42, "nothing behind the last");                                                    \
    }
TG_CHECK(check_f32, float, TG_F32)
TG_CHECK(check_f64, double, TG_F64)

Test(arithmetic, every_step_is_that_of_c) {
    for (int step = TG_NEGATE; step < STEPS; step++)
        for (int from = 0; from < TG_IN_B + tg_accumulator_registers(); from++)
            for (int n = 1; n < MOST; n += n < 40 ? 1 : 37) {
                if (step == TG_STEP_STORE) continue;
                check_f32(step, from, n);
                check_f64(step, from, n);
            }
}

Test(arithmetic, there_are_all_registers_or_none) {
    cr_assert(tg_accumulator_registers() == 0 || tg_accumulator_registers() == OPERANDS - TG_IN_B);
}

/* x * y + z is rounded twice, as by two kernels, whatever the CPU can do in one instruction. */
Test(arithmetic, steps_are_not_contracted) {
    double x[20], y[20], z[20], out[20];
    for (int i = 0; i < 20; i++) x[i] = 1 + 0x1p-30 * i, y[i] = 1 - 0x1p-30 * i, z[i] = -1;
    const uint8_t steps[] = {load, TG_STEP(TG_MULTIPLY, TG_IN_MEMORY), TG_STEP(TG_ADD, TG_IN_MEMORY), store,
                             TG_STEP_END};
    char *at[] = {(char *)x, (char *)y, (char *)z, (char *)out};
    tg_accumulator_for(TG_F64)(20, steps, at);
    for (int i = 0; i < 20; i++) {
        const volatile double product = x[i] * y[i];
        cr_expect_eq(out[i], product + z[i]);
    }
}
