/* test_losses.c: losses where they are hard: certain predictions, large logits, labels and shapes that do not
 * fit. */
#include "tests/ops/expectations.h"

static tg_tape *tape;
static void set_up(void) { tape = tg_tape_new(TG_F64); }
static void tear_down(void) { tg_tape_free(tape); }
TestSuite(losses, .init = set_up, .fini = tear_down);

/* --- mean squared error --------------------------------------------------------------------------------- */

Test(losses, mse_is_the_mean_of_squared_differences) {
    const tg_tensor p = vector(tape, NUMBERS(1, 2, 3, 6)), t = vector(tape, NUMBERS(1, 1, 5, 4));
    const tg_tensor loss = tg_mse(p, t);
    expect_values(loss, NUMBERS(9.0 / 4));
    expect_values(derivative(loss, p), NUMBERS(0, 0.5, -1, 1));
    expect_values(derivative(loss, t), NUMBERS(0, -0.5, 1, -1));
}

Test(losses, losses_refuse_to_broadcast) {
    const tg_tensor column = tg_param_zeros(tape, TG_SHAPE(4, 1)), row = tg_param_zeros(tape, TG_SHAPE(4));
    static const char text[] =
        ": the prediction is [4, 1] and the target [4]; a loss does not broadcast: give "
        "them one shape (tg_reshape";
    expect_error(tg_mse(column, row), tape, TG_ERR_SHAPE, text);
    expect_error(tg_binary_cross_entropy(column, row), tape, TG_ERR_SHAPE, text);
    expect_error(tg_binary_cross_entropy_with_logits(column, row), tape, TG_ERR_SHAPE, text);
    expect_error(tg_mse(row, tg_num(0)), tape, TG_ERR_SHAPE, "the prediction is [4] and the target []");
}

Test(losses, losses_refuse_integers) {
    const tg_tensor p = vector(tape, NUMBERS(0.5, 0.5)), t = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(0, 1));
    expect_error(tg_binary_cross_entropy(p, t), tape, TG_ERR_DTYPE,
                 "binary_cross_entropy: input 1 is i64 and must be f64; tg_to_value converts it");
}

Test(losses, a_loss_over_nothing_is_an_error) {
    const tg_tensor none = tg_param_zeros(tape, TG_SHAPE(0, 3));
    const tg_tensor labels = tg_from_i64(tape, TG_SHAPE(0), 0, NULL);
    expect_error(tg_mse(none, none), tape, TG_ERR_SHAPE, "over nothing");
    expect_error(tg_cross_entropy(none, labels), tape, TG_ERR_SHAPE, "over nothing");
}

/* --- binary cross entropy ------------------------------------------------------------------------------- */

Test(losses, certain_probabilities_have_a_finite_loss) {
    const tg_tensor p = vector(tape, NUMBERS(0, 0, 1, 1)), t = vector(tape, NUMBERS(0, 1, 0, 1));
    const tg_tensor loss = tg_binary_cross_entropy(p, t);
    expect_values(loss, NUMBERS(50));
    expect_values(derivative(loss, p), NUMBERS(0, -2.5e11, 2.5e11, 0));
    expect_values(derivative(loss, t), NUMBERS(25, 25, -25, -25));
}

Test(losses, probabilities_outside_of_0_and_1_give_nan) {
    const tg_tensor t = vector(tape, NUMBERS(1));
    expect_values(tg_binary_cross_entropy(vector(tape, NUMBERS(1.5)), t), NUMBERS(NAN));
    expect_values(tg_binary_cross_entropy(vector(tape, NUMBERS(-0.5)), t), NUMBERS(NAN));
    expect_values(tg_binary_cross_entropy(vector(tape, NUMBERS(NAN)), t), NUMBERS(NAN));
}

static double logit_loss(tg_tape *on, double z, double t) {
    return tg_item(tg_binary_cross_entropy_with_logits(tg_param_scalar(on, z), tg_param_scalar(on, t)));
}

Test(losses, large_logits_are_exact) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    for (int i = 0; i < 2; i++) {
        tg_tape *on = i ? f32 : tape;
        cr_expect(logit_loss(on, 1000, 0) == 1000);
        cr_expect(logit_loss(on, 1000, 1) == 0);
        cr_expect(logit_loss(on, -1000, 1) == 1000);
        cr_expect(logit_loss(on, -1000, 0) == 0);
        cr_expect(isnan(logit_loss(on, NAN, 0)));
    }
    cr_expect_float_eq(logit_loss(tape, 40, 1) / exp(-40), 1, 1e-13); /* not rounded away beside 40 */
    cr_expect_float_eq(logit_loss(tape, -40, 0) / exp(-40), 1, 1e-13);
    const tg_tensor z = vector(tape, NUMBERS(1000, -1000)), t = vector(tape, NUMBERS(0, 1));
    expect_values(derivative(tg_binary_cross_entropy_with_logits(z, t), z), NUMBERS(0.5, -0.5));
    tg_tape_free(f32);
}

