/* test_ridders.c: the extrapolated slope is right, and its error estimate is honest.
 *
 * Owns: the promises of graph/ridders.h, on functions whose slopes are known. */
#include "graph/ridders.h"

#include <criterion/criterion.h>
#include <math.h>

typedef struct curve {
    double (*f)(double);
    double at;
    int calls, stop_at;
} curve;

static bool along(void *context, double offset, double *value) {
    curve *c = context;
    *value = c->f(c->at + offset);
    return ++c->calls != c->stop_at;
}

static double line(double x) { return 3 * x - 2; }
static double constant(double x) { return x * 0 + 7; }
static double sharp(double x) { return 1 / (1e-4 + x * x); }
static double offset_sine(double x) { return 1e6 + sin(x); }
static double root(double x) { return sqrt(x); }
static double jump(double x) { return x > 0 ? 1 : 0; }
static double kink(double x) { return fabs(x); }
static double invalid(double x) { return x * NAN; }

/* The error stays within what was estimated, and that within the bound. */
static void expect_slope(double (*f)(double), double at, double step, double exact, double bound) {
    curve c = {.f = f, .at = at};
    tg_slope slope;
    int64_t evaluations = 0;
    cr_expect(tg_ridders(along, &c, step, &slope, &evaluations));
    cr_expect_leq(slope.error, bound, "at %g: estimated error %g, not %g", at, slope.error, bound);
    cr_expect_leq(fabs(slope.value - exact), 2 * slope.error + 1e-12 * fabs(exact),
                  "at %g: %.15g, not %.15g, estimated error %g", at, slope.value, exact, slope.error);
    cr_expect_eq(evaluations, c.calls, "evaluations are counted");
}

Test(ridders, finds_the_slopes_of_smooth_functions_and_their_errors) {
    static const double points[] = {-3, -0.5, 0, 0.1, 2, 10};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        const double x = points[i], scale = fmax(1, fabs(x));
        expect_slope(exp, x, 0.01 * scale, exp(x), 1e-8 * exp(x));
        expect_slope(sin, x, 0.01 * scale, cos(x), 1e-8);
        expect_slope(tanh, x, 0.01 * scale, 1 - tanh(x) * tanh(x), 1e-8);
        expect_slope(line, x, 0.01 * scale, 3, 1e-8);
        expect_slope(constant, x, 0.01 * scale, 0, 1e-8);
    }
}

Test(ridders, shrinks_its_step_where_the_function_is_sharp) {
    const double x = 0.01, exact = -2 * x / ((1e-4 + x * x) * (1e-4 + x * x));
    expect_slope(sharp, x, 0.01, exact, 1e-3 * fabs(exact));
}

Test(ridders, shrinks_its_step_at_the_end_of_the_domain) {
    expect_slope(root, 0.001, 0.01, 0.5 / sqrt(0.001), 1e-3);
    expect_slope(log, 0.0005, 0.01, 1 / 0.0005, 1);
}

Test(ridders, knows_the_floor_of_rounding) {
    expect_slope(offset_sine, 1, 0.01, cos(1), 1e-5);
    curve c = {.f = offset_sine, .at = 1};
    tg_slope slope;
    int64_t evaluations = 0;
    cr_expect(tg_ridders(along, &c, 0.01, &slope, &evaluations));
    cr_expect_geq(slope.error, 1e-9, "1e6 has 1e-10 of rounding, over steps of 0.01");
}

Test(ridders, does_not_pretend_to_know_the_slope_of_a_jump_or_of_nothing) {
    curve c = {.f = jump, .at = 0};
    tg_slope slope;
    int64_t evaluations = 0;
    cr_expect(tg_ridders(along, &c, 0.01, &slope, &evaluations));
    cr_expect_gt(slope.error, 1, "a jump: %g with error %g", slope.value, slope.error);
    c = (curve){.f = invalid, .at = 1};
    cr_expect(tg_ridders(along, &c, 0.01, &slope, &evaluations));
    cr_expect(isnan(slope.value));
    cr_expect(isinf(slope.error));
    c = (curve){.f = log, .at = -1};
    cr_expect(tg_ridders(along, &c, 0.01, &slope, &evaluations));
    cr_expect(isnan(slope.value));
}

Test(ridders, sees_the_kink_of_a_neighbour_only_until_the_step_is_shorter) {
    expect_slope(kink, 0.001, 0.01, 1, 1e-3);
}

Test(ridders, stops_when_the_line_does) {
    for (int stop_at = 1; stop_at <= 4; stop_at++) {
        curve c = {.f = sin, .at = 1, .stop_at = stop_at};
        tg_slope slope;
        int64_t evaluations = 0;
        cr_expect_not(tg_ridders(along, &c, 0.01, &slope, &evaluations));
        cr_expect_eq(c.calls, stop_at);
    }
}
