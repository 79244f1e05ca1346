/* test_array_format.c: printed arrays, as NumPy prints them (each expectation is a copy of its output). */
#include "core/array.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void expect_text(const void *data, tg_dtype dtype, tg_shape shape, const char *expected) {
    char text[4096], copy[4096];
    int64_t strides[TG_MAX_RANK];
    tg_strides_contiguous(shape, strides);
    memcpy(copy, data, (size_t)tg_shape_size(shape) * tg_dtype_size(dtype));
    const tg_array array = {copy, shape.dim, strides, shape.rank, dtype};
    cr_assert_eq(tg_array_format(&array, sizeof text, text), strlen(expected));
    cr_assert_str_eq(text, expected);
}

#define EXPECT_F64(shape, expected, ...) expect_text((double[]){__VA_ARGS__}, TG_F64, shape, expected)
#define EXPECT_F32(shape, expected, ...) expect_text((float[]){__VA_ARGS__}, TG_F32, shape, expected)
#define EXPECT_I64(shape, expected, ...) expect_text((int64_t[]){__VA_ARGS__}, TG_I64, shape, expected)
#define EXPECT_BOOL(shape, expected, ...) expect_text((bool[]){__VA_ARGS__}, TG_BOOL, shape, expected)

Test(array_format, numbers_alone_are_written_in_full) {
    EXPECT_F64(TG_SCALAR, "33.0", 33);
    EXPECT_F64(TG_SCALAR, "0.3333333333333333", 1.0 / 3);
    EXPECT_F64(TG_SCALAR, "-0.0", -0.0);
    EXPECT_F64(TG_SCALAR, "1e+16", 1e16);
    EXPECT_F64(TG_SCALAR, "1.5e-05", 1.5e-5);
    EXPECT_F64(TG_SCALAR, "1e-300", 1e-300);
    EXPECT_F64(TG_SCALAR, "-inf", -INFINITY);
    EXPECT_F64(TG_SCALAR, "nan", NAN);
    EXPECT_F32(TG_SCALAR, "0.1", 0.1F);
    EXPECT_I64(TG_SCALAR, "-9223372036854775808", INT64_MIN);
    EXPECT_BOOL(TG_SCALAR, "True", true);
}

Test(array_format, points_are_aligned_and_zeros_trimmed) {
    EXPECT_F64(TG_SHAPE(3), "[1. 2. 3.]", 1, 2, 3);
    EXPECT_F64(TG_SHAPE(3), "[ 1.5   2.25 -3.  ]", 1.5, 2.25, -3);
    EXPECT_F64(TG_SHAPE(2), "[0.33333333 0.66666667]", 1.0 / 3, 2.0 / 3);
    EXPECT_F32(TG_SHAPE(2), "[0.1 0.7]", 0.1F, 0.7F);
    EXPECT_F32(TG_SHAPE(2), "[45788072.   1378170.8]", 45788072, 1378170.8F);
}

Test(array_format, wide_ranges_are_written_in_scientific_notation) {
    EXPECT_F64(TG_SHAPE(2), "[1.e+08 1.e+00]", 1e8, 1);
    EXPECT_F64(TG_SHAPE(2), "[1.e-05 1.e+00]", 1e-5, 1);
    EXPECT_F64(TG_SHAPE(3), "[ 1.00000000e+00 -1.23456789e+05  0.00000000e+00]", 1, -123456.789, 0);
    EXPECT_F64(TG_SHAPE(2), "[1.e-300 1.e+005]", 1e-300, 1e5);
    EXPECT_F64(TG_SHAPE(2), "[9.9999999e+07 1.0000000e-04]", 99999999, 1e-4);
    EXPECT_F32(TG_SHAPE(2), "[1.0000000e-01 1.2345678e-05]", 0.1F, 1.23456785e-5F);
}

Test(array_format, nan_and_infinity_are_aligned_like_numbers) {
    EXPECT_F64(TG_SHAPE(4), "[1.5 nan inf 2. ]", 1.5, NAN, INFINITY, 2);
    EXPECT_F64(TG_SHAPE(2), "[-inf   1.]", -INFINITY, 1);
    EXPECT_F64(TG_SHAPE(2), "[nan nan]", NAN, NAN);
    EXPECT_F64(TG_SHAPE(2), "[   inf 1.e+20]", INFINITY, 1e20);
}

