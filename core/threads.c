/* threads.c: parallel loops over OpenMP, or plain loops where it is switched off.
 *
 * Owns: every use of OpenMP's threads. Must not know what the loops compute.
 *
 * TG_THREAD_WORK comes from bench_threads, on two cores of a Zen 4, gcc's OpenMP, its threads awake. Starting
 * two of them takes 0.9 to 1.7 us. In us by one thread, and the part of that which two take:
 *
 *     elements           8192        16384       32768       65536       131072
 *     sums               0.8  2.57   1.7  1.49   3.5  0.99    7.3  0.68   16   0.62
 *     exponentials       2.3  0.90   4.7  0.65   9.4  0.58   19    0.55   38   0.54
 *
 * So two threads take turns of 32768 sums or 8192 exponentials each: half of that would pay too, but only
 * just. Threads that have gone to sleep take 10 to 200 us to start, which no rule by size can help against.
 */
#include "core/threads.h"

#ifdef _OPENMP
#include <omp.h>

int tg_thread_count(void) { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

int tg_thread_limit(int n) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(n);
    return before;
}

/* Where part begins: at a multiple of unit, all parts as long as the others but for one unit. */
static int64_t part_begin(int64_t part, int64_t n_parts, int64_t n, int64_t unit) {
    const int64_t n_units = n / unit, left_over = n_units % n_parts;
    return part == n_parts ? n : (n_units / n_parts * part + (part < left_over ? part : left_over)) * unit;
}

void tg_parallel_for(int64_t n, int64_t grain, tg_range_fn *body, void *context) {
    if (n <= 0) return;
    int threads = n / 2 < grain ? 1 : tg_thread_count();
    if (threads > 1 && threads > n / grain) threads = (int)(n / grain);
    if (threads <= 1) {
        body(context, 0, n);
        return;
    }
    const int64_t unit = grain < 64 ? 1 : 64;
#pragma omp parallel num_threads(threads)
    {
        /* The team may be smaller than asked for. */
        const int64_t part = omp_get_thread_num(), n_parts = omp_get_num_threads();
        body(context, part_begin(part, n_parts, n, unit), part_begin(part + 1, n_parts, n, unit));
    }
}

#else

int tg_thread_count(void) { return 1; }

int tg_thread_limit(int n) {
    (void)n;
    return 1;
}

void tg_parallel_for(int64_t n, int64_t grain, tg_range_fn *body, void *context) {
    (void)grain;
    if (n > 0) body(context, 0, n);
}

#endif
