/* blas_product.h: what OpenBLAS needs to multiply two matrices of any strides.
 *
 * Owns: strides in BLAS's words, copies of what it cannot take, its one thread. Must not know of batches or
 * panels but by copying them. Internal: not installed. */
#ifndef TAPEGRAD_CORE_BLAS_PRODUCT_H
#define TAPEGRAD_CORE_BLAS_PRODUCT_H

#include "core/cursor.h"
#include "core/small_product.h"

/* BLAS takes a matrix as it is when one of its strides is 1; else it is copied. */
struct tg_blas_operand {
    bool transposed;
    int64_t leading; /* BLAS's "leading dimension"; 0: it cannot be said */
};

/* Whether BLAS takes sizes up to this. */
bool tg_blas_takes(int64_t m, int64_t n, int64_t k);

/* The strides of a matrix in BLAS's words. */
struct tg_blas_operand tg_blas_describe(const struct tg_matrix *x, int64_t rows, int64_t columns);

/* Bytes that a copy of these matrices takes; repeated ones (stride 0) are copied once. */
size_t tg_blas_copy_bytes(const tg_cursor *batches, int64_t rows, int64_t columns);

/* Copies matrices, each with its rows contiguous; batches and x then show the copy. */
void tg_blas_copy(tg_cursor *batches, struct tg_matrix *x, int64_t rows, int64_t columns, void *to);

/* One product, in this thread. */
void tg_blas_multiply(tg_dtype dtype, const struct tg_small_product *s, struct tg_blas_operand a,
                      struct tg_blas_operand b);

#endif
