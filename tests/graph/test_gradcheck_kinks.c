/* test_gradcheck_kinks.c: a right gradient is not called wrong at a kink, nor a wrong one right.
 *
 * Owns: the promises of graph/gradcheck.h on functions that are not smooth. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>

static tg_tape *tape;
static tg_gradcheck_report report;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) {
    tg_gradcheck_report_free(&report);
    tg_tape_free(tape);
}

TestSuite(gradcheck_kinks, .init = open_tape, .fini = close_tape);

typedef tg_tensor function(tg_tensor x);

static tg_tensor apply(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on;
    return tg_sum((*(function *const *)context)(p[0]));
}

/* Checks sum f(x) at n points. */
static const tg_gradcheck_result *check(function *f, int64_t n, const double *points) {
    const tg_tensor p = tg_set_name(tg_param_f64(tape, TG_SHAPE(n), n, points), "x");
    tg_gradcheck_report_free(&report);
    cr_assert_eq(tg_gradcheck(tape, apply, (void *)&f, 1, &p, NULL, &report), TG_OK, "%s",
                 tg_tape_error(tape));
    return report.results;
}

static tg_tensor relu(tg_tensor x) { return tg_relu(x); }
static tg_tensor leaky_relu(tg_tensor x) { return tg_leaky_relu(x, 0.1); }
static tg_tensor absolute(tg_tensor x) { return tg_abs(x); }
static tg_tensor maximum(tg_tensor x) { return tg_maximum(x, tg_mul(tg_num(0.5), x)); }
static tg_tensor minimum(tg_tensor x) { return tg_minimum(tg_num(0), x); }
static tg_tensor where(tg_tensor x) {
    return tg_where(tg_less(x, tg_num(0)), tg_num(0), tg_mul(x, tg_exp(x)));
}
static tg_tensor jump(tg_tensor x) { return tg_add(tg_mul(tg_num(1000), tg_sign(x)), tg_exp(x)); }
static function *const kinked[] = {relu, leaky_relu, absolute, maximum, minimum, where, jump};
enum { N_KINKED = sizeof kinked / sizeof *kinked };

Test(gradcheck_kinks, beside_a_kink_passes_however_near) {
    static const double near[] = {0.009, -0.009, 1e-4, -1e-4, 1e-6, -1e-6, 1e-8, -1e-8};
    for (int i = 0; i < N_KINKED; i++) {
        const tg_gradcheck_result *r = check(kinked[i], 8, near);
        cr_expect_eq(report.verdict, TG_PASS, "function %d at %g: %s, %g and %g, error %g", i,
                     near[r->worst.dim[0]], tg_verdict_name(report.verdict), r->analytic, r->numeric,
                     r->error);
    }
}

Test(gradcheck_kinks, at_a_kink_is_a_verdict_of_its_own) {
    static const double points[] = {1, 0, -0.5};
    for (int i = 0; i < N_KINKED; i++) {
        const tg_gradcheck_result *r = check(kinked[i], 3, points);
        cr_expect_eq(report.verdict, TG_KINK, "function %d: %s", i, tg_verdict_name(report.verdict));
        cr_expect_eq(r->verdict, TG_KINK);
        cr_expect_eq(r->kinks, 1);
        cr_expect_eq(r->failed + r->unresolved, 0);
        cr_expect_eq(r->worst.dim[0], 1);
        cr_expect_eq(r->verdicts[0], TG_PASS);
        cr_expect_eq(r->verdicts[1], TG_KINK);
        cr_expect_geq(r->analytic, fmin(r->left, r->right) - 1e-6);
        cr_expect_leq(r->analytic, fmax(r->left, r->right) + 1e-6);
    }
    const tg_gradcheck_result *r = check(absolute, 3, points);
    cr_expect_float_eq(r->left, -1, 1e-8);
    cr_expect_float_eq(r->right, 1, 1e-8);
    cr_expect_eq(r->analytic, 0);
}

/* --- a subgradient that is none ------------------------------------------------------------------------- */

static double given; /* the slope that the operation below claims to have at 0; tests run in processes */

TG_MAP_KERNELS_1(magnitude, x < 0 ? -x : x)
static void magnitude_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor at_kink = tg_equal(c->x[0], tg_num(0));
    dx[0] = tg_mul(dy, tg_where(at_kink, tg_num(given), tg_sign(c->x[0])));
}
static tg_tensor magnitude_branch(const tg_call *c) { return tg_sign(c->x[0]); }
static struct tg_op magnitude = {.name = "magnitude",
                                 .kind = TG_MAP,
                                 .n_inputs = 1,
                                 .map_f32 = magnitude_f32,
                                 .map_f64 = magnitude_f64,
                                 .backward = magnitude_backward,
                                 .branch = magnitude_branch};
static tg_tensor apply_magnitude(tg_tensor x) { return tg_apply_1(TG_HERE, &magnitude, x, NULL); }

Test(gradcheck_kinks, at_a_kink_any_slope_between_is_accepted_and_no_other) {
    static const double right[] = {-1, -0.5, 0, 0.99, 1}, wrong[] = {-1.01, 1.01, 5, NAN, INFINITY};
    static const double points[] = {1, 0, -0.5};
    for (int i = 0; i < 5; i++) {
        given = right[i];
        cr_expect_eq(check(apply_magnitude, 3, points)->verdict, TG_KINK, "%g", given);
        given = wrong[i];
        const tg_gradcheck_result *r = check(apply_magnitude, 3, points);
        cr_expect_eq(r->verdict, TG_FAIL, "%g", given);
        cr_expect_eq(r->failed, 1);
        cr_expect_eq(r->worst.dim[0], 1);
        cr_expect_float_eq(r->left, -1, 1e-8);
        cr_expect_float_eq(r->right, 1, 1e-8);
        if (isfinite(given))
            cr_expect_float_eq(r->numeric, given > 0 ? 1 : -1, 1e-8, "the nearest right one");
    }
}

