/* test_reduction.c: edges of sum, mean and max. Values and derivatives of plain cases are in the case table.
 */
#include "tests/ops/tensor_expectations.h"

#include <stdlib.h>

Test(reduction, sums_over_each_choice_of_axes) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3));
    expect(tg_sum(x), TG_SCALAR, 15);
    expect(tg_sum_axes(x, TG_AXES(0), false), TG_SHAPE(3), 3, 5, 7);
    expect(tg_sum_axes(x, TG_AXES(-1), false), TG_SHAPE(2), 3, 12);
    expect(tg_sum_axes(x, TG_AXES(1), true), TG_SHAPE(2, 1), 3, 12);
    expect(tg_sum_axes(x, TG_AXES(-1, 0), true), TG_SHAPE(1, 1), 15);
    expect(tg_sum_axes(x, TG_AXES(), false), TG_SHAPE(2, 3), 0, 1, 2, 3, 4, 5);
    expect(tg_mean_axes(x, TG_AXES(0), false), TG_SHAPE(3), 1.5, 2.5, 3.5);
    expect(tg_max_axes(x, TG_AXES(0), false), TG_SHAPE(3), 3, 4, 5);
    tg_tape_free(tape);
}

Test(reduction, of_a_scalar_is_the_scalar) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 7);
    expect(tg_sum(x), TG_SCALAR, 7);
    expect(tg_mean(x), TG_SCALAR, 7);
    expect(tg_max(x), TG_SCALAR, 7);
    expect(gradient_of(tg_max(x), x), TG_SCALAR, 1);
    tg_tape_free(tape);
}

Test(reduction, works_at_rank_8) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 1, 2, 1, 2, 1, 2, 2));
    expect(tg_sum_axes(x, TG_AXES(2, 4, -2, -1), false), TG_SHAPE(2, 1, 1, 1), 120, 376);
    expect(tg_max_axes(x, TG_AXES(0, 2, 4, 6), true), TG_SHAPE(1, 1, 1, 1, 1, 1, 1, 2), 30, 31);
    tg_tape_free(tape);
}

Test(reduction, sum_over_nothing_is_0) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2, 0));
    expect(tg_sum(x), TG_SCALAR, 0);
    expect(tg_sum_axes(x, TG_AXES(1), false), TG_SHAPE(2), 0, 0);
    expect_empty(tg_sum_axes(x, TG_AXES(0), false), TG_SHAPE(0));
    expect_empty(gradient_of(tg_sum(x), x), TG_SHAPE(2, 0));
    tg_tape_free(tape);
}

Test(reduction, mean_and_max_over_nothing_are_errors) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2, 0));
    expect_error(tg_mean(x), TG_ERR_SHAPE, "mean: a reduction over nothing");
    expect_error(tg_max(x), TG_ERR_SHAPE, "max: a reduction over nothing");
    expect_error(tg_max_axes(x, TG_AXES(-1), true), TG_ERR_SHAPE, "[2, 0]");
    expect_empty(tg_max_axes(x, TG_AXES(0), false), TG_SHAPE(0));
    expect_empty(tg_mean_axes(x, TG_AXES(0), true), TG_SHAPE(1, 0));
    tg_tape_free(tape);
}

Test(reduction, bad_axes_are_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3));
    expect_error(tg_sum_axes(x, TG_AXES(2), false), TG_ERR_SHAPE,
                 "sum: axis 2 is out of range for rank 2, shape [2, 3]");
    expect_error(tg_mean_axes(x, TG_AXES(0, -3), false), TG_ERR_SHAPE, "mean: axis -3 is out of range");
    expect_error(tg_max_axes(x, TG_AXES(1, -1), false), TG_ERR_SHAPE, "max: axis -1 is given twice");
    expect_error(tg_sum_axes(tg_sum(x), TG_AXES(0), false), TG_ERR_SHAPE, "for rank 0, shape []");
    const tg_axes many = {.n = 9};
    expect_error(tg_sum_axes(x, many, false), TG_ERR_SHAPE, "9 axes");
    const tg_axes fewer = {.n = -1};
    expect_error(tg_sum_axes(x, fewer, false), TG_ERR_SHAPE, "-1 axes");
    tg_tape_free(tape);
}

