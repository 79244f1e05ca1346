/* test_gradient.c: tg_backward: the leaves' gradients, their accumulation, and what cannot be differentiated.
 *
 * Owns: the promises of graph/gradient.h about tg_backward. tg_gradients is test_gradients.c's, long tapes
 * are test_long_chain.c's. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(gradient, .init = open_tape, .fini = close_tape);

static double grad_of(tg_tensor x) { return tg_item(tg_grad(x)); }

/* Whether the gradient of x holds these values in row-major order. */
static void expect_grad(tg_tensor x, int64_t n, const double *expected) {
    double found[64];
    cr_assert_eq(tg_read_f64(tg_grad(x), n, found), TG_OK, "%s", tg_tape_error(tape));
    for (int64_t i = 0; i < n; i++)
        cr_expect(fabs(found[i] - expected[i]) <= 1e-12 * fmax(1, fabs(expected[i])), "entry %d: %g, not %g",
                  (int)i, found[i], expected[i]);
}

/* --- values --------------------------------------------------------------------------------------------- */

Test(gradient, of_three_times_a_plus_b_c_is_3_6_9) {
    const tg_tensor a = tg_param_scalar(tape, 5), b = tg_param_scalar(tape, 3), c = tg_param_scalar(tape, 2);
    const tg_tensor J = tg_mul(tg_num(3), tg_add(a, tg_mul(b, c)));
    cr_expect_eq(tg_backward(J), TG_OK);
    cr_expect_eq(tg_item(J), 33);
    cr_expect_eq(grad_of(a), 3);
    cr_expect_eq(grad_of(b), 6);
    cr_expect_eq(grad_of(c), 9);
}

Test(gradient, accumulates_until_it_is_cleared) {
    const tg_tensor a = tg_param_scalar(tape, 5), b = tg_param_scalar(tape, 3);
    const tg_tensor y = tg_mul(a, b);
    cr_expect_eq(grad_of(a), 0, "zeros at first");
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect(grad_of(a) == 6 && grad_of(b) == 10, "twice the gradient");
    cr_expect_eq(tg_backward(tg_mul(a, tg_num(100))), TG_OK);
    cr_expect(grad_of(a) == 106 && grad_of(b) == 10, "only what y depends on");
    cr_expect_eq(tg_zero_grad(a), TG_OK);
    cr_expect(grad_of(a) == 0 && grad_of(b) == 10);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect(grad_of(a) == 3 && grad_of(b) == 15);
    tg_tape_zero_grad(tape);
    cr_expect(grad_of(a) == 0 && grad_of(b) == 0);
}

Test(gradient, of_a_parameter_by_itself_is_one) {
    const tg_tensor p = tg_param_scalar(tape, 5), q = tg_param_f64(tape, TG_SHAPE(1, 1), 1, (double[]){7});
    cr_expect_eq(tg_backward(p), TG_OK);
    cr_expect_eq(grad_of(p), 1);
    cr_expect_eq(tg_backward(q), TG_OK);
    cr_expect_eq(grad_of(q), 1);
}

Test(gradient, sums_over_the_paths_of_a_diamond) {
    const tg_tensor p = tg_param_scalar(tape, 2);
    const tg_tensor u = tg_square(p), v = tg_mul(p, tg_num(3)), w = tg_mul(u, v); /* 3 p^3 */
    const tg_tensor y = tg_add(tg_add(w, u), tg_mul(w, w));                       /* + p^2 + 9 p^6 */
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(grad_of(p), 9 * 4 + 2 * 2 + 54 * 32);
}

Test(gradient, of_a_leaf_used_a_thousand_times_is_exact) {
    const tg_tensor p = tg_param_scalar(tape, 2), q = tg_param_zeros(tape, TG_SHAPE(2, 2));
    tg_tensor sum = tg_mul(p, tg_num(0)), sums = q;
    for (int i = 1; i <= 1000; i++) {
        sum = tg_add(sum, tg_mul(p, tg_num(i)));
        sums = tg_add(sums, tg_mul(q, tg_num(i)));
    }
    cr_expect_eq(tg_backward(sum), TG_OK);
    cr_expect_eq(grad_of(p), 500500);
    cr_expect_eq(tg_backward(tg_sum(sums)), TG_OK);
    expect_grad(q, 4, ((double[]){500501, 500501, 500501, 500501}));
}

