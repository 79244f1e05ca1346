/* reduce_kernels.c: the sums that differentiation itself needs: over elements, and over arrays.
 *
 * Owns: the order in which a sum is taken, for float and double alike. Must not know of axes or strides. */
#include "core/reduce_kernels.h"

#include <string.h>

/* Four vectors of a block are summed side by side, so that additions need not wait for each other; vectors
 * and blocks are joined pairwise: so the error grows with log n. */
enum { SUM_BLOCK = 256, SUM_VECTOR_BYTES = 16 };

/* Columns that stay in registers while rows are added to them. */
enum { SUM_STRIP_BYTES = 128 };

/* out = the sum of several arrays, by one expression. */
#define TG_ACCUMULATE_LOOP(expression)                                                                       \
    for (int64_t i = 0; i < n; i++) to[i] = (expression);                                                    \
    break;
#define TG_PAIR(k) (x[k][i] + x[k + 1][i])

/* The sum of a block as sum_block below has it, for AVX2: a and b in one vector, c and d in the other. */
#if defined(__x86_64__) && defined(__GNUC__)
#define TG_SUM_WIDE(suffix, type)                                                                            \
    __attribute__((target("avx2"))) static type sum_wide_block_##suffix(const type *x) {                     \
        enum { N = SUM_VECTOR_BYTES / sizeof(type) };                                                        \
        typedef type pair __attribute__((vector_size(2 * SUM_VECTOR_BYTES)));                                \
        pair ab = {0}, cd = {0}, next;                                                                       \
        for (int i = 0; i < SUM_BLOCK; i += 4 * N) {                                                         \
            memcpy(&next, x + i, sizeof next);                                                               \
            ab += next;                                                                                      \
            memcpy(&next, x + i + 2 * N, sizeof next);                                                       \
            cd += next;                                                                                      \
        }                                                                                                    \
        ab += cd;                                                                                            \
        const type sum = (ab[0] + ab[N]) + (ab[N / 2] + ab[N + N / 2]);                                      \
        return N == 2 ? sum : sum + ((ab[1] + ab[N + 1]) + (ab[N - 1] + ab[2 * N - 1]));                     \
    }
#else
#define TG_SUM_WIDE(suffix, type)                                                                            \
    static type sum_wide_block_##suffix(const type *x) { return sum_block_##suffix(x); }
#endif

#define TG_SUM_KERNELS(suffix, type)                                                                         \
    typedef type vector_##suffix __attribute__((vector_size(SUM_VECTOR_BYTES)));                             \
    static inline vector_##suffix load_##suffix(const type *x) {                                             \
        vector_##suffix v;                                                                                   \
        memcpy(&v, x, sizeof v);                                                                             \
        return v;                                                                                            \
    }                                                                                                        \
    static type sum_block_##suffix(const type *x) {                                                          \
        enum { N = SUM_VECTOR_BYTES / sizeof(type) };                                                        \
        vector_##suffix a = {0}, b = {0}, c = {0}, d = {0};                                                  \
        for (int i = 0; i < SUM_BLOCK; i += 4 * N) {                                                         \
            a += load_##suffix(x + i), b += load_##suffix(x + i + N);                                        \
            c += load_##suffix(x + i + 2 * N), d += load_##suffix(x + i + 3 * N);                            \
        }                                                                                                    \
        a = (a + c) + (b + d);                                                                               \
        type sum = a[0] + a[N / 2];                                                                          \
        return N == 2 ? sum : sum + (a[1] + a[N - 1]);                                                       \
    }                                                                                                        \
    TG_SUM_WIDE(suffix, type)                                                                                \
    static type sum_rest_##suffix(int64_t n, const type *x) {                                                \
        type lane[8] = {0}, rest = 0; /* the lanes stay in registers if no index is unknown */               \
        int64_t i = 0;                                                                                       \
        for (; i + 8 <= n; i += 8) {                                                                         \
            for (int j = 0; j < 8; j++) lane[j] += x[i + j];                                                 \
        }                                                                                                    \
        for (; i < n; i++) rest += x[i];                                                                     \
        return rest +                                                                                        \
               (((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7])));  \
    }                                                                                                        \
    void tg_sum_fold_##suffix(int64_t n, void *accumulator, const void *x) {                                 \
        type partial[64], *sum = accumulator; /* partial: of 2^k blocks each, k falling */                   \
        const type *from = x;                                                                                \
        int top = 0;                                                                                         \
        const bool wide = n >= SUM_BLOCK && tg_cpu_is_wide();                                                \
        int64_t n_blocks = n / SUM_BLOCK;                                                                    \
        for (int64_t block = 1; block <= n_blocks; block++, from += SUM_BLOCK) {                             \
            partial[top++] = (wide ? sum_wide_block_##suffix : sum_block_##suffix)(from);                    \
            for (int64_t pairs = block; pairs % 2 == 0; pairs /= 2, top--)                                   \
                partial[top - 2] += partial[top - 1];                                                        \
        }                                                                                                    \
        type total = sum_rest_##suffix(n % SUM_BLOCK, from);                                                 \
        while (top > 0) total += partial[--top];                                                             \
        *sum += total;                                                                                       \
    }                                                                                                        \
    void tg_sum_merge_##suffix(int64_t n, void *accumulator, const void *x) {                                \
        type *to = accumulator;                                                                              \
        const type *from = x;                                                                                \
        for (int64_t i = 0; i < n; i++) to[i] += from[i];                                                    \
    }                                                                                                        \
    const tg_reduction_kernels tg_sum_kernels_##suffix = {tg_sum_fold_##suffix, tg_sum_merge_##suffix, NULL, \
                                                          tg_sum_merge_rows_##suffix};

