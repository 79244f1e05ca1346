/* test_elementwise_binary.c: the edges of functions of two operands: ties, zeros, broadcasting, errors.
 *
 * What holds everywhere else is checked by the case table. */
#include "tests/ops/expectations.h"

static tg_tape *tape;
static void set_up(void) { tape = tg_tape_new(TG_F64); }
static void tear_down(void) { tg_tape_free(tape); }
TestSuite(elementwise_binary, .init = set_up, .fini = tear_down);

Test(elementwise_binary, div_by_zero_is_infinity_or_nan) {
    const tg_tensor a = vector(tape, NUMBERS(1, -1, 0, 3)), b = vector(tape, NUMBERS(0, 0, 0, 2));
    const tg_tensor y = tg_div(a, b);
    expect_values(y, NUMBERS(INFINITY, -INFINITY, NAN, 1.5));
    expect_values(derivative(y, a), NUMBERS(INFINITY, INFINITY, INFINITY, 0.5));
    expect_values(derivative(y, b), NUMBERS(-INFINITY, INFINITY, NAN, -0.75));
}

/* --- pow ------------------------------------------------------------------------------------------------ */

Test(elementwise_binary, pow_has_the_values_of_c) {
    const tg_tensor a = vector(tape, NUMBERS(0, 0, 0, -8, -8, NAN, 1, INFINITY));
    const tg_tensor b = vector(tape, NUMBERS(0, 2, -1, 3, 0.5, 0, NAN, -1));
    expect_values(tg_pow(a, b), NUMBERS(1, 0, INFINITY, -512, NAN, 1, 1, 0));
}

Test(elementwise_binary, pow_with_exponent_zero_has_gradient_zero_in_its_base) {
    const tg_tensor a = vector(tape, NUMBERS(0, 2, -3, INFINITY)), b = vector(tape, NUMBERS(0, 0, 0, 0));
    expect_values(derivative(tg_pow(a, b), a), NUMBERS(0, 0, 0, 0));
    expect_values(derivative(tg_pow(a, tg_num(0)), a), NUMBERS(0, 0, 0, 0));
}

Test(elementwise_binary, pow_of_zero_has_gradient_zero_in_an_exponent_that_is_not_negative) {
    const tg_tensor a = vector(tape, NUMBERS(0, 0, 0, 2)), b = vector(tape, NUMBERS(0, 2, -1, 3));
    expect_values(derivative(tg_pow(a, b), b), NUMBERS(0, 0, -INFINITY, 8 * log(2)));
}

Test(elementwise_binary, pow_of_a_negative_base_has_a_gradient_in_its_base_only) {
    const tg_tensor a = vector(tape, NUMBERS(-2, -1)), b = vector(tape, NUMBERS(3, 2));
    expect_values(derivative(tg_pow(a, b), a), NUMBERS(12, -2));
    expect_values(derivative(tg_pow(a, b), b), NUMBERS(NAN, NAN));
}

Test(elementwise_binary, pow_with_a_number_takes_no_logarithm) {
    tg_tape_set_nan_check(tape, true); /* it would be NaN */
    const tg_tensor a = vector(tape, NUMBERS(-2, 0)), y = tg_pow(a, tg_num(3));
    cr_assert(tg_backward_from(y, tg_num(1)) == TG_OK, "%s", tg_tape_error(tape));
    expect_values(tg_grad(a), NUMBERS(12, 0));
}

Test(elementwise_binary, pow_has_all_derivatives_at_zero) {
    const tg_tensor x = vector(tape, NUMBERS(0, 2)), y = tg_pow(x, tg_num(2));
    const tg_tensor first = derivative(y, x), second = derivative(first, x), third = derivative(second, x);
    expect_values(first, NUMBERS(0, 4));
    expect_values(second, NUMBERS(2, 2));
    expect_values(third, NUMBERS(0, 0));
    expect_values(derivative(third, x), NUMBERS(0, 0));
}

Test(elementwise_binary, pow_has_the_mixed_derivative_at_exponent_zero) {
    const tg_tensor a = vector(tape, NUMBERS(4, 0.5)), b = vector(tape, NUMBERS(0, 0)), y = tg_pow(a, b);
    expect_values(derivative(derivative(y, a), b), NUMBERS(0.25, 2)); /* d/db b a^(b-1) = 1/a */
    expect_values(derivative(derivative(y, b), a), NUMBERS(0.25, 2)); /* d/da a^b log a */
}

/* --- maximum and minimum -------------------------------------------------------------------------------- */

Test(elementwise_binary, ties_split_the_gradient_evenly) {
    const tg_tensor a = vector(tape, NUMBERS(1, 2, 3, 0)), b = vector(tape, NUMBERS(2, 2, 1, -0.0));
    const tg_tensor high = tg_maximum(a, b), low = tg_minimum(a, b);
    expect_values(high, NUMBERS(2, 2, 3, 0));
    expect_values(derivative(high, a), NUMBERS(0, 0.5, 1, 0.5));
    expect_values(derivative(high, b), NUMBERS(1, 0.5, 0, 0.5));
    expect_values(low, NUMBERS(1, 2, 1, 0));
    expect_values(derivative(low, a), NUMBERS(1, 0.5, 0, 0.5));
    expect_values(derivative(low, b), NUMBERS(0, 0.5, 1, 0.5));
}

