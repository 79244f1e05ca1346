/* product.h: what a product of matrices is.
 *
 * Owns: tg_product, in which an operation of kind TG_CONTRACT says which product it is. Transposes, slices
 * and repeated batches are strides. How it is computed is the library's business. Must not know of tapes. */
#ifndef TAPEGRAD_CORE_PRODUCT_H
#define TAPEGRAD_CORE_PRODUCT_H

#include "core/dtype.h"
#include "core/shape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A batch of matrices. Strides are in elements, and may be 0 (repeated) or negative (reversed). */
typedef struct tg_matrices {
    const void *data;
    int64_t row, column;        /* from one row to the next, from one column to the next */
    int64_t batch[TG_MAX_RANK]; /* from one matrix to the next, along each batch axis */
} tg_matrices;

/* c[batch.., m, n] = a[batch.., m, k] @ b[batch.., k, n]; all of one dtype, f32 or f64; c is contiguous and
 * overlaps neither a nor b. Any size may be 0: k = 0 gives zeros. */
typedef struct tg_product {
    tg_dtype dtype;
    int64_t m, n, k;
    tg_shape batch;
    tg_matrices a, b;
    void *c;
} tg_product;

#ifdef __cplusplus
}
#endif
#endif
