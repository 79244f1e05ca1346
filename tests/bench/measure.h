/* measure.h: contestants timed side by side.
 *
 * Owns: the clock, interleaving, medians. All contestants of one comparison run in turn, round after round,
 * so that a noisy machine is noisy for all of them; what is printed is the median and the ratio to the first.
 * Timings are printed, never asserted. */
#ifndef TAPEGRAD_BENCH_MEASURE_H
#define TAPEGRAD_BENCH_MEASURE_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MEASURE_ROUNDS = 101, MEASURE_MOST = 8 };

typedef struct contestant {
    const char *name;
    void (*run)(void *context);
    void *context;
    double ns[MEASURE_ROUNDS];
} contestant;

static inline double measure_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int measure_compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs each contestant `times` times in every round; sorts its times of one run, in ns. */
static inline void measure(int n, contestant *contestants, int times) {
    for (int i = 0; i < n; i++) contestants[i].run(contestants[i].context); /* warm */
    for (int round = 0; round < MEASURE_ROUNDS; round++) {
        for (int i = 0; i < n; i++) {
            const double start = measure_now_ns();
            for (int k = 0; k < times; k++) contestants[i].run(contestants[i].context);
            contestants[i].ns[round] = (measure_now_ns() - start) / times;
        }
    }
    for (int i = 0; i < n; i++) qsort(contestants[i].ns, MEASURE_ROUNDS, sizeof(double), measure_compare);
}

static inline double measure_median(const contestant *c) { return c->ns[MEASURE_ROUNDS / 2]; }

/* One line a contestant: median of one unit of work, its quartiles, and the ratio to the first. */
static inline void measure_print(int n, const contestant *contestants, double units, const char *unit) {
    for (int i = 0; i < n; i++) {
        const contestant *c = &contestants[i];
        printf("  %-34s %10.1f ns %s  (quartiles %.1f, %.1f)", c->name, measure_median(c) / units, unit,
               c->ns[MEASURE_ROUNDS / 4] / units, c->ns[3 * MEASURE_ROUNDS / 4] / units);
        if (i > 0)
            printf("  %.2f times %s", measure_median(c) / measure_median(&contestants[0]),
                   contestants[0].name);
        printf("\n");
    }
}

#endif
