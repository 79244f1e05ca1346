/* test_reduce_driver.c: reductions over any axes of any layout, their precision, and the sum kernels. */
#include "core/reduce_driver.h"
#include "core/reduce_kernels.h"
#include "tests/core/random_array.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* The largest element; shows that the start value matters, and that nothing is counted as 0. */
static void max_fold(int64_t n, void *accumulator, const void *x) {
    double *most = accumulator;
    for (int64_t i = 0; i < n; i++) *most = fmax(*most, ((const double *)x)[i]);
}
static void max_merge(int64_t n, void *accumulator, const void *x) {
    for (int64_t i = 0; i < n; i++) max_fold(1, (double *)accumulator + i, (const double *)x + i);
}
static const tg_reduction_kernels max_kernels = {.fold = max_fold, .merge = max_merge};

/* A sum that ends as 1000 count + sum. */
static void finish_with_count(int64_t n, void *accumulator, int64_t count) {
    for (int64_t i = 0; i < n; i++) ((double *)accumulator)[i] += 1000.0 * (double)count;
}

static struct random_array *reduced(const tg_reduction_kernels *kernels, double start, unsigned mask,
                                    const tg_array *in) {
    struct random_array *out =
        random_array_new(in->dtype, tg_shape_reduced(tg_array_shape(in), mask, one_in(2)), true);
    tg_reduce_run(kernels, start, mask, in, &out->array);
    return out;
}

/* Sums and greatest elements by one loop over all elements. */
static void reference(const tg_array *in, unsigned mask, long double *sum, long double *most) {
    tg_shape shape = tg_array_shape(in);
    for (int64_t i = 0; i < tg_shape_size(shape); i++) {
        int64_t place = i, to = 0, scale = 1;
        for (int axis = shape.rank - 1; axis >= 0; axis--) {
            int64_t index = place % shape.dim[axis];
            place /= shape.dim[axis];
            if (mask >> axis & 1) continue;
            to += index * scale;
            scale *= shape.dim[axis];
        }
        long double x = element_at(in, shape, i);
        sum[to] += x;
        if (x > most[to]) most[to] = x;
    }
}

static void expect_reduced(tg_shape shape, unsigned mask, bool plain) {
    tg_dtype dtype = one_in(2) ? TG_F32 : TG_F64;
    struct random_array *in = random_array_new(dtype, shape, plain);
    struct random_array *sums =
        reduced(dtype == TG_F32 ? &tg_sum_kernels_f32 : &tg_sum_kernels_f64, 0, mask, &in->array);
    struct random_array *most = dtype == TG_F64 ? reduced(&max_kernels, -100, mask, &in->array) : NULL;
    const int64_t n = tg_array_size(&sums->array);
    long double *expected_sum = calloc((size_t)n + 1, sizeof(long double));
    long double *expected_most = calloc((size_t)n + 1, sizeof(long double));
    for (int64_t i = 0; i < n; i++) expected_most[i] = -100;
    reference(&in->array, mask, expected_sum, expected_most);
    for (int64_t i = 0; i < n; i++) {
        cr_assert(get_element(&sums->array, i) == expected_sum[i]);
        cr_assert(most == NULL || get_element(&most->array, i) == expected_most[i]);
    }
    free(expected_sum);
    free(expected_most);
    random_array_free(in);
    random_array_free(sums);
    if (most != NULL) random_array_free(most);
}

Test(reduce_driver, any_axes_of_any_layout_are_reduced) {
    for (int turn = 0; turn < 3000; turn++) {
        tg_shape shape =
            random_shape((int)random_between(0, turn % 20 == 0 ? 8 : 5), turn % 20 == 1 ? 12 : 4);
        expect_reduced(shape, (unsigned)random_between(0, (1 << shape.rank) - 1), one_in(3));
    }
}

Test(reduce_driver, large_arrays_of_any_layout_are_reduced) {
    const tg_shape shapes[] = {TG_SHAPE(300, 500), TG_SHAPE(140000),     TG_SHAPE(50000, 3),
                               TG_SHAPE(3, 50000), TG_SHAPE(40, 60, 60), TG_SHAPE(2000, 70),
                               TG_SHAPE(70, 2000), TG_SHAPE(9, 1500, 11)};
    for (int turn = 0; turn < 40; turn++) {
        tg_shape shape = shapes[turn % 8];
        expect_reduced(shape, (unsigned)random_between(1, (1 << shape.rank) - 1), turn < 16);
    }
}

