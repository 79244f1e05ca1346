/* small_product.h: the product of two matrices that are small, thin or strangely strided.
 *
 * Owns: our own kernels, for operands for which BLAS costs more than the arithmetic. Must not know of
 * batches, threads or BLAS. Internal: not installed. */
#ifndef TAPEGRAD_CORE_SMALL_PRODUCT_H
#define TAPEGRAD_CORE_SMALL_PRODUCT_H

#include "core/dtype.h"

/* A matrix of any strides, in elements. */
struct tg_matrix {
    const void *data;
    int64_t row, column;
};

/* c[m, n] = a[m, k] @ b[k, n], c contiguous. Right for any sizes, fast while the operands stay in cache. */
void tg_small_product(tg_dtype dtype, int64_t m, int64_t n, int64_t k, struct tg_matrix a, struct tg_matrix b,
                      void *c);

#endif
