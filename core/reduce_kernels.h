/* reduce_kernels.h: the sums that differentiation itself needs: over elements, and over arrays.
 *
 * Owns: the reduction kernels of a sum, and elementwise sums of up to eight arrays. Must not know of axes or
 * strides. Internal: not installed. */
#ifndef TAPEGRAD_CORE_REDUCE_KERNELS_H
#define TAPEGRAD_CORE_REDUCE_KERNELS_H

#include "core/kernel.h"

/* A sum starts as 0; its folds are pairwise. */
extern const tg_reduction_kernels tg_sum_kernels_f32, tg_sum_kernels_f64;

/* What they are made of, for reductions that are sums but for their end. */
tg_fold_kernel tg_sum_fold_f32, tg_sum_fold_f64;
tg_merge_kernel tg_sum_merge_f32, tg_sum_merge_f64;
tg_merge_rows_kernel tg_sum_merge_rows_f32, tg_sum_merge_rows_f64;

/* out[i] = in[0][i] + in[1][i], as map kernels. */
void tg_add_kernel_f32(int64_t n, void *out, const void *const *in, const void *attr);
void tg_add_kernel_f64(int64_t n, void *out, const void *const *in, const void *attr);

/* out[i] = in[0][i] + ... + in[n_in - 1][i], pairwise, for 1 <= n_in <= TG_MAX_MAP_INPUTS. out may be any of
 * the inputs. */
void tg_accumulate_f32(int64_t n, void *out, const void *const *in, int n_in);
void tg_accumulate_f64(int64_t n, void *out, const void *const *in, int n_in);

#endif
