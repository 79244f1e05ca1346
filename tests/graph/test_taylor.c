/* test_taylor.c: right gradients leave a remainder of order 2, wrong ones of order 1; rounding and kinks are
 * told apart from mistakes.
 *
 * Owns: the promises of graph/taylor.h. Mistakes are planted in an operation defined here. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static tg_taylor_report report;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(taylor, .init = open_tape, .fini = close_tape);

/* y = x^3, with a backward that is right but for a factor. */
static double first_factor, second_factor;
TG_MAP_KERNELS_1(cube, x *x *x)
static void cube_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* 3 x^2 in value; the part that is differentiated again has a factor of its own. */
    const tg_tensor right = tg_mul(tg_num(3), tg_square(c->x[0]));
    const tg_tensor seen = tg_mul(tg_num(second_factor), right);
    const tg_tensor hidden = tg_detach(tg_mul(tg_num(first_factor - second_factor), right));
    dx[0] = tg_mul(dy, tg_add(seen, hidden));
}
static const struct tg_op cube = {.name = "cube",
                                  .kind = TG_MAP,
                                  .n_inputs = 1,
                                  .map_f32 = cube_f32,
                                  .map_f64 = cube_f64,
                                  .backward = cube_backward};

static tg_tensor cube_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_add(tg_sum(tg_tanh(tg_apply(&cube, 1, &p[0], NULL))), tg_mean(tg_exp(p[1])));
}

static void test_cube(double first, double second, int order) {
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor p[2] = {tg_param_normal(tape, TG_SHAPE(3, 2), tg_key_new(1), 0.6),
                            tg_param_normal(tape, TG_SHAPE(4), tg_key_new(2), 1)};
    first_factor = first;
    second_factor = second;
    cr_assert_eq(tg_taylor_test(tape, cube_model, NULL, 2, p, &(tg_taylor_options){.order = order}, &report),
                 TG_OK, "%s", tg_tape_error(tape));
    cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
}

Test(taylor, a_right_gradient_has_rate_2_and_a_right_second_derivative_rate_3) {
    test_cube(1, 1, 2);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect_float_eq(report.rates[0], 2, 0.01, "%g", report.rates[0]);
    cr_expect_float_eq(report.rates[1], 3, 0.05, "%g", report.rates[1]);
    cr_expect_not(report.exact[0] || report.exact[1]);
    test_cube(1, 1, 0);
    cr_expect_eq(report.order, 1);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect_eq(report.curvature, 0);
}

Test(taylor, a_wrong_gradient_has_rate_1_however_small_the_mistake) {
    static const double mistakes[] = {-2, 0.5, -1e-2, 1e-3, 1e-5, 1e-6};
    for (int i = 0; i < 6; i++) {
        test_cube(1 + mistakes[i], 1, 1);
        cr_expect_eq(report.verdict, TG_FAIL, "%g: %s", mistakes[i], tg_verdict_name(report.verdict));
        cr_expect_lt(report.rates[0], i < 5 ? 1.3 : 1.8, "%g: rate %g", mistakes[i], report.rates[0]);
    }
}

Test(taylor, a_wrong_second_derivative_alone_has_rate_2) {
    static const double mistakes[] = {-1, 0.1, 1e-3};
    for (int i = 0; i < 3; i++) {
        test_cube(1, 1 + mistakes[i], 2);
        cr_expect_eq(report.verdicts[0], TG_PASS);
        cr_expect_eq(report.verdicts[1], TG_FAIL, "%g: rate %g", mistakes[i], report.rates[1]);
        cr_expect_float_eq(report.rates[1], 2, 0.2, "%g: rate %g", mistakes[i], report.rates[1]);
        cr_expect_eq(report.verdict, TG_FAIL);
    }
}

Test(taylor, steps_halve_and_those_in_rounding_are_not_used) {
    test_cube(1, 1, 1);
    int used = 0;
    for (int i = 0; i < TG_TAYLOR_POINTS; i++) {
        const tg_taylor_point *p = &report.points[i];
        cr_expect_eq(p->h, ldexp(0.125, -i));
        cr_expect_eq(p->used[0], p->remainder[0] > 32 * report.noise);
        used += p->used[0];
    }
    cr_expect(used > 8 && used < TG_TAYLOR_POINTS, "%d used", used);
    cr_expect_gt(report.noise, 0);
    cr_expect_lt(report.noise, 1e-13);
}

