/* test_ridders.c: the extrapolated slope is right, and its error estimate is honest.
 *
 * Owns: the promises of graph/ridders.h, on functions whose slopes are known. */
#include "graph/ridders.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

typedef struct curve {
    double (*f)(double);
    double at;
    int calls, stop_at;
} curve;

/* Branches as a graph with a kink at 0 tells them. */
static bool along(void *context, double offset, tg_sample *sample) {
    curve *c = context;
    const double x = c->at + offset;
    *sample = (tg_sample){x - c->at, c->f(x), x > 0};
    return ++c->calls != c->stop_at;
}

static tg_line_at around(curve *c) {
    tg_line_at f = {.line = along, .context = c, .relative = 1e-6, .absolute = 1e-10};
    cr_assert(along(c, 0, &f.base));
    c->calls = 0;
    return f;
}

static double line(double x) { return 3 * x - 2; }
static double constant(double x) { return x * 0 + 7; }
static double sharp(double x) { return 1 / (1e-4 + x * x); }
static double offset_sine(double x) { return 1e6 + sin(x); }
static double root(double x) { return sqrt(x); }
static double kink(double x) { return x > 0 ? exp(x) : 1 - 2 * x; }
static double invalid(double x) { return x * NAN; }

/* The error stays within twice what was estimated, and that within the bound. */
static void expect_slope(double (*f)(double), double at, tg_side side, double exact, double bound) {
    curve c = {.f = f, .at = at};
    const tg_line_at from = around(&c);
    tg_slope slope;
    bool left;
    cr_expect(tg_ridders(&from, side, 0.01 * fmax(1, fabs(at)), &slope, &left));
    cr_expect_not(left);
    cr_expect_leq(slope.error, bound, "at %g, side %d: estimated error %g, not %g", at, side, slope.error,
                  bound);
    cr_expect_leq(fabs(slope.value - exact), 2 * slope.error, "at %g, side %d: %.15g, not %.15g, error %g",
                  at, side, slope.value, exact, slope.error);
    cr_expect_leq(c.calls, 36);
}

static const tg_side sides[] = {TG_BOTH_SIDES, TG_LEFT, TG_RIGHT};

Test(ridders, finds_the_slopes_of_smooth_functions_and_their_errors) {
    static const double points[] = {-3, -0.5, 0.1, 2, 10};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        for (int s = 0; s < 3; s++) {
            const double x = points[i];
            expect_slope(exp, x, sides[s], exp(x), 1e-8 * exp(x));
            expect_slope(sin, x, sides[s], cos(x), 1e-8);
            expect_slope(tanh, x, sides[s], 1 - tanh(x) * tanh(x), 1e-8);
            expect_slope(line, x, sides[s], 3, 1e-8);
            expect_slope(constant, x, sides[s], 0, 1e-8);
        }
    }
}

Test(ridders, shrinks_its_step_where_the_function_is_sharp) {
    const double x = 0.011, exact = -2 * x / ((1e-4 + x * x) * (1e-4 + x * x));
    expect_slope(sharp, x, TG_BOTH_SIDES, exact, 1e-6 * fabs(exact));
}

Test(ridders, knows_the_floor_of_rounding) {
    expect_slope(offset_sine, 1, TG_BOTH_SIDES, cos(1), 1e-5);
    curve c = {.f = offset_sine, .at = 1};
    const tg_line_at from = around(&c);
    tg_slope slope;
    bool left;
    cr_expect(tg_ridders(&from, TG_BOTH_SIDES, 0.01, &slope, &left));
    cr_expect_geq(slope.error, 1e6 * DBL_EPSILON / 0.01, "1e6 has 1e-10 of rounding, over steps of 0.01");
}

Test(ridders, adds_the_noise_that_it_is_told_of) {
    curve c = {.f = sin, .at = 1};
    tg_line_at from = around(&c);
    from.noise = 1e-6;
    tg_slope slope;
    bool left;
    cr_expect(tg_ridders(&from, TG_BOTH_SIDES, 0.01, &slope, &left));
    cr_expect_geq(slope.error, 1e-4);
    cr_expect_leq(slope.error, 1e-2);
}

Test(ridders, gives_up_where_a_step_leaves_the_piece_or_the_domain) {
    tg_slope slope;
    bool left;
    curve c = {.f = kink, .at = 0.001};
    tg_line_at from = around(&c);
    cr_expect(tg_ridders(&from, TG_BOTH_SIDES, 0.01, &slope, &left));
    cr_expect(left && isnan(slope.value) && isinf(slope.error));
    cr_expect_leq(c.calls, 2);
    cr_expect(tg_ridders(&from, TG_LEFT, 0.01, &slope, &left));
    cr_expect(left);
    expect_slope(kink, 0.001, TG_RIGHT, exp(0.001), 1e-8);
    c = (curve){.f = root, .at = 0.001};
    from = around(&c);
    cr_expect(tg_ridders(&from, TG_BOTH_SIDES, 0.01, &slope, &left));
    cr_expect(left, "sqrt(-0.009) is not a number");
    c = (curve){.f = invalid, .at = 1};
    from = around(&c);
    cr_expect(tg_ridders(&from, TG_RIGHT, 0.01, &slope, &left));
    cr_expect(left && isnan(slope.value));
}

Test(ridders, gives_up_where_a_step_is_no_step) {
    curve c = {.f = line, .at = 1e20};
    const tg_line_at from = around(&c);
    tg_slope slope;
    bool left;
    cr_expect(tg_ridders(&from, TG_BOTH_SIDES, 0.01, &slope, &left));
    cr_expect(left && isinf(slope.error));
}

Test(ridders, stops_when_the_line_does) {
    for (int s = 0; s < 3; s++) {
        for (int stop_at = 1; stop_at <= 3; stop_at++) {
            curve c = {.f = sin, .at = 1};
            const tg_line_at from = around(&c);
            c.stop_at = stop_at;
            tg_slope slope;
            bool left;
            cr_expect_not(tg_ridders(&from, sides[s], 0.01, &slope, &left));
            cr_expect_eq(c.calls, stop_at);
        }
    }
}
