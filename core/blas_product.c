/* blas_product.c: what OpenBLAS needs to multiply two matrices of any strides.
 *
 * Owns: every call of BLAS. Each runs in one thread: core/matrix_product.c shares the work out. Must not know
 * why a product was given to BLAS. */
#include "core/blas_product.h"

#include "core/threads.h"

#include <cblas.h>
#include <limits.h>
#include <pthread.h>

bool tg_blas_takes(int64_t m, int64_t n, int64_t k) { return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX; }

struct tg_blas_operand tg_blas_describe(const struct tg_matrix *x, int64_t rows, int64_t columns) {
    struct tg_blas_operand said = {false, 0};
    if (columns == 1 || x->column == 1) said.leading = rows == 1 ? columns : x->row;
    if (said.leading < columns && (rows == 1 || x->row == 1))
        said = (struct tg_blas_operand){true, columns == 1 ? rows : x->column};
    if (said.leading < (said.transposed ? rows : columns) || said.leading > INT_MAX) said.leading = 0;
    return said;
}

size_t tg_blas_copy_bytes(const tg_cursor *batches, int64_t rows, int64_t columns) {
    enum { LINE = 64 };
    size_t bytes = (size_t)(rows * columns) * batches->element_bytes;
    for (int i = 0; i < batches->rank; i++) bytes *= batches->stride[i] == 0 ? 1 : (size_t)batches->size[i];
    return (bytes + LINE - 1) / LINE * LINE;
}

void tg_blas_copy(tg_cursor *batches, struct tg_matrix *x, int64_t rows, int64_t columns, void *to) {
    const int n = batches->rank;
    const tg_dtype dtype = batches->element_bytes == sizeof(float) ? TG_F32 : TG_F64;
    int64_t shape[TG_MAX_RANK + 2], from[TG_MAX_RANK + 2], strides[TG_MAX_RANK + 2];
    for (int i = 0; i < n; i++) {
        shape[i] = batches->stride[i] == 0 ? 1 : batches->size[i];
        from[i] = batches->stride[i];
    }
    shape[n] = rows, from[n] = x->row;
    shape[n + 1] = columns, from[n + 1] = x->column;
    strides[n + 1] = 1;
    for (int i = n; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
    const tg_array source = {batches->data, shape, from, n + 2, dtype};
    tg_array_copy(&(tg_array){to, shape, strides, n + 2, dtype}, &source);
    for (int i = 0; i < n; i++) batches->stride[i] = batches->stride[i] == 0 ? 0 : strides[i];
    batches->data = to;
    *x = (struct tg_matrix){to, columns, 1};
}

/* OpenBLAS built on pthreads would fight with OpenMP's threads for the cores, so it gets one for good. Built
 * on OpenMP it gets one for the length of a call: with two it would round otherwise. */
static void init_blas(void) {
    enum { PTHREADS = 1 };
    if (openblas_get_parallel() == PTHREADS) openblas_set_num_threads(1);
}

void tg_blas_multiply(tg_dtype dtype, const struct tg_small_product *s, struct tg_blas_operand a,
                      struct tg_blas_operand b) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_blas);
    const blasint m = (blasint)s->m, n = (blasint)s->n, k = (blasint)s->k, lda = (blasint)a.leading,
                  ldb = (blasint)b.leading, ldc = (blasint)s->c_row;
    const CBLAS_TRANSPOSE ta = a.transposed ? CblasTrans : CblasNoTrans,
                          tb = b.transposed ? CblasTrans : CblasNoTrans;
    const int limit = tg_thread_limit(1);
    if (dtype == TG_F32)
        cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, s->a.data, lda, s->b.data, ldb, s->adds ? 1 : 0, s->c,
                    ldc);
    if (dtype == TG_F64)
        cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, s->a.data, lda, s->b.data, ldb, s->adds ? 1 : 0, s->c,
                    ldc);
    tg_thread_limit(limit);
}