Test(gradient, of_the_same_operand_twice_counts_twice) {
    const tg_tensor p = tg_param_scalar(tape, 5);
    tg_tensor same[20];
    for (int i = 0; i < 20; i++) same[i] = p;
    cr_expect_eq(tg_backward(tg_mul(p, p)), TG_OK);
    cr_expect_eq(grad_of(p), 10);
    tg_zero_grad(p);
    cr_expect_eq(tg_backward(tg_accumulate(20, same)), TG_OK);
    cr_expect_eq(grad_of(p), 20);
    const tg_tensor q = tg_param_zeros(tape, TG_SHAPE(1, 2));
    for (int i = 0; i < 20; i++) same[i] = q;
    cr_expect_eq(tg_backward(tg_sum(tg_concat(20, same, 0))), TG_OK);
    expect_grad(q, 2, ((double[]){20, 20}));
}

Test(gradient, is_summed_over_the_axes_that_broadcasting_expanded) {
    const tg_tensor scalar = tg_param_scalar(tape, 2),
                    row = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){1, 2, 3})),
                    column = tg_param_f64(tape, TG_SHAPE(2, 1), 2, ((double[]){4, 5})),
                    one = tg_param_f64(tape, TG_SHAPE(1, 1), 1, ((double[]){6}));
    const tg_tensor y = tg_sum(tg_mul(tg_mul(scalar, row), tg_mul(column, one)));
    cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
    expect_grad(scalar, 1, ((double[]){6 * 9 * 6}));
    expect_grad(row, 3, ((double[]){108, 108, 108}));
    expect_grad(column, 2, ((double[]){72, 72}));
    expect_grad(one, 1, ((double[]){2 * 6 * 9}));
    cr_expect(tg_shape_equal(tg_shape_of(tg_grad(one)), TG_SHAPE(1, 1)));
}

Test(gradient, of_an_empty_operand_is_empty_and_of_what_it_met_zero) {
    const tg_tensor empty = tg_param_zeros(tape, TG_SHAPE(0, 3)), row = tg_param_zeros(tape, TG_SHAPE(3));
    cr_expect_eq(tg_backward(tg_sum(tg_mul(empty, row))), TG_OK, "%s", tg_tape_error(tape));
    expect_grad(row, 3, ((double[]){0, 0, 0}));
}

Test(gradient, from_a_given_cotangent_is_a_product_with_the_jacobian) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){1, 2, 3})), y = tg_square(p);
    const tg_tensor dy = tg_from_f64(tape, TG_SHAPE(3), 3, ((double[]){10, 0, -1}));
    cr_expect_eq(tg_backward_from(y, dy), TG_OK);
    expect_grad(p, 3, ((double[]){20, 0, -6}));
    cr_expect_eq(tg_backward_from(y, tg_num(0.5)), TG_OK, "a number stands for all");
    expect_grad(p, 3, ((double[]){21, 2, -3}));
}

Test(gradient, on_an_f32_tape_is_f32) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    const tg_tensor p = tg_param_scalar(f32, 0.1);
    cr_expect_eq(tg_backward(tg_mul(p, tg_mul(p, p))), TG_OK);
    cr_expect_float_eq(tg_item(tg_grad(p)), 0.03, 1e-8);
    cr_expect_eq(tg_dtype_of(tg_grad(p)), TG_F32);
    tg_tape_free(f32);
}

/* --- what the tape is afterwards ------------------------------------------------------------------------ */

Test(gradient, leaves_the_tape_as_it_was) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){1, 2, 3}));
    const tg_tensor u = tg_square(p), y = tg_sum(u), later = tg_add(u, tg_num(1));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    cr_expect(tg_is_valid(p) && tg_is_valid(u) && tg_is_valid(y) && tg_is_valid(later));
    cr_expect_eq(tg_value(later, TG_SHAPE(2)), 10, "what is newer than y is untouched");
    const tg_tensor z = tg_sum(tg_mul(later, u));
    cr_expect_eq(tg_item(z), 2 + 20 + 90);
    cr_expect_eq(tg_backward(z), TG_OK);
    expect_grad(p, 3, ((double[]){2 + 6, 4 + 36, 6 + 114}));
}

