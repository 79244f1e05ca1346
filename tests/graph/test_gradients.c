/* test_gradients.c: tg_gradients: gradients as tensors, which are differentiated again; and what a backward
 * of a user's own may write.
 *
 * Owns: the promises of graph/gradient.h about tg_gradients, and of graph/op.h about backward. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(gradients, .init = open_tape, .fini = close_tape);

/* dy/dx; invalid on error. */
static tg_tensor gradient(tg_tensor y, tg_tensor x) {
    tg_tensor dx;
    return tg_gradients(y, 1, &x, &dx) == TG_OK ? dx : (tg_tensor){tape, UINT32_MAX, 0};
}

Test(gradients, of_x_to_the_fourth_are_exact_to_the_fifth) {
    const tg_tensor x = tg_param_scalar(tape, 3);
    const double expected[] = {81, 108, 108, 72, 24, 0};
    tg_tensor y = tg_square(tg_square(x));
    for (int order = 0; order < 6; order++) {
        cr_expect_eq(tg_item(y), expected[order], "order %d: %g", order, tg_item(y));
        y = gradient(y, x);
    }
    EXPECT_NO_ERROR(tape);
}

Test(gradients, of_gradients_meet_in_mixed_derivatives) {
    const tg_tensor x = tg_param_scalar(tape, 0.3), y = tg_param_scalar(tape, 0.7);
    const tg_tensor f = tg_exp(tg_mul(tg_square(x), y)); /* d2f/dxdy = (2 x + 2 x^3 y) f */
    const tg_tensor fxy = gradient(gradient(f, x), y), fyx = gradient(gradient(f, y), x);
    const double expected = (0.6 + 2 * 0.027 * 0.7) * exp(0.09 * 0.7);
    cr_expect_float_eq(tg_item(fxy), expected, 1e-14);
    cr_expect_float_eq(tg_item(fyx), expected, 1e-14);
}

Test(gradients, of_a_penalty_on_the_gradient_flow_into_parameters) {
    const tg_tensor w = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){1, -2, 3}));
    const tg_tensor f = tg_sum(tg_mul(tg_square(w), w));         /* df/dw = 3 w^2 */
    const tg_tensor penalty = tg_sum(tg_square(gradient(f, w))); /* 9 w^4 */
    cr_expect_eq(tg_backward(penalty), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_value(tg_grad(w), TG_SHAPE(1)), 36 * -8);
}

Test(gradients, of_more_operands_than_an_array_of_few_can_be_differentiated_again) {
    tg_tensor parts[12];
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){2, 3}));
    for (int i = 0; i < 12; i++) parts[i] = tg_mul(x, tg_num(i));
    const tg_tensor y = tg_sum(tg_square(tg_concat(12, parts, 0))); /* 506 x^2 */
    const tg_tensor dx = gradient(y, x), ddx = gradient(tg_sum(dx), x);
    cr_expect_eq(tg_value(dx, TG_SHAPE(1)), 2 * 506 * 3);
    cr_expect_eq(tg_value(ddx, TG_SHAPE(0)), 2 * 506);
}

Test(gradients, are_with_respect_to_any_tensor) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2), 2, ((double[]){1, 2})); /* no parameter */
    const tg_tensor u = tg_exp(x), v = tg_mul(u, tg_num(3)), y = tg_sum(tg_mul(v, u));
    tg_tensor d[4];
    cr_expect_eq(tg_gradients(y, 4, ((tg_tensor[]){x, u, v, y}), d), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_float_eq(tg_value(d[0], TG_SHAPE(1)), 6 * exp(4), 1e-12 * 6 * exp(4));
    cr_expect_float_eq(tg_value(d[1], TG_SHAPE(1)), 6 * exp(2), 1e-12 * 6 * exp(2), "both ways from u to y");
    cr_expect_float_eq(tg_value(d[2], TG_SHAPE(1)), exp(2), 1e-12);
    cr_expect_eq(tg_item(d[3]), 1);
}

Test(gradients, are_zeros_where_y_does_not_depend_on_x) {
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2, 3)), z = tg_param_scalar(tape, 2), y = tg_square(z);
    const tg_tensor newer = tg_param_scalar(tape, 3);
    tg_tensor d[5];
    cr_expect_eq(tg_gradients(y, 5, ((tg_tensor[]){x, z, newer, z, tg_square(z)}), d), TG_OK);
    cr_expect(tg_shape_equal(tg_shape_of(d[0]), TG_SHAPE(2, 3)));
    cr_expect_eq(tg_value(d[0], TG_SHAPE(1, 2)), 0);
    cr_expect_eq(tg_item(d[1]), 4);
    cr_expect_eq(tg_item(d[2]), 0);
    cr_expect_eq(tg_item(d[3]), 4, "the same x twice");
    cr_expect_eq(tg_item(d[4]), 0);
    cr_expect_eq(tg_gradients(y, 0, NULL, NULL), TG_OK, "nothing asked for");
}

