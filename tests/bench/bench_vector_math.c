/* bench_vector_math.c: vector functions against a loop over libm's scalar functions.
 *
 * Each function of each CPU level that this machine can run, on 1,024 elements, f32 and f64: elements per ns,
 * and how many times as fast as libm. */
#include "core/vector_math.h"

#include <math.h>

#include "measure.h"

enum { N_ELEMENTS = 1024, MOST_TABLES = 8 };

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

/* Uniform in [low, high], the same in every run. */
static void fill(double low, double high) {
    uint64_t state = 1;
    for (int i = 0; i < N_ELEMENTS; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        x64[i] = low + (high - low) * (double)(state >> 11) * 0x1p-53;
        x32[i] = (float)x64[i];
    }
}

/* One function at one level: what a contestant runs. */
typedef struct function {
    tg_vector_f32 *f32;
    tg_vector_f64 *f64;
} function;

static void run_f32(void *context) { ((const function *)context)->f32(N_ELEMENTS, y32, x32); }
static void run_f64(void *context) { ((const function *)context)->f64(N_ELEMENTS, y64, x64); }

static const struct tg_vector_math *tables[MOST_TABLES];
static int n_tables;

static void report(const char *name, const char *type, function *functions) {
    static contestant all[MOST_TABLES];
    for (int t = 0; t < n_tables; t++)
        all[t] = (contestant){.run = functions[t].f32 ? run_f32 : run_f64, .context = &functions[t]};
    measure(n_tables, all);
    printf("%-9s %s %8.3f", name, type, N_ELEMENTS / measure_spread(&all[0], NULL).median);
    for (int t = 1; t < n_tables; t++)
        printf("   %7.3f (%5.1fx)", N_ELEMENTS / measure_spread(&all[t], NULL).median,
               1 / measure_spread(&all[t], &all[0]).median);
    printf("\n");
}

#define BENCH(name, low, high)                                                                               \
    do {                                                                                                     \
        function single[MOST_TABLES], twice[MOST_TABLES];                                                    \
        fill(low, high);                                                                                     \
        for (int t = 0; t < n_tables; t++) single[t] = (function){.f32 = tables[t]->name##_f32};             \
        for (int t = 0; t < n_tables; t++) twice[t] = (function){.f64 = tables[t]->name##_f64};              \
        report(#name, "f32", single);                                                                        \
        report(#name, "f64", twice);                                                                         \
    } while (0)

int main(void) {
    measure_threads(1);
    tables[n_tables++] = &libm;
    for (int level = 0; tg_vector_math_level(level) && n_tables < MOST_TABLES; ++level)
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