Test(gradient, of_an_older_value_ignores_what_is_newer) {
    const tg_tensor p = tg_param_scalar(tape, 3), y = tg_square(p);
    const tg_tensor q = tg_param_scalar(tape, 4), z = tg_mul(y, q);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect(grad_of(p) == 6 && grad_of(q) == 0);
    cr_expect_eq(tg_backward(z), TG_OK);
    cr_expect(grad_of(p) == 6 + 24 && grad_of(q) == 9);
}

Test(gradient, is_a_tensor_that_lives_with_its_parameter) {
    const tg_tensor p = tg_param_scalar(tape, 3), g = tg_grad(p);
    const tg_mark mark = tg_tape_mark(tape);
    cr_expect_eq(tg_backward(tg_square(p)), TG_OK);
    cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
    cr_expect_eq(tg_item(g), 6);
    cr_expect_eq(tg_item(tg_mul(g, tg_num(2))), 12);
    cr_expect_not(tg_requires_grad(g));
    EXPECT_NO_ERROR(tape);
}

/* --- what cannot be differentiated ---------------------------------------------------------------------- */

Test(gradient, of_more_than_one_number_asks_for_a_sum_or_a_cotangent) {
    const tg_tensor p = tg_param_zeros(tape, TG_SHAPE(2, 3)), y = tg_set_name(tg_exp(p), "activation");
    cr_expect_eq(tg_backward_at("train.c:5", y), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "train.c:5", "'activation' [2, 3]", "tg_sum", "cotangent");
    cr_expect_eq(tg_backward(tg_param_zeros(tape, TG_SHAPE(0))), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "[0]");
    cr_expect_eq(tg_backward_from_at("train.c:6", y, tg_zeros(tape, TG_SHAPE(3, 2))), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "train.c:6", "cotangent", "[3, 2]", "[2, 3]");
    cr_expect_eq(tg_backward_from(y, (tg_tensor){0}), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "cotangent");
    tg_tape *other = tg_tape_new(TG_F64);
    cr_expect_eq(tg_backward_from(y, tg_zeros(other, TG_SHAPE(2, 3))), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "cotangent");
    tg_tape_free(other);
    expect_grad(p, 6, ((double[]){0, 0, 0, 0, 0, 0}));
}

Test(gradient, of_what_depends_on_no_parameter_is_an_error) {
    const tg_tensor p = tg_param_scalar(tape, 2), x = tg_scalar(tape, 3), y = tg_square_at("model.c:3", x);
    cr_expect_eq(tg_backward_at("train.c:7", y), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "train.c:7", "square", "model.c:3",
                 "does not depend on any parameter");
    cr_expect_eq(tg_backward(x), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "does not depend");
    cr_expect_eq(tg_backward(tg_detach(tg_square(p))), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "does not depend");
    cr_expect_eq(tg_backward(tg_greater(p, x)), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "does not depend");
    tg_tensor inside = {0};
    tg_no_grad(tape) inside = tg_square(p);
    cr_expect_eq(tg_backward(inside), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "tg_no_grad");
}

Test(gradient, stops_at_detach_and_goes_on_beside_it) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){3, 4}));
    const tg_tensor constant = tg_detach(tg_square(p));
    cr_expect_eq(tg_data(tg_detach(p)), tg_data(p), "detach shares memory");
    cr_expect_eq(tg_backward(tg_sum(tg_mul(constant, p))), TG_OK);
    expect_grad(p, 2, ((double[]){9, 16}));
}

Test(gradient, of_a_leaf_that_is_no_parameter_is_not_to_be_had) {
    const tg_tensor x = tg_scalar_at("model.c:8", tape, 3), p = tg_param_scalar(tape, 2);
    cr_expect_not(tg_is_valid(tg_grad_at("train.c:9", x)));
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "train.c:9", "grad", "model.c:8", "tg_param_", "tg_gradients");
    cr_expect_eq(tg_zero_grad(tg_square(p)), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "zero_grad", "square");
    cr_expect_not(tg_is_valid(tg_grad(tg_grad(p))));
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "not a parameter");
}

