/* map_driver.h: runs an elementwise kernel over arrays of any strides.
 *
 * Owns: broadcasting, gathering of strided operands into blocks, and the threads of elementwise work.
 * Knows kernels, not operations. Internal: not installed. */
#ifndef TAPEGRAD_CORE_MAP_DRIVER_H
#define TAPEGRAD_CORE_MAP_DRIVER_H

#include "core/kernel.h"

/* out = kernel(in[0], in[1], ...): each input's shape broadcasts to out's, out is contiguous. An input may be
 * out itself when it is contiguous and of the same shape. n_in is at most TG_MAX_MAP_INPUTS; needs no memory.
 */
void tg_map_run(tg_map_kernel *kernel, int n_in, const tg_array *in, const tg_array *out, const void *attr,
                tg_cost cost);

#endif