/* --- edges ---------------------------------------------------------------------------------------------- */

static tg_tensor line_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on;
    return tg_sum(tg_mul(p[0], tg_num(*(double *)context)));
}
static tg_tensor square_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_square(p[0]));
}

Test(taylor, a_polynomial_of_that_order_leaves_nothing_over) {
    double three = 3;
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(5), tg_key_new(1), 1);
    cr_assert_eq(tg_taylor_test(tape, line_model, &three, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect(report.exact[0]);
    cr_expect(isnan(report.rates[0]));
    cr_assert_eq(tg_taylor_test(tape, square_model, NULL, 1, &p, &(tg_taylor_options){.order = 2}, &report),
                 TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect(!report.exact[0] && report.exact[1]);
}

static tg_tensor huge_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_add(tg_sum(tg_exp(p[0])), tg_num(1e6));
}

Test(taylor, a_large_constant_beside_the_loss_is_noise_and_not_a_mistake) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(5), tg_key_new(1), 0.3);
    cr_assert_eq(tg_taylor_test(tape, huge_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "rate %g", report.rates[0]);
    cr_expect_gt(report.noise, 1e-11);
}

static tg_tensor log_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_log(p[0]));
}

Test(taylor, steps_that_leave_the_domain_are_left_out) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.001, 3}));
    const double d[] = {-1, 1};
    cr_assert_eq(tg_taylor_test(tape, log_model, NULL, 1, &p, &(tg_taylor_options){.direction = d}, &report),
                 TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "rate %g", report.rates[0]);
    const double both[] = {1, -100};
    cr_assert_eq(
        tg_taylor_test(tape, log_model, NULL, 1, &p, &(tg_taylor_options){.direction = both}, &report),
        TG_OK);
    cr_expect(isnan(report.points[0].remainder[0]), "at h = 1/8 one entry is negative on either side");
    cr_expect_eq(report.verdict, TG_PASS, "rate %g", report.rates[0]);
}

static tg_tensor relu_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_add(tg_sum(tg_relu(p[0])), tg_sum(tg_square(p[0])));
}

Test(taylor, a_kink_at_the_point_is_a_kink_and_beside_it_is_nothing) {
    tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0, 2}));
    cr_assert_eq(tg_taylor_test(tape, relu_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_KINK, "%s, rate %g", tg_verdict_name(report.verdict), report.rates[0]);
    cr_expect_neq(report.left, report.right);
    p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1e-3, 2}));
    const double down[] = {-1, 1};
    cr_assert_eq(
        tg_taylor_test(tape, relu_model, NULL, 1, &p, &(tg_taylor_options){.direction = down}, &report),
        TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "rate %g", report.rates[0]);
}

static tg_tensor floor_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_floor(p[0]));
}

Test(taylor, a_loss_that_jumps_beside_the_point_is_no_kink) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1 + 1e-9, -3 + 1e-9}));
    cr_assert_eq(tg_taylor_test(tape, floor_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_UNRESOLVED, "%s, rate %g", tg_verdict_name(report.verdict),
                 report.rates[0]);
    cr_expect_float_eq(report.rates[0], 0, 1e-9);
}

static tg_tensor sloping_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_mul(p[0], tg_num(0.3)));
}

Test(taylor, a_straight_line_through_0_leaves_nothing_over) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.1, 0.2, -0.3}));
    const tg_taylor_options options = {.order = 2};
    cr_assert_eq(tg_taylor_test(tape, sloping_model, NULL, 1, &p, &options, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "loss %g, noise %g", report.loss, report.noise);
}

Test(taylor, a_loss_that_jumps_at_the_point_does_not_pass) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1, -3}));
    cr_assert_eq(tg_taylor_test(tape, floor_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_UNRESOLVED, "%s", tg_verdict_name(report.verdict));
    cr_expect_not(report.exact[0]);
}

