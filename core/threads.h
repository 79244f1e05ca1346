/* threads.h: the one place that starts threads.
 *
 * Owns: parallel loops over OpenMP, or plain loops where it is switched off. Internal: not installed. */
#ifndef TAPEGRAD_CORE_THREADS_H
#define TAPEGRAD_CORE_THREADS_H

#include "core/status.h"

typedef void tg_range_fn(void *context, int64_t begin, int64_t end);

/* Calls body on ranges that together cover 0..n, at most one range a thread, each a multiple of grain long
 * (but the last). Runs in the calling thread when n <= grain, within another parallel region, or with one
 * thread. body must give results that do not depend on how the range was cut. */
void tg_parallel_for(int64_t n, int64_t grain, tg_range_fn *body, void *context);

/* How many threads a parallel loop would use now. */
int tg_thread_count(void);

/* Sets how many threads a library that uses OpenMP by itself (BLAS) may start when called from this thread;
 * returns what it was. */
int tg_thread_limit(int n);

#endif