Test(gradients, leave_the_parameters_own_alone) {
    const tg_tensor p = tg_param_scalar(tape, 3), y = tg_square(p);
    cr_expect_eq(tg_item(gradient(y, p)), 6);
    cr_expect_eq(tg_item(tg_grad(p)), 0);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(tg_item(gradient(y, p)), 6);
    cr_expect_eq(tg_item(tg_grad(p)), 6);
}

Test(gradients, inside_no_grad_are_constants) {
    const tg_tensor p = tg_param_scalar(tape, 3), y = tg_mul(tg_square(p), p);
    tg_tensor inside = {0};
    tg_no_grad(tape) inside = gradient(y, p);
    cr_expect_eq(tg_item(inside), 27);
    cr_expect_not(tg_requires_grad(inside));
    cr_expect(tg_requires_grad(gradient(y, p)));
    cr_expect_eq(tg_item(gradient(inside, p)), 0);
}

Test(gradients, from_a_cotangent_can_be_differentiated_by_it) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){2, 3})), y = tg_square(x);
    const tg_tensor v = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1, 10}));
    tg_tensor dx, dv;
    cr_expect_eq(tg_gradients_from(y, v, 1, &x, &dx), TG_OK);
    cr_expect_eq(tg_value(dx, TG_SHAPE(1)), 60);
    cr_expect_eq(tg_gradients_from(dx, x, 1, &v, &dv), TG_OK,
                 "J x = 2 x^2, forwards by going backwards twice");
    cr_expect_eq(tg_value(dv, TG_SHAPE(1)), 18);
}

Test(gradients, that_cannot_be_had_are_errors_and_all_are_invalid) {
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2)), y = tg_sum(x);
    const tg_tensor i = tg_from_i64(tape, TG_SHAPE(1), 1, (int64_t[]){1});
    tg_tensor d[2];
    cr_expect_eq(tg_gradients_at("main.c:1", tg_exp(x), 2, (tg_tensor[]){x, x}, d), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:1", "exp [2]", "tg_sum");
    cr_expect(!tg_is_valid(d[0]) && !tg_is_valid(d[1]) && d[0].tape == tape);
    cr_expect_eq(tg_gradients(y, 2, (tg_tensor[]){x, (tg_tensor){0}}, d), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "x 1", "y's tape");
    cr_expect_eq(tg_gradients(y, 2, (tg_tensor[]){tg_num(2), x}, d), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "x 0");
    cr_expect_eq(tg_gradients(y, 1, &i, d), TG_ERR_DTYPE);
    EXPECT_ERROR(tape, TG_ERR_DTYPE, "x 0 is i64");
    cr_expect_eq(tg_gradients(i, 1, &x, d), TG_ERR_DTYPE);
    EXPECT_ERROR(tape, TG_ERR_DTYPE, "y is", "i64");
    cr_expect_eq(tg_gradients((tg_tensor){0}, 2, (tg_tensor[]){x, x}, d), TG_ERR_HANDLE);
    cr_expect(!tg_is_valid(d[0]) && !tg_is_valid(d[1]));
    cr_expect_eq(tg_value(gradient(y, x), TG_SHAPE(0)), 1, "and the tape works on");
}

/* --- a backward of one's own ---------------------------------------------------------------------------- */

/* y = x^2 in one kernel, with a backward that each test chooses. */
TG_MAP_KERNELS_1(squared, x *x)
TG_MAP_KERNELS_2(times, x *y)

static struct tg_op squared_with(tg_backward_fn *backward) {
    return (struct tg_op){.name = "squared",
                          .kind = TG_MAP,
                          .n_inputs = 1,
                          .map_f32 = squared_f32,
                          .map_f64 = squared_f64,
                          .backward = backward};
}

static void expect_slope(tg_backward_fn *backward, tg_shape shape, double expected) {
    const struct tg_op op = squared_with(backward);
    const tg_tensor p = tg_set_name(tg_add(tg_param_zeros(tape, shape), tg_num(3)), "x");
    const tg_tensor y = tg_sum(tg_apply(&op, 1, &p, NULL)), dx = gradient(y, p);
    EXPECT_NO_ERROR(tape);
    cr_expect(tg_shape_equal(tg_shape_of(dx), shape));
    cr_expect_eq(tg_item(tg_mean(dx)), expected);
}

static void write_number(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c, (void)dy;
    dx[0] = tg_num(5);
}
static void write_nothing(const tg_call *c, tg_tensor dy, tg_tensor *dx) { (void)c, (void)dy, (void)dx; }
static void write_larger(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_broadcast_to(tg_mul(dy, tg_num(0.5)), TG_SHAPE(4, tg_dim(c->y, 0), tg_dim(c->y, 1)));
}
static void write_by_gradients(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor again = tg_mul(c->x[0], c->x[0]);
    if (tg_gradients_from(again, dy, 1, &c->x[0], dx) != TG_OK) dx[0] = (tg_tensor){0};
}

Test(gradients, of_a_users_operation_may_be_a_number_nothing_or_of_the_broadcast_shape) {
    expect_slope(write_number, TG_SCALAR, 5);
    expect_slope(write_number, TG_SHAPE(2, 3), 5);
    expect_slope(write_nothing, TG_SHAPE(2, 3), 0);
    expect_slope(write_larger, TG_SHAPE(2, 3), 2);
    expect_slope(write_larger, TG_SHAPE(1, 1), 2);
}

