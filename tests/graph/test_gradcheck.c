/* test_gradcheck.c: the checker passes right gradients, catches planted mistakes, and leaves no trace.
 *
 * Owns: the promises of graph/gradcheck.h. The mistakes are planted in an operation defined here, whose
 * backward each test corrupts in its own way. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>
#include <string.h>

static tg_tape *tape;
static tg_gradcheck_report report;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) {
    tg_gradcheck_report_free(&report);
    tg_tape_free(tape);
}

TestSuite(gradcheck, .init = open_tape, .fini = close_tape);

/* --- right gradients ------------------------------------------------------------------------------------ */

static tg_tensor smooth_model(tg_tape *on, const tg_tensor *p, void *context) {
    const tg_tensor hidden = tg_tanh(tg_add(tg_matmul(p[0], *(const tg_tensor *)context), p[1]));
    (void)on;
    return tg_mean(tg_softplus(tg_mul(tg_matmul(p[2], hidden), tg_exp(p[3]))));
}

Test(gradcheck, passes_a_small_network_entry_by_entry) {
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(3, 7), tg_key_new(5), 1);
    const tg_tensor p[] = {tg_set_name(tg_param_normal(tape, TG_SHAPE(4, 3), tg_key_new(1), 0.5), "W1"),
                           tg_set_name(tg_param_normal(tape, TG_SHAPE(4, 1), tg_key_new(2), 0.5), "b1"),
                           tg_param_normal(tape, TG_SHAPE(1, 4), tg_key_new(3), 0.5),
                           tg_param_scalar(tape, 0.2)};
    cr_assert_eq(tg_gradcheck(tape, smooth_model, (void *)(uintptr_t)&x, 4, p, NULL, &report), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_expect_eq(report.verdict, TG_PASS);
    cr_assert_eq(report.n, 4);
    static const int64_t entries[] = {12, 4, 4, 1};
    static const char *const names[] = {"W1", "b1", "parameter 2", "parameter 3"};
    for (int k = 0; k < 4; k++) {
        const tg_gradcheck_result *r = &report.results[k];
        cr_expect_eq(r->verdict, TG_PASS);
        cr_expect_eq(r->entries, entries[k]);
        cr_expect_eq(r->failed, 0);
        cr_expect_str_eq(r->name, names[k]);
        cr_expect_lt(r->difference, 1e-10, "%s: %g", r->name, r->difference);
        cr_expect_leq(r->difference, r->tolerance);
        cr_expect_eq(r->worst.rank, k < 3 ? 2 : 0);
    }
    cr_expect_geq(report.evaluations, 2 * 21);
}

static tg_tensor wide_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_mul(tg_square(p[0]), p[0]));
}

Test(gradcheck, passes_entries_of_every_size) {
    const double values[] = {0, 1e-8, -1e-3, 1, 50, -1e4};
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(6), 6, values);
    cr_assert_eq(tg_gradcheck(tape, wide_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "%g, allowed %g", report.results[0].difference,
                 report.results[0].tolerance);
}

static tg_tensor edge_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_log(p[0]));
}

Test(gradcheck, shortens_its_step_near_the_end_of_the_domain) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.004, 3}));
    cr_assert_eq(tg_gradcheck(tape, edge_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "%g, allowed %g", report.results[0].difference,
                 report.results[0].tolerance);
}

static tg_tensor constant_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)p, (void)context;
    return tg_scalar(on, 3);
}

