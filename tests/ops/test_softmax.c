/* test_softmax.c: edges of logsumexp, softmax and log_softmax: large numbers, infinities, NaN, nothing. */
#include "tests/ops/tensor_expectations.h"

static const double e1 = 0.26894142136999512, e2 = 0.73105857863000488; /* softmax of 0, 1 */
static const double l2 = 0.69314718055994531;                           /* log 2 */

Test(softmax, large_numbers_do_not_overflow) {
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new((tg_dtype)dtype);
        const tg_tensor x = param(tape, TG_SHAPE(3, 2), 1000, 1001, -1000, -999, -1000, 1000);
        const double d = 0.31326168751822286; /* log(1 + 1/e) */
        expect(tg_softmax(x, 1), TG_SHAPE(3, 2), e1, e2, e1, e2, 0, 1);
        expect(tg_log_softmax(x, -1), TG_SHAPE(3, 2), -1 - d, -d, -1 - d, -d, -2000, 0);
        expect(tg_logsumexp_axes(x, TG_AXES(1), false), TG_SHAPE(3), 1001 + d, -999 + d, 1000);
        expect(tg_logsumexp(x), TG_SCALAR, 1001 + log(1 + exp(-1) + exp(-1)));
        expect(gradient_of(tg_log_softmax(x, 1), x), TG_SHAPE(3, 2), 1 - 3 * e1, 2 - 3 * e2, 3 - 7 * e1,
               4 - 7 * e2, 5, 6 - 11);
        tg_tape_free(tape);
    }
}

Test(softmax, minus_infinity_is_a_probability_of_0) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(3), 0, -INFINITY, 1);
    expect(tg_softmax(x, 0), TG_SHAPE(3), e1, 0, e2);
    expect(tg_logsumexp(x), TG_SCALAR, log(1 + exp(1)));
    expect(tg_exp(tg_log_softmax(x, 0)), TG_SHAPE(3), e1, 0, e2);
    expect(gradient_of(tg_logsumexp(x), x), TG_SHAPE(3), e1, 0, e2);
    tg_tape_free(tape);
}

Test(softmax, logsumexp_of_minus_infinities_is_minus_infinity_and_has_no_gradient) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(2, 2), -INFINITY, -INFINITY, 0, 0);
    const tg_tensor y = tg_logsumexp_axes(x, TG_AXES(1), false);
    expect(y, TG_SHAPE(2), -INFINITY, l2);
    expect(gradient_of(y, x), TG_SHAPE(2, 2), 0, 0, 1, 1);
    tg_tape_free(tape);
}

Test(softmax, logsumexp_of_infinity_is_infinity) {
    tg_tape *tape = tg_tape_new(TG_F64);
    expect(tg_logsumexp(param(tape, TG_SHAPE(3), 1000, INFINITY, -INFINITY)), TG_SCALAR, INFINITY);
    tg_tape_free(tape);
}

Test(softmax, of_infinities_is_nan) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(3, 2), -INFINITY, -INFINITY, 0, INFINITY, 0, 0);
    expect(tg_softmax(x, 1), TG_SHAPE(3, 2), NAN, NAN, NAN, NAN, 0.5, 0.5);
    tg_tape_free(tape);
}

Test(softmax, a_nan_spoils_its_row_and_no_other) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(2, 2), 0, NAN, 0, 0);
    expect(tg_softmax(x, 1), TG_SHAPE(2, 2), NAN, NAN, 0.5, 0.5);
    expect(tg_log_softmax(x, 1), TG_SHAPE(2, 2), NAN, NAN, -l2, -l2);
    expect(tg_logsumexp_axes(x, TG_AXES(1), true), TG_SHAPE(2, 1), NAN, l2);
    tg_tape_free(tape);
}

Test(softmax, over_nothing) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2, 0));
    expect(tg_logsumexp(x), TG_SCALAR, -INFINITY);
    expect(tg_logsumexp_axes(x, TG_AXES(1), false), TG_SHAPE(2), -INFINITY, -INFINITY);
    expect_empty(tg_logsumexp_axes(x, TG_AXES(0), false), TG_SHAPE(0));
    expect_empty(tg_softmax(x, 0), TG_SHAPE(2, 0));
    expect_empty(tg_softmax(x, 1), TG_SHAPE(2, 0));
    expect_empty(tg_log_softmax(x, 1), TG_SHAPE(2, 0));
    expect_empty(gradient_of(tg_softmax(x, 1), x), TG_SHAPE(2, 0));
    expect_empty(gradient_of(tg_logsumexp(x), x), TG_SHAPE(2, 0));
    tg_tape_free(tape);
}

