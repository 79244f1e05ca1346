/* test_small_product.c: every kernel on every level of CPU against three plain loops; what BLAS is never
 * asked.
 */
#include "core/small_product.h"
#include "tests/core/random_array.h"

#include <string.h>

typedef enum kernel_kind { ROWS, OUTER, OUTER_TURNED, INNER, ZERO, N_KERNELS } kernel_kind;

static tg_small_kernel *kernel_of(tg_cpu_level level, tg_dtype dtype, kernel_kind kind) {
    const struct tg_small_kernels *of = tg_small_kernels(level, dtype);
    tg_small_kernel *const kernels[] = {of->rows, of->outer, of->outer_turned, of->inner, of->zero};
    return kernels[kind];
}

/* Calls check for each kernel that this CPU can run. */
static void for_every_kernel(void (*check)(tg_cpu_level level, tg_dtype dtype, kernel_kind kind)) {
    for (int level = 0; level < TG_N_CPU_LEVELS && tg_cpu_has((tg_cpu_level)level); level++)
        for (int kind = 0; kind < N_KERNELS; kind++)
            for (int dtype = TG_F32; dtype <= TG_F64; dtype++)
                check((tg_cpu_level)level, (tg_dtype)dtype, (kernel_kind)kind);
}

/* A product with operands of its own, in layouts that the kernel takes. */
struct example {
    struct tg_small_product s;
    struct random_array *a, *b, *c, *plus;
};

/* Rows of a matrix, further apart than they need to be; turned: its columns. */
static struct tg_matrix matrix_of(const struct random_array *x, bool turned) {
    return (struct tg_matrix){x->array.data, turned ? 1 : x->strides[0], turned ? x->strides[0] : 1};
}

static struct random_array *spaced(tg_dtype dtype, int64_t rows, int64_t columns) {
    return random_array_new(dtype, TG_SHAPE(rows, columns + random_between(0, 3)), true);
}

/* Nothing, a number, a row or a column, where the kernel can add it. */
static struct tg_matrix plus_of(const struct random_array *x, kernel_kind kind) {
    const int64_t way = kind == ROWS ? random_between(0, 3) : 0;
    return (struct tg_matrix){way == 0 ? NULL : x->array.data, way == 3, way == 2};
}

static struct example example_new(tg_dtype dtype, kernel_kind kind, int64_t m, int64_t n, int64_t k) {
    const bool turn_a = kind != INNER && one_in(2), turn_b = kind == INNER || (kind != ROWS && one_in(2)),
               turn_c = kind == OUTER_TURNED && one_in(2);
    struct example e;
    e.a = turn_a ? spaced(dtype, k, m) : spaced(dtype, m, k);
    e.b = turn_b ? spaced(dtype, n, k) : spaced(dtype, k, n);
    e.c = turn_c ? spaced(dtype, n, m) : spaced(dtype, m, n);
    e.plus = random_array_new(dtype, TG_SHAPE(m > n ? m : n), true);
    const struct tg_matrix c = matrix_of(e.c, turn_c);
    e.s = (struct tg_small_product){.m = m,
                                    .n = n,
                                    .k = k,
                                    .a = matrix_of(e.a, turn_a),
                                    .b = matrix_of(e.b, turn_b),
                                    .plus = plus_of(e.plus, kind),
                                    .c = e.c->array.data,
                                    .c_row = c.row,
                                    .c_column = c.column,
                                    .adds = one_in(2)};
    return e;
}

static void example_free(struct example *e) {
    random_array_free(e->a);
    random_array_free(e->b);
    random_array_free(e->c);
    random_array_free(e->plus);
}

/* All of C's memory: that of the elements as they have to be, that between them as it was. */
static void expect_right(tg_small_kernel *kernel, struct example *e) {
    const int64_t size = tg_array_size(&e->c->array);
    struct random_array *expected = random_array_new(e->c->array.dtype, tg_array_shape(&e->c->array), true);
    memcpy(expected->memory, e->c->memory, (size_t)size * tg_dtype_size(e->c->array.dtype));
    for (int64_t i = 0; i < e->s.m; i++) {
        for (int64_t j = 0; j < e->s.n; j++) {
            const int64_t at = i * e->s.c_row + j * e->s.c_column;
            long double sum = e->s.adds ? get_element(&expected->array, at) : 0;
            for (int64_t p = 0; p < e->s.k; p++)
                sum += get_element(&e->a->array, i * e->s.a.row + p * e->s.a.column) *
                       get_element(&e->b->array, p * e->s.b.row + j * e->s.b.column);
            if (e->s.plus.data) sum += get_element(&e->plus->array, i * e->s.plus.row + j * e->s.plus.column);
            set_element(&expected->array, at, (int64_t)sum);
        }
    }
    kernel(&e->s);
    for (int64_t at = 0; at < size; at++)
        cr_assert(get_element(&e->c->array, at) == get_element(&expected->array, at),
                  "m %d, n %d, k %d, adds %d", (int)e->s.m, (int)e->s.n, (int)e->s.k, (int)e->s.adds);
    random_array_free(expected);
}