Test(gradcheck, passes_what_does_not_depend_on_the_parameters) {
    const tg_tensor p[] = {tg_param_zeros(tape, TG_SHAPE(2)), tg_param_zeros(tape, TG_SHAPE(0, 4))};
    cr_assert_eq(tg_gradcheck(tape, constant_model, NULL, 2, p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect_eq(report.loss, 3);
    cr_expect_eq(report.results[1].entries, 0, "an empty parameter has nothing to check");
    cr_expect_eq(report.results[1].verdict, TG_PASS);
    tg_gradcheck_report_free(&report);
    cr_assert_eq(tg_gradcheck(tape, constant_model, NULL, 0, NULL, NULL, &report), TG_OK);
    cr_expect_eq(report.n, 0);
    cr_expect_eq(report.verdict, TG_PASS);
}

/* --- planted mistakes ----------------------------------------------------------------------------------- */

TG_MAP_KERNELS_1(sine, (T)sin((double)x))
TG_MAP_KERNELS_1(cosine, (T)cos((double)x))

static const struct tg_op cosine = {.name = "cosine",
                                    .kind = TG_MAP,
                                    .n_inputs = 1,
                                    .map_f32 = cosine_f32,
                                    .map_f64 = cosine_f64,
                                    .backward = TG_NOT_DIFFERENTIABLE};
static tg_tensor right_gradient(const tg_call *c, tg_tensor dy) {
    return tg_mul(dy, tg_apply(&cosine, 1, &c->x[0], NULL));
}

static void identity(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = dy;
}
static void right(const tg_call *c, tg_tensor dy, tg_tensor *dx) { dx[0] = right_gradient(c, dy); }
static void wrong_sign(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_neg(right_gradient(c, dy));
}
static void wrong_factor(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(right_gradient(c, dy), tg_num(1.0001));
}
static void missing_chain(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)dy;
    dx[0] = tg_apply(&cosine, 1, &c->x[0], NULL);
}
static void one_element_wrong(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor extra = tg_zeros(c->tape, TG_SHAPE(2, 3));
    ((double *)tg_data_mut(extra))[5] = 1e-5;
    dx[0] = tg_add(right_gradient(c, dy), extra);
}
static void nothing(const tg_call *c, tg_tensor dy, tg_tensor *dx) { (void)c, (void)dy, (void)dx; }
static void not_a_number(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = tg_mul(dy, tg_num(NAN));
}

/* 2 sum sin x, by an operation with the given backward. */
static tg_tensor planted_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on;
    return tg_mul(tg_sum(tg_apply(context, 1, p, NULL)), tg_num(2));
}

static const double angles[] = {0.1, 0.5, -0.7, 1.1, -1.3, 2};

static const tg_gradcheck_result *check_planted(tg_backward_fn *backward) {
    struct tg_op op = {.name = "sine",
                       .kind = TG_MAP,
                       .n_inputs = 1,
                       .map_f32 = sine_f32,
                       .map_f64 = sine_f64,
                       .backward = backward};
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2, 3), 6, angles);
    tg_gradcheck_report_free(&report);
    cr_assert_eq(tg_gradcheck(tape, planted_model, &op, 1, &p, NULL, &report), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_expect_eq(report.verdict, report.results[0].verdict);
    return &report.results[0];
}

Test(gradcheck, passes_the_operation_before_a_mistake_is_planted) {
    cr_expect_eq(check_planted(right)->verdict, TG_PASS);
}

Test(gradcheck, fails_a_wrong_sign_with_both_values) {
    const tg_gradcheck_result *r = check_planted(wrong_sign);
    cr_expect_eq(r->verdict, TG_FAIL);
    cr_expect_eq(r->failed, 6);
    cr_assert_eq(report.blame.n, 1, "and the operation is named");
    cr_expect_str_eq(report.blame.findings[0].operation, "sine");
    cr_expect_eq(report.blame.findings[0].mistake.kind, TG_MISTAKE_SIGN);
    const double slope = 2 * cos(angles[r->worst.dim[0] * 3 + r->worst.dim[1]]);
    cr_expect_float_eq(r->analytic, -slope, 1e-12);
    cr_expect_float_eq(r->numeric, slope, 1e-8);
    cr_expect_float_eq(r->difference, 2 * fabs(slope), 1e-8);
}

Test(gradcheck, fails_a_factor_that_is_hardly_wrong) {
    const tg_gradcheck_result *r = check_planted(wrong_factor);
    cr_expect_eq(r->verdict, TG_FAIL);
    cr_expect_eq(r->failed, 6);
    cr_expect_float_eq(r->analytic / r->numeric, 1.0001, 1e-8);
}

Test(gradcheck, fails_a_missing_chain_rule_and_a_missing_gradient) {
    cr_expect_eq(check_planted(missing_chain)->failed, 6);
    const tg_gradcheck_result *r = check_planted(nothing);
    cr_expect_eq(r->failed, 6);
    cr_expect_eq(r->analytic, 0);
}