#define TG_SUM_MERGE_ROWS(suffix, type)                                                                      \
    void tg_sum_merge_rows_##suffix(int64_t n, void *accumulator, int64_t rows, int64_t stride,              \
                                    const void *x) {                                                         \
        enum { STRIP = SUM_STRIP_BYTES / sizeof(type) };                                                     \
        type *to = accumulator;                                                                              \
        const type *from = x;                                                                                \
        for (; n >= STRIP; n -= STRIP, to += STRIP, from += STRIP) {                                         \
            type strip[STRIP];                                                                               \
            for (int j = 0; j < STRIP; j++) strip[j] = to[j];                                                \
            for (int64_t r = 0; r < rows; r++)                                                               \
                for (int j = 0; j < STRIP; j++) strip[j] += from[r * stride + j];                            \
            for (int j = 0; j < STRIP; j++) to[j] = strip[j];                                                \
        }                                                                                                    \
        for (int64_t r = 0; r < rows; r++) tg_sum_merge_##suffix(n, to, from + r * stride);                  \
    }

#define TG_ACCUMULATE(suffix, type)                                                                          \
    void tg_accumulate_##suffix(int64_t n, void *out, const void *const *in, int n_in) {                     \
        type *to = out;                                                                                      \
        const type *x[TG_MAX_MAP_INPUTS];                                                                    \
        for (int k = 0; k < n_in; k++) x[k] = in[k];                                                         \
        switch (n_in) {                                                                                      \
            case 1: TG_ACCUMULATE_LOOP(x[0][i])                                                              \
            case 2: TG_ACCUMULATE_LOOP(TG_PAIR(0))                                                           \
            case 3: TG_ACCUMULATE_LOOP(TG_PAIR(0) + x[2][i])                                                 \
            case 4: TG_ACCUMULATE_LOOP(TG_PAIR(0) + TG_PAIR(2))                                              \
            case 5: TG_ACCUMULATE_LOOP(TG_PAIR(0) + TG_PAIR(2) + x[4][i])                                    \
            case 6: TG_ACCUMULATE_LOOP(TG_PAIR(0) + TG_PAIR(2) + TG_PAIR(4))                                 \
            case 7: TG_ACCUMULATE_LOOP(TG_PAIR(0) + TG_PAIR(2) + (TG_PAIR(4) + x[6][i]))                     \
            case 8: TG_ACCUMULATE_LOOP(TG_PAIR(0) + TG_PAIR(2) + (TG_PAIR(4) + TG_PAIR(6)))                  \
        }                                                                                                    \
    }                                                                                                        \
    void tg_add_kernel_##suffix(int64_t n, void *out, const void *const *in, const void *attr) {             \
        (void)attr;                                                                                          \
        tg_accumulate_##suffix(n, out, in, 2);                                                               \
    }

TG_ACCUMULATE(f32, float)
TG_ACCUMULATE(f64, double)
TG_SUM_MERGE_ROWS(f32, float)
TG_SUM_MERGE_ROWS(f64, double)
TG_SUM_KERNELS(f32, float)
TG_SUM_KERNELS(f64, double)
