/* test_matrix_product.c: products of matrices of any sizes and strides against three plain loops. */
#include "core/matrix_product.h"
#include "tests/core/random_array.h"

#include <math.h>
#include <stdatomic.h>
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

static tg_matrices matrices_of(const tg_array *x) {
    const int n = x->rank - 2;
    tg_matrices to = {.data = x->data, .row = x->strides[n], .column = x->strides[n + 1]};
    for (int i = 0; i < n; i++) to.batch[i] = x->strides[i];
    return to;
}

static tg_product product_of(const tg_array *a, const tg_array *b, const tg_array *c) {
    tg_shape batch = tg_array_shape(c);
    batch.rank -= 2;
    return (tg_product){.dtype = a->dtype,
                        .m = c->shape[batch.rank],
                        .n = c->shape[batch.rank + 1],
                        .k = a->shape[batch.rank + 1],
                        .batch = batch,
                        .a = matrices_of(a),
                        .b = matrices_of(b),
                        .c = c->data};
}

static void multiply_and(const tg_array *a, const tg_array *b, const tg_array *c, const tg_product_end *end) {
    const tg_product product = product_of(a, b, c);
    tg_prepared_product prepared;
    tg_product_prepare(&prepared, &product, end);
    void *scratch =
        prepared.scratch_bytes > 0 ? aligned_alloc(64, (prepared.scratch_bytes + 63) / 64 * 64) : NULL;
    tg_products_run(1, &prepared, scratch);
    free(scratch);
}

static void multiply(const tg_array *a, const tg_array *b, const tg_array *c) { multiply_and(a, b, c, NULL); }