Test(taylor, leaves_parameters_gradients_and_tape_as_they_were) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(7), tg_key_new(1), 1);
    cr_assert_eq(tg_backward(tg_sum(tg_exp(p))), TG_OK);
    double before[14], after[14];
    cr_assert_eq(tg_read_f64(p, 7, before), TG_OK);
    cr_assert_eq(tg_read_f64(tg_grad(p), 7, before + 7), TG_OK);
    const int64_t nodes = tg_tape_n_nodes(tape);
    cr_assert_eq(tg_taylor_test(tape, square_model, NULL, 1, &p, &(tg_taylor_options){.order = 2}, &report),
                 TG_OK);
    cr_assert_eq(tg_read_f64(p, 7, after), TG_OK);
    cr_assert_eq(tg_read_f64(tg_grad(p), 7, after + 7), TG_OK);
    cr_expect_eq(memcmp(before, after, sizeof before), 0);
    cr_expect_eq(tg_tape_n_nodes(tape), nodes);
}

Test(taylor, prints_remainders_rates_and_what_is_left_out) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    test_cube(1, 1, 2);
    tg_taylor_print(stream, &report);
    test_cube(1.5, 1, 1);
    tg_taylor_print(stream, &report);
    fclose(stream);
    static const char *const parts[] = {"order 1 left   rate  order 2 left   rate\n",
                                        "0.125  ",
                                        "not told from rounding (",
                                        "gradient: rate 2.00, 2.00 when right: PASS\n",
                                        "second derivative: rate ",
                                        "order 1 left   rate\n",
                                        "gradient: rate 1.0",
                                        ": FAIL\n"};
    const char *at = text;
    for (int i = 0; i < 8; i++) {
        const char *found = strstr(at, parts[i]);
        cr_expect_not_null(found, "\"%s\" is not where it should be in\n%s", parts[i], text);
        if (found) at = found;
    }
    free(text);
}

Test(taylor, refuses_what_cannot_be_tested_with_a_message) {
    tg_tape *narrow = tg_tape_new(TG_F32);
    const tg_tensor p = tg_param_zeros(tape, TG_SHAPE(2)), y = tg_exp(p), f = tg_param_scalar(narrow, 1);
    cr_expect_eq(tg_taylor_test_at("m.c:1", tape, square_model, NULL, 1, &y, NULL, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "m.c:1: taylor_test: parameter 0");
    cr_expect_eq(tg_taylor_test(narrow, square_model, NULL, 1, &f, NULL, &report), TG_ERR_DTYPE);
    EXPECT_ERROR(narrow, TG_ERR_DTYPE, "taylor_test: the tape is f32");
    cr_expect_eq(tg_taylor_test(tape, square_model, NULL, 1, &p, &(tg_taylor_options){.order = 3}, &report),
                 TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "not 3");
    cr_expect_eq(tg_taylor_test(tape, NULL, NULL, 1, &p, NULL, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "NULL");
    cr_expect_eq(tg_taylor_test(NULL, square_model, NULL, 1, &p, NULL, &report), TG_ERR_HANDLE);
    tg_tape_free(narrow);
}

Test(taylor, every_allocation_may_fail) {
    bool done = false;
    for (long k = 0; !done && k < 500; k++) {
        counting c;
        tg_tape *failing = tg_tape_new_with(TG_F64, counting_allocator(&c));
        const tg_tensor p = tg_param_zeros(failing, TG_SHAPE(3000));
        c.allocations = 0;
        c.fail_at = k;
        const tg_status status =
            tg_taylor_test(failing, square_model, NULL, 1, &p, &(tg_taylor_options){.order = 2}, &report);
        done = !c.failed;
        cr_expect_eq(status, done ? TG_OK : TG_ERR_MEMORY, "allocation %ld: %s", k, tg_tape_error(failing));
        tg_tape_free(failing);
        cr_expect(c.blocks == 0 && !c.wrong_sizes, "allocation %ld", k);
    }
    cr_expect(done);
}
