/* matrix_product.h: products of matrices in memory, by OpenBLAS and by small kernels of our own.
 *
 * Owns: the choice of routine, transposes as flags, batches. Knows arrays only. Internal: not installed. */
#ifndef TAPEGRAD_CORE_MATRIX_PRODUCT_H
#define TAPEGRAD_CORE_MATRIX_PRODUCT_H

#include "core/array.h"

/* Bytes of scratch memory that tg_matrix_product needs for these operands (0 when every matrix has a row or
 * column stride that BLAS takes as it is). */
size_t tg_matrix_product_scratch(const tg_array *a, const tg_array *b);

/* c = a @ b. All three have the same rank >= 2; a is [..., m, k], b is [..., k, n], c is [..., m, n] and
 * contiguous; leading (batch) axes have equal sizes (broadcast ones have stride 0). Strides of a and b may
 * be anything, transposes are flags. k = 0 gives zeros. f32 or f64. */
void tg_matrix_product(const tg_array *a, const tg_array *b, const tg_array *c, void *scratch);

#endif
