/* small_product.c: the product of two matrices that are small, thin or strangely strided.
 *
 * Owns: the choice between the loops of core/matrix_tiles.h by CPU and strides. Must not know of batches,
 * threads or BLAS. */
#include "core/small_product.h"

#include "core/kernel.h"

#include <string.h>

/* Rows of B that are summed in registers before they are added to C; a panel of them stays in L1. */
enum { PANEL_ROWS = 256 };
/* Columns of C that stay in L1 while rows of B are added to them. */
enum { ROW_BLOCK = 512 };

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

#define REAL float
#define VECTOR_BYTES 16
#define TARGET
#define T(name) name##_f32_portable
#include "core/matrix_tiles.h"

#define REAL double
#define VECTOR_BYTES 16
#define TARGET
#define T(name) name##_f64_portable
#include "core/matrix_tiles.h"

#if defined(__x86_64__)
#define REAL float
#define VECTOR_BYTES 32
#define TARGET __attribute__((target("avx2,fma")))
#define T(name) name##_f32_avx2
#include "core/matrix_tiles.h"

#define REAL double
#define VECTOR_BYTES 32
#define TARGET __attribute__((target("avx2,fma")))
#define T(name) name##_f64_avx2
#include "core/matrix_tiles.h"
#endif

struct kernels {
    tg_small_kernel *rows;  /* needs B's rows side by side; for small k, or one row of A */
    tg_small_kernel *outer; /* any strides */
    tg_small_kernel *inner; /* needs A's rows and B's columns side by side; for few results */
    tg_small_kernel *zero;  /* for k = 0 */
};

#define TG_KERNELS(level)                                                                                    \
    {                                                                                                        \
        {rows_f32_##level, outer_f32_##level, inner_f32_##level, zero_f32_##level}, {                        \
            rows_f64_##level, outer_f64_##level, inner_f64_##level, zero_f64_##level                         \
        }                                                                                                    \
    }
static const struct kernels portable[2] = TG_KERNELS(portable);
#if defined(__x86_64__)
static const struct kernels avx2[2] = TG_KERNELS(avx2);
#endif

static const struct kernels *kernels_for(tg_dtype dtype) {
#if defined(__x86_64__)
    if (tg_cpu_is_wide()) return &avx2[dtype == TG_F64];
#endif
    return &portable[dtype == TG_F64];
}

struct tg_small_product tg_small_product_transposed(const struct tg_small_product *s) {
    return (struct tg_small_product){.m = s->n,
                                     .n = s->m,
                                     .k = s->k,
                                     .a = {s->b.data, s->b.column, s->b.row},
                                     .b = {s->a.data, s->a.column, s->a.row},
                                     .c = s->c,
                                     .c_row = s->c_column,
                                     .c_column = s->c_row,
                                     .adds = s->adds};
}

/* Whether our kernels are faster than BLAS. Measured against OpenBLAS 0.3.21, one thread, f32, ns of ours and
 * of its kernels for Zen (which has none for small matrices) and for AVX-512 (which has): 4x2 @ 2x400: 104,
 * 634, 120; 4x400 @ (2x400)': 130, 808, 83; 1x400 @ 400x1: 79, 606, 59; 16x16 @ 16x16: 127, 238, 93; 64x64 @
 * 64x64: 5210, 6797, 4535; 1x1000 @ 1000x1000: 60000, -, 53000 (and 9 ms where ours takes 4.6 for 1x4000 @
 * 4000x4000); 64x400 @ (2x400)': 2480, 8060, 1380, and with ours equal rows stay equal to the last bit, which
 * a lesson on symmetry relies on. BLAS was faster with fewer than 16 columns, and with (2x400)' as the right
 * operand: it packs, we gather. */
static bool is_small(const struct tg_small_product *s) {
    const bool rows_of_b = s->b.column == 1 && s->n >= 16;
    const bool along_k = s->a.column == 1 && s->b.row == 1 && s->k >= 16;
    if (s->m == 1 && (rows_of_b || along_k)) return true;
    if (along_k && ((s->m <= 8 && s->n <= 4) || (s->m <= 64 && s->n < 4))) return true;
    return rows_of_b && (s->k <= 8 || (s->m <= 64 && s->n <= 64 && s->k <= 64));
}

tg_small_kernel *tg_small_kernel_for(tg_dtype dtype, const struct tg_small_product *s, bool always) {
    const struct kernels *kernels = kernels_for(dtype);
    if (s->k == 0) return kernels->zero;
    if (!always && !is_small(s)) return NULL;
    if (s->b.column == 1 && s->n >= 8 && (s->k <= 8 || s->m == 1)) return kernels->rows;
    if (s->a.column == 1 && s->b.row == 1 && s->k >= 8 && (s->m < 4 || s->n < 4)) return kernels->inner;
    return kernels->outer;
}
