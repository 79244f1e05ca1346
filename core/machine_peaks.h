/* machine_peaks.h: how much arithmetic and how much memory traffic this machine manages at most.
 *
 * Owns: the two loops that find it out. Measured when asked for, in some 50 ms: what a machine can do depends
 * on its other users too. Internal: not installed. */
#ifndef TAPEGRAD_CORE_MACHINE_PEAKS_H
#define TAPEGRAD_CORE_MACHINE_PEAKS_H

#include "core/allocator.h"
#include "core/dtype.h"

/* Per second, with as many threads as a parallel loop would use now. */
typedef struct tg_peaks {
    double flops; /* multiplications and additions of that dtype, in registers */
    double bytes; /* of a = b + s c over arrays that no cache holds; 0: no memory for them */
} tg_peaks;

tg_peaks tg_peaks_measure(tg_dtype dtype, const tg_allocator *allocator);

/* Nanoseconds of a clock that is never set back. */
uint64_t tg_clock_ns(void);

#endif