Test(losses, logits_and_probabilities_agree) {
    enum { N = 600 }; /* more than the kernels do at once */
    double zs[N], ts[N];
    for (int i = 0; i < N; i++) zs[i] = sin(i) * 5, ts[i] = i % 3 / 2.0;
    const tg_tensor z = vector(tape, N, zs), t = vector(tape, N, ts);
    const tg_tensor by_logits = tg_binary_cross_entropy_with_logits(z, t);
    const tg_tensor by_probabilities = tg_binary_cross_entropy(tg_sigmoid(z), t);
    cr_expect_float_eq(tg_item(by_logits), tg_item(by_probabilities), 1e-13);
    double a[N], b[N];
    cr_assert(tg_read_f64(derivative(by_logits, z), N, a) == TG_OK);
    cr_assert(tg_read_f64(derivative(by_probabilities, z), N, b) == TG_OK);
    for (int i = 0; i < N; i++) cr_expect_float_eq(a[i], b[i], 1e-15);
}

/* --- cross entropy -------------------------------------------------------------------------------------- */

Test(losses, cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes) {
    const tg_tensor z = tg_param_zeros(tape, TG_SHAPE(2, 4));
    const tg_tensor loss = tg_cross_entropy(z, tg_from_i64(tape, TG_SHAPE(2), INTEGERS(3, 0)));
    expect_values(loss, NUMBERS(log(4)));
    expect_values(derivative(loss, z), NUMBERS(0.125, 0.125, 0.125, -0.375, -0.375, 0.125, 0.125,
                                               0.125)); /* (softmax - one) / n */
}

Test(losses, cross_entropy_is_stable_at_a_thousand) {
    const tg_tensor z = tg_param_f64(tape, TG_SHAPE(2, 3), NUMBERS(1000, 0, -1000, 1000, 0, -1000));
    const tg_tensor right = tg_cross_entropy(z, tg_from_i64(tape, TG_SHAPE(2), INTEGERS(0, 0)));
    const tg_tensor wrong = tg_cross_entropy(z, tg_from_i64(tape, TG_SHAPE(2), INTEGERS(2, 1)));
    expect_values(right, NUMBERS(0));
    expect_values(wrong, NUMBERS(1500));
    expect_values(derivative(wrong, z), NUMBERS(0.5, 0, -0.5, 0.5, -0.5, 0));
}

Test(losses, a_label_out_of_range_is_named_with_its_place) {
    const tg_tensor z = tg_param_zeros(tape, TG_SHAPE(4, 10));
    expect_error(tg_cross_entropy(z, tg_from_i64(tape, TG_SHAPE(4), INTEGERS(0, 9, 3, 10))), tape,
                 TG_ERR_VALUE, "cross_entropy: label 10 at [3] is out of range 0..9 for 10 classes");
    expect_error(tg_cross_entropy(z, tg_from_i64(tape, TG_SHAPE(4), INTEGERS(0, -1, 3, 1))), tape,
                 TG_ERR_VALUE, "cross_entropy: label -1 at [1] is out of range 0..9 for 10 classes");
    expect_error(tg_cross_entropy(vector(tape, NUMBERS(1, 2)), tg_from_i64(tape, TG_SCALAR, INTEGERS(2))),
                 tape, TG_ERR_VALUE, "cross_entropy: label 2 at [] is out of range 0..1 for 2 classes");
}

Test(losses, labels_that_do_not_fit_the_logits_are_refused) {
    const tg_tensor z = tg_param_zeros(tape, TG_SHAPE(4, 10));
    expect_error(
        tg_cross_entropy(z, tg_from_i64(tape, TG_SHAPE(1, 4), INTEGERS(0, 0, 0, 0))), tape, TG_ERR_SHAPE,
        "cross_entropy: the logits are [4, 10], the last axis being the classes, and the labels [1, 4]; "
        "they must be [4]");
    expect_error(tg_cross_entropy(z, vector(tape, NUMBERS(0, 1, 2, 3))), tape, TG_ERR_DTYPE,
                 "cross_entropy: the labels are f64 and must be i64");
    expect_error(tg_cross_entropy(tg_param_scalar(tape, 1), tg_from_i64(tape, TG_SCALAR, INTEGERS(0))), tape,
                 TG_ERR_SHAPE, "cross_entropy: the logits are a scalar");
}
