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

/* Runs a plan of outputs that change leaves as recording did, from the same beginning. */
static inline void expect_changes(tg_tape *tape, int n_leaves, const tg_tensor *leaves,
                                  void (*record)(const tg_tensor *leaves, tg_tensor *outputs), int n,
                                  const char *steps) {
    double *before[MOST], *after[2][MOST];
    tg_tensor outputs[MOST];
    const tg_tensor *sets[2] = {leaves, outputs};
    for (int i = 0; i < n_leaves; i++) {
        before[i] = malloc((size_t)tg_size(leaves[i]) * sizeof(double));
        cr_assert_eq(tg_read_f64(leaves[i], tg_size(leaves[i]), before[i]), TG_OK);
    }
    record(leaves, outputs);
    tg_plan *plan = tg_plan_new(tape, n, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    expect_steps(plan, steps);
    for (int s = 0; s < 2; s++)
        for (int i = 0; i < (s ? n : n_leaves); i++) {
            after[s][i] = malloc((size_t)tg_size(sets[s][i]) * sizeof(double));
            cr_assert_eq(tg_read_f64(sets[s][i], tg_size(sets[s][i]), after[s][i]), TG_OK);
        }
    for (int threads = 1; threads <= 2; threads++) {
        use_threads(threads);
        for (int i = 0; i < n_leaves; i++)
            cr_assert_eq(tg_write_f64(leaves[i], tg_size(leaves[i]), before[i]), TG_OK);
        cr_assert_eq(tg_plan_run(plan), TG_OK);
        for (int s = 0; s < 2; s++)
            for (int i = 0; i < (s ? n : n_leaves); i++) {
                const size_t size = (size_t)tg_size(sets[s][i]);
                double *now = malloc(size * sizeof(double));
                cr_assert_eq(tg_read_f64(sets[s][i], (int64_t)size, now), TG_OK);
                cr_expect_eq(memcmp(now, after[s][i], size * sizeof(double)), 0, "%s %d, %d threads",
                             s ? "output" : "leaf", i, threads);
                free(now);
            }
    }
    for (int i = 0; i < n_leaves; i++) free(before[i]), free(after[0][i]);
    for (int i = 0; i < n; i++) free(after[1][i]);
    tg_plan_free(plan);
    use_threads(1);
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
