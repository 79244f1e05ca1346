/* test_gradcheck_fast.c: random directions show a wrong gradient, and the report tells what they would miss.
 *
 * Owns: the promises of graph/gradcheck.h on fast mode. */
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

TestSuite(gradcheck_fast, .init = open_tape, .fini = close_tape);

/* The gradients of two entries are multiplied by factors, by a path that the loss does not see. */
typedef struct planted {
    int64_t entry;
    double factor;
    int64_t other;
    double other_factor; /* 0: there is no other */
} planted;

static tg_tensor corrupted(tg_tape *on, tg_tensor p, const planted *mistake) {
    const tg_tensor extra = tg_zeros(on, tg_shape_of(p));
    double *values = tg_data_mut(extra);
    values[mistake->entry] = mistake->factor - 1;
    if (mistake->other_factor != 0) values[mistake->other] = mistake->other_factor - 1;
    return tg_add(p, tg_mul(extra, tg_sub(p, tg_detach(p))));
}

static tg_tensor layer_model(tg_tape *on, const tg_tensor *p, void *context) {
    const planted *mistake = context;
    const tg_tensor W = corrupted(on, p[0], mistake);
    const tg_tensor X = tg_param_normal(on, TG_SHAPE(60, 20), tg_key_new(9), 1);
    return tg_mean(tg_softplus(tg_add(tg_matmul(W, X), p[1])));
}

static const tg_gradcheck_result *check(tg_model *model, const void *context,
                                        const tg_gradcheck_options *options) {
    const tg_tensor p[] = {tg_set_name(tg_param_normal(tape, TG_SHAPE(50, 60), tg_key_new(1), 0.3), "W"),
                           tg_set_name(tg_param_normal(tape, TG_SHAPE(50, 1), tg_key_new(2), 0.3), "b")};
    tg_gradcheck_report_free(&report);
    cr_assert_eq(tg_gradcheck(tape, model, (void *)(uintptr_t)context, 2, p, options, &report), TG_OK, "%s",
                 tg_tape_error(tape));
    return report.results;
}

static const tg_gradcheck_options fast = {.fast = true};

Test(gradcheck_fast, passes_a_right_gradient_with_few_evaluations) {
    const planted none = {.factor = 1};
    const tg_gradcheck_result *r = check(layer_model, &none, &fast);
    cr_expect_eq(report.verdict, TG_PASS, "%s", tg_verdict_name(report.verdict));
    cr_expect(report.fast);
    cr_expect_eq(report.directions, 8);
    cr_expect_lt(report.evaluations, 1000, "%lld evaluations", (long long)report.evaluations);
    cr_expect_eq(r->entries, 3000);
    cr_expect(r->checked > 0 && r->checked <= 17, "%lld", (long long)r->checked);
    cr_expect_gt(r->covered, 0.99, "%g", r->covered);
    cr_expect_gt(r->seen, 0);
    int64_t looked_at = 0;
    for (int64_t i = 0; i < r->entries; i++) {
        looked_at += !isnan(r->numerics[i]);
        cr_expect_eq(r->verdicts[i], isnan(r->numerics[i]) ? TG_UNRESOLVED : TG_PASS);
    }
    cr_expect_eq(looked_at, r->checked);
}

Test(gradcheck_fast, sees_an_error_of_one_percent_in_one_entry_of_3000_and_finds_it) {
    for (int64_t entry = 0; entry < 3000; entry += 271) {
        const planted mistake = {.entry = entry, .factor = 1.01};
        const tg_gradcheck_result *r = check(layer_model, &mistake, &fast);
        cr_expect_eq(report.verdict, TG_FAIL, "entry %lld", (long long)entry);
        cr_expect_eq(r->verdict, TG_FAIL);
        cr_expect(tg_shape_equal(r->worst, TG_SHAPE(entry / 60, entry % 60)));
        cr_expect_float_eq(r->analytic / r->numeric, 1.01, 1e-4);
        cr_expect_eq(report.results[1].verdict, TG_PASS);
    }
}

/* What the report says of itself is held against it: errors just above the line are seen, and what is below
 * is not counted as covered. */
