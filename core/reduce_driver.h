/* reduce_driver.h: runs a reduction's kernels over any axes of an array of any strides.
 *
 * Owns: the order of work (blocks independent of the number of threads) and its threads. Knows kernels,
 * not operations. Internal: not installed. */
#ifndef TAPEGRAD_CORE_REDUCE_DRIVER_H
#define TAPEGRAD_CORE_REDUCE_DRIVER_H

#include "core/kernel.h"

/* Reduces the axes of `in` whose bit is set in mask. out is contiguous, of the same dtype (f32 or f64), and
 * has the shape of `in` without those axes (or with them as 1: the same elements). Each accumulator begins as
 * `start` and ends through kernels->finish. Needs no memory; the error of a sum grows with the logarithm of
 * the number of elements, whichever axes are reduced. */
void tg_reduce_run(const tg_reduction_kernels *kernels, double start, unsigned mask, const tg_array *in,
                   const tg_array *out);

#endif