Test(gradcheck, fails_one_wrong_element_and_tells_its_index) {
    const tg_gradcheck_result *r = check_planted(one_element_wrong);
    cr_expect_eq(r->verdict, TG_FAIL);
    cr_expect_eq(r->failed, 1);
    cr_expect(tg_shape_equal(r->worst, TG_SHAPE(1, 2)));
    cr_expect_float_eq(r->analytic - r->numeric, 1e-5, 1e-8);
    cr_expect(tg_shape_equal(r->shape, TG_SHAPE(2, 3)));
    for (int i = 0; i < 6; i++) { /* all slopes are there, in row-major order */
        cr_expect_float_eq(r->numerics[i], 2 * cos(angles[i]), 1e-8);
        cr_expect_float_eq(r->analytics[i], 2 * cos(angles[i]) + (i == 5) * 1e-5, 1e-12);
        cr_expect_eq(fabs(r->analytics[i] - r->numerics[i]) > r->allowed[i], i == 5);
        cr_expect_eq(r->verdicts[i], i == 5 ? TG_FAIL : TG_PASS);
    }
}

Test(gradcheck, fails_a_gradient_that_is_not_a_number) {
    const tg_gradcheck_result *r = check_planted(not_a_number);
    cr_expect_eq(r->verdict, TG_FAIL);
    cr_expect_eq(r->failed, 6);
    cr_expect(isnan(r->analytic));
}

static void one_not_a_number(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor extra = tg_zeros(c->tape, TG_SHAPE(2, 3));
    ((double *)tg_data_mut(extra))[1] = NAN;
    dx[0] = tg_add(right_gradient(c, dy), extra);
}

Test(gradcheck, shows_the_entry_that_is_not_a_number_among_those_that_are) {
    const tg_gradcheck_result *r = check_planted(one_not_a_number);
    cr_expect_eq(r->verdict, TG_FAIL);
    cr_expect_eq(r->failed, 1);
    cr_expect(tg_shape_equal(r->worst, TG_SHAPE(0, 1)), "NaN is worst");
    cr_expect(isnan(r->analytic));
}

/* The gradient of the first entry is large and right, that of the second small and 5 times too big: one norm
 * over both would hide it. */
static void small_part_too_big(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor scale = tg_from_f64(c->tape, TG_SHAPE(2), 2, ((double[]){1e3, 5e-6}));
    dx[0] = tg_mul(dy, scale);
}
static bool dot_infer(tg_call *c) {
    c->out_shape = TG_SCALAR;
    return tg_expect_dtype(c, 0, TG_F64);
}
static bool dot_forward(const tg_call *c) {
    const double *x = c->in[0].data;
    *(double *)c->out.data = 1e3 * x[0] + 1e-6 * x[1] + *(const double *)c->attr;
    return true;
}
static tg_tensor dot_model(tg_tape *on, const tg_tensor *p, void *context) {
    static const struct tg_op dot = {.name = "dot",
                                     .kind = TG_OTHER,
                                     .n_inputs = 1,
                                     .attr_size = sizeof(double),
                                     .infer = dot_infer,
                                     .forward = dot_forward,
                                     .backward = small_part_too_big};
    (void)on;
    return tg_apply(&dot, 1, p, context);
}

Test(gradcheck, fails_a_small_gradient_that_is_five_times_too_big_beside_a_large_one) {
    double offsets[] = {0, 1e4}; /* a large loss must not widen the tolerance so far that it hides there */
    for (int i = 0; i < 2; i++) {
        const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.01, 0.02}));
        cr_assert_eq(tg_gradcheck(tape, dot_model, &offsets[i], 1, &p, NULL, &report), TG_OK);
        cr_expect_eq(report.results[0].verdict, TG_FAIL);
        cr_expect_eq(report.results[0].failed, 1);
        cr_expect(tg_shape_equal(report.results[0].worst, TG_SHAPE(1)));
        cr_expect_float_eq(report.results[0].analytic, 5e-6, 1e-12);
        cr_expect_float_eq(report.results[0].numeric, 1e-6, 1e-8);
        tg_gradcheck_report_free(&report);
    }
}

static tg_tensor offset_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on;
    return tg_add(tg_mean(tg_square(tg_tanh(p[0]))), tg_num(*(const double *)context));
}

