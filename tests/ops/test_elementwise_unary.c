/* test_elementwise_unary.c: the edges of functions of one operand: kinks, infinities, large numbers, errors.
 *
 * What holds everywhere else is checked by the case table. */
#include "tests/ops/expectations.h"

static tg_tape *tape;
static void set_up(void) { tape = tg_tape_new(TG_F64); }
static void tear_down(void) { tg_tape_free(tape); }
TestSuite(elementwise_unary, .init = set_up, .fini = tear_down);

Test(elementwise_unary, relu_has_gradient_zero_at_zero) {
    const tg_tensor x = vector(tape, NUMBERS(-1, -0.0, 0, 2)), y = tg_relu(x);
    expect_values(y, NUMBERS(0, 0, 0, 2));
    expect_values(derivative(y, x), NUMBERS(0, 0, 0, 1));
}

Test(elementwise_unary, relu_passes_nan_and_infinities) {
    const tg_tensor x = vector(tape, NUMBERS(NAN, INFINITY, -INFINITY)), y = tg_relu(x);
    expect_values(y, NUMBERS(NAN, INFINITY, 0));
    expect_values(derivative(y, x), NUMBERS(1, 1, 0));
    expect_values(derivative(tg_mul(y, y), x), NUMBERS(NAN, INFINITY, 0));
}

Test(elementwise_unary, leaky_relu_has_its_slope_as_gradient_at_zero) {
    const tg_tensor x = vector(tape, NUMBERS(-2, 0, 3, NAN, -INFINITY)), y = tg_leaky_relu(x, 0.25);
    expect_values(y, NUMBERS(-0.5, 0, 3, NAN, -INFINITY));
    expect_values(derivative(y, x), NUMBERS(0.25, 0.25, 1, 0.25, 0.25));
}

Test(elementwise_unary, abs_has_gradient_zero_at_zero) {
    const tg_tensor x = vector(tape, NUMBERS(-2, -0.0, 0, 3, NAN, -INFINITY)), y = tg_abs(x);
    expect_values(y, NUMBERS(2, 0, 0, 3, NAN, INFINITY));
    expect_values(derivative(y, x), NUMBERS(-1, 0, 0, 1, NAN, -1));
}

Test(elementwise_unary, sign_is_flat_and_keeps_nan) {
    const tg_tensor x = vector(tape, NUMBERS(-INFINITY, -1e-300, -0.0, 0, 5, NAN)), y = tg_sign(x);
    expect_values(y, NUMBERS(-1, -1, 0, 0, 1, NAN));
    cr_expect(!signbit(tg_value(y, TG_SHAPE(2))), "the sign of -0 is +0");
    expect_values(derivative(y, x), NUMBERS(0, 0, 0, 0, 0, 0));
}

Test(elementwise_unary, floor_goes_down_and_is_flat) {
    const tg_tensor x = vector(tape, NUMBERS(-1.5, -1, -0.0, 0.99, 1, INFINITY, NAN)), y = tg_floor(x);
    expect_values(y, NUMBERS(-2, -1, 0, 0, 1, INFINITY, NAN));
    expect_values(derivative(y, x), NUMBERS(0, 0, 0, 0, 0, 0, 0));
}

Test(elementwise_unary, sine_and_cosine_have_no_value_at_infinity) {
    const tg_tensor x = vector(tape, NUMBERS(0, -0.0, INFINITY, -INFINITY, NAN));
    expect_values(tg_sin(x), NUMBERS(0, 0, NAN, NAN, NAN));
    expect_values(tg_cos(x), NUMBERS(1, 1, NAN, NAN, NAN));
    cr_expect(signbit(tg_value(tg_sin(x), TG_SHAPE(1))), "the sine of -0 is -0");
    expect_values(derivative(tg_sin(x), x), NUMBERS(1, 1, NAN, NAN, NAN));
    expect_values(derivative(tg_cos(x), x), NUMBERS(0, 0, NAN, NAN, NAN));
}

Test(elementwise_unary, sqrt_has_infinite_slope_at_zero_and_is_nan_below) {
    const tg_tensor x = vector(tape, NUMBERS(-1, 0, 4, INFINITY)), y = tg_sqrt(x);
    expect_values(y, NUMBERS(NAN, 0, 2, INFINITY));
    expect_values(derivative(y, x), NUMBERS(NAN, INFINITY, 0.25, 0));
}

