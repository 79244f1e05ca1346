/* small_product.c: the product of two matrices that are small or thin.
 *
 * Owns: the kernels of core/matrix_tiles.h, compiled for each level of CPU, and the choice between them and
 * BLAS by sizes and strides. Must not know of batches or threads. */
#include "core/small_product.h"

#include <string.h>

/* A panel of B stays in L1 while the rows of A go by. */
enum { PANEL_BYTES = 16384 };
/* B up to which reading its rows where they lie is fastest: to 256 x 256 in f32 packing them takes 1.0 to 1.1
 * times as long, on each level; for 512 x 512 it is the other way round, by up to 1.4 times on AVX2. */
enum { NEAR_BYTES = 1 << 18 };
/* Columns of C that stay in L1 while rows of B are added to them. */
enum { ROW_BLOCK = 512 };

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* The length of the first of nearly equal parts of n, each at most `most`. */
static int64_t even_part(int64_t n, int64_t most) { return (n - 1) / ((n + most - 1) / most) + 1; }

/* A constant number of turns, so that arrays of vectors become registers. */
#define UNROLLED _Pragma("GCC unroll 16")

/* Squares in which a matrix is turned. */
enum { TURN = 4 };
#if defined(__clang__)
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (T(quad_mask)){__VA_ARGS__})
#endif

/* One case of a switch over the number of rows. */
#define TILES(rows, tile, ...)                                                                               \
    case rows:                                                                                               \
        tile(rows, __VA_ARGS__);                                                                             \
        break;

#define REAL float
#define BITS int32_t
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#define TARGET
#define T(name) name##_f32_portable
#include "core/matrix_tiles.h"

#define REAL double
#define BITS int64_t
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#define TARGET
#define T(name) name##_f64_portable
#include "core/matrix_tiles.h"

#if defined(__x86_64__)
#define REAL float
#define BITS int32_t
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define TARGET __attribute__((target("avx2,fma")))
#define T(name) name##_f32_avx2
#include "core/matrix_tiles.h"

#define REAL double
#define BITS int64_t
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define TARGET __attribute__((target("avx2,fma")))
#define T(name) name##_f64_avx2
#include "core/matrix_tiles.h"

#define REAL float
#define BITS int32_t
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma")))
#define T(name) name##_f32_avx512
#include "core/matrix_tiles.h"

#define REAL double
#define BITS int64_t
#define VECTOR_BYTES 64
#define TILE_ROWS 8
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma")))
#define T(name) name##_f64_avx512
#include "core/matrix_tiles.h"
#endif

#define KERNELS(type, level)                                                                                 \
    {                                                                                                        \
        rows_##type##_##level, outer_##type##_##level, outer_turned_##type##_##level,                        \
            inner_##type##_##level, zero_##type##_##level                                                    \
    }
static const struct tg_small_kernels kernels[TG_N_CPU_LEVELS][2] = {
    [TG_CPU_PORTABLE] = {KERNELS(f32, portable), KERNELS(f64, portable)},
#if defined(__x86_64__)
    [TG_CPU_AVX2] = {KERNELS(f32, avx2), KERNELS(f64, avx2)},
    [TG_CPU_AVX512] = {KERNELS(f32, avx512), KERNELS(f64, avx512)},
#endif
};

const struct tg_small_kernels *tg_small_kernels(tg_cpu_level level, tg_dtype dtype) {
    return &kernels[level][dtype == TG_F64];
}

struct tg_small_product tg_small_product_transposed(const struct tg_small_product *s) {
    return (struct tg_small_product){.m = s->n,
                                     .n = s->m,
                                     .k = s->k,
                                     .a = {s->b.data, s->b.column, s->b.row},
                                     .b = {s->a.data, s->a.column, s->a.row},
                                     .plus = {s->plus.data, s->plus.column, s->plus.row},
                                     .c = s->c,
                                     .c_row = s->c_column,
                                     .c_column = s->c_row,
                                     .adds = s->adds};
}

/* --- the choice ----------------------------------------------------------------------------------------- */

/* Where OpenBLAS begins to be faster, by level and type. Measured by tests/bench/bench_products.c, one
 * thread, against OpenBLAS 0.3.21 with its kernels for AVX-512 (which has some for small and thin products),
 * Haswell and Nehalem. */
static const struct limits {
    double work;     /* multiplications up to which `outer` is used: BLAS packs A, too */
    int64_t columns; /* ... and columns of B from which, unless they are whole vectors */
    int64_t thin;    /* rows, or columns, of C up to which `inner` is used */
} limits[TG_N_CPU_LEVELS][2] = {
    [TG_CPU_PORTABLE] = {{3e7, 4, 8}, {3e7, 2, 8}},
    [TG_CPU_AVX2] = {{3e7, 8, 8}, {8e6, 2, 8}},
    [TG_CPU_AVX512] = {{6e7, 16, 8}, {3e7, 16, 8}},
};
/* What is so small that BLAS takes longer to begin than to multiply. */
#define TINY_WORK 4096.0
#define TINY_SIDE 64
/* Elements of the inner dimension from which `inner` pays. */
#define FEWEST_ALONG 8
/* Rows of A that make it pay to turn B. */
#define ROWS_TO_TURN 8

/* The highest level whose vectors so many elements fill, so that little is computed in vain. */
static tg_cpu_level filled_level(tg_cpu_level level, tg_dtype dtype, int64_t n) {
    for (int l = (int)level; l > TG_CPU_PORTABLE; l--) {
        const int64_t lanes = (16 << l) / (int64_t)tg_dtype_size(dtype);
        if (n >= 2 * lanes || n % lanes == 0 || (l == TG_CPU_AVX2 && n > lanes)) return (tg_cpu_level)l;
    }
    return TG_CPU_PORTABLE;
}

/* Whether `outer` is at least as fast as BLAS for C's rows of so many columns. */
static bool suits_outer(const struct limits *limit, tg_dtype dtype, const struct tg_small_product *s,
                        int64_t columns) {
    const int64_t longest = max(max(s->m, s->n), s->k), lanes = 32 / (int64_t)tg_dtype_size(dtype);
    const double work = (double)s->m * (double)s->n * (double)s->k;
    if (work <= TINY_WORK && longest <= TINY_SIDE) return true;
    if (s->b.column != 1 && s->m < ROWS_TO_TURN) return false;
    return work <= limit->work && (columns >= limit->columns || columns % lanes == 0);
}

tg_small_kernel *tg_small_kernel_for(tg_cpu_level level, tg_dtype dtype, const struct tg_small_product *s,
                                     bool always) {
    const struct limits *limit = &limits[level][dtype == TG_F64];
    const struct tg_small_kernels *of = tg_small_kernels(level, dtype);
    const bool along_k = s->a.column == 1 && s->b.row == 1 && s->k >= FEWEST_ALONG;
    if (s->k == 0) return of->zero;
    if (along_k && min(s->m, s->n) <= limit->thin)
        return tg_small_kernels(filled_level(level, dtype, s->k), dtype)->inner;
    if (s->b.column == 1 && (s->m == 1 ? s->n >= 16 : s->n >= 64 && s->k <= 2)) return of->rows;
    const bool turned = s->n < limit->columns && s->n < s->m && s->a.row == 1 && s->k > 1;
    const int64_t columns = turned ? s->m : s->n;
    if (!always && !suits_outer(limit, dtype, s, columns)) return NULL;
    of = tg_small_kernels(filled_level(level, dtype, columns), dtype);
    return turned ? of->outer_turned : of->outer;
}