Test(gradcheck_fast, sees_every_single_error_that_is_larger_than_it_says) {
    const planted none = {.factor = 1};
    const tg_gradcheck_result *r = check(layer_model, &none, &fast);
    const double seen = r->seen;
    double gradient[3000];
    memcpy(gradient, r->analytics, sizeof gradient);
    for (int64_t entry = 5; entry < 3000; entry += 499) {
        const planted mistake = {.entry = entry, .factor = 1 + 1.5 * seen / gradient[entry]};
        check(layer_model, &mistake, &fast);
        cr_expect_eq(report.results[0].verdict, TG_FAIL, "entry %lld, an error of %g", (long long)entry,
                     1.5 * seen);
    }
}

Test(gradcheck_fast, sees_errors_that_cancel_in_half_of_the_directions) {
    const planted none = {.factor = 1};
    const tg_gradcheck_result *right = check(layer_model, &none, &fast);
    const double ratio = right->analytics[100] / right->analytics[2000];
    const planted mistake = {100, 1.5, 2000, 1 - 0.5 * ratio}; /* wrong by as much the other way */
    int missed = 0;
    for (uint64_t seed = 0; seed < 24; seed++) {
        const tg_gradcheck_options one = {.fast = true, .directions = 1, .key = tg_key_new(seed)};
        missed += check(layer_model, &mistake, &one)->verdict != TG_FAIL;
        const tg_gradcheck_options eight = {.fast = true, .key = tg_key_new(seed)};
        cr_expect_eq(check(layer_model, &mistake, &eight)->verdict, TG_FAIL, "seed %lld", (long long)seed);
    }
    cr_expect(missed > 3 && missed < 21, "one direction missed %d of 24", missed);
}

/* Half of the entries hardly matter: directions cannot show 1% of them, and the report says so. */
static tg_tensor uneven_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)context;
    const tg_tensor large = tg_slice(p[0], 0, 0, 25, 1), small = tg_slice(p[0], 0, 25, 50, 1);
    (void)on;
    return tg_sum(tg_concat(2, (tg_tensor[]){tg_exp(large), tg_mul(tg_exp(small), tg_num(1e-6))}, 0));
}

Test(gradcheck_fast, says_how_much_it_covered) {
    const tg_gradcheck_result *r = check(uneven_model, NULL, &fast);
    cr_expect_eq(r->verdict, TG_PASS);
    cr_expect_eq(r->checked, 16);
    cr_expect_float_eq(r->covered, (1500 + 16) / 3000., 1e-3, "%g", r->covered);
    for (int64_t i = 0; i < 1500; i++) cr_expect(isnan(r->numerics[i]), "the small ones are looked at alone");
}

static tg_tensor relu_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)context;
    const tg_tensor X = tg_param_normal(on, TG_SHAPE(60, 100), tg_key_new(9), 1);
    return tg_mean(tg_relu(tg_add(tg_matmul(p[0], X), p[1])));
}

Test(gradcheck_fast, steps_around_thousands_of_kinks) {
    const tg_gradcheck_result *r = check(relu_model, NULL, &fast);
    cr_expect_eq(report.verdict, TG_PASS, "%s", tg_verdict_name(report.verdict));
    cr_expect_gt(r->covered, 0.9, "%g", r->covered);
}

/* Every entry of W at its kink. */
static tg_tensor absolute_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)context;
    const tg_tensor same = tg_param_normal(on, TG_SHAPE(50, 60), tg_key_new(1), 0.3);
    return tg_add(tg_sum(tg_abs(tg_sub(p[0], same))), tg_sum(p[1]));
}

Test(gradcheck_fast, at_a_kink_says_so_and_that_it_saw_little) {
    const tg_gradcheck_result *r = check(absolute_model, NULL, &fast);
    cr_expect_eq(r->verdict, TG_KINK, "%s", tg_verdict_name(r->verdict));
    cr_expect_gt(r->seen, 1000, "3,000 slopes from -1 to 1 hide much");
    cr_expect_eq(r->kinks, r->checked);
    cr_expect(strstr(r->note, "along a random direction W is at a kink"), "%s", r->note);
    cr_expect_eq(report.results[1].verdict, TG_PASS);
}

static tg_tensor small_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_exp(p[0]));
}

Test(gradcheck_fast, checks_small_parameters_in_full) {
    const tg_tensor p[] = {tg_param_normal(tape, TG_SHAPE(4, 4), tg_key_new(1), 1),
                           tg_param_zeros(tape, TG_SHAPE(3, 0))};
    cr_assert_eq(tg_gradcheck(tape, small_model, NULL, 2, p, &fast, &report), TG_OK);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect_eq(report.results[0].checked, 16);
    cr_expect_eq(report.results[0].covered, 1);
    cr_expect_eq(report.results[0].seen, 0);
}
