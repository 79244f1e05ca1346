/* threads.h: the one place that starts threads.
 *
 * Owns: parallel loops over OpenMP, or plain loops where it is switched off, and the rule from how much work
 * on a further thread pays. Internal: not installed. */
#ifndef TAPEGRAD_CORE_THREADS_H
#define TAPEGRAD_CORE_THREADS_H

#include "core/kernel.h"

/* What each thread must have to do at least, so that two are never slower than one: elements of a cheap
 * operation. A costly one counts for four. core/threads.c has the measurements. */
enum { TG_THREAD_WORK = 32768, TG_COSTLY_WORK = 4 };

static inline int64_t tg_work_of(tg_cost cost) { return cost == TG_COSTLY ? TG_COSTLY_WORK : 1; }

/* How many elements that is, where each counts for so many. */
static inline int64_t tg_thread_grain(int64_t work) {
    return work < TG_THREAD_WORK ? TG_THREAD_WORK / work : 1;
}

typedef void tg_range_fn(void *context, int64_t begin, int64_t end);

/* Calls body on ranges that together cover 0..n, one a thread, equally long and with no more threads than
 * there are grains: so the calling thread does it alone when n < 2 grain, within another parallel region, or
 * with one thread. Where grain is 64 or more, ranges begin at multiples of 64. body must give results that do
 * not depend on how the range was cut. */
void tg_parallel_for(int64_t n, int64_t grain, tg_range_fn *body, void *context);

/* How many threads a parallel loop would use now. */
int tg_thread_count(void);

/* Sets how many threads a library that uses OpenMP by itself (BLAS) may start when called from this thread;
 * returns what it was. */
int tg_thread_limit(int n);

#endif