Test(reduce_driver, nothing_reduced_leaves_the_start_and_finishes) {
    const tg_reduction_kernels kernels = {.fold = max_fold, .merge = max_merge, .finish = finish_with_count};
    struct random_array *in = random_array_new(TG_F64, TG_SHAPE(3, 0), true);
    struct random_array *rows = reduced(&kernels, -7, 2, &in->array),
                        *columns = reduced(&kernels, -7, 1, &in->array);
    cr_assert_eq(tg_array_size(&rows->array), 3);
    for (int64_t i = 0; i < 3; i++) cr_assert(get_element(&rows->array, i) == -7);
    cr_assert_eq(tg_array_size(&columns->array), 0);
    random_array_free(in);
    random_array_free(rows);
    random_array_free(columns);
}

Test(reduce_driver, finish_sees_every_result_once_and_the_count) {
    tg_reduction_kernels kernels = tg_sum_kernels_f64;
    kernels.finish = finish_with_count;
    struct random_array *in = random_array_new(TG_F64, TG_SHAPE(30, 700), true);
    for (unsigned mask = 0; mask < 4; mask++) {
        struct random_array *with = reduced(&kernels, 0, mask, &in->array);
        struct random_array *without = reduced(&tg_sum_kernels_f64, 0, mask, &in->array);
        const int count = (mask & 1 ? 30 : 1) * (mask & 2 ? 700 : 1);
        for (int64_t i = 0; i < tg_array_size(&with->array); i++) {
            cr_assert(get_element(&with->array, i) == get_element(&without->array, i) + 1000 * count);
        }
        random_array_free(with);
        random_array_free(without);
    }
    random_array_free(in);
}

/* n times 0.1f, a number that rounds at nearly every addition, laid out as rows. */
static float *tenths(int64_t n) {
    float *x = malloc((size_t)n * sizeof(float));
    for (int64_t i = 0; i < n; i++) x[i] = 0.1F;
    return x;
}

Test(reduce_driver, the_error_of_ten_million_terms_is_a_few_roundings) {
    const int64_t n = 10000000;
    float *x = tenths(n), sum = 0;
    const int64_t strides[] = {1};
    const tg_array in = {x, &n, strides, 1, TG_F32}, out = {&sum, NULL, NULL, 0, TG_F32};
    tg_reduce_run(&tg_sum_kernels_f32, 0, 1, &in, &out);
    const double exact = (double)0.1F * (double)n;
    cr_assert_leq(fabs((double)sum - exact) / exact, 8 * (double)FLT_EPSILON);
    free(x);
}

Test(reduce_driver, the_error_over_outer_axes_is_a_few_roundings_too) {
    const int64_t columns[] = {1, 3, 40, 600};
    const int64_t n = 2400000;
    float *x = tenths(n), sums[600];
    for (int i = 0; i < 4; i++) {
        const int64_t shape[] = {n / columns[i], columns[i]}, strides[] = {columns[i], 1},
                      turned[] = {1, n / columns[i]};
        const tg_array out = {sums, shape + 1, strides + 1, 1, TG_F32};
        for (int layout = 0; layout < 2; layout++) {
            const tg_array in = {x, shape, layout == 0 ? strides : turned, 2, TG_F32};
            tg_reduce_run(&tg_sum_kernels_f32, 0, 1, &in, &out);
            const double exact = (double)0.1F * (double)shape[0];
            for (int64_t j = 0; j < columns[i]; j++) {
                cr_assert_leq(fabs((double)sums[j] - exact) / exact, 16 * (double)FLT_EPSILON);
            }
        }
    }
    free(x);
}

Test(reduce_driver, results_do_not_depend_on_the_number_of_threads) {
    enum { SIZE = 240000 };
    float *x = malloc(SIZE * sizeof(float));
    const tg_shape shapes[] = {TG_SHAPE(SIZE), TG_SHAPE(4, 60000), TG_SHAPE(60000, 4), TG_SHAPE(400, 600),
                               TG_SHAPE(600, 400)};
    for (int i = 0; i < SIZE; i++) x[i] = 1 / (float)(i + 1);
    for (int i = 0; i < 5; i++) {
        int64_t strides[TG_MAX_RANK];
        tg_strides_contiguous(shapes[i], strides);
        const tg_array in = {x, shapes[i].dim, strides, shapes[i].rank, TG_F32};
        for (unsigned mask = 1; mask < 1U << shapes[i].rank; mask++) {
            use_threads(1);
            struct random_array *one = reduced(&tg_sum_kernels_f32, 0, mask, &in);
            use_threads(2);
            struct random_array *two = reduced(&tg_sum_kernels_f32, 0, mask, &in);
            use_threads(3);
            struct random_array *three = reduced(&tg_sum_kernels_f32, 0, mask, &in);
            size_t bytes = (size_t)tg_array_size(&one->array) * sizeof(float);
            cr_assert_eq(memcmp(one->array.data, two->array.data, bytes), 0);
            cr_assert_eq(memcmp(one->array.data, three->array.data, bytes), 0);
            random_array_free(one);
            random_array_free(two);
            random_array_free(three);
        }
    }
    free(x);
}

