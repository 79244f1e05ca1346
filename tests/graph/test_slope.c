/* test_slope.c: a slope is found at any scale, and beside and at kinks.
 *
 * Owns: the promises of graph/slope.h, on functions whose slopes are known. */
#include "graph/slope.h"

#include <criterion/criterion.h>
#include <math.h>

typedef struct curve {
    double (*f)(double);
    uint64_t (*branches)(double); /* NULL: always the same */
    double at;
    int calls, stop_at;
} curve;

static bool along(void *context, double offset, tg_sample *sample) {
    curve *c = context;
    const double x = c->at + offset;
    *sample = (tg_sample){x - c->at, c->f(x), c->branches ? c->branches(x) : 0};
    return ++c->calls != c->stop_at;
}

static uint64_t sign(double x) { return (x > 0) + 2U * (x < 0); }

static tg_slope_found find(double (*f)(double), uint64_t (*branches)(double), double at, double relative) {
    curve c = {.f = f, .branches = branches, .at = at};
    tg_line_at from = {.line = along, .context = &c, .relative = relative, .absolute = 1e-10};
    tg_slope_found found;
    cr_assert(along(&c, 0, &from.base));
    const double step = 0.01 * fmax(1, fabs(at));
    cr_assert(tg_slope_find(&from, step, step, &found));
    return found;
}

static void expect_smooth(double (*f)(double), uint64_t (*branches)(double), double at, double exact,
                          double bound) {
    const tg_slope_found found = find(f, branches, at, 1e-6);
    cr_expect(!found.kink && !found.jump);
    cr_expect_leq(found.slope.error, bound, "at %g: estimated error %g, not %g", at, found.slope.error,
                  bound);
    cr_expect_leq(fabs(found.slope.value - exact), 2 * found.slope.error, "at %g: %.15g, not %.15g, error %g",
                  at, found.slope.value, exact, found.slope.error);
}

/* --- scales --------------------------------------------------------------------------------------------- */

static double fine(double x) { return sin(x * 1e8); }
static double coarse(double x) { return sin(x * 1e-8); }
static double raised(double x) { return 1e9 + sin(x); }
static double sharp(double x) { return 1 / (1e-8 + x * x); }

Test(slope, is_found_at_every_scale_of_the_function) {
    expect_smooth(sin, NULL, 1, cos(1), 1e-6);
    expect_smooth(fine, NULL, 3e-9, 1e8 * cos(0.3), 1e3);
    expect_smooth(coarse, NULL, 3e7, 1e-8 * cos(0.3), 1e-13);
    expect_smooth(sharp, NULL, 1e-4, -2e-4 / 4e-16, 5e5);
}

Test(slope, takes_longer_steps_against_noise) {
    const tg_slope_found found = find(raised, NULL, 1, 1e-6);
    cr_expect_gt(found.step, 0.01);
    expect_smooth(raised, NULL, 1, cos(1), 1e-4);
}

Test(slope, is_found_near_the_end_of_the_domain) {
    expect_smooth(sqrt, NULL, 1e-5, 0.5 / sqrt(1e-5), 1e-3);
    expect_smooth(log, NULL, 1e-6, 1e6, 10);
}

/* --- kinks ---------------------------------------------------------------------------------------------- */

static double bent(double x) { return x > 0 ? sin(3 * x) : -expm1(-x); }
static double raised_bent(double x) { return 1e4 + bent(x); }
static double step(double x) { return (x > 0 ? 1000 : x < 0 ? -1000 : 0) + exp(x); }
static double tied(double x) { return x > 0 ? x : x; }

Test(slope, beside_a_kink_is_that_of_its_own_side) {
    const double near[] = {0.1, 1e-3, 1e-5, 1e-7, 1e-9};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        expect_smooth(bent, sign, near[i], 3 * cos(3 * near[i]), 1e-6);
        expect_smooth(bent, sign, -near[i], exp(near[i]), 1e-6);
        expect_smooth(raised_bent, sign, near[i], 3 * cos(3 * near[i]), 1e-5);
        expect_smooth(step, sign, -near[i], exp(-near[i]), 1e-6);
    }
}

Test(slope, at_a_kink_is_one_on_either_side) {
    const double at[] = {0, 1e-11, -1e-11};
    for (int i = 0; i < 3; i++) {
        const tg_slope_found found = find(bent, sign, at[i], 1e-6);
        cr_expect(found.kink);
        cr_expect_not(found.jump);
        cr_expect(isinf(found.slope.error), "there is no slope at the kink itself");
        cr_expect_float_eq(found.left.value, 1, 1e-6);
        cr_expect_float_eq(found.right.value, 3, 1e-6);
        cr_expect_leq(fmax(found.left.error, found.right.error), 1e-6);
    }
}

Test(slope, at_a_jump_is_that_of_either_side) {
    const tg_slope_found found = find(step, sign, 0, 1e-6);
    cr_expect(found.kink && found.jump);
    cr_expect_float_eq(found.left.value, 1, 1e-6);
    cr_expect_float_eq(found.right.value, 1, 1e-6);
}

Test(slope, where_two_branches_meet_smoothly_is_no_kink) { expect_smooth(tied, sign, 0, 1, 1e-6); }

Test(slope, at_the_end_of_the_domain_is_known_on_one_side_at_most) {
    const tg_slope_found found = find(sqrt, NULL, 0, 1e-6);
    cr_expect(found.kink);
    cr_expect(isinf(found.left.error));
}

static double jump(double x) { return x > 0 ? 1 : 0; }
static double invalid(double x) { return x * NAN; }

Test(slope, of_a_jump_that_nobody_tells_of_or_of_nothing_is_not_pretended_to_be_known) {
    tg_slope_found found = find(jump, NULL, 0, 1e-6);
    cr_expect_gt(found.slope.error, 1, "%g with error %g", found.slope.value, found.slope.error);
    found = find(invalid, NULL, 1, 1e-6);
    cr_expect(isnan(found.slope.value) && isinf(found.slope.error));
}

Test(slope, stops_when_the_line_does) {
    double (*const functions[])(double) = {sin, bent, raised_bent, step};
    const double at[] = {1, 1e-7, 1e-9, 0};
    for (int i = 0; i < 4; i++) {
        bool good = false;
        for (int stop_at = 1; !good; stop_at++) {
            curve c = {.f = functions[i], .branches = sign, .at = at[i]};
            tg_line_at from = {.line = along, .context = &c, .relative = 1e-6, .absolute = 1e-10};
            tg_slope_found found;
            cr_assert(along(&c, 0, &from.base));
            c.calls = 0;
            c.stop_at = stop_at;
            good = tg_slope_find(&from, 0.01, 0.01, &found);
            cr_expect_eq(good, c.calls < stop_at);
            cr_assert_lt(stop_at, 500);
        }
    }
}