Test(reduction, integers_and_masks_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    expect_error(tg_sum(tg_from_i64(tape, TG_SHAPE(1), 1, (const int64_t[]){3})), TG_ERR_DTYPE, "sum:");
    expect_error(tg_max(tg_from_bool(tape, TG_SHAPE(1), 1, (const bool[]){true})), TG_ERR_DTYPE, "max:");
    tg_tape_free(tape);
}

Test(reduction, of_no_tensor_is_no_tensor) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor zeroed = {0};
    cr_expect(!tg_is_valid(tg_sum(zeroed)));
    cr_expect(!tg_is_valid(tg_mean_axes(zeroed, TG_AXES(4), true)));
    cr_expect(!tg_is_valid(tg_max(tg_num(1))));
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor x = tg_param_scalar(tape, 1);
    cr_assert(tg_tape_rewind(tape, start) == TG_OK);
    expect_error(tg_sum(x), TG_ERR_HANDLE, "sum: input 0: stale handle");
    const tg_tensor failed = tg_sum_axes(tg_param_scalar(tape, 1), TG_AXES(5), false);
    cr_expect(!tg_is_valid(tg_max_axes(failed, TG_AXES(7), true)));
    expect_error(failed, TG_ERR_SHAPE, "axis 5");
    tg_tape_free(tape);
}

Test(reduction, max_hands_on_a_nan_wherever_it_stands) {
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new((tg_dtype)dtype);
        for (int n = 1; n < 70; n += 11) {
            for (int at = 0; at < n; at++) {
                double values[128];
                for (int i = 0; i < n; i++) values[i] = values[n - 1 - i] = 100 - i;
                values[at] = NAN;
                cr_expect(isnan(tg_item(tg_max(tg_from_f64(tape, TG_SHAPE(n), n, values)))), "%d of %d", at,
                          n);
            }
        }
        tg_tape_free(tape);
    }
}

Test(reduction, max_finds_the_largest_wherever_it_stands) {
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new((tg_dtype)dtype);
        double *values = calloc(5000, sizeof *values);
        for (int n = 1; n < 5000; n = n * 3 + 2) {
            for (int at = 0; at < n; at += 1 + n / 37) {
                for (int i = 0; i < n; i++) values[i] = -1 - i;
                values[at] = 5;
                const tg_tensor x = tg_from_f64(tape, TG_SHAPE(n, 1), n, values);
                cr_expect_eq(tg_item(tg_max(x)), 5, "%d of %d", at, n);
                expect(tg_max_axes(x, TG_AXES(0), false), TG_SHAPE(1), 5);
            }
        }
        free(values);
        tg_tape_free(tape);
    }
}

Test(reduction, max_of_minus_infinities_is_minus_infinity) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(2), -INFINITY, -INFINITY);
    expect(tg_max(x), TG_SCALAR, -INFINITY);
    expect(gradient_of(tg_max(x), x), TG_SHAPE(2), 0.5, 0.5);
    tg_tape_free(tape);
}

Test(reduction, ties_of_max_share_the_gradient_evenly) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(2, 4), 3, 1, 3, 3, 0, 2, 2, 1);
    expect(gradient_of(tg_max_axes(x, TG_AXES(1), false), x), TG_SHAPE(2, 4), 1. / 3, 0, 1. / 3, 1. / 3, 0, 1,
           1, 0);
    expect(gradient_of(tg_max(x), x), TG_SHAPE(2, 4), 1. / 3, 0, 1. / 3, 1. / 3, 0, 0, 0, 0);
    tg_tape_free(tape);
}

Test(reduction, the_gradient_of_a_sum_costs_no_memory_of_its_size) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(512, 512));
    tg_tensor dx;
    cr_assert(tg_gradients(tg_sum(x), 1, &x, &dx) == TG_OK);
    const tg_array array = tg_array_of(dx);
    cr_expect(array.strides[0] == 0 && array.strides[1] == 0);
    tg_tape_free(tape);
}

Test(reduction, a_mean_of_many_is_as_exact_as_its_dtype) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = tg_full(tape, TG_SHAPE(1 << 20, 2), 0.1);
    const double tenth = (double)0.1F;
    cr_expect(fabs(tg_item(tg_mean(x)) - tenth) < 3e-8);
    expect(tg_mean_axes(x, TG_AXES(0), false), TG_SHAPE(2), tenth, tenth);
    tg_tape_free(tape);
}