Test(elementwise_binary, the_larger_and_the_smaller_are_nan_when_either_is) {
    const tg_tensor a = vector(tape, NUMBERS(NAN, 1, NAN, INFINITY)),
                    b = vector(tape, NUMBERS(1, NAN, NAN, 1));
    expect_values(tg_maximum(a, b), NUMBERS(NAN, NAN, NAN, INFINITY));
    expect_values(tg_minimum(a, b), NUMBERS(NAN, NAN, NAN, 1));
}

Test(elementwise_binary, the_maximum_of_a_tensor_with_itself_has_the_whole_gradient) {
    const tg_tensor x = vector(tape, NUMBERS(1, -2));
    expect_values(derivative(tg_maximum(x, x), x), NUMBERS(1, 1));
}

/* --- broadcasting, numbers and errors ------------------------------------------------------------------- */

Test(elementwise_binary, gradients_of_broadcast_operands_are_summed) {
    const tg_tensor a = tg_param_f64(tape, TG_SHAPE(2, 1), NUMBERS(1, 2));
    const tg_tensor b = tg_param_f64(tape, TG_SHAPE(3), NUMBERS(10, 20, 30)), y = tg_mul(a, b);
    cr_expect(tg_shape_equal(tg_shape_of(y), TG_SHAPE(2, 3)));
    expect_values(derivative(y, a), NUMBERS(60, 60));
    expect_values(derivative(y, b), NUMBERS(3, 3, 3));
}

Test(elementwise_binary, strict_broadcasting_refuses_to_expand_both) {
    const tg_tensor column = tg_param_zeros(tape, TG_SHAPE(4, 1)), row = tg_param_zeros(tape, TG_SHAPE(4));
    cr_expect(tg_is_valid(tg_sub(column, row)));
    tg_tape_set_broadcast(tape, TG_BROADCAST_STRICT);
    expect_error(tg_sub(column, row), tape, TG_ERR_SHAPE,
                 "sub: broadcasting expands every operand: [4, 1] with [4]");
    cr_expect(tg_is_valid(tg_sub(column, tg_num(1))));
    cr_expect(tg_is_valid(tg_sub(tg_param_zeros(tape, TG_SHAPE(2, 4)), row)));
    cr_expect(tg_is_valid(tg_sub(column, column)));
}

Test(elementwise_binary, strict_broadcasting_does_not_disturb_gradients) {
    tg_tape_set_broadcast(tape, TG_BROADCAST_STRICT);
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2, 2), NUMBERS(1, 2, 3, 4));
    const tg_tensor y = tg_pow(tg_maximum(x, tg_num(2)), tg_num(2));
    expect_values(derivative(derivative(y, x), x), NUMBERS(0, 0.5, 2, 2));
}

Test(elementwise_binary, shapes_that_do_not_fit_are_named) {
    const tg_tensor a = tg_param_zeros(tape, TG_SHAPE(2, 3)), b = tg_param_zeros(tape, TG_SHAPE(4));
    expect_error(tg_add(a, b), tape, TG_ERR_SHAPE, "add: shapes do not broadcast: [2, 3] and [4]");
}

Test(elementwise_binary, integers_and_masks_are_refused_with_the_mend) {
    const tg_tensor x = vector(tape, NUMBERS(1, 2)), i = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(1, 2));
    const tg_tensor b = tg_from_bool(tape, TG_SHAPE(2), BOOLEANS(true, false));
    expect_error(tg_add(x, i), tape, TG_ERR_DTYPE,
                 "add: input 1 is i64 and must be f64; tg_to_value converts it");
    expect_error(tg_mul(b, x), tape, TG_ERR_DTYPE,
                 "mul: input 0 is bool and must be f64; tg_to_value converts it");
    expect_error(tg_add(i, i), tape, TG_ERR_DTYPE, "add: input 0 is i64");
    expect_values(tg_add(x, tg_to_value(i)), NUMBERS(2, 4));
}

Test(elementwise_binary, a_number_takes_the_place_of_either_operand_but_not_of_both) {
    const tg_tensor x = vector(tape, NUMBERS(1, 4));
    expect_values(tg_sub(tg_num(1), x), NUMBERS(0, -3));
    expect_values(tg_div(x, tg_num(2)), NUMBERS(0.5, 2));
    cr_expect(!tg_is_valid(tg_add(tg_num(1), tg_num(2))));
    cr_expect(tg_tape_error(tape) == NULL);
}

Test(elementwise_binary, what_is_built_on_an_error_keeps_the_first) {
    const tg_tensor x = vector(tape, NUMBERS(1, 2)), y = vector(tape, NUMBERS(1, 2, 3));
    expect_error(tg_exp(tg_mul(tg_add(x, y), tg_num(2))), tape, TG_ERR_SHAPE, "add: shapes do not broadcast");
}
