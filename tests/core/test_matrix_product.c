/* test_matrix_product.c: products of matrices of any sizes and strides against three plain loops. */
#include "core/matrix_product.h"
#include "core/small_product.h"
#include "tests/core/random_array.h"

#include <math.h>
#include <string.h>

struct factors {
    struct random_array *a, *b, *c;
    tg_shape a_shape, b_shape, c_shape;
};

/* a is [..., m, k], b is [..., k, n]; not plain: with any strides. */
static struct factors factors_new(tg_dtype dtype, tg_shape batch, int64_t m, int64_t n, int64_t k,
                                  bool plain) {
    struct factors f = {.a_shape = batch, .b_shape = batch, .c_shape = batch};
    const int rank = batch.rank + 2;
    f.a_shape.rank = f.b_shape.rank = f.c_shape.rank = rank;
    f.a_shape.dim[rank - 2] = f.c_shape.dim[rank - 2] = m;
    f.a_shape.dim[rank - 1] = f.b_shape.dim[rank - 2] = k;
    f.b_shape.dim[rank - 1] = f.c_shape.dim[rank - 1] = n;
    f.a = random_array_new(dtype, f.a_shape, plain);
    f.b = random_array_new(dtype, f.b_shape, plain);
    f.c = random_array_new(dtype, f.c_shape, true);
    return f;
}

static void factors_free(struct factors *f) {
    random_array_free(f->a);
    random_array_free(f->b);
    random_array_free(f->c);
}

static void multiply(const tg_array *a, const tg_array *b, const tg_array *c) {
    const size_t bytes = tg_matrix_product_scratch(a, b);
    void *scratch = bytes > 0 ? malloc(bytes) : NULL;
    tg_matrix_product(a, b, c, scratch);
    free(scratch);
}

static long double expected_at(const struct factors *f, int64_t place) {
    const int rank = f->c_shape.rank;
    const int64_t n = f->c_shape.dim[rank - 1], m = f->c_shape.dim[rank - 2], k = f->a_shape.dim[rank - 1];
    const int64_t column = place % n, row = place / n % m, batch = place / n / m;
    long double sum = 0;
    for (int64_t p = 0; p < k; p++) {
        sum += element_at(&f->a->array, f->a_shape, (batch * m + row) * k + p) *
               element_at(&f->b->array, f->b_shape, (batch * k + p) * n + column);
    }
    return sum;
}

/* Looks at every step-th element. */
static void expect_product(struct factors f, int64_t step) {
    multiply(&f.a->array, &f.b->array, &f.c->array);
    for (int64_t i = 0; i < tg_shape_size(f.c_shape); i += step) {
        cr_assert(get_element(&f.c->array, i) == expected_at(&f, i));
    }
    factors_free(&f);
}

static void swap_last_axes(struct random_array *x) {
    const int last = x->array.rank - 1;
    int64_t size = x->shape[last], stride = x->strides[last];
    x->shape[last] = x->shape[last - 1], x->strides[last] = x->strides[last - 1];
    x->shape[last - 1] = size, x->strides[last - 1] = stride;
}

/* The same product with the memory of a, b or both turned. */
static struct factors turned_factors(tg_dtype dtype, int64_t m, int64_t n, int64_t k, bool turn_a,
                                     bool turn_b) {
    struct factors f = factors_new(dtype, TG_SCALAR, m, n, k, true);
    if (turn_a) {
        random_array_free(f.a);
        f.a = random_array_new(dtype, TG_SHAPE(k, m), true);
        swap_last_axes(f.a);
    }
    if (turn_b) {
        random_array_free(f.b);
        f.b = random_array_new(dtype, TG_SHAPE(n, k), true);
        swap_last_axes(f.b);
    }
    return f;
}

Test(matrix_product, small_matrices_of_any_strides_and_batches_are_multiplied) {
    for (int turn = 0; turn < 3000; turn++) {
        tg_shape batch = random_shape((int)random_between(0, 3), 3);
        int64_t m = random_between(0, 9), n = random_between(0, one_in(2) ? 9 : 40),
                k = random_between(0, one_in(2) ? 9 : 40);
        expect_product(factors_new(one_in(2) ? TG_F32 : TG_F64, batch, m, n, k, one_in(3)), 1);
    }
}

Test(matrix_product, every_edge_of_every_kernel_is_reached) {
    for (int64_t m = 1; m <= 9; m++) {
        for (int64_t n = 1; n <= 34; n += n < 18 ? 1 : 5) {
            for (int64_t k = 1; k <= 35; k += k < 10 ? 2 : 5) {
                for (int turn = 0; turn < 4; turn++) {
                    expect_product(turned_factors(TG_F32, m, n, k, turn & 1, turn & 2), 1);
                    expect_product(turned_factors(TG_F64, m, n, k, turn & 1, turn & 2), 1);
                }
            }
        }
    }
}

