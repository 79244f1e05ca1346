/* logistic_loops.c: logistic regression by explicit loops over examples and features, timed against the
 * graph.
 *
 * Owns: the version without matrices, and the comparison. The loops are written as one would write them, in
 * the layout that suits them best (the features of an example side by side), with the C library's exp. */
#include "models/logistic_loops.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "models/model_check.h"
#include "models/tape_memory.h"
#include "models/training.h"

#define MAX_ROUNDS 99

/* A problem in plain arrays of the tape's dtype; w has n_features entries and, last, b. */
typedef struct problem {
    int64_t n_features, n_examples;
    void *x, *y; /* x[i * n_features + j]: feature j of example i */
    void *w, *dw;
    double learning_rate;
    double cost; /* of the last step */
} problem;

typedef void train_fn(problem *problem, int64_t steps);

/* The loss of one example is log(1 + e^-|z|) + max(z, 0) - z y, the stable form that the graph uses too. */
#define TRAIN_BY_LOOPS(name, T, exp_T, log1p_T)                                                              \
    static void name(problem *p, int64_t steps) {                                                            \
        const int64_t n = p->n_features, m = p->n_examples;                                                  \
        const T *x = p->x, *y = p->y;                                                                        \
        T *w = p->w, *dw = p->dw;                                                                            \
        const T rate = (T)p->learning_rate, one = 1;                                                         \
        for (int64_t step = 0; step < steps; step++) {                                                       \
            T cost = 0;                                                                                      \
            for (int64_t j = 0; j <= n; j++) dw[j] = 0;                                                      \
            for (int64_t i = 0; i < m; i++) {                                                                \
                T z = w[n];                                                                                  \
                for (int64_t j = 0; j < n; j++) z += w[j] * x[i * n + j];                                    \
                const T e = exp_T(z > 0 ? -z : z);                                                           \
                const T a = (z > 0 ? one : e) / (one + e);                                                   \
                cost += log1p_T(e) + (z > 0 ? z : 0) - z * y[i];                                             \
                for (int64_t j = 0; j < n; j++) dw[j] += (a - y[i]) * x[i * n + j];                          \
                dw[n] += a - y[i];                                                                           \
            }                                                                                                \
            for (int64_t j = 0; j <= n; j++) w[j] -= rate * dw[j] / (T)m;                                    \
            p->cost = (double)(cost / (T)m);                                                                 \
        }                                                                                                    \
    }

TRAIN_BY_LOOPS(train_f32, float, expf, log1pf)
TRAIN_BY_LOOPS(train_f64, double, exp, log1p)

/* --- memory --------------------------------------------------------------------------------------------- */

static void set_number(tg_dtype dtype, void *array, int64_t i, double value) {
    if (dtype == TG_F32)
        ((float *)array)[i] = (float)value;
    else
        ((double *)array)[i] = value;
}

static void problem_free(tg_allocator allocator, problem *p, size_t size) {
    tg_tape_memory_free(allocator, p->x, p->n_features * p->n_examples, size);
    tg_tape_memory_free(allocator, p->y, p->n_examples, size);
    tg_tape_memory_free(allocator, p->w, p->n_features + 1, size);
    tg_tape_memory_free(allocator, p->dw, p->n_features + 1, size);
}

static bool problem_new(tg_tape *tape, const tg_dataset *train, double learning_rate, problem *p) {
    const tg_dtype dtype = tg_tape_dtype(tape);
    const size_t size = tg_dtype_size(dtype);
    const int64_t n = train->n_features, m = train->n_examples;
    *p = (problem){.n_features = n, .n_examples = m, .learning_rate = learning_rate};
    p->x = tg_tape_memory_new(tape, n * m, size);
    p->y = tg_tape_memory_new(tape, m, size);
    p->w = tg_tape_memory_new(tape, n + 1, size);
    p->dw = tg_tape_memory_new(tape, n + 1, size);
    if (!p->x || !p->y || !p->w || !p->dw) {
        problem_free(tg_tape_allocator(tape), p, size);
        return false;
    }
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) set_number(dtype, p->x, i * n + j, train->x[j * m + i]);
        set_number(dtype, p->y, i, train->y[i]);
    }
    return true;
}

/* --- the two, in turns ---------------------------------------------------------------------------------- */

static double now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *seconds, int n) {
    qsort(seconds, (size_t)n, sizeof *seconds, by_size);
    return seconds[n / 2];
}