Test(elementwise_unary, log_is_minus_infinity_at_zero_and_nan_below) {
    const tg_tensor x = vector(tape, NUMBERS(-1, 0, 1, INFINITY, NAN)), y = tg_log(x);
    expect_values(y, NUMBERS(NAN, -INFINITY, 0, INFINITY, NAN));
    expect_values(derivative(y, x), NUMBERS(-1, INFINITY, 1, 0, NAN));
}

Test(elementwise_unary, log1p_is_exact_near_zero) {
    const tg_tensor x = vector(tape, NUMBERS(1e-20, -1e-20, 0, -1, -2)), y = tg_log1p(x);
    expect_values(y, NUMBERS(1e-20, -1e-20, 0, -INFINITY, NAN));
    expect_values(derivative(y, x), NUMBERS(1, 1, 1, INFINITY, -1));
}

Test(elementwise_unary, exp_reaches_infinity_and_zero) {
    const tg_tensor x = vector(tape, NUMBERS(INFINITY, -INFINITY, 1000, -1000, NAN)), y = tg_exp(x);
    expect_values(y, NUMBERS(INFINITY, 0, INFINITY, 0, NAN));
    expect_values(derivative(y, x), NUMBERS(INFINITY, 0, INFINITY, 0, NAN));
}

static void expect_stable_activations(tg_tape *on) {
    const tg_tensor x = vector(on, NUMBERS(1000, -1000, INFINITY, -INFINITY, NAN));
    expect_values(tg_sigmoid(x), NUMBERS(1, 0, 1, 0, NAN));
    expect_values(tg_tanh(x), NUMBERS(1, -1, 1, -1, NAN));
    expect_values(tg_softplus(x), NUMBERS(1000, 0, INFINITY, 0, NAN));
    expect_values(tg_logsigmoid(x), NUMBERS(0, -1000, 0, -INFINITY, NAN));
    expect_values(derivative(tg_sigmoid(x), x), NUMBERS(0, 0, 0, 0, NAN));
    expect_values(derivative(tg_tanh(x), x), NUMBERS(0, 0, 0, 0, NAN));
    expect_values(derivative(tg_softplus(x), x), NUMBERS(1, 0, 1, 0, NAN));
    expect_values(derivative(tg_logsigmoid(x), x), NUMBERS(0, 1, 0, 1, NAN));
}

Test(elementwise_unary, activations_are_stable_at_a_thousand_and_at_infinity) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    expect_stable_activations(tape);
    expect_stable_activations(f32);
    tg_tape_free(f32);
}

Test(elementwise_unary, logsigmoid_of_many_is_that_of_each) {
    enum { N = 1001 };
    double x[N], expected[N];
    for (int i = 0; i < N; i++) x[i] = (i - 500) * 0.05, expected[i] = -log1p(exp(-x[i]));
    expect_values(tg_logsigmoid(vector(tape, N, x)), N, expected);
}

Test(elementwise_unary, third_derivatives_need_no_further_code) {
    const tg_tensor x = vector(tape, NUMBERS(0, 0.5)), y = tg_tanh(x);
    const tg_tensor third = derivative(derivative(derivative(y, x), x), x);
    const double t = tanh(0.5), s = 1 - t * t;
    expect_values(third, NUMBERS(-2, -2 * s * s + 4 * t * t * s));
}

Test(elementwise_unary, shapes_without_elements_stay_what_they_are) {
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2, 0, 3)), y = tg_exp(x);
    cr_expect(tg_shape_equal(tg_shape_of(y), TG_SHAPE(2, 0, 3)));
    cr_expect(tg_shape_equal(tg_shape_of(derivative(y, x)), TG_SHAPE(2, 0, 3)));
    cr_expect(tg_tape_error(tape) == NULL);
}

Test(elementwise_unary, integers_and_masks_are_refused_with_the_mend) {
    const tg_tensor i = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(1, 2));
    const tg_tensor b = tg_from_bool(tape, TG_SHAPE(2), BOOLEANS(true, false));
    expect_error(tg_exp(i), tape, TG_ERR_DTYPE,
                 "exp: input 0 is i64 and must be f64; tg_to_value converts it");
    expect_error(tg_relu(b), tape, TG_ERR_DTYPE,
                 "relu: input 0 is bool and must be f64; tg_to_value converts it");
    expect_error(tg_leaky_relu(i, 0.1), tape, TG_ERR_DTYPE, "leaky_relu: input 0 is i64");
}

Test(elementwise_unary, a_number_alone_has_no_tape) {
    cr_expect(!tg_is_valid(tg_exp(tg_num(1))));
    cr_expect(tg_tape_error(tape) == NULL);
}
