/* expect_planned.h: what tests of plans expect: the tape's bits, with any number of threads, in so many
 * steps.
 *
 * Owns: the comparison of outputs as they were recorded with those of a plan. */
#ifndef TAPEGRAD_TESTS_EXPECT_PLANNED_H
#define TAPEGRAD_TESTS_EXPECT_PLANNED_H

#include "tapegrad.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { MOST = 5 };

static inline void use_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

static inline size_t bytes_of(tg_tensor x) { return (size_t)tg_size(x) * tg_dtype_size(tg_dtype_of(x)); }

static inline void expect_steps(const tg_plan *plan, const char *steps) {
    char text[6000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, steps), "expected%s in %s", steps, text);
}

/* The outputs, planned and run, are what recording has computed, bit for bit, in so many steps. */
static inline void expect_planned(tg_tape *tape, int n, const tg_tensor *outputs, const char *steps) {
    void *recorded[MOST];
    for (int k = 0; k < n; k++) {
        recorded[k] = malloc(bytes_of(outputs[k]) + 1);
        cr_assert(recorded[k] && tg_data(outputs[k]), "%s", tg_tape_error(tape));
        memcpy(recorded[k], tg_data(outputs[k]), bytes_of(outputs[k]));
    }
    tg_plan *plan = tg_plan_new(tape, n, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    expect_steps(plan, steps);
    for (int threads = 1; threads <= 3; threads++) {
        use_threads(threads);
        for (int k = 0; k < n; k++) memset((void *)(uintptr_t)tg_data(outputs[k]), 0, bytes_of(outputs[k]));
        cr_assert_eq(tg_plan_run(plan), TG_OK);
        for (int k = 0; k < n; k++)
            cr_expect_eq(memcmp(recorded[k], tg_data(outputs[k]), bytes_of(outputs[k])), 0,
                         "output %d, %d threads", k, threads);
    }
    for (int k = 0; k < n; k++) free(recorded[k]);
    tg_plan_free(plan);
    use_threads(1);
}

static inline tg_tensor normal(tg_tape *tape, tg_shape shape) {
    return tg_param_normal(tape, shape, tg_key_new(4), 1);
}

static inline void on_both_dtypes(void (*test)(tg_tape *tape)) {
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new((tg_dtype)dtype);
        cr_assert(tape);
        test(tape);
        tg_tape_free(tape);
    }
}

#endif