/* An operation of a program's own that says nothing of its kink. */
Test(gradcheck_kinks, that_nobody_tells_of_are_passed_beside_the_kink) {
    magnitude.branch = NULL;
    cr_expect_eq(check(apply_magnitude, 4, ((double[]){1e-3, -1e-4, 1e-7, -1e-9}))->verdict, TG_PASS);
}

/* relu(x) - relu(-x) is x: autodiff's slope at 0 is 0, and wrong. */
static tg_tensor difference(tg_tensor x) { return tg_sub(tg_relu(x), tg_relu(tg_neg(x))); }
static tg_tensor smooth(tg_tensor x) {
    return tg_where(tg_less(x, tg_num(0)), tg_square(x), tg_mul(x, tg_square(x)));
}

Test(gradcheck_kinks, where_branches_meet_smoothly_have_one_slope) {
    const tg_gradcheck_result *r = check(difference, 2, ((double[]){0, 1}));
    cr_expect_eq(r->verdict, TG_FAIL);
    cr_expect_eq(r->failed, 1);
    cr_expect_float_eq(r->numeric, 1, 1e-8);
    cr_expect_eq(check(smooth, 2, ((double[]){0, -1}))->verdict, TG_PASS);
}

/* --- reductions and networks ---------------------------------------------------------------------------- */

static tg_tensor largest(tg_tensor x) {
    return tg_max_axes(tg_reshape(x, TG_SHAPE(2, 3)), TG_AXES(1), false);
}

Test(gradcheck_kinks, of_a_maximum_are_ties) {
    cr_expect_eq(check(largest, 6, ((double[]){1, 2, 3, 3, 2.999, 1}))->verdict, TG_PASS);
    const tg_gradcheck_result *r = check(largest, 6, ((double[]){1, 3, 3, 3, 2, 1}));
    cr_expect_eq(r->verdict, TG_KINK, "%s", tg_verdict_name(r->verdict));
    cr_expect_eq(r->kinks, 2);
    cr_expect_float_eq(r->left, 0, 1e-8);
    cr_expect_float_eq(r->right, 1, 1e-8);
    cr_expect_eq(r->analytic, 0.5);
}

static tg_tensor network(tg_tape *on, const tg_tensor *p, void *context) {
    const tg_tensor *X = context;
    (void)on;
    return tg_mean(tg_square(tg_matmul(p[2], tg_relu(tg_add(tg_matmul(p[0], *X), p[1])))));
}

/* With 2,000 hidden values hardly an entry can be moved by 0.01 without crossing a kink. */
Test(gradcheck_kinks, of_a_network_with_many_are_stepped_around) {
    const tg_tensor X = tg_param_normal(tape, TG_SHAPE(3, 400), tg_key_new(5), 1);
    const tg_tensor p[] = {tg_param_normal(tape, TG_SHAPE(5, 3), tg_key_new(1), 0.5),
                           tg_param_normal(tape, TG_SHAPE(5, 1), tg_key_new(2), 0.5),
                           tg_param_normal(tape, TG_SHAPE(1, 5), tg_key_new(3), 0.5)};
    cr_assert_eq(tg_gradcheck(tape, network, (void *)(uintptr_t)&X, 3, p, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS, "%s", tg_verdict_name(report.verdict));
    for (int k = 0; k < 3; k++) cr_expect_lt(report.results[k].difference, 1e-10);
}

Test(gradcheck_kinks, of_a_network_that_starts_at_zero_are_kinks) {
    const tg_tensor X = tg_param_normal(tape, TG_SHAPE(3, 40), tg_key_new(5), 1);
    const tg_tensor p[] = {tg_param_zeros(tape, TG_SHAPE(5, 3)), tg_param_zeros(tape, TG_SHAPE(5, 1)),
                           tg_param_normal(tape, TG_SHAPE(1, 5), tg_key_new(3), 0.5)};
    cr_assert_eq(tg_gradcheck(tape, network, (void *)(uintptr_t)&X, 3, p, NULL, &report), TG_OK);
    cr_expect(report.verdict == TG_KINK || report.verdict == TG_PASS, "%s", tg_verdict_name(report.verdict));
}

/* A model that branches in C. */
static tg_tensor branching(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    const tg_tensor x = tg_sum(p[0]);
    return tg_item(x) > 0 ? tg_mul(x, tg_num(2)) : tg_exp(x);
}

Test(gradcheck_kinks, of_a_model_that_branches_in_c_are_seen_too) {
    const tg_tensor near = tg_param_f64(tape, TG_SHAPE(1), 1, ((double[]){1e-5}));
    cr_assert_eq(tg_gradcheck(tape, branching, NULL, 1, &near, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    tg_gradcheck_report_free(&report);
    const tg_tensor at = tg_param_zeros(tape, TG_SHAPE(1));
    cr_assert_eq(tg_gradcheck(tape, branching, NULL, 1, &at, NULL, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_KINK);
    cr_expect_float_eq(report.results[0].left, 1, 1e-6);
    cr_expect_float_eq(report.results[0].right, 2, 1e-6);
}
