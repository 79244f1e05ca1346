/* blas_by_hand.h: products of matrices for what is written by hand, and the threads around them.
 *
 * Owns: one thread for each call of BLAS, whichever build of OpenBLAS was loaded: the callers share the work
 * out themselves, in parallel regions of their own. f32, rows contiguous. */
#ifndef TAPEGRAD_BENCH_BLAS_BY_HAND_H
#define TAPEGRAD_BENCH_BLAS_BY_HAND_H

#include <cblas.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* To be called once: OpenBLAS built on OpenMP keeps to one thread inside a parallel region; other builds have
 * to be told. */
static inline void blas_init(void) {
    if (openblas_get_parallel() != 2) openblas_set_num_threads(1);
}

/* This thread's part of n, a multiple of `multiple`: [begin, end). */
static inline void my_part(int n, int multiple, int *begin, int *end) {
    int thread = 0, threads = 1;
#ifdef _OPENMP
    thread = omp_get_thread_num();
    threads = omp_get_num_threads();
#endif
    const int groups = (n + multiple - 1) / multiple;
    *begin = groups * thread / threads * multiple;
    *end = groups * (thread + 1) / threads * multiple;
    if (*begin > n) *begin = n;
    if (*end > n) *end = n;
}

/* c[m, n] = alpha op(a) op(b) + beta c; lda and ldb are the columns of a and b as they lie. */
static inline void product(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
                           const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc) {
    if (m > 0) cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#endif