static size_t scratch_bytes(const struct factors *f) {
    const tg_product product = product_of(&f->a->array, &f->b->array, &f->c->array);
    tg_prepared_product prepared;
    tg_product_prepare(&prepared, &product, NULL);
    return prepared.scratch_bytes;
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

Test(matrix_product, large_transposed_matrices_need_no_scratch_and_those_without_rows_are_copied) {
    struct factors f = turned_factors(TG_F32, 500, 510, 520, true, true);
    cr_assert_eq(scratch_bytes(&f), 0);
    f.a->strides[0] *= 2, f.a->strides[1] *= 2;
    cr_assert_eq(scratch_bytes(&f), 500 * 520 * sizeof(float));
    factors_free(&f);
}

Test(matrix_product, an_empty_inner_dimension_gives_zeros) {
    struct factors f = factors_new(TG_F64, TG_SHAPE(2), 3, 4, 0, true);
    multiply(&f.a->array, &f.b->array, &f.c->array);
    for (int64_t i = 0; i < 24; i++) cr_assert(get_element(&f.c->array, i) == 0);
    factors_free(&f);
}

/* Sizes for each routine and way of cutting: m, n, k, batches. */
static const int64_t all_ways[][4] = {
    {4, 400, 2, 1},    {1, 1, 1000, 1},    {4, 2, 400, 1},     {30, 40, 50, 1},
    {700, 300, 40, 1}, {25, 3000, 60, 1},  {3, 4, 5, 7},       {3, 4, 5, 9000},
    {300, 1, 900, 1},  {120, 130, 140, 3}, {200, 1000, 30, 2}, {3, 4, 0, 5},
    {1, 1, 99999, 1},  {2, 3, 50000, 1},   {1, 40, 30000, 1},  {420, 430, 440, 1}};
enum { N_WAYS = sizeof all_ways / sizeof *all_ways };

static struct factors factors_for(const int64_t *way, tg_dtype dtype) {
    return factors_new(dtype, TG_SHAPE(way[3]), way[0], way[1], way[2], true);
}

Test(matrix_product, a_product_can_be_added_to_what_is_there) {
    for (int i = 0; i < 2 * N_WAYS; i++) {
        struct factors f = factors_for(all_ways[i / 2], i % 2 ? TG_F32 : TG_F64);
        const int64_t size = tg_shape_size(f.c_shape), step = 1 + size / 500;
        struct random_array *before = random_array_new(f.c->array.dtype, f.c_shape, true);
        memcpy(before->memory, f.c->memory, (size_t)size * tg_dtype_size(f.c->array.dtype));
        multiply_and(&f.a->array, &f.b->array, &f.c->array, &(tg_product_end){.adds = true});
        for (int64_t at = 0; at < size; at += step)
            cr_assert(get_element(&f.c->array, at) == get_element(&before->array, at) + expected_at(&f, at));
        random_array_free(before);
        factors_free(&f);
    }
}

/* In one turn, in panels of rows or columns, and in batches. */
Test(matrix_product, a_row_a_column_or_a_number_can_be_added_where_rows_are_made_one_by_one) {
    const int64_t ways[][4] = {{4, 400, 2, 1},   {1, 5000, 300, 1}, {9000, 70, 2, 1},
                               {70, 9000, 1, 1}, {3, 80, 2, 9},     {1, 90, 20, 5000}};
    for (int i = 0; i < 6 * 12; i++) {
        const int64_t *size = ways[i / 12];
        const int way = i % 3; /* a number, a row or a column */
        if (way == 2 && size[3] > 1) continue;
        struct factors f = factors_for(size, i / 3 % 2 ? TG_F32 : TG_F64);
        const tg_product product = product_of(&f.a->array, &f.b->array, &f.c->array);
        struct random_array *plus = random_array_new(product.dtype, TG_SHAPE(9000), true);
        const tg_product_end end = {.plus = {plus->memory, way == 2, way == 1}};
        tg_prepared_product prepared;
        tg_product_prepare(&prepared, &product, NULL);
        cr_assert(tg_product_takes_plus(&prepared));
        use_threads(1 + i / 6 % 2);
        multiply_and(&f.a->array, &f.b->array, &f.c->array, &end);
        for (int64_t at = 0; at < tg_shape_size(f.c_shape); at += 41) {
            const int64_t from = way == 2 ? at / size[1] : way == 1 ? at % size[1] : 0;
            cr_assert(get_element(&f.c->array, at) == expected_at(&f, at) + get_element(&plus->array, from));
        }
        random_array_free(plus);
        factors_free(&f);
    }
}

/* Doubles each element of a panel, and counts it. */
struct doubler {
    const tg_array *c;
    int *seen; /* by element */
    atomic_int n_panels;
};
static void double_panel(void *context, int64_t first, int64_t n_runs, int64_t step, int64_t length) {
    struct doubler *d = context;
    d->n_panels++;
    for (int64_t i = 0; i < n_runs; i++) {
        for (int64_t at = first + i * step; at < first + i * step + length; at++) {
            d->seen[at]++;
            if (d->c->dtype == TG_F32) ((float *)d->c->data)[at] *= 2;
            if (d->c->dtype == TG_F64) ((double *)d->c->data)[at] *= 2;
        }
    }
}

Test(matrix_product, each_element_is_in_one_panel_and_complete_when_it_is_done) {
    for (int i = 0; i < 2 * N_WAYS; i++) {
        int n_panels[3];
        struct factors f = factors_for(all_ways[i / 2], i % 2 ? TG_F32 : TG_F64);
        const int64_t size = tg_shape_size(f.c_shape), step = 1 + size / 500;
        for (int threads = 1; threads <= 2; threads++) {
            struct doubler d = {&f.c->array, calloc((size_t)size, sizeof *d.seen), 0};
            use_threads(threads);
            multiply_and(&f.a->array, &f.b->array, &f.c->array,
                         &(tg_product_end){.done = double_panel, .context = &d});
            for (int64_t at = 0; at < size; at++) cr_assert_eq(d.seen[at], 1);
            for (int64_t at = 0; at < size; at += step)
                cr_assert(get_element(&f.c->array, at) == 2 * expected_at(&f, at));
            n_panels[threads] = d.n_panels;
            free(d.seen);
        }
        cr_assert_eq(n_panels[1], n_panels[2]);
        factors_free(&f);
    }
}

/* Rows of each panel, in order. */
struct lengths {
    int n;
    int64_t columns, rows[64];
};
static void note_rows(void *context, int64_t first, int64_t n_runs, int64_t step, int64_t length) {
    struct lengths *l = context;
    (void)first, (void)n_runs, (void)step;
    l->rows[l->n++] = length / l->columns;
}

Test(matrix_product, two_threads_have_nearly_as_many_rows_each) {
    const int64_t sizes[][3] = {
        {400, 25, 1000}, {784, 128, 64}, {1000, 25, 400}, {90, 90, 90}, {500, 100, 70}};
    use_threads(1);
    for (int i = 0; i < 5; i++) {
        struct factors f = factors_new(TG_F32, TG_SCALAR, sizes[i][0], sizes[i][1], sizes[i][2], true);
        struct lengths l = {.columns = sizes[i][1]};
        multiply_and(&f.a->array, &f.b->array, &f.c->array,
                     &(tg_product_end){.done = note_rows, .context = &l});
        int64_t first = 0;
        for (int k = 0; k < l.n / 2; k++) first += l.rows[k];
        cr_expect(l.n > 1 && l.n % 2 == 0 && 100 * first <= 55 * sizes[i][0], "%lld of %lld",
                  (long long)first, (long long)sizes[i][0]);
        factors_free(&f);
    }
}

/* Runs them at once, each with a count of its elements. */
static void multiply_at_once(const struct factors *f, int n, struct doubler *counts) {
    static tg_prepared_product all[N_WAYS];
    size_t bytes = 0;
    for (int i = 0; i < n; i++) {
        const tg_product product = product_of(&f[i].a->array, &f[i].b->array, &f[i].c->array);
        counts[i].c = &f[i].c->array;
        tg_product_prepare(&all[i], &product,
                           &(tg_product_end){.done = i % 2 ? double_panel : NULL, .context = &counts[i]});
        cr_assert(tg_product_joins(&all[i]));
        bytes += all[i].scratch_bytes;
    }
    void *scratch = bytes ? aligned_alloc(64, bytes) : NULL;
    tg_products_run(n, all, scratch);
    free(scratch);
}

Test(matrix_product, several_at_once_give_what_each_gives_alone) {
    struct factors f[N_WAYS];
    struct doubler counts[N_WAYS];
    void *alone[N_WAYS];
    for (int turn = 0; turn < 12; turn++) {
        const int n = turn < 4 ? N_WAYS : (int)random_between(2, N_WAYS);
        for (int i = 0; i < n; i++) {
            f[i] = factors_for(all_ways[(i * 5 + turn) % N_WAYS], turn % 2 ? TG_F32 : TG_F64);
            const int64_t size = tg_shape_size(f[i].c_shape);
            const size_t bytes = (size_t)size * tg_dtype_size(f[i].c->array.dtype);
            counts[i] = (struct doubler){.seen = calloc((size_t)size, sizeof(int))};
            multiply(&f[i].a->array, &f[i].b->array, &f[i].c->array);
            for (int64_t at = 0; i % 2 && at < size; at++) {
                if (turn % 2) ((float *)f[i].c->array.data)[at] *= 2;
                if (turn % 2 == 0) ((double *)f[i].c->array.data)[at] *= 2;
            }
            alone[i] = memcpy(malloc(bytes), f[i].c->array.data, bytes);
            memset(f[i].c->array.data, 0, bytes);
        }
        use_threads(1 + turn % 3);
        multiply_at_once(f, n, counts);
        for (int i = 0; i < n; i++) {
            const int64_t size = tg_shape_size(f[i].c_shape);
            cr_assert_eq(
                memcmp(alone[i], f[i].c->array.data, (size_t)size * tg_dtype_size(f[i].c->array.dtype)), 0,
                "product %d of %d", i, n);
            for (int64_t at = 0; at < size; at++) cr_assert_eq(counts[i].seen[at], i % 2);
            free(counts[i].seen);
            free(alone[i]);
            factors_free(&f[i]);
        }
    }
    use_threads(1);
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
    const int64_t sizes[][3] = {{300, 310, 320}, {25, 400, 1000}, {1, 3000, 1000}, {3000, 1, 1000},
                                {64, 64, 3000},  {2000, 10, 100}, {1, 1, 300000},  {2, 3, 50000},
                                {1, 40, 30000},  {500, 510, 520}};
    for (int i = 0; i < 10; i++) {
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
