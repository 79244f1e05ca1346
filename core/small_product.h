/* small_product.h: the product of two matrices that are small or thin.
 *
 * Owns: our own kernels, to some hundreds of rows and columns, and the table of where BLAS is faster. Must
 * not know of batches, threads or BLAS. Internal: not installed. */
#ifndef TAPEGRAD_CORE_SMALL_PRODUCT_H
#define TAPEGRAD_CORE_SMALL_PRODUCT_H

#include "core/cpu_level.h"
#include "core/dtype.h"

/* A matrix of any strides, in elements. */
struct tg_matrix {
    const void *data;
    int64_t row, column;
};

/* c[m, n] = a[m, k] @ b[k, n], or c += a @ b; m and n are at least 1. `rows`, and it alone, adds `plus` to
 * each element as well. */
struct tg_small_product {
    int64_t m, n, k;
    struct tg_matrix a, b;
    struct tg_matrix plus; /* a row, a column or a number: strides 0, or one 1; data NULL: nothing */
    void *c;
    int64_t c_row, c_column; /* strides of c, of which one is 1 */
    bool adds;
};

typedef void tg_small_kernel(const struct tg_small_product *s);

/* What there is on a level of CPU. */
struct tg_small_kernels {
    tg_small_kernel *rows;  /* needs B's rows and C's rows side by side; for small k, or one row of A */
    tg_small_kernel *outer; /* any strides; vectors along C's rows */
    tg_small_kernel *outer_turned; /* the same along its columns */
    tg_small_kernel *inner; /* needs A's rows and B's columns side by side, k a vector; for few results */
    tg_small_kernel *zero;  /* for k = 0 */
};
const struct tg_small_kernels *tg_small_kernels(tg_cpu_level level, tg_dtype dtype);

/* The kernel for the sizes and strides of s, whatever its data; NULL where BLAS is faster, unless `always`.
 */
tg_small_kernel *tg_small_kernel_for(tg_cpu_level level, tg_dtype dtype, const struct tg_small_product *s,
                                     bool always);

/* The same product as c' = b' @ a'. */
struct tg_small_product tg_small_product_transposed(const struct tg_small_product *s);

#endif