static void check_sizes(tg_cpu_level level, tg_dtype dtype, kernel_kind kind) {
    for (int turn = 0; turn < 400; turn++) {
        const int64_t m = random_between(1, one_in(4) ? 70 : 12), n = random_between(1, one_in(2) ? 100 : 20),
                      k = kind == ZERO    ? 0
                          : kind == INNER ? random_between(16, 200)
                                          : random_between(1, one_in(9) ? 700 : 40);
        struct example e = example_new(dtype, kind, m, n, k);
        expect_right(kernel_of(level, dtype, kind), &e);
        example_free(&e);
    }
}

Test(small_product, every_kernel_is_right_at_every_edge) { for_every_kernel(check_sizes); }

/* Values whose sums are rounded, so that their order shows. */
static void fill_with_fractions(struct random_array *x, int64_t period) {
    for (int64_t i = 0; i < tg_array_size(&x->array); i++) {
        const double value = 1 / (double)(i % period % 1009 + 3);
        if (x->array.dtype == TG_F32)
            ((float *)x->memory)[i] = (float)value;
        else
            ((double *)x->memory)[i] = value;
    }
}

static double fraction_at(const struct random_array *x, int64_t i) {
    return x->array.dtype == TG_F32 ? (double)((float *)x->memory)[i] : ((double *)x->memory)[i];
}

/* Sums of two numbers of a type are rounded the same from double. */
static void check_rounding(tg_cpu_level level, tg_dtype dtype, kernel_kind kind) {
    for (int turn = 0; turn < 200 && kind == ROWS; turn++) {
        const int64_t m = random_between(1, 12), n = random_between(1, 100),
                      k = random_between(1, one_in(2) ? 20 : 600);
        struct example e = example_new(dtype, kind, m, n, k);
        struct random_array *sums = random_array_new(dtype, tg_array_shape(&e.c->array), true);
        fill_with_fractions(e.a, 1000000);
        fill_with_fractions(e.b, 1000000);
        fill_with_fractions(e.plus, 1000000);
        const struct tg_matrix plus = e.s.plus;
        e.s.adds = false;
        kernel_of(level, dtype, kind)(&e.s);
        e.s.plus.data = NULL;
        e.s.c = sums->memory;
        kernel_of(level, dtype, kind)(&e.s);
        for (int64_t i = 0; i < m * n; i++) {
            const int64_t at = i / n * e.s.c_row + i % n, from = i / n * plus.row + i % n * plus.column;
            const double sum = fraction_at(sums, at) + (plus.data ? fraction_at(e.plus, from) : 0);
            cr_assert(fraction_at(e.c, at) == (dtype == TG_F32 ? (double)(float)sum : sum),
                      "m %d, n %d, k %d, plus %d %d", (int)m, (int)n, (int)k, (int)plus.row,
                      (int)plus.column);
        }
        random_array_free(sums);
        example_free(&e);
    }
}

Test(small_product, what_rows_add_besides_rounds_as_a_sum_of_its_own) { for_every_kernel(check_rounding); }

static void check_equal_rows(tg_cpu_level level, tg_dtype dtype, kernel_kind kind) {
    const size_t bytes = tg_dtype_size(dtype);
    for (int64_t m = 2; m < 40; m += m < 17 ? 1 : 7) {
        for (int64_t n = 1; n < 40; n += n < 18 ? 1 : 7) {
            const int64_t k = kind == ZERO ? 0 : 300;
            struct random_array *a = random_array_new(dtype, TG_SHAPE(m, k), true);
            struct random_array *b = random_array_new(dtype, TG_SHAPE(n, k), true);
            struct random_array *c = random_array_new(dtype, TG_SHAPE(m, n), true);
            fill_with_fractions(a, k ? k : 1);
            fill_with_fractions(b, 100000);
            const struct tg_matrix right = {b->memory, kind == ROWS ? n : 1, kind == ROWS ? 1 : k};
            kernel_of(level, dtype, kind)(&(struct tg_small_product){.m = m,
                                                                     .n = n,
                                                                     .k = k,
                                                                     .a = {a->memory, k, 1},
                                                                     .b = right,
                                                                     .c = c->memory,
                                                                     .c_row = n,
                                                                     .c_column = 1});
            for (int64_t i = 1; i < m; i++)
                cr_assert_arr_eq((char *)c->memory + (size_t)(i * n) * bytes, c->memory, (size_t)n * bytes);
            random_array_free(a);
            random_array_free(b);
            random_array_free(c);
        }
    }
}

Test(small_product, equal_rows_give_equal_results_to_the_last_bit) { for_every_kernel(check_equal_rows); }

Test(small_product, every_size_has_a_kernel_where_blas_cannot_be_asked) {
    for (int turn = 0; turn < 2000; turn++) {
        const tg_dtype dtype = one_in(2) ? TG_F32 : TG_F64;
        struct example e = example_new(dtype,
                                       one_in(2)   ? OUTER
                                       : one_in(2) ? ROWS
                                                   : INNER,
                                       random_between(1, 30), random_between(1, 70), random_between(16, 200));
        e.s.plus.data = NULL;
        expect_right(tg_small_kernel_for(tg_cpu_level_chosen(), dtype, &e.s, true), &e);
        example_free(&e);
    }
}