Test(array_format, integers_and_masks_are_aligned_to_the_right) {
    EXPECT_I64(TG_SHAPE(3), "[   1  -20 3000]", 1, -20, 3000);
    EXPECT_BOOL(TG_SHAPE(2), "[ True False]", true, false);
    EXPECT_BOOL(TG_SHAPE(1), "[ True]", true);
}

Test(array_format, rows_and_matrices_stand_below_each_other) {
    EXPECT_F64(TG_SHAPE(2, 2), "[[1.5  2.25]\n [3.   4.  ]]", 1.5, 2.25, 3, 4);
    EXPECT_I64(TG_SHAPE(2, 2, 2), "[[[1 2]\n  [3 4]]\n\n [[5 6]\n  [7 8]]]", 1, 2, 3, 4, 5, 6, 7, 8);
    EXPECT_I64(TG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), "[[[[[[[[5]]]]]]]]", 5);
}

Test(array_format, an_array_without_elements_is_two_brackets) {
    EXPECT_F64(TG_SHAPE(0), "[]", 0);
    EXPECT_F64(TG_SHAPE(3, 0), "[]", 0);
}

Test(array_format, long_rows_are_broken) {
    int64_t x[40];
    for (int i = 0; i < 40; i++) x[i] = i;
    expect_text(x, TG_I64, TG_SHAPE(40),
                "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n"
                " 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39]");
}

Test(array_format, many_elements_are_summarized) {
    int64_t *x = malloc(1200 * sizeof *x);
    char text[1000];
    for (int i = 0; i < 1200; i++) x[i] = i;
    const int64_t line[] = {1200}, one[] = {1}, square[] = {30, 40}, strides[] = {40, 1}, thin[] = {400, 3},
                  three[] = {3, 1};
    tg_array array = {x, line, one, 1, TG_I64};
    tg_array_format(&array, sizeof text, text);
    cr_assert_str_eq(text, "[   0    1    2 ... 1197 1198 1199]");
    array = (tg_array){x, square, strides, 2, TG_I64};
    tg_array_format(&array, sizeof text, text);
    cr_assert_str_eq(text,
                     "[[   0    1    2 ...   37   38   39]\n [  40   41   42 ...   77   78   79]\n"
                     " [  80   81   82 ...  117  118  119]\n ...\n [1080 1081 1082 ... 1117 1118 1119]\n"
                     " [1120 1121 1122 ... 1157 1158 1159]\n [1160 1161 1162 ... 1197 1198 1199]]");
    array = (tg_array){x, thin, three, 2, TG_I64};
    tg_array_format(&array, sizeof text, text);
    cr_assert_str_eq(text,
                     "[[   0    1    2]\n [   3    4    5]\n [   6    7    8]\n ...\n [1191 1192 1193]\n"
                     " [1194 1195 1196]\n [1197 1198 1199]]");
    free(x);
}

Test(array_format, strides_are_followed) {
    double x[] = {1, 2, 3, 4, 5, 6};
    const int64_t shape[] = {3, 2}, strides[] = {-1, -3};
    const tg_array array = {x + 5, shape, strides, 2, TG_F64};
    char text[100];
    tg_array_format(&array, sizeof text, text);
    cr_assert_str_eq(text, "[[6. 3.]\n [5. 2.]\n [4. 1.]]");
}

Test(array_format, nothing_is_written_past_the_capacity) {
    float x[] = {1, 2, 3};
    const int64_t shape[] = {3}, strides[] = {1};
    const tg_array array = {x, shape, strides, 1, TG_F32};
    for (size_t capacity = 0; capacity < 14; capacity++) {
        char text[16];
        memset(text, '#', sizeof text);
        cr_assert_eq(tg_array_format(&array, capacity, capacity == 0 ? NULL : text), 10);
        size_t length = capacity == 0 ? 0 : capacity - 1 < 10 ? capacity - 1 : 10;
        cr_assert_eq(strncmp(text, "[1. 2. 3.]", length), 0);
        if (capacity > 0) cr_assert_eq(text[length], '\0');
        for (size_t i = capacity; i < sizeof text; i++) cr_assert_eq(text[i], '#');
    }
}