Test(matrix_product, our_kernels_are_right_where_blas_would_be_asked) {
    for (int turn = 0; turn < 60; turn++) {
        struct factors f = factors_new(one_in(2) ? TG_F32 : TG_F64, TG_SCALAR, random_between(1, 20),
                                       random_between(1, 30), random_between(250, 700), one_in(3));
        struct tg_matrix a = {f.a->array.data, f.a->strides[0], f.a->strides[1]};
        struct tg_matrix b = {f.b->array.data, f.b->strides[0], f.b->strides[1]};
        tg_small_product(f.a->array.dtype, f.a->shape[0], f.b->shape[1], f.a->shape[1], a, b,
                         f.c->array.data);
        for (int64_t i = 0; i < tg_shape_size(f.c_shape); i++) {
            cr_assert(get_element(&f.c->array, i) == expected_at(&f, i));
        }
        factors_free(&f);
    }
}

Test(matrix_product, large_matrices_of_any_strides_are_multiplied) {
    const int64_t sizes[][3] = {{100, 90, 110}, {130, 300, 70}, {300, 5, 200}, {5, 300, 200}, {1, 700, 600},
                                {700, 1, 600},  {4, 500, 2},    {4, 2, 500},   {25, 400, 300}};
    for (int i = 0; i < 9; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2], step = 1 + m * n / 300;
        for (int turn = 0; turn < 4; turn++) {
            expect_product(turned_factors(turn < 2 ? TG_F32 : TG_F64, m, n, k, turn & 1, turn & 2), step);
        }
        expect_product(factors_new(TG_F32, TG_SCALAR, m, n, k, false), step);
        expect_product(factors_new(TG_F64, TG_SHAPE(2, 3), m, n, k, false), 6 * step);
    }
}

Test(matrix_product, one_right_factor_serves_all_batches) {
    struct factors f = factors_new(TG_F32, TG_SHAPE(4, 5), 30, 40, 50, true);
    random_array_free(f.b);
    f.b = random_array_new(TG_F32, f.b_shape, true);
    f.b->strides[0] = f.b->strides[1] = 0;
    expect_product(f, 7);
}

Test(matrix_product, transposes_and_repeated_matrices_need_no_scratch) {
    struct factors f = turned_factors(TG_F32, 100, 110, 120, true, true);
    cr_assert_eq(tg_matrix_product_scratch(&f.a->array, &f.b->array), 0);
    f.a->strides[0] *= 2, f.a->strides[1] *= 2;
    cr_assert_eq(tg_matrix_product_scratch(&f.a->array, &f.b->array), 100 * 120 * sizeof(float));
    factors_free(&f);
}

Test(matrix_product, an_empty_inner_dimension_gives_zeros) {
    struct factors f = factors_new(TG_F64, TG_SHAPE(2), 3, 4, 0, true);
    multiply(&f.a->array, &f.b->array, &f.c->array);
    for (int64_t i = 0; i < 24; i++) cr_assert(get_element(&f.c->array, i) == 0);
    factors_free(&f);
}

Test(matrix_product, nan_and_infinity_go_where_ieee_says) {
    for (int64_t size = 4; size <= 100; size += 32) {
        struct factors f = factors_new(TG_F32, TG_SCALAR, size, size, size, true);
        float *a = f.a->array.data, *b = f.b->array.data, *c = f.c->array.data;
        for (int64_t i = 0; i < size * size; i++) c[i] = NAN; /* must not be read */
        for (int64_t i = 0; i < size; i++) b[i * size] = 0;
        a[0] = INFINITY;
        multiply(&f.a->array, &f.b->array, &f.c->array);
        cr_assert(isnan(c[0]));
        for (int64_t i = 1; i < size; i++) cr_assert(c[i * size] == 0);
        for (int64_t i = size; i < size * size; i++) cr_assert(!isnan(c[i]));
        factors_free(&f);
    }
}

Test(matrix_product, results_do_not_depend_on_the_number_of_threads) {
    const int64_t sizes[][3] = {{300, 310, 320}, {25, 400, 1000}, {1, 3000, 1000},
                                {3000, 1, 1000}, {64, 64, 3000},  {2000, 10, 100}};
    for (int i = 0; i < 6; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2];
        struct factors f = factors_new(TG_F32, TG_SCALAR, m, n, k, true);
        struct random_array *other = random_array_new(TG_F32, f.c_shape, true);
        float *a = f.a->array.data;
        for (int64_t j = 0; j < m * k; j++) a[j] = 1 / (float)(j % 1001 + 1);
        use_threads(1);
        multiply(&f.a->array, &f.b->array, &f.c->array);
        for (int threads = 2; threads <= 3; threads++) {
            use_threads(threads);
            multiply(&f.a->array, &f.b->array, &other->array);
            cr_assert_eq(memcmp(f.c->array.data, other->array.data, (size_t)(m * n) * sizeof(float)), 0);
        }
        random_array_free(other);
        factors_free(&f);
    }
}
