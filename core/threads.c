/* threads.c: parallel loops over OpenMP, or plain loops where it is switched off.
 *
 * Owns: every use of OpenMP's threads. Must not know what the loops compute. */
#include "core/threads.h"

#ifdef _OPENMP
#include <omp.h>

int tg_thread_count(void) { return omp_in_parallel() ? 1 : omp_get_max_threads(); }

int tg_thread_limit(int n) {
    const int before = omp_get_max_threads();
    omp_set_num_threads(n);
    return before;
}

static int64_t part_begin(int64_t part, int64_t n_parts, int64_t n_grains) {
    int64_t left_over = n_grains % n_parts;
    return n_grains / n_parts * part + (part < left_over ? part : left_over);
}

void tg_parallel_for(int64_t n, int64_t grain, tg_range_fn *body, void *context) {
    if (n <= 0) return;
    int threads = n <= grain ? 1 : tg_thread_count();
    if (threads <= 1) {
        body(context, 0, n);
        return;
    }
    int64_t n_grains = n / grain + (n % grain != 0);
    if (threads > n_grains) threads = (int)n_grains;
#pragma omp parallel num_threads(threads)
    {
        /* The team may be smaller than asked for. */
        int64_t part = omp_get_thread_num(), n_parts = omp_get_num_threads();
        int64_t begin = part_begin(part, n_parts, n_grains) * grain;
        int64_t end = part + 1 == n_parts ? n : part_begin(part + 1, n_parts, n_grains) * grain;
        body(context, begin, end);
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
