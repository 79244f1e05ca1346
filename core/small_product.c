/* small_product.c: the product of two matrices that are small, thin or strangely strided.
 *
 * Owns: the choice between the loops of core/matrix_tiles.h by CPU and strides. Must not know of batches,
 * threads or BLAS. */
#include "core/small_product.h"

#include <string.h>

/* Rows of B that are summed in registers before they are added to C; a panel of them stays in L1. */
enum { PANEL_ROWS = 256 };
/* Columns of C that stay in L1 while rows of B are added to them. */
enum { ROW_BLOCK = 512 };

struct product {
    int64_t m, n, k;
    struct tg_matrix a, b;
    void *c;
    int64_t c_row, c_column;
};

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
    void (*rows)(const struct product *s);  /* needs B's rows side by side; for small k, or one row of A */
    void (*outer)(const struct product *s); /* any strides */
    void (*inner)(const struct product *s); /* needs A's rows and B's columns side by side; for few results */
};

#define TG_KERNELS(level)                                                                                    \
    {                                                                                                        \
        {rows_f32_##level, outer_f32_##level, inner_f32_##level}, {                                          \
            rows_f64_##level, outer_f64_##level, inner_f64_##level                                           \
        }                                                                                                    \
    }
static const struct kernels portable[2] = TG_KERNELS(portable);
#if defined(__x86_64__)
static const struct kernels avx2[2] = TG_KERNELS(avx2);
#endif

static const struct kernels *kernels_for(tg_dtype dtype) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2[dtype == TG_F64];
#endif
    return &portable[dtype == TG_F64];
}

void tg_small_product(tg_dtype dtype, int64_t m, int64_t n, int64_t k, struct tg_matrix a, struct tg_matrix b,
                      void *c) {
    if (m == 0 || n == 0) return;
    if (k == 0) {
        memset(c, 0, (size_t)(m * n) * tg_dtype_size(dtype));
        return;
    }
    const struct kernels *kernels = kernels_for(dtype);
    const struct product s = {m, n, k, a, b, c, n, 1};
    if (b.column == 1 && n >= 8 && (k <= 8 || m == 1))
        kernels->rows(&s);
    else if (a.column == 1 && b.row == 1 && k >= 8 && (m < 4 || n < 4))
        kernels->inner(&s);
    else
        kernels->outer(&s);
}