Test(gradients, may_be_asked_for_inside_a_backward) {
    expect_slope(write_by_gradients, TG_SCALAR, 6);
    expect_slope(write_by_gradients, TG_SHAPE(2, 3), 6);
    const struct tg_op op = squared_with(write_by_gradients);
    const tg_tensor p = tg_param_scalar(tape, 3), y = tg_apply(&op, 1, &p, NULL);
    cr_expect_eq(tg_backward(tg_mul(y, y)), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_item(tg_grad(p)), 4 * 27);
    cr_expect_eq(tg_item(gradient(gradient(y, p), p)), 2, "%s", tg_tape_error(tape));
    tg_tensor inside = {0};
    tg_no_grad(tape) inside = gradient(y, p);
    cr_expect_eq(tg_item(inside), 6);
    cr_expect_not(tg_requires_grad(inside));
}

static void write_smaller(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c, (void)dy;
    dx[0] = tg_zeros(c->tape, TG_SHAPE(2));
}
static void write_mask(const tg_call *c, tg_tensor dy, tg_tensor *dx) { dx[0] = tg_greater(dy, c->x[0]); }
static void write_invalid(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)dy;
    dx[0] = (tg_tensor){c->tape, UINT32_MAX, 0};
}
static void write_what_does_not_fit(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_add(dy, tg_zeros(c->tape, TG_SHAPE(7, 5)));
}
static tg_tensor foreign;
static void write_foreign(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c, (void)dy;
    dx[0] = foreign;
}

static void expect_failure(tg_backward_fn *backward, tg_status status, const char *text) {
    const struct tg_op op = squared_with(backward);
    const tg_tensor p = tg_param_zeros(tape, TG_SHAPE(2, 3));
    const tg_tensor y = tg_sum_at("model.c:4", tg_apply_at("model.c:3", &op, 1, &p, NULL));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    tg_tensor dx;
    cr_expect_eq(tg_backward(y), status);
    EXPECT_ERROR(tape, status, "model.c:3", "(in the backward of squared)", text);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    cr_expect_eq(tg_item(tg_sum(tg_abs(tg_grad(p)))), 0, "no gradient has changed");
    cr_expect_eq(tg_gradients(y, 1, &p, &dx), status);
    EXPECT_ERROR(tape, status, "model.c:3", "(in the backward of squared)", text);
}

Test(gradients, that_a_users_backward_gets_wrong_are_errors_at_the_line_of_the_operation) {
    foreign.tape = tg_tape_new(TG_F64);
    tg_tape *other = foreign.tape;
    foreign = tg_zeros(other, TG_SHAPE(2, 3));
    expect_failure(write_smaller, TG_ERR_SHAPE, "[2]");
    expect_failure(write_mask, TG_ERR_GRADIENT, "bool gradient for input 0");
    expect_failure(write_invalid, TG_ERR_GRADIENT, "invalid gradient for input 0");
    expect_failure(write_what_does_not_fit, TG_ERR_SHAPE, "add: shapes do not broadcast");
    expect_failure(write_foreign, TG_ERR_GRADIENT, "invalid gradient for input 0");
    expect_failure(TG_NOT_DIFFERENTIABLE, TG_ERR_GRADIENT, "has no gradient");
    EXPECT_NO_ERROR(other);
    tg_tape_free(other);
}

Test(gradients, do_not_ask_an_operation_that_lies_on_no_path) {
    const struct tg_op op = squared_with(TG_NOT_DIFFERENTIABLE);
    const tg_tensor p = tg_param_scalar(tape, 3), x = tg_scalar(tape, 2);
    const tg_tensor y = tg_mul(tg_apply(&op, 1, &x, NULL), p);
    cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_item(tg_grad(p)), 4);
    const tg_tensor z = tg_mul(tg_apply(&op, 1, &p, NULL), tg_square(x));
    cr_expect_eq(tg_item(gradient(z, x)), 36, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_backward(z), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "squared", "tg_detach");
}

static bool asked[2];
static void note_needs(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    for (int i = 0; i < 2; i++) asked[i] = tg_needs_grad(c, i);
    dx[0] = tg_mul(dy, c->x[1]), dx[1] = tg_mul(dy, c->x[0]);
}

Test(gradients, tell_a_backward_which_of_them_are_wanted) {
    const struct tg_op op = {.name = "times",
                             .kind = TG_MAP,
                             .n_inputs = 2,
                             .map_f32 = times_f32,
                             .map_f64 = times_f64,
                             .backward = note_needs};
    const tg_tensor p = tg_param_scalar(tape, 3), x = tg_scalar(tape, 2);
    const tg_tensor y = tg_apply(&op, 2, ((tg_tensor[]){x, p}), NULL);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect(!asked[0] && asked[1]);
    cr_expect_eq(tg_item(gradient(y, x)), 3, "what is written unasked does no harm");
    cr_expect(asked[0] && !asked[1]);
}
