/* test_comparison.c: the edges of comparisons and of choice: NaN, ties, dtypes, gradients. */
#include "tests/ops/expectations.h"

static tg_tape *tape;
static void set_up(void) { tape = tg_tape_new(TG_F64); }
static void tear_down(void) { tg_tape_free(tape); }
TestSuite(comparison, .init = set_up, .fini = tear_down);

Test(comparison, ties_belong_to_the_comparisons_that_allow_them) {
    const tg_tensor a = vector(tape, NUMBERS(1, 2, 3, 0)), b = vector(tape, NUMBERS(2, 2, 2, -0.0));
    cr_expect(tg_dtype_of(tg_equal(a, b)) == TG_BOOL);
    expect_values(tg_equal(a, b), NUMBERS(0, 1, 0, 1));
    expect_values(tg_not_equal(a, b), NUMBERS(1, 0, 1, 0));
    expect_values(tg_less(a, b), NUMBERS(1, 0, 0, 0));
    expect_values(tg_less_equal(a, b), NUMBERS(1, 1, 0, 1));
    expect_values(tg_greater(a, b), NUMBERS(0, 0, 1, 0));
    expect_values(tg_greater_equal(a, b), NUMBERS(0, 1, 1, 1));
}

Test(comparison, nothing_but_not_equal_is_true_of_nan) {
    const tg_tensor a = vector(tape, NUMBERS(NAN, 1, NAN)), b = vector(tape, NUMBERS(1, NAN, NAN));
    expect_values(tg_equal(a, b), NUMBERS(0, 0, 0));
    expect_values(tg_not_equal(a, b), NUMBERS(1, 1, 1));
    expect_values(tg_less(a, b), NUMBERS(0, 0, 0));
    expect_values(tg_less_equal(a, b), NUMBERS(0, 0, 0));
    expect_values(tg_greater(a, b), NUMBERS(0, 0, 0));
    expect_values(tg_greater_equal(a, b), NUMBERS(0, 0, 0));
}

Test(comparison, integers_are_compared_as_integers) {
    const int64_t large = (int64_t)1 << 53;
    const tg_tensor a = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(large, -1));
    const tg_tensor b = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(large + 1, -1));
    expect_values(tg_equal(a, b), NUMBERS(0, 1)); /* as f64 the first two would be equal */
    expect_values(tg_less(a, b), NUMBERS(1, 0));
    expect_values(tg_greater(a, tg_num(0)), NUMBERS(1, 0));
}

Test(comparison, operands_of_two_kinds_are_refused_with_the_mend) {
    const tg_tensor x = vector(tape, NUMBERS(1, 2)), i = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(1, 2));
    const tg_tensor b = tg_from_bool(tape, TG_SHAPE(2), BOOLEANS(true, false));
    expect_error(tg_less(x, i), tape, TG_ERR_DTYPE,
                 "less: input 1 is i64 and must be f64; tg_to_value converts it");
    expect_error(tg_less(i, x), tape, TG_ERR_DTYPE,
                 "less: input 0 is i64 and must be f64; tg_to_value converts it");
    expect_error(tg_equal(b, b), tape, TG_ERR_DTYPE, "equal: input 0 is bool");
}

Test(comparison, where_sends_the_gradient_to_what_was_chosen) {
    const tg_tensor a = vector(tape, NUMBERS(1, 2, 3)), b = tg_param_scalar(tape, 7);
    const tg_tensor mask = tg_greater(a, tg_num(1.5)), y = tg_where(mask, a, b);
    expect_values(y, NUMBERS(7, 2, 3));
    expect_values(derivative(y, a), NUMBERS(0, 1, 1));
    expect_values(derivative(y, b), NUMBERS(1));
}

Test(comparison, where_hides_what_was_not_chosen) {
    const tg_tensor x = vector(tape, NUMBERS(NAN, 2, INFINITY));
    const tg_tensor mask = tg_from_bool(tape, TG_SHAPE(3), BOOLEANS(false, true, false));
    expect_values(tg_where(mask, x, tg_num(0)), NUMBERS(0, 2, 0));
    expect_values(tg_where(mask, tg_num(1), tg_num(0)), NUMBERS(0, 1, 0));
}

Test(comparison, where_needs_a_mask) {
    const tg_tensor x = vector(tape, NUMBERS(1, 2));
    expect_error(tg_where(x, x, x), tape, TG_ERR_DTYPE, "where: input 0 is f64 and must be bool");
    expect_error(tg_where(tg_less(x, x), x, vector(tape, NUMBERS(1, 2, 3))), tape, TG_ERR_SHAPE,
                 "where: shapes do not broadcast: [2] and [3]");
}

Test(comparison, to_value_gives_numbers_of_the_tape) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    const tg_tensor i = tg_from_i64(f32, TG_SHAPE(2), INTEGERS(-3, 16777217)), x = tg_to_value(i);
    cr_expect(tg_dtype_of(x) == TG_F32);
    cr_expect(tg_value(x, TG_SHAPE(0)) == -3 && tg_value(x, TG_SHAPE(1)) == 16777216);
    expect_values(tg_to_value(tg_from_bool(tape, TG_SHAPE(2), BOOLEANS(true, false))), NUMBERS(1, 0));
    expect_error(tg_to_value(vector(tape, NUMBERS(1))), tape, TG_ERR_DTYPE,
                 "to_value: the input is f64 already");
    tg_tape_free(f32);
}

Test(comparison, no_gradient_flows_through_a_mask) {
    const tg_tensor x = vector(tape, NUMBERS(-1, 2));
    const tg_tensor y = tg_mul(x, tg_to_value(tg_greater(x, tg_num(0))));
    expect_values(derivative(y, x), NUMBERS(0, 1));
    cr_expect(!tg_requires_grad(tg_greater(x, tg_num(0))));
}
