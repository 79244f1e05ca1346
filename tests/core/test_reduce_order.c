/* test_reduce_order.c: the tree of a reduction has the same bits wherever its parts are computed. */
#include "core/reduce_order.h"

#include "core/reduce_driver.h"
#include "core/reduce_kernels.h"
#include "tests/core/random_array.h"

#include <string.h>

enum { LEAF = TG_LEAF_BYTES / sizeof(float), PART = TG_TREE_RADIX * LEAF };

static const tg_reducer sum = {&tg_sum_kernels_f32, 0, sizeof(float)};

/* 1, 1/2, 1/3, ...: every order of summation has its own rounding. */
static float *fractions(int64_t n) {
    float *x = malloc((size_t)n * sizeof *x);
    cr_assert(x);
    for (int64_t i = 0; i < n; i++) x[i] = 1 / (float)(i + 1);
    return x;
}

static void expect_same_bits(int64_t n, const float *a, const float *b) {
    cr_expect_eq(memcmp(a, b, (size_t)n * sizeof *a), 0);
}

static void reduce(const float *x, int64_t rows, int64_t columns, unsigned mask, float *out) {
    const int64_t shape[] = {rows, columns}, strides[] = {columns, 1};
    const tg_array in = {(void *)(uintptr_t)x, shape, strides, 2, TG_F32};
    const tg_array to = {out, mask == 1 ? shape + 1 : shape, strides + 1, 1, TG_F32};
    tg_reduce_run(&tg_sum_kernels_f32, 0, mask, &in, &to);
}

Test(reduce_order, a_row_is_the_join_of_its_parts) {
    const int64_t sizes[] = {PART, PART + 1, 3 * PART - 5, 16 * PART, 17 * PART + LEAF + 3, 300 * PART + 9};
    for (int i = 0; i < 6; i++) {
        const int64_t n = sizes[i], n_parts = (n + PART - 1) / PART;
        float *x = fractions(n), *parts = calloc((size_t)n_parts, sizeof *parts), whole;
        cr_assert(parts);
        for (int64_t at = 0; at < n; at += LEAF)
            tg_sum_fold_f32(n - at < LEAF ? n - at : LEAF, &parts[at / PART], x + at);
        tg_join_parts(&sum, n_parts, 1, parts);
        reduce(x, 1, n, 2, &whole);
        expect_same_bits(1, parts, &whole);
        free(x);
        free(parts);
    }
}

Test(reduce_order, columns_are_the_join_of_parts_of_their_rows) {
    const int64_t columns[] = {2, 10, 25, 128, 700, 3000};
    for (int i = 0; i < 6; i++) {
        const int64_t width = columns[i], rows = i < 4 ? 40000 / width + 7 : 101;
        const int64_t lanes = tg_leaf_rows(width, rows, sizeof(float)), part = TG_TREE_RADIX * lanes,
                      n_parts = (rows + part - 1) / part;
        float *x = fractions(rows * width), *whole = calloc((size_t)width, sizeof *whole);
        float *parts = calloc((size_t)(n_parts * lanes * width), sizeof *parts);
        cr_assert(parts && whole);
        for (int64_t row = 0, n; row < rows; row += n) {
            n = rows - row < lanes ? rows - row : lanes;
            tg_sum_merge_f32(n * width, parts + row / part * lanes * width, x + row * width);
        }
        tg_join_parts(&sum, n_parts, lanes * width, parts);
        tg_join_lanes(&sum, width, lanes, parts);
        reduce(x, rows, width, 1, whole);
        expect_same_bits(width, parts, whole);
        free(x);
        free(parts);
        free(whole);
    }
}

Test(reduce_order, rows_are_folded_as_the_driver_folds_them) {
    const int64_t rows[] = {1, 3, 20, 31, 513, 700};
    for (int64_t row = 1; row <= LEAF; row = row < 40 ? row + 1 : row + 59)
        for (int i = 0; i < 6; i++) {
            float *x = fractions(rows[i] * row), ours[700], driver[700];
            tg_fold_rows(&sum, rows[i], row, row, tg_rows_are_short(rows[i], row), ours, x);
            reduce(x, rows[i], row, 2, driver);
            expect_same_bits(rows[i], ours, driver);
            free(x);
        }
}

Test(reduce_order, rows_are_merged_one_after_the_other_with_or_without_a_kernel) {
    float *x = fractions(70 * 9), with[70] = {0}, without[70] = {0};
    const tg_reduction_kernels one_by_one = {.fold = tg_sum_fold_f32, .merge = tg_sum_merge_f32};
    tg_merge_rows(&sum, 67, with, 9, 70, x);
    tg_merge_rows(&(tg_reducer){&one_by_one, 0, sizeof(float)}, 67, without, 9, 70, x);
    expect_same_bits(70, with, without);
    cr_expect_eq(with[67], 0);
    free(x);
}
