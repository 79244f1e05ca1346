/* kernel.h: the forms of the inner loops that operations are made of.
 *
 * Owns: the types of block kernels. A kernel sees contiguous elements only; the drivers in core/ bring
 * strides, broadcasting, blocks and threads. Must not know of tapes. */
#ifndef TAPEGRAD_CORE_KERNEL_H
#define TAPEGRAD_CORE_KERNEL_H

#include "core/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How dear one element is, for the choice of when threads pay. */
typedef enum tg_cost { TG_CHEAP = 0, TG_COSTLY = 1 /* exp and the like */ } tg_cost;

/* Whether loops compiled for AVX2 may run: the CPU has it, and TAPEGRAD_CPU=portable does not forbid it. */
TG_API bool tg_cpu_is_wide(void);

/* What an elementwise operation computes, where that is plain arithmetic on its inputs a and b: a plan keeps
 * results between several such operations in registers. TG_ADD may have three inputs: (a + b) + c. */
typedef enum tg_arithmetic {
    TG_NO_ARITHMETIC,
    TG_COPY,     /* a */
    TG_NEGATE,   /* -a */
    TG_SQUARE,   /* a * a */
    TG_ROOT,     /* sqrt a */
    TG_RECTIFY,  /* 0 where a <= 0, else a */
    TG_ADD,      /* a + b */
    TG_SUBTRACT, /* a - b */
    TG_MULTIPLY, /* a * b */
    TG_DIVIDE    /* a / b */
} tg_arithmetic;

/* The most inputs that an elementwise kernel may have. */
#define TG_MAX_MAP_INPUTS 8

/* Elementwise: out[i] = f(in[0][i], in[1][i], ...) for i < n, all contiguous. out is of the output's dtype
 * and may be one of the inputs where the dtypes are equal. */
typedef void tg_map_kernel(int64_t n, void *out, const void *const *in, const void *attr);

/* Reduction: *accumulator = combine of *accumulator with x[0..n); for sums in blocks, so that the error grows
 * with log n. */
typedef void tg_fold_kernel(int64_t n, void *accumulator, const void *x);
/* accumulator[i] = combine of accumulator[i] with x[i], for i < n. */
typedef void tg_merge_kernel(int64_t n, void *accumulator, const void *x);
/* accumulator[i] = end of accumulator[i], into each of which count elements went. */
typedef void tg_finish_kernel(int64_t n, void *accumulator, int64_t count);

/* As so many merges, of x, x + stride, x + 2 stride, ... in this order; stride is in elements. */
typedef void tg_merge_rows_kernel(int64_t n, void *accumulator, int64_t rows, int64_t stride, const void *x);

typedef struct tg_reduction_kernels {
    tg_fold_kernel *fold;
    tg_merge_kernel *merge;
    tg_finish_kernel *finish;         /* NULL: nothing to do at the end */
    tg_merge_rows_kernel *merge_rows; /* NULL: merge is called for each */
} tg_reduction_kernels;

#ifdef __cplusplus
}
#endif
#endif
