/* test_map_driver.c: elementwise kernels over every kind of operand, against one loop over elements. */
#include "core/map_driver.h"
#include "tests/core/random_array.h"

#include <string.h>

/* out = in[0] - 2 in[1], and longer alike, so that the order of the inputs matters. *attr counts calls. */
#define TG_WEIGHTED(name, type, n_in)                                                                        \
    static void name(int64_t n, void *out, const void *const *in, const void *attr) {                        \
        int64_t *calls = *(int64_t *const *)attr;                                                            \
        if (calls != NULL) ++*calls;                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            type sum = 0;                                                                                    \
            for (int k = 0; k < n_in; k++) sum += (type)(1 - 3 * k) * ((const type *)in[k])[i];              \
            ((type *)out)[i] = sum;                                                                          \
        }                                                                                                    \
    }
TG_WEIGHTED(weighted_1_f32, float, 1)
TG_WEIGHTED(weighted_2_f32, float, 2)
TG_WEIGHTED(weighted_8_f32, float, 8)
TG_WEIGHTED(weighted_2_f64, double, 2)

/* out = mask ? x : index, over three dtypes. */
static void choose(int64_t n, void *out, const void *const *in, const void *attr) {
    (void)attr;
    for (int64_t i = 0; i < n; i++) {
        float other = (float)((const int64_t *)in[2])[i];
        ((float *)out)[i] = ((const bool *)in[0])[i] ? ((const float *)in[1])[i] : other;
    }
}

static void negate(int64_t n, void *out, const void *const *in, const void *attr) {
    (void)attr;
    for (int64_t i = 0; i < n; i++) ((bool *)out)[i] = !((const bool *)in[0])[i];
}

/* A shape that broadcasts to the given one. */
static tg_shape narrowed(tg_shape shape) {
    int dropped = one_in(3) ? (int)random_between(0, shape.rank) : 0;
    tg_shape out = {shape.rank - dropped, {0}};
    for (int i = 0; i < out.rank; i++) out.dim[i] = one_in(4) ? 1 : shape.dim[i + dropped];
    return out;
}

static void expect_weighted(tg_map_kernel *kernel, int n_in, tg_dtype dtype, tg_shape shape, tg_cost cost) {
    struct random_array *x[TG_MAX_MAP_INPUTS], *out = random_array_new(dtype, shape, true);
    tg_array in[TG_MAX_MAP_INPUTS];
    int64_t *uncounted = NULL;
    for (int k = 0; k < n_in; k++) {
        x[k] = random_array_new(dtype, narrowed(shape), one_in(3));
        in[k] = x[k]->array;
    }
    tg_map_run(kernel, n_in, in, &out->array, &uncounted, cost);
    for (int64_t i = 0; i < tg_shape_size(shape); i++) {
        long double expected = 0;
        for (int k = 0; k < n_in; k++) expected += (1 - 3 * k) * element_at(&in[k], shape, i);
        cr_assert(element_at(&out->array, shape, i) == expected);
    }
    for (int k = 0; k < n_in; k++) random_array_free(x[k]);
    random_array_free(out);
}

Test(map_driver, operands_of_any_strides_are_broadcast) {
    for (int turn = 0; turn < 2000; turn++) {
        tg_shape shape = random_shape((int)random_between(0, 5), turn % 20 == 0 ? 9 : 4);
        expect_weighted(weighted_2_f32, 2, TG_F32, shape, TG_CHEAP);
        expect_weighted(weighted_2_f64, 2, TG_F64, shape, TG_COSTLY);
    }
}

Test(map_driver, one_and_eight_inputs_work_alike) {
    for (int turn = 0; turn < 200; turn++) {
        tg_shape shape = random_shape((int)random_between(0, 8), 3);
        expect_weighted(weighted_1_f32, 1, TG_F32, shape, TG_CHEAP);
        expect_weighted(weighted_8_f32, 8, TG_F32, shape, TG_CHEAP);
    }
}

Test(map_driver, large_operands_of_any_strides_are_broadcast) {
    const tg_shape shapes[] = {TG_SHAPE(300, 401), TG_SHAPE(7, 130, 50), TG_SHAPE(60000, 3),
                               TG_SHAPE(3, 60000), TG_SHAPE(100001)};
    for (int turn = 0; turn < 20; turn++) {
        expect_weighted(weighted_2_f32, 2, TG_F32, shapes[turn % 5], turn % 2 == 0 ? TG_CHEAP : TG_COSTLY);
    }
}

