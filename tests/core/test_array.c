/* test_array.c: contiguity, and copies between all element types and layouts. */
#include "core/array.h"
#include "tests/core/random_array.h"

#include <math.h>
#include <string.h>

static tg_array contiguous(void *data, const int64_t *shape, const int64_t *strides, int rank,
                           tg_dtype dtype) {
    return (tg_array){data, shape, strides, rank, dtype};
}

Test(array, contiguity_ignores_the_strides_of_single_elements) {
    const int64_t shape[] = {2, 1, 3}, strides[] = {3, 99, 1}, gaps[] = {4, 99, 1}, reversed[] = {-3, 99, 1};
    tg_array x = contiguous(NULL, shape, strides, 3, TG_F32);
    cr_assert(tg_array_is_contiguous(&x));
    cr_assert_eq(tg_array_size(&x), 6);
    x.strides = gaps;
    cr_assert_not(tg_array_is_contiguous(&x));
    x.strides = reversed;
    cr_assert_not(tg_array_is_contiguous(&x));
}

Test(array, an_array_without_elements_is_contiguous_whatever_its_strides) {
    const int64_t shape[] = {0, INT64_C(1) << 62}, strides[] = {-7, 3};
    tg_array x = contiguous(NULL, shape, strides, 2, TG_F32);
    cr_assert(tg_array_is_contiguous(&x));
    cr_assert_eq(tg_array_size(&x), 0);
}

Test(array, contiguous_strides_are_row_major) {
    int64_t strides[TG_MAX_RANK];
    tg_strides_contiguous(TG_SHAPE(2, 3, 4), strides);
    cr_assert(strides[0] == 12 && strides[1] == 4 && strides[2] == 1);
    tg_strides_contiguous(TG_SHAPE(2, 0, 4), strides);
    cr_assert(strides[0] == 4 && strides[1] == 4 && strides[2] == 1);
    const int64_t shape[] = {2, 3};
    tg_array x = contiguous(NULL, shape, strides, 2, TG_F32);
    cr_assert(tg_shape_equal(tg_array_shape(&x), TG_SHAPE(2, 3)));
}

Test(array, copies_reach_every_layout_and_dtype_from_every_other) {
    for (int turn = 0; turn < 3000; turn++) {
        tg_shape shape = random_shape((int)random_between(0, turn % 10 == 0 ? 8 : 4), turn % 50 == 0 ? 6 : 4);
        struct random_array *from = random_array_new((tg_dtype)random_between(0, 3), shape, one_in(3));
        struct random_array *to = random_array_new((tg_dtype)random_between(0, 3), shape, one_in(2));
        bool overlaps_itself = false; /* as a broadcast target, which nobody may write to */
        for (int i = 0; i < shape.rank; i++) overlaps_itself |= to->strides[i] == 0 && shape.dim[i] > 1;
        if (!overlaps_itself) {
            tg_array_copy(&to->array, &from->array);
            for (int64_t i = 0; i < tg_shape_size(shape); i++) {
                long double x = element_at(&from->array, shape, i);
                if (to->array.dtype == TG_BOOL) x = x != 0;
                cr_assert(element_at(&to->array, shape, i) == x);
            }
        }
        random_array_free(from);
        random_array_free(to);
    }
}

Test(array, copies_of_large_transposed_arrays_are_whole) {
    const int64_t shape[] = {300, 400}, turned[] = {1, 300}, strides[] = {400, 1};
    double *from = malloc(sizeof(double) * 300 * 400), *to = malloc(sizeof(double) * 300 * 400);
    for (int i = 0; i < 300 * 400; i++) from[i] = i;
    tg_array x = contiguous(from, shape, turned, 2, TG_F64), y = contiguous(to, shape, strides, 2, TG_F64);
    tg_array_copy(&y, &x);
    for (int i = 0; i < 300; i++) {
        for (int j = 0; j < 400; j++) cr_assert(to[i * 400 + j] == from[i + j * 300]);
    }
    free(from);
    free(to);
}

Test(array, conversion_to_integers_truncates_and_saturates) {
    double from[] = {2.9,   -2.9,   NAN,    INFINITY, -INFINITY,
                     1e300, -1e300, 0x1p63, -0x1p63,  0x1.fffffffffffffp62};
    int64_t expected[] = {2,         -2,        0,         INT64_MAX, INT64_MIN,
                          INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, INT64_C(0x7ffffffffffffc00)};
    int64_t to[10];
    const int64_t shape[] = {10}, strides[] = {1};
    tg_array x = contiguous(from, shape, strides, 1, TG_F64), y = contiguous(to, shape, strides, 1, TG_I64);
    tg_array_copy(&y, &x);
    for (int i = 0; i < 10; i++) cr_assert_eq(to[i], expected[i]);
    float f32[] = {-7.5F, NAN, INFINITY};
    const int64_t three[] = {3};
    x = contiguous(f32, three, strides, 1, TG_F32);
    y.shape = three;
    tg_array_copy(&y, &x);
    cr_assert(to[0] == -7 && to[1] == 0 && to[2] == INT64_MAX);
}

Test(array, conversion_to_bool_asks_for_nonzero) {
    double from[] = {0, -0.0, NAN, 1e-300, -3};
    bool to[5];
    const int64_t shape[] = {5}, strides[] = {1};
    tg_array x = contiguous(from, shape, strides, 1, TG_F64), y = contiguous(to, shape, strides, 1, TG_BOOL);
    tg_array_copy(&y, &x);
    cr_assert(!to[0] && !to[1] && to[2] && to[3] && to[4]);
}

Test(array, copying_nothing_or_an_array_onto_itself_is_harmless) {
    const int64_t none[] = {0, 3}, strides[] = {3, 1}, shape[] = {2, 3};
    tg_array empty = contiguous(NULL, none, strides, 2, TG_F32);
    tg_array_copy(&empty, &empty);
    float values[] = {1, 2, 3, 4, 5, 6};
    tg_array x = contiguous(values, shape, strides, 2, TG_F32);
    tg_array_copy(&x, &x);
    for (int i = 0; i < 6; i++) cr_assert(values[i] == (float)(i + 1));
}
