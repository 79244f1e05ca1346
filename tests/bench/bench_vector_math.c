/* bench_vector_math.c: vector functions against a loop over libm's scalar functions.
 *
 * Owns: the timing, and nothing else: speed is reported here and never asserted in tests. Each round times
 * libm and every CPU level one after the other; the medians over the rounds are compared. */
#include "core/vector_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N_ELEMENTS = 1024, N_ROUNDS = 41, N_SWEEPS = 40, MAX_LEVELS = 8 };

static float x32[N_ELEMENTS], y32[N_ELEMENTS];
static double x64[N_ELEMENTS], y64[N_ELEMENTS];

#define LIBM(name, type, array, formula)                                                                     \
    static void name(int64_t n, type *y, const type *array) {                                                \
        for (int64_t i = 0; i < n; ++i) y[i] = formula;                                                      \
    }

LIBM(libm_exp_f32, float, x, expf(x[i]))
LIBM(libm_log_f32, float, x, logf(x[i]))
LIBM(libm_log1p_f32, float, x, log1pf(x[i]))
LIBM(libm_tanh_f32, float, x, tanhf(x[i]))
LIBM(libm_sigmoid_f32, float, x, 1 / (1 + expf(-x[i])))
LIBM(libm_softplus_f32, float, x, fmaxf(x[i], 0) + log1pf(expf(-fabsf(x[i]))))
LIBM(libm_exp_f64, double, x, exp(x[i]))
LIBM(libm_log_f64, double, x, log(x[i]))
LIBM(libm_log1p_f64, double, x, log1p(x[i]))
LIBM(libm_tanh_f64, double, x, tanh(x[i]))
LIBM(libm_sigmoid_f64, double, x, 1 / (1 + exp(-x[i])))
LIBM(libm_softplus_f64, double, x, fmax(x[i], 0) + log1p(exp(-fabs(x[i]))))

static const struct tg_vector_math libm = {
    .cpu = "libm",
    .exp_f32 = libm_exp_f32,
    .log_f32 = libm_log_f32,
    .log1p_f32 = libm_log1p_f32,
    .tanh_f32 = libm_tanh_f32,
    .sigmoid_f32 = libm_sigmoid_f32,
    .softplus_f32 = libm_softplus_f32,
    .exp_f64 = libm_exp_f64,
    .log_f64 = libm_log_f64,
    .log1p_f64 = libm_log1p_f64,
    .tanh_f64 = libm_tanh_f64,
    .sigmoid_f64 = libm_sigmoid_f64,
    .softplus_f64 = libm_softplus_f64,
};

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, N_ROUNDS, sizeof *values, compare);
    return values[N_ROUNDS / 2];
}

/* Uniform in [low, high], the same in every run. */
static void fill(double low, double high) {
    uint64_t state = 1;
    for (int i = 0; i < N_ELEMENTS; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x64[i] = low + (high - low) * (double)(state >> 11) * 0x1p-53;
        x32[i] = (float)x64[i];
    }
}

static double time_f32(tg_vector_f32 *function) {
    double start = now_ns();
    for (int i = 0; i < N_SWEEPS; ++i) function(N_ELEMENTS, y32, x32);
    return (now_ns() - start) / N_SWEEPS / N_ELEMENTS;
}

static double time_f64(tg_vector_f64 *function) {
    double start = now_ns();
    for (int i = 0; i < N_SWEEPS; ++i) function(N_ELEMENTS, y64, x64);
    return (now_ns() - start) / N_SWEEPS / N_ELEMENTS;
}

static const struct tg_vector_math *tables[MAX_LEVELS];
static double times[MAX_LEVELS][N_ROUNDS];
static int n_tables;

static void report(const char *name) {
    double base = median(times[0]);
    printf("%-13s %8.3f", name, 1 / base);
    for (int t = 1; t < n_tables; ++t) {
        double time = median(times[t]);
        printf("   %7.3f (%5.1fx)", 1 / time, base / time);
    }
    printf("\n");
}

#define BENCH(name, low, high)                                                                               \
    do {                                                                                                     \
        fill(low, high);                                                                                     \
        for (int round = 0; round < N_ROUNDS; ++round)                                                       \
            for (int t = 0; t < n_tables; ++t) times[t][round] = time_f32(tables[t]->name##_f32);            \
        report(#name " f32");                                                                                \
        for (int round = 0; round < N_ROUNDS; ++round)                                                       \
            for (int t = 0; t < n_tables; ++t) times[t][round] = time_f64(tables[t]->name##_f64);            \
        report(#name " f64");                                                                                \
    } while (0)

int main(void) {
    tables[n_tables++] = &libm;
    for (int level = 0; tg_vector_math_level(level) && n_tables < MAX_LEVELS; ++level)
        tables[n_tables++] = tg_vector_math_level(level);
    printf("elements per ns, %d at a time (times libm's speed)\n%-13s %8s", N_ELEMENTS, "", "libm");
    for (int t = 1; t < n_tables; ++t) printf("   %16s", tables[t]->cpu);
    printf("\n");
    BENCH(exp, -10, 10);
    BENCH(log, 0.01, 100);
    BENCH(log1p, -0.9, 10);
    BENCH(tanh, -4, 4);
    BENCH(sigmoid, -10, 10);
    BENCH(softplus, -10, 10);
    return 0;
}