/* --- leaves that changed -------------------------------------------------------------------------------- */

Test(gradient, through_a_value_of_before_a_change_is_an_error_that_names_the_lines) {
    const tg_tensor p = tg_set_name(tg_param_scalar_at("model.c:1", tape, 3), "w");
    const tg_tensor y = tg_square_at("model.c:2", p);
    cr_expect_eq(tg_write_f64_at("train.c:3", p, 1, (double[]){4}), TG_OK);
    cr_expect_eq(tg_backward_at("train.c:4", y), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "train.c:4", "square recorded at model.c:2", "'w' []",
                 "made at model.c:1", "changed in place at train.c:3");
    cr_expect_eq(grad_of(p), 0);
    cr_expect_eq(tg_backward(tg_square(p)), TG_OK, "what is recorded after the change is right");
    cr_expect_eq(grad_of(p), 8);
}

Test(gradient, through_a_view_of_before_a_change_is_an_error_too) {
    const tg_tensor W = tg_param_zeros_at("model.c:1", tape, TG_SHAPE(2, 3));
    const tg_tensor y = tg_sum_at("model.c:5", tg_exp_at("model.c:4", tg_transpose_at("model.c:3", W)));
    ((double *)tg_data_mut_at("train.c:6", W))[0] = 1;
    cr_expect_eq(tg_backward(y), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "exp recorded at model.c:4", "made at model.c:3", "train.c:6");
    const tg_tensor x = tg_ones(tape, TG_SHAPE(2, 3)),
                    z = tg_sum_at("model.c:7", tg_mul_at("model.c:8", W, x));
    tg_assign_at("train.c:9", x, tg_zeros(tape, TG_SHAPE(2, 3)));
    cr_expect_eq(tg_backward(z), TG_ERR_GRADIENT, "an input that changed spoils the gradient of the other");
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "mul recorded at model.c:8", "train.c:9");
}

/* A view shows the leaf as it is now, and its own gradient does not depend on values. */
Test(gradient, through_a_view_made_before_a_change_and_used_after_it_is_right) {
    const tg_tensor W = tg_param_zeros(tape, TG_SHAPE(2, 3)), turned = tg_transpose(W);
    const tg_mark mark = tg_tape_mark(tape);
    for (int step = 1; step < 4; step++) {
        tg_zero_grad(W);
        tg_write_f64(W, 6, ((double[]){step, step, step, step, step, step}));
        cr_expect_eq(tg_backward(tg_sum(tg_square(turned))), TG_OK, "%s", tg_tape_error(tape));
        cr_expect_eq(tg_value(tg_grad(W), TG_SHAPE(1, 2)), 2 * step);
        cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
    }
}

Test(gradient, after_a_change_and_a_rewind_is_right) {
    const tg_tensor p = tg_param_scalar(tape, 3);
    const tg_mark mark = tg_tape_mark(tape);
    for (int step = 0; step < 3; step++) {
        const tg_tensor y = tg_square(p);
        cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
        cr_expect_eq(tg_backward(y), TG_OK, "twice, with no change between");
        *(double *)tg_data_mut(p) = 10 + step;
        cr_expect_eq(tg_backward(y), TG_ERR_GRADIENT);
        tg_tape_clear_error(tape);
        cr_expect_eq(tg_backward(tg_square(p)), TG_OK, "%s", tg_tape_error(tape));
        cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
    }
    /* two times each old slope, 6, 20, 22, and once each new one, 20, 22, 24 */
    cr_expect_eq(grad_of(p), 2 * (6 + 20 + 22) + 20 + 22 + 24);
}

Test(gradient, of_what_uses_a_gradient_that_has_moved_on_is_an_error) {
    const tg_tensor p = tg_param_scalar(tape, 3);
    cr_expect_eq(tg_backward(tg_square(p)), TG_OK);
    const tg_tensor y = tg_mul_at("model.c:4", tg_grad(p), p);
    cr_expect_eq(tg_backward_at("train.c:5", tg_square(p)), TG_OK);
    cr_expect_eq(tg_backward(y), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "mul recorded at model.c:4", "train.c:5");
}