static tg_status run_rounds(tg_tape *tape, problem *p, const tg_training *training, int rounds,
                            tg_logistic_comparison *comparison) {
    double loops[MAX_ROUNDS], graph[MAX_ROUNDS];
    const size_t size = tg_dtype_size(tg_tape_dtype(tape)), w_bytes = (size_t)p->n_features * size;
    train_fn *train = tg_tape_dtype(tape) == TG_F32 ? train_f32 : train_f64;
    for (int round = 0; round < rounds; round++) {
        void *w = tg_data_mut(training->params[0]), *b = tg_data_mut(training->params[1]);
        if (!w || !b) return tg_tape_status(tape);
        memset(p->w, 0, w_bytes + size);
        memset(w, 0, w_bytes);
        memset(b, 0, size);
        const double start = now();
        train(p, training->iterations);
        const double middle = now();
        const tg_status status = tg_train(tape, training);
        if (status != TG_OK) return status;
        loops[round] = middle - start;
        graph[round] = now() - middle;
    }
    const double steps = (double)training->iterations;
    comparison->loops_seconds = median(loops, rounds) / steps;
    comparison->graph_seconds = median(graph, rounds) / steps;
    comparison->speedup = comparison->loops_seconds / comparison->graph_seconds;
    return TG_OK;
}

/* Both results are read as numbers of double: w, then b. */
static tg_status compare_results(tg_tape *tape, const problem *p, const tg_tensor *params, int64_t steps,
                                 tg_logistic_comparison *comparison) {
    const bool single = tg_tape_dtype(tape) == TG_F32;
    const int64_t n = p->n_features + 1;
    double *by_graph = tg_tape_memory_new(tape, n, sizeof *by_graph), largest = 0, apart = 0;
    if (!by_graph) return TG_ERR_MEMORY;
    tg_status status = tg_read_f64(params[0], n - 1, by_graph);
    if (status == TG_OK) status = tg_read_f64(params[1], 1, by_graph + n - 1);
    for (int64_t j = 0; j < n; j++) {
        const double w = single ? (double)((const float *)p->w)[j] : ((const double *)p->w)[j];
        largest = fmax(largest, fabs(w));
        apart = fmax(apart, fabs(w - by_graph[j]));
    }
    tg_tape_memory_free(tg_tape_allocator(tape), by_graph, n, sizeof *by_graph);
    comparison->difference = largest > 0 ? apart / largest : apart;
    comparison->tolerance = 64 * (single ? (double)FLT_EPSILON : DBL_EPSILON) * (double)steps;
    comparison->equal = comparison->difference <= comparison->tolerance;
    return status;
}

static tg_status compare_on(const char *where, tg_tape *tape, const tg_dataset *train, problem *p,
                            int64_t steps, int rounds, tg_logistic_comparison *comparison) {
    tg_tensor params[2];
    tg_logistic_params(tape, train->n_features, params);
    tg_logistic_examples examples = {tg_dataset_features(tape, train), tg_dataset_labels(tape, train)};
    tg_optimizer *optimizer =
        tg_sgd_new_at(where, tape, 2, params, (tg_sgd_options){.learning_rate = p->learning_rate});
    if (!optimizer) return tg_tape_status(tape);
    const tg_training training = {.model = tg_logistic_cost,
                                  .context = &examples,
                                  .params = params,
                                  .optimizer = optimizer,
                                  .iterations = steps};
    tg_status status = run_rounds(tape, p, &training, rounds, comparison);
    if (status == TG_OK) status = compare_results(tape, p, params, steps, comparison);
    tg_optimizer_free(optimizer);
    return status;
}

tg_status tg_logistic_compare_at(const char *where, tg_tape *tape, const tg_dataset *train,
                                 const tg_logistic_comparison_options *options,
                                 tg_logistic_comparison *comparison) {
    const tg_logistic_comparison_options given = options ? *options : (tg_logistic_comparison_options){0};
    const int64_t steps = given.steps != 0 ? given.steps : 200;
    const int rounds = given.rounds != 0 ? given.rounds : 15;
    *comparison = (tg_logistic_comparison){0};
    tg_status status = tg_model_check_data(where, tape, train, NULL);
    if (status != TG_OK) return status;
    if (steps < 1 || rounds < 1 || rounds > MAX_ROUNDS) {
        return tg_tape_fail(tape, TG_ERR_VALUE, where, "logistic_compare: %lld steps, %d rounds (1 to %d)",
                            (long long)steps, rounds, MAX_ROUNDS);
    }
    problem p;
    const double learning_rate = given.learning_rate != 0 ? given.learning_rate : 0.1;
    if (!problem_new(tape, train, learning_rate, &p)) return TG_ERR_MEMORY;
    const tg_mark start = tg_tape_mark(tape);
    status = compare_on(where, tape, train, &p, steps, rounds, comparison);
    const tg_status rewound = tg_tape_rewind(tape, start);
    problem_free(tg_tape_allocator(tape), &p, tg_dtype_size(tg_tape_dtype(tape)));
    return status != TG_OK ? status : rewound;
}
