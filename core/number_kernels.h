/* number_kernels.h: arithmetic on single numbers.
 *
 * Owns: kernels without loops, for graphs of scalars, where a loop over one element takes longer than what is
 * in it. The bits are those of the operations' own kernels. Internal: not installed. */
#ifndef TAPEGRAD_CORE_NUMBER_KERNELS_H
#define TAPEGRAD_CORE_NUMBER_KERNELS_H

#include "core/kernel.h"

enum { TG_N_ARITHMETIC = TG_DIVIDE + 1 };
extern tg_map_kernel *const tg_number_kernels[2][TG_N_ARITHMETIC];

/* The kernel for one element, of n_in inputs that are all of dtype, f32 or f64; NULL: there is none. */
static inline tg_map_kernel *tg_number_kernel(tg_dtype dtype, tg_arithmetic arithmetic, int n_in) {
    return n_in == 1 + (arithmetic >= TG_ADD) ? tg_number_kernels[dtype == TG_F64][arithmetic] : NULL;
}

#endif
