/* measure.h: contestants timed side by side.
 *
 * Owns: the clock, interleaving, medians, the number of threads. All contestants of one comparison run in
 * turn, round after round, so that a noisy machine is noisy for all of them; rounds in which other programs
 * kept the threads waiting for a processor are left out if enough others remain. What is printed is the
 * median, and the median of each round's ratio to the first. Timings are printed, never asserted. */
#ifndef TAPEGRAD_BENCH_MEASURE_H
#define TAPEGRAD_BENCH_MEASURE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { MEASURE_MOST_ROUNDS = 101, MEASURE_FEWEST_ROUNDS = 7 };

#define MEASURE_TURN_NS 3e5 /* of one contestant in one round; at least one run */
#ifndef MEASURE_BUDGET_NS
#define MEASURE_BUDGET_NS 5e8 /* of all rounds of a comparison; but the fewest rounds are always run */
#endif
#define MEASURE_PATIENCE_NS 2e9 /* as long as there are fewer undisturbed rounds than that */
#define MEASURE_DISTURBED 0.01  /* part of a round that its threads waited for a processor */

typedef struct contestant {
    const char *name;
    void (*run)(void *context);
    void *context;
    int threads; /* that it runs with, as it would again and again; 0: as many as were set */
    int n_rounds;
    double ns[MEASURE_MOST_ROUNDS]; /* of one run, round by round */
} contestant;

typedef struct spread {
    double low, median, high; /* the quartiles */
} spread;

static int measure_n_threads = 1;

static inline double measure_clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Time on the wall. */
static inline double measure_now_ns(void) { return measure_clock_ns(CLOCK_MONOTONIC); }

/* Sets how many threads the library and OpenMP's loops use. False when there is no OpenMP for more than one.
 */
static inline bool measure_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
    measure_n_threads = n;
    return true;
#else
    return n == 1;
#endif
}

static inline double measure_turn(const contestant *c, int times) {
    if (c->threads) {
        measure_threads(c->threads);
        c->run(c->context); /* threads that have slept awake, and have their parts in their caches */
    }
    const clockid_t clock = c->threads || measure_n_threads > 1 ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
    const double start = measure_clock_ns(clock);
    for (int k = 0; k < times; k++) c->run(c->context);
    return measure_clock_ns(clock) - start;
}

/* How often a contestant runs in its turn, after warming up. */
static inline int measure_times(const contestant *c) {
    int times = 1;
    measure_turn(c, 1);
    for (double ns; (ns = measure_turn(c, times)) < MEASURE_TURN_NS;)
        times = ns < MEASURE_TURN_NS / 10 ? times * 10 : (int)(times * MEASURE_TURN_NS / ns) + 1;
    return times;
}

/* How long threads of this program were ready and had no processor, as Linux counts it; 0 elsewhere. */
static inline double measure_waited_ns(void) {
    DIR *tasks = opendir("/proc/self/task");
    double all = 0;
    for (struct dirent *task; tasks && (task = readdir(tasks)) != NULL;) {
        char path[300];
        double waited = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file && fscanf(file, "%*f %lf", &waited) == 1) all += waited;
        if (file) fclose(file);
    }
    if (tasks) closedir(tasks);
    return all;
}

/* One round, as the contestants' round number `round`; whether it went undisturbed. */
static inline bool measure_round(int n, contestant *contestants, const int *times, int round) {
    const double start = measure_now_ns(), waited = measure_waited_ns();
    for (int i = 0; i < n; i++) contestants[i].ns[round] = measure_turn(&contestants[i], times[i]) / times[i];
    return measure_waited_ns() - waited <= MEASURE_DISTURBED * (measure_now_ns() - start);
}

/* At most 8 contestants. Undisturbed rounds stand first, and are all that counts if there are enough. */
static inline void measure(int n, contestant *contestants) {
    int times[8], n_rounds = 0, n_good = 0;
    for (int i = 0; i < n; i++) times[i] = measure_times(&contestants[i]);
    const double start = measure_now_ns();
    while (n_rounds < MEASURE_MOST_ROUNDS) {
        const double spent = measure_now_ns() - start;
        const double most =
            n_good < MEASURE_FEWEST_ROUNDS && measure_n_threads > 1 ? MEASURE_PATIENCE_NS : MEASURE_BUDGET_NS;
        if (n_rounds >= MEASURE_FEWEST_ROUNDS && spent > most) break;
        if (measure_round(n, contestants, times, n_rounds)) {
            for (int i = 0; i < n; i++) {
                const double ns = contestants[i].ns[n_rounds];
                contestants[i].ns[n_rounds] = contestants[i].ns[n_good];
                contestants[i].ns[n_good] = ns;
            }
            n_good++;
        }
        n_rounds++;
    }
    const bool enough = n_good >= MEASURE_FEWEST_ROUNDS;
    for (int i = 0; i < n; i++) contestants[i].n_rounds = enough ? n_good : n_rounds;
    if (!enough && measure_n_threads > 1) printf("  (other programs were running: do not trust these)\n");
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