Test(map_driver, operands_may_have_different_dtypes) {
    for (int turn = 0; turn < 300; turn++) {
        tg_shape shape = random_shape((int)random_between(0, 3), turn % 10 == 0 ? 40 : 6);
        struct random_array *mask = random_array_new(TG_BOOL, narrowed(shape), one_in(2));
        struct random_array *x = random_array_new(TG_F32, narrowed(shape), one_in(2));
        struct random_array *index = random_array_new(TG_I64, narrowed(shape), one_in(2));
        struct random_array *out = random_array_new(TG_F32, shape, true);
        const tg_array in[] = {mask->array, x->array, index->array};
        tg_map_run(choose, 3, in, &out->array, NULL, TG_CHEAP);
        for (int64_t i = 0; i < tg_shape_size(shape); i++) {
            int from = element_at(&in[0], shape, i) != 0 ? 1 : 2;
            cr_assert(element_at(&out->array, shape, i) == element_at(&in[from], shape, i));
        }
        random_array_free(mask);
        random_array_free(x);
        random_array_free(index);
        random_array_free(out);
    }
}

Test(map_driver, masks_are_results_too) {
    tg_shape shape = TG_SHAPE(70, 90);
    struct random_array *x = random_array_new(TG_BOOL, shape, false),
                        *out = random_array_new(TG_BOOL, shape, true);
    tg_map_run(negate, 1, &x->array, &out->array, NULL, TG_CHEAP);
    for (int64_t i = 0; i < 70 * 90; i++) {
        cr_assert((element_at(&out->array, shape, i) != 0) == (element_at(&x->array, shape, i) == 0));
    }
    random_array_free(x);
    random_array_free(out);
}

Test(map_driver, the_output_may_be_one_of_the_inputs) {
    tg_shape shape = TG_SHAPE(40, 50);
    struct random_array *x = random_array_new(TG_F32, shape, true),
                        *row = random_array_new(TG_F32, TG_SHAPE(50), true);
    float before[2000];
    int64_t *uncounted = NULL;
    memcpy(before, x->array.data, sizeof before);
    const tg_array in[] = {x->array, row->array};
    tg_map_run(weighted_2_f32, 2, in, &x->array, &uncounted, TG_CHEAP);
    for (int64_t i = 0; i < 2000; i++) {
        cr_assert(element_at(&x->array, shape, i) ==
                  (long double)before[i] - 2 * element_at(&row->array, shape, i));
    }
    random_array_free(x);
    random_array_free(row);
}

static int64_t calls_for(const tg_array *a, const tg_array *b, const tg_array *out) {
    int64_t calls = 0, *counter = &calls;
    const tg_array in[] = {*a, *b};
    use_threads(1);
    tg_map_run(weighted_2_f32, 2, in, out, &counter, TG_CHEAP);
    return calls;
}

Test(map_driver, contiguous_operands_take_one_call_and_others_few) {
    struct random_array *x = random_array_new(TG_F32, TG_SHAPE(64, 1000), true);
    struct random_array *scalar = random_array_new(TG_F32, TG_SCALAR, true);
    struct random_array *column = random_array_new(TG_F32, TG_SHAPE(64, 1), true);
    struct random_array *none = random_array_new(TG_F32, TG_SHAPE(0, 1000), true);
    cr_assert_eq(calls_for(&x->array, &x->array, &x->array), 1);
    cr_assert_eq(calls_for(&x->array, &scalar->array, &x->array), 125);
    cr_assert_eq(calls_for(&x->array, &column->array, &x->array), 125);
    cr_assert_eq(calls_for(&none->array, &none->array, &none->array), 0);
    random_array_free(x);
    random_array_free(scalar);
    random_array_free(column);
    random_array_free(none);
}

Test(map_driver, results_do_not_depend_on_the_number_of_threads) {
    tg_shape shape = TG_SHAPE(3, 40001);
    struct random_array *x = random_array_new(TG_F32, TG_SHAPE(40001), false),
                        *y = random_array_new(TG_F32, shape, false);
    struct random_array *one = random_array_new(TG_F32, shape, true),
                        *many = random_array_new(TG_F32, shape, true);
    const tg_array in[] = {x->array, y->array};
    int64_t *uncounted = NULL;
    use_threads(1);
    tg_map_run(weighted_2_f32, 2, in, &one->array, &uncounted, TG_COSTLY);
    use_threads(3);
    tg_map_run(weighted_2_f32, 2, in, &many->array, &uncounted, TG_COSTLY);
    cr_assert_arr_eq(one->array.data, many->array.data, 3 * 40001 * sizeof(float));
    random_array_free(x);
    random_array_free(y);
    random_array_free(one);
    random_array_free(many);
}