Test(softmax, any_axis_of_any_view_gives_the_same) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = param(tape, TG_SHAPE(2, 2), 0, 5, 1, 5);
    expect(tg_softmax(x, 0), TG_SHAPE(2, 2), e1, 0.5, e2, 0.5);
    expect(tg_softmax(tg_transpose(x), 1), TG_SHAPE(2, 2), e1, e2, 0.5, 0.5);
    expect(tg_softmax(tg_slice(x, 0, TG_END, TG_END, -1), 0), TG_SHAPE(2, 2), e2, 0.5, e1, 0.5);
    expect(tg_softmax(tg_expand(x, TG_SHAPE(1, 2, 2)), -2), TG_SHAPE(1, 2, 2), e1, 0.5, e2, 0.5);
    tg_tape_free(tape);
}

Test(softmax, of_a_large_matrix_has_rows_that_sum_to_1) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(300, 700), tg_key_new(1), 10);
    for (int axis = 0; axis < 2; axis++) {
        const tg_tensor y = tg_softmax(x, axis);
        const tg_tensor off = tg_abs(tg_sub(tg_sum_axes(y, TG_AXES(axis), false), tg_num(1)));
        cr_expect(tg_item(tg_max(off)) < 2e-6);
        const tg_tensor apart = tg_abs(tg_sub(tg_exp(tg_log_softmax(x, axis)), y));
        cr_expect(tg_item(tg_max(apart)) < 2e-6);
    }
    tg_tape_free(tape);
}

Test(softmax, bad_axes_and_dtypes_are_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2, 3));
    expect_error(tg_softmax(x, 2), TG_ERR_SHAPE, "softmax: axis 2 is out of range for rank 2, shape [2, 3]");
    expect_error(tg_log_softmax(x, -3), TG_ERR_SHAPE, "log_softmax: axis -3");
    expect_error(tg_logsumexp_axes(x, TG_AXES(0, 0), true), TG_ERR_SHAPE, "logsumexp: axis 0 is given twice");
    expect_error(tg_softmax(tg_sum(x), 0), TG_ERR_SHAPE, "for rank 0");
    const tg_tensor labels = tg_from_i64(tape, TG_SHAPE(1), 1, (const int64_t[]){0});
    expect_error(tg_softmax(labels, 0), TG_ERR_DTYPE, "softmax: input 0 is i64");
    expect_error(tg_logsumexp(labels), TG_ERR_DTYPE, "logsumexp: input 0 is i64");
    cr_expect(!tg_is_valid(tg_softmax((tg_tensor){0}, 0)));
    tg_tape_free(tape);
}

/* Refuses what the system may promise and not have. */
static void *small_memory(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    const tg_allocator system = tg_allocator_default();
    (void)context;
    return new_bytes > (size_t)64 << 20 ? NULL : system.call(system.context, ptr, old_bytes, new_bytes);
}

Test(softmax, of_more_than_memory_can_hold_is_an_error) {
    tg_tape *tape = tg_tape_new_with(TG_F64, (tg_allocator){small_memory, NULL});
    const tg_tensor x = tg_expand(tg_param_scalar(tape, 1), TG_SHAPE((int64_t)1 << 40, 1 << 10));
    expect_error(tg_logsumexp(x), TG_ERR_MEMORY, "logsumexp: out of memory");
    expect_error(tg_softmax(x, 0), TG_ERR_MEMORY, "softmax: out of memory");
    expect_error(tg_expand(x, TG_SHAPE(1 << 20, -1, -1)), TG_ERR_MEMORY,
                 "has more elements than memory can hold");
    expect_error(tg_zeros(tape, TG_SHAPE(3, -2)), TG_ERR_SHAPE, "[3, -2] has a negative dimension");
    tg_tape_free(tape);
}