Test(reduce_driver, a_fold_of_any_length_sums_all) {
    double x[1500];
    for (int i = 0; i < 1500; i++) x[i] = i + 1;
    for (int n = 0; n <= 1500; n++) {
        double sum = 5;
        tg_sum_kernels_f64.fold(n, &sum, x);
        cr_assert(sum == 5 + 0.5 * n * (n + 1));
    }
}

/* Blocks of 256 in 16 bytes times four lanes, joined pairwise; what is left in eight lanes, and one by one.
 */
#define TG_SUM_AS_SAID(name, type)                                                                           \
    static type name(int64_t n, const type *x) {                                                             \
        enum { N = 16 / sizeof(type) };                                                                      \
        type partial[64], lane[4 * N], eight[8] = {0}, rest = 0;                                             \
        int top = 0;                                                                                         \
        for (int64_t block = 1; block <= n / 256; block++, x += 256) {                                       \
            for (int j = 0; j < 4 * N; j++) lane[j] = 0;                                                     \
            for (int i = 0; i < 256; i++) lane[i % (4 * N)] += x[i];                                         \
            for (int j = 0; j < 2 * N; j++) lane[j] += lane[j + 2 * N];                                      \
            for (int j = 0; j < N; j++) lane[j] += lane[j + N];                                              \
            partial[top++] = N == 2 ? lane[0] + lane[1] : (lane[0] + lane[2]) + (lane[1] + lane[N - 1]);     \
            for (int64_t pairs = block; pairs % 2 == 0; pairs /= 2, top--)                                   \
                partial[top - 2] += partial[top - 1];                                                        \
        }                                                                                                    \
        for (int64_t i = 0; i < n % 256; i++) *(i < n % 256 / 8 * 8 ? &eight[i % 8] : &rest) += x[i];        \
        for (int half = 4; half > 0; half /= 2)                                                              \
            for (int j = 0; j < half; j++) eight[j] += eight[j + half];                                      \
        type total = rest + eight[0];                                                                        \
        while (top > 0) total += partial[--top];                                                             \
        return total;                                                                                        \
    }
TG_SUM_AS_SAID(sum_as_said_f32, float)
TG_SUM_AS_SAID(sum_as_said_f64, double)

Test(reduce_driver, a_fold_adds_in_one_order_on_every_level_of_cpu) {
    double f64[1500];
    float f32[1500];
    tg_random_normal(tg_key_new(3), 1500, f64);
    for (int i = 0; i < 1500; i++) f32[i] = (float)f64[i];
    for (int64_t n = 0; n < 1500; n += n < 20 ? 1 : 37) {
        double sum = 0;
        float sum_f32 = 0;
        tg_sum_fold_f64(n, &sum, f64);
        tg_sum_fold_f32(n, &sum_f32, f32);
        cr_expect(sum == sum_as_said_f64(n, f64), "%lld elements", (long long)n);
        cr_expect(sum_f32 == sum_as_said_f32(n, f32), "%lld elements", (long long)n);
    }
}

Test(reduce_driver, up_to_eight_arrays_are_accumulated) {
    float x[TG_MAX_MAP_INPUTS][37], out[37];
    double y[2][5] = {{1, 2, 3, 4, 5}, {10, 20, 30, 40, 50}}, *pair[] = {y[0], y[1]};
    const void *in[TG_MAX_MAP_INPUTS];
    for (int k = 0; k < TG_MAX_MAP_INPUTS; k++) {
        in[k] = x[k];
        for (int i = 0; i < 37; i++) x[k][i] = (float)((k + 1) * (i + 1));
    }
    for (int n_in = 1; n_in <= TG_MAX_MAP_INPUTS; n_in++) {
        tg_accumulate_f32(37, out, in, n_in);
        for (int i = 0; i < 37; i++) cr_assert(out[i] == (float)((i + 1) * n_in * (n_in + 1) / 2));
    }
    tg_accumulate_f32(37, x[1], in, 3);
    for (int i = 0; i < 37; i++) cr_assert(x[1][i] == (float)(6 * (i + 1)));
    tg_add_kernel_f64(5, y[0], (const void *const *)pair, NULL);
    for (int i = 0; i < 5; i++) cr_assert(y[0][i] == 11 * (i + 1));
}
