/* machine_peaks.c: how much arithmetic and how much memory traffic this machine manages at most.
 *
 * Owns: a loop of multiplications and additions on registers for each width of vectors, a loop over arrays
 * that no cache holds, and the clock. The fastest turn counts: a peak is what can be had. */
#include "core/machine_peaks.h"

#include "core/arena.h"
#include "core/cpu_level.h"
#include "core/threads.h"

#include <time.h>

uint64_t tg_clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

enum { MOST_THREADS = 256, TRIAD = 1 << 22 }; /* three arrays of 32 MiB */

#define PATIENCE_NS 20000000U /* other programs may have a processor to themselves for some of it */

/* --- arithmetic ----------------------------------------------------------------------------------------- */

enum { CHAINS = 10, ROUNDS = 20000 }; /* 10: two units that each take four or five cycles */

/* CHAINS vectors of sums that do not wait for each other. Returns the operations done; the sums go where the
 * compiler cannot know that nobody looks. */
#define PEAK_LOOP(name, target, type, vector_bytes)                                                          \
    target static double name(void *sink) {                                                                  \
        typedef type vector __attribute__((vector_size(vector_bytes)));                                      \
        enum { LANES = (vector_bytes) / sizeof(type) };                                                      \
        vector sum[CHAINS], factor, term = {0};                                                              \
        volatile type one = 1;                                                                               \
        factor = term + one;                                                                                 \
        for (int i = 0; i < CHAINS; i++) sum[i] = factor;                                                    \
        for (int round = 0; round < ROUNDS; round++)                                                         \
            for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * factor + term;                                \
        for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];                                                   \
        *(volatile type *)sink = sum[0][0];                                                                  \
        return 2.0 * ROUNDS * CHAINS * LANES;                                                                \
    }

PEAK_LOOP(narrow_f32, , float, 16)
PEAK_LOOP(narrow_f64, , double, 16)
#if defined(__x86_64__)
PEAK_LOOP(avx2_f32, __attribute__((target("avx2,fma"))), float, 32)
PEAK_LOOP(avx2_f64, __attribute__((target("avx2,fma"))), double, 32)
PEAK_LOOP(avx512_f32, __attribute__((target("avx512f,fma"))), float, 64)
PEAK_LOOP(avx512_f64, __attribute__((target("avx512f,fma"))), double, 64)
#endif

typedef double peak_loop(void *sink);

/* Of the machine, whatever TAPEGRAD_CPU says: BLAS does not heed it. */
static peak_loop *loop_for(tg_dtype dtype) {
    const bool single = dtype == TG_F32;
#if defined(__x86_64__)
    if (tg_cpu_has(TG_CPU_AVX512)) return single ? avx512_f32 : avx512_f64;
    if (tg_cpu_has(TG_CPU_AVX2)) return single ? avx2_f32 : avx2_f64;
#endif
    return single ? narrow_f32 : narrow_f64;
}

/* --- each thread by itself ------------------------------------------------------------------------------ */

/* Every thread times its own turns, at the same time as the others, and the fastest of each are added: if
 * they met after each turn, one that is kept from running would hold up all. */
typedef struct race {
    peak_loop *loop;   /* arithmetic, or, NULL: */
    double *a, *b, *c; /* memory */
    double rates[MOST_THREADS];
    int n_threads;
} race;

/* The triad over one thread's part. Returns the bytes. */
static double run_triad(const race *r, int64_t part) {
    const int64_t begin = TRIAD / r->n_threads * part, n = TRIAD / r->n_threads;
    double *restrict a = r->a + begin;
    const double *restrict b = r->b + begin, *restrict c = r->c + begin;
    for (int64_t i = 0; i < n; i++) a[i] = b[i] + 3 * c[i];
    return 3 * (double)n * sizeof(double);
}

static void run_turns(void *context, int64_t begin, int64_t end) {
    race *r = context;
    for (int64_t part = begin; part < end; part++) {
        double sink, best = 0;
        for (uint64_t first = tg_clock_ns(), start = first; start - first < PATIENCE_NS;) {
            start = tg_clock_ns();
            const double amount = r->loop ? r->loop(&sink) : run_triad(r, part);
            const double rate = amount / (double)(tg_clock_ns() - start + 1) * 1e9;
            if (rate > best) best = rate;
        }
        r->rates[part] = best;
    }
}

static double sum_of_rates(race *r) {
    const int threads = tg_thread_count();
    double sum = 0;
    r->n_threads = threads < MOST_THREADS ? threads : MOST_THREADS;
    tg_parallel_for(r->n_threads, 1, run_turns, r);
    for (int i = 0; i < r->n_threads; i++) sum += r->rates[i];
    return sum / r->n_threads * threads; /* of which there may be more than were asked */
}

tg_peaks tg_peaks_measure(tg_dtype dtype, const tg_allocator *allocator) {
    const size_t bytes = 3 * (size_t)TRIAD * sizeof(double);
    race arithmetic = {.loop = loop_for(dtype)};
    tg_peaks peaks = {.flops = sum_of_rates(&arithmetic)};
    double *x = tg_memory_new(allocator, bytes);
    if (!x) return peaks;
    for (int64_t i = 0; i < 3 * TRIAD; i++) x[i] = 1;
    peaks.bytes = sum_of_rates(&(race){.a = x, .b = x + TRIAD, .c = x + 2 * TRIAD});
    tg_memory_free(allocator, x, bytes);
    return peaks;
}