Test(gradcheck, passes_a_right_gradient_under_a_loss_of_any_size_that_leaves_digits) {
    double offsets[] = {0, 1e3, -1e6, 1e9};
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(5, 4), tg_key_new(1), 1);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(tg_gradcheck(tape, offset_model, &offsets[i], 1, &p, NULL, &report), TG_OK);
        const bool resolved = offsets[i] < 1e9; /* of which the last digit is 1e-7 */
        cr_expect_eq(report.verdict, resolved ? TG_PASS : TG_UNRESOLVED,
                     "at a loss of %g: %s, error %g, allowed %g", report.loss,
                     tg_verdict_name(report.verdict), report.results[0].error, report.results[0].tolerance);
        cr_expect_eq(report.results[0].failed, 0);
        cr_expect_eq(report.results[0].unresolved > 0, !resolved);
        tg_gradcheck_report_free(&report);
    }
}

/* --- judging -------------------------------------------------------------------------------------------- */

Test(gradcheck, judges_by_the_tolerances_it_is_given) {
    struct tg_op op = {.name = "sine",
                       .kind = TG_MAP,
                       .n_inputs = 1,
                       .map_f32 = sine_f32,
                       .map_f64 = sine_f64,
                       .backward = wrong_factor};
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(6), 6, angles);
    tg_gradcheck_options options = {.relative = 1e-3};
    cr_assert_eq(tg_gradcheck(tape, planted_model, &op, 1, &p, &options, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    tg_gradcheck_report_free(&report);
    options = (tg_gradcheck_options){.absolute = 1};
    cr_assert_eq(tg_gradcheck(tape, planted_model, &op, 1, &p, &options, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    tg_gradcheck_report_free(&report);
    options = (tg_gradcheck_options){.relative = 1e-5, .absolute = 1e-12, .step = 1e-3};
    cr_assert_eq(tg_gradcheck(tape, planted_model, &op, 1, &p, &options, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_FAIL);
}

/* A function that is rounded to 6 digits, as one that an iteration computes to a tolerance may be. */
TG_MAP_KERNELS_1(rounded, (T)(nearbyint((double)x * 1e6) / 1e6))
static tg_tensor rounded_model(tg_tape *on, const tg_tensor *p, void *context) {
    static const struct tg_op rounding = {.name = "rounding",
                                          .kind = TG_MAP,
                                          .n_inputs = 1,
                                          .map_f32 = rounded_f32,
                                          .map_f64 = rounded_f64,
                                          .backward = identity};
    (void)on, (void)context;
    return tg_apply(&rounding, 1, (tg_tensor[]){tg_sum(tg_sin(p[0]))}, NULL);
}

Test(gradcheck, does_not_pass_what_it_cannot_resolve) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.3, 1, -0.4}));
    cr_assert_eq(tg_gradcheck(tape, rounded_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_UNRESOLVED);
    cr_expect_eq(report.results[0].unresolved, 3);
    const double error = report.results[0].error;
    cr_expect(error > 1e-7 && error < 1e-2, "%g", error);
    cr_expect_leq(report.results[0].difference, 2 * error, "the error is not taken for less than it is");
}

static tg_tensor nan_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_sqrt(p[0]));
}

Test(gradcheck, of_a_loss_that_is_not_a_number_does_not_pass) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){4, -1}));
    cr_assert_eq(tg_gradcheck(tape, nan_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_UNRESOLVED);
    cr_expect(isnan(report.loss));
    cr_expect_eq(report.results[0].covered, 0);
    cr_expect_not_null(strstr(report.note, "the loss is "), "%s", report.note);
    cr_expect_not_null(strstr(report.note, "tg_tape_set_nan_check"), "%s", report.note);
    tg_gradcheck_report_free(&report);
    double infinite = INFINITY;
    const tg_tensor q = tg_param_normal(tape, TG_SHAPE(3), tg_key_new(1), 1);
    cr_assert_eq(tg_gradcheck(tape, offset_model, &infinite, 1, &q, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_UNRESOLVED, "%s", tg_verdict_name(report.verdict));
}

Test(gradcheck, names_its_verdicts) {
    cr_expect_str_eq(tg_verdict_name(TG_PASS), "PASS");
    cr_expect_str_eq(tg_verdict_name(TG_FAIL), "FAIL");
    cr_expect_str_eq(tg_verdict_name(TG_KINK), "KINK");
    cr_expect_str_eq(tg_verdict_name(TG_UNRESOLVED), "UNRESOLVED");
    cr_expect_str_eq(tg_verdict_name((tg_verdict)9), "?");
}
