/* measure.h: contestants timed side by side.
 *
 * Owns: the clock, interleaving, medians, the number of threads. All contestants of one comparison run in
 * turn, round after round, so that a noisy machine is noisy for all of them. A turn is short but well above
 * the clock's noise; what is printed is the median, and the median of each round's ratio to the first.
 * Timings are printed, never asserted. */
#ifndef TAPEGRAD_BENCH_MEASURE_H
#define TAPEGRAD_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { MEASURE_MOST_ROUNDS = 101, MEASURE_FEWEST_ROUNDS = 7 };

#define MEASURE_TURN_NS 3e5     /* of one contestant in one round; at least one run */
#define MEASURE_BUDGET_NS 0.6e9 /* of all rounds of a comparison; but the fewest rounds are always run */

typedef struct contestant {
    const char *name;
    void (*run)(void *context);
    void *context;
    int n_rounds;
    double ns[MEASURE_MOST_ROUNDS]; /* of one run, round by round */
} contestant;

typedef struct spread {
    double low, median, high; /* the quartiles */
} spread;

static inline double measure_now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Sets how many threads the library and OpenMP's loops use. False when there is no OpenMP for more than one.
 */
static inline bool measure_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
    return true;
#else
    return n == 1;
#endif
}

static inline double measure_turn(const contestant *c, int times) {
    const double start = measure_now_ns();
    for (int k = 0; k < times; k++) c->run(c->context);
    return measure_now_ns() - start;
}

/* How often a contestant runs in its turn, after warming up. */
static inline int measure_times(const contestant *c) {
    int times = 1;
    measure_turn(c, 1);
    for (double ns; (ns = measure_turn(c, times)) < MEASURE_TURN_NS;)
        times = ns < MEASURE_TURN_NS / 10 ? times * 10 : (int)(times * MEASURE_TURN_NS / ns) + 1;
    return times;
}

static inline void measure(int n, contestant *contestants) {
    enum { MOST = 8 };
    int times[MOST];
    const int most = n < MOST ? n : MOST;
    for (int i = 0; i < most; i++) times[i] = measure_times(&contestants[i]);
    const double start = measure_now_ns();
    int round = 0;
    while (round < MEASURE_MOST_ROUNDS &&
           (round < MEASURE_FEWEST_ROUNDS || measure_now_ns() - start < MEASURE_BUDGET_NS)) {
        for (int i = 0; i < most; i++)
            contestants[i].ns[round] = measure_turn(&contestants[i], times[i]) / times[i];
        round++;
    }
    for (int i = 0; i < most; i++) contestants[i].n_rounds = round;
}

static inline int measure_compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of a contestant's times; with a base, of each round's ratio to the base. */
static inline spread measure_spread(const contestant *c, const contestant *base) {
    double values[MEASURE_MOST_ROUNDS];
    const int n = c->n_rounds;
    for (int i = 0; i < n; i++) values[i] = base ? c->ns[i] / base->ns[i] : c->ns[i];
    qsort(values, (size_t)n, sizeof *values, measure_compare);
    return (spread){values[n / 4], values[n / 2], values[3 * n / 4]};
}

static inline void measure_print_time(double ns) {
    if (ns < 1e4)
        printf("%9.2f ns", ns);
    else if (ns < 1e7)
        printf("%9.2f us", ns / 1e3);
    else
        printf("%9.2f ms", ns / 1e6);
}

/* One line a contestant: the median of one unit of work; for all but the first the ratio to it, with
 * quartiles. */
static inline void measure_print(int n, const contestant *contestants, double units) {
    for (int i = 0; i < n; i++) {
        printf("  %-36s", contestants[i].name);
        measure_print_time(measure_spread(&contestants[i], NULL).median / units);
        if (i > 0) {
            const spread ratio = measure_spread(&contestants[i], &contestants[0]);
            printf("   %7.2f times (%.2f to %.2f)", ratio.median, ratio.low, ratio.high);
        }
        printf("\n");
    }
}

/* The comparison with one thread, and with two where there are threads. */
static inline void measure_one_and_two_threads(int n, contestant *contestants, double units) {
    for (int threads = 1; threads <= 2 && measure_threads(threads); threads++) {
        printf(threads == 1 ? " one thread:\n" : " two threads:\n");
        measure(n, contestants);
        measure_print(n, contestants, units);
    }
    measure_threads(1);
}

#endif
