/* test_gradcheck_model.c: what the check finds out about the model itself: whether it is the same each time,
 * what it reaches, and its second derivatives.
 *
 * Owns: the promises of graph/gradcheck.h on what is not a matter of one slope. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static tg_gradcheck_report report;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) {
    tg_gradcheck_report_free(&report);
    tg_tape_free(tape);
}

TestSuite(gradcheck_model, .init = open_tape, .fini = close_tape);

static void check(tg_model *model, void *context, int n, const tg_tensor *params, int order) {
    const tg_gradcheck_options options = {.order = order};
    tg_gradcheck_report_free(&report);
    cr_assert_eq(tg_gradcheck(tape, model, context, n, params, &options, &report), TG_OK, "%s",
                 tg_tape_error(tape));
}

#define EXPECT_NOTE(note, part) cr_expect(strstr(note, part), "\"%s\" is not in \"%s\"", part, note)

/* --- the same each time --------------------------------------------------------------------------------- */

/* Random numbers from a key that changes with every call. */
static tg_tensor random_model(tg_tape *on, const tg_tensor *p, void *context) {
    double mask[3];
    tg_random_uniform(tg_key_new((uint64_t)++ * (int *)context), 3, mask);
    const tg_tensor y = tg_add(tg_exp(p[0]), tg_num(7)); /* a number: one node for both recordings */
    return tg_sum_at("net.c:14",
                     tg_mul_at("net.c:13", y, tg_from_f64_at("net.c:12", on, TG_SHAPE(3), 3, mask)));
}

Test(gradcheck_model, that_is_not_deterministic_is_unresolved_and_the_first_difference_is_named) {
    int calls = 0;
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(3), tg_key_new(1), 1);
    check(random_model, &calls, 1, &p, 1);
    cr_expect_eq(report.verdict, TG_UNRESOLVED);
    cr_expect_eq(report.results[0].verdict, TG_UNRESOLVED);
    cr_expect_eq(report.results[0].checked, 0);
    EXPECT_NOTE(report.note, "not deterministic");
    EXPECT_NOTE(report.note, "the tensor made at net.c:12");
    cr_expect_eq(report.results[0].covered, 0, "nothing was compared");
    cr_expect_eq(report.evaluations, 2);
}

/* Another graph at every second call. */
static tg_tensor fickle_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on;
    const tg_tensor x = tg_square(p[0]);
    return tg_sum(++*(int *)context % 2 ? tg_tanh_at("net.c:20", x) : tg_sigmoid_at("net.c:21", x));
}

Test(gradcheck_model, that_records_another_graph_each_time_is_unresolved_too) {
    int calls = 0;
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(3), tg_key_new(1), 1);
    check(fickle_model, &calls, 1, &p, 1);
    cr_expect_eq(report.verdict, TG_UNRESOLVED);
    EXPECT_NOTE(report.note,
                "by another graph: where there was tanh at net.c:20, there was then sigmoid at net.c:21");
}

/* --- what is reached ------------------------------------------------------------------------------------ */

static tg_tensor partial_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_square(p[0]));
}

Test(gradcheck_model, that_leaves_a_parameter_out_says_so) {
    const tg_tensor p[] = {tg_set_name(tg_param_normal(tape, TG_SHAPE(2), tg_key_new(1), 1), "W1"),
                           tg_set_name(tg_param_normal(tape, TG_SHAPE(3), tg_key_new(2), 1), "W2"),
                           tg_set_name(tg_param_zeros(tape, TG_SHAPE(0, 2)), "none")};
    check(partial_model, NULL, 3, p, 1);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect(report.results[0].reaches);
    cr_expect_str_eq(report.results[0].note, "");
    cr_expect_not(report.results[1].reaches);
    cr_expect_eq(report.results[1].verdict, TG_PASS);
    cr_expect_str_eq(report.results[1].note, "W2 does not reach the loss");
    cr_expect_eq(report.results[2].verdict, TG_PASS);
}

static tg_tensor linear_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(p[0]);
}

Test(gradcheck_model, that_is_linear_has_a_gradient_that_no_parameter_reaches) {
    const tg_tensor p = tg_set_name(tg_param_normal(tape, TG_SHAPE(2), tg_key_new(1), 1), "w");
    check(linear_model, NULL, 1, &p, 2);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect_str_eq(report.results[0].note, "w does not reach the gradient");
}

static tg_tensor detached_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_mul(tg_detach_at("net.c:30", p[0]), p[1]));
}
static tg_tensor unrecorded_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)context;
    tg_tensor scale = {0};
    tg_no_grad(on) { scale = tg_exp_at("net.c:40", p[0]); }
    return tg_sum(tg_mul(scale, p[1]));
}
static tg_tensor reading_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_mul(p[1], tg_num(tg_value(p[0], TG_SHAPE(1)))));
}
static tg_tensor masked_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_where(tg_greater_at("net.c:50", p[0], tg_num(0)), p[1], tg_num(0)));
}

Test(gradcheck_model, that_cuts_a_parameter_off_fails_and_the_cut_is_named) {
    const tg_tensor p[] = {tg_set_name(tg_param_normal(tape, TG_SHAPE(2), tg_key_new(1), 1), "a"),
                           tg_set_name(tg_param_normal(tape, TG_SHAPE(2), tg_key_new(2), 1), "b")};
    const struct {
        tg_model *model;
        const char *note;
    } cases[] = {
        {detached_model,
         "a moves the loss, but no gradient reaches it: gradients stop at detach at net.c:30"},
        {unrecorded_model, "a moves the loss, but no gradient reaches it: gradients stop at exp at net.c:40"},
        {reading_model, "a moves the loss, but no gradient reaches it: its values were read"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(cases[i].model, NULL, 2, p, 1);
        cr_expect_eq(report.results[0].verdict, TG_FAIL);
        cr_expect_not(report.results[0].reaches);
        EXPECT_NOTE(report.results[0].note, cases[i].note);
        cr_expect_eq(report.results[1].verdict, TG_PASS);
    }
    check(masked_model, NULL, 2, p, 1);
    cr_expect_eq(report.verdict, TG_PASS, "a mask does not move the loss");
    EXPECT_NOTE(report.results[0].note, "a does not reach the loss: gradients stop at greater at net.c:50");
}

/* --- second derivatives --------------------------------------------------------------------------------- */

static tg_tensor smooth_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_mean(tg_softplus(tg_matmul(p[0], tg_tanh(p[1]))));
}

Test(gradcheck_model, of_order_2_is_checked_through_its_gradient) {
    const tg_tensor p[] = {tg_param_normal(tape, TG_SHAPE(2, 3), tg_key_new(1), 1),
                           tg_param_normal(tape, TG_SHAPE(3, 4), tg_key_new(2), 1)};
    check(smooth_model, NULL, 2, p, 2);
    cr_expect_eq(report.order, 2);
    cr_expect_eq(report.verdict, TG_PASS);
    cr_expect_eq(report.results[1].checked, 12);
    cr_expect_lt(report.results[1].difference, 1e-9);
    cr_expect_neq(report.results[1].analytic, 0);
}

/* y = x^3, whose first derivative is right and whose second is not: its backward reads a value. */
TG_MAP_KERNELS_1(cube, x *x *x)
static void cube_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(3), tg_square(tg_detach(c->x[0]))));
}
static const struct tg_op cube = {.name = "cube",
                                  .kind = TG_MAP,
                                  .n_inputs = 1,
                                  .map_f32 = cube_f32,
                                  .map_f64 = cube_f64,
                                  .backward = cube_backward};
static tg_tensor cube_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_apply(&cube, 1, p, NULL));
}

Test(gradcheck_model, of_order_2_fails_what_only_the_second_derivative_shows) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(4), tg_key_new(1), 1);
    check(cube_model, NULL, 1, &p, 1);
    cr_expect_eq(report.verdict, TG_PASS);
    check(cube_model, NULL, 1, &p, 2);
    cr_expect_eq(report.verdict, TG_FAIL);
    cr_expect_eq(report.results[0].failed, 4);
    cr_expect_eq(report.results[0].analytic, 0);
}

static tg_tensor kinked_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_mul(tg_relu(p[0]), tg_square(p[0])));
}

Test(gradcheck_model, of_order_2_sees_the_kinks_of_its_gradient) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){1e-6, -0.002, 2}));
    check(kinked_model, NULL, 1, &p, 2);
    cr_expect_eq(report.verdict, TG_PASS, "%s", tg_verdict_name(report.verdict));
}

Test(gradcheck_model, of_another_order_is_refused) {
    const tg_tensor p = tg_param_scalar(tape, 1);
    const tg_gradcheck_options wrong[] = {{.order = 3}, {.order = -1}, {.directions = -1}};
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(tg_gradcheck(tape, partial_model, NULL, 1, &p, &wrong[i], &report), TG_ERR_VALUE);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "gradcheck: order", "is 1 or 2");
    }
}

/* --- scales --------------------------------------------------------------------------------------------- */

/* sum tanh(x / scale) scale: slopes of about 1 whatever the scale of the parameter. */
static tg_tensor scaled_model(tg_tape *on, const tg_tensor *p, void *context) {
    const double scale = *(const double *)context;
    (void)on;
    return tg_mul(tg_sum(tg_tanh(tg_div(p[0], tg_num(scale)))), tg_num(scale));
}

Test(gradcheck_model, of_parameters_of_every_scale_passes) {
    double scales[] = {1e-8, 1e-4, 1, 1e4, 1e8};
    for (int i = 0; i < 5; i++) {
        const tg_tensor p = tg_param_normal(tape, TG_SHAPE(20), tg_key_new(3), scales[i]);
        check(scaled_model, &scales[i], 1, &p, 1);
        cr_expect_eq(report.verdict, TG_PASS, "scale %g: %s, error %g", scales[i],
                     tg_verdict_name(report.verdict), report.results[0].error);
    }
}

/* A loss of 1e6 beside which the gradients are small, with one 5 times too big. */
static tg_tensor large_model(tg_tape *on, const tg_tensor *p, void *context) {
    const double wrong[] = {1, 1, *(const double *)context};
    const tg_tensor factor = tg_from_f64(on, TG_SHAPE(3), 3, wrong);
    const tg_tensor x = tg_add(tg_mul(factor, p[0]), tg_detach(tg_mul(tg_sub(tg_num(1), factor), p[0])));
    return tg_add(tg_sum(tg_mul(tg_sin(x), tg_num(1e-4))), tg_num(1e6));
}

Test(gradcheck_model, of_a_large_loss_still_shows_a_gradient_that_is_too_big_where_it_is_small) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.1, 0.5, 1.5}));
    double factor = 1;
    check(large_model, &factor, 1, &p, 1);
    cr_expect_eq(report.results[0].failed, 0);
    factor = 5;
    check(large_model, &factor, 1, &p, 1);
    cr_expect_eq(report.verdict, TG_FAIL);
    cr_expect_eq(report.results[0].failed, 1);
    cr_expect(tg_shape_equal(report.results[0].worst, TG_SHAPE(2)));
    cr_expect_float_eq(report.results[0].numeric, 1e-4 * cos(1.5), 1e-7);
}

/* A loss that turns within a ten-thousandth, by little beside its size: long steps see a slope that looks
 * known and is another, short ones see rounding. */
static tg_tensor sharp_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    const tg_tensor turns = tg_tanh(tg_mul(p[0], tg_num(1e4)));
    return tg_add(tg_mul(tg_sum(turns), tg_num(1e-7)), tg_num(1e5));
}

Test(gradcheck_model, whose_steps_contradict_each_other_does_not_fail) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(20), tg_key_new(4), 1e-4);
    check(sharp_model, NULL, 1, &p, 1);
    cr_expect_eq(report.results[0].failed, 0);
}

/* A classifier so sure that its loss is 0, by rounding: the gradient is not. */
static tg_tensor sure_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)context;
    const tg_tensor labels = tg_from_i64(on, TG_SHAPE(2), 2, ((int64_t[]){0, 2}));
    return tg_cross_entropy(p[0], labels);
}

Test(gradcheck_model, whose_loss_was_rounded_to_nothing_does_not_fail) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){40, 0, 1, 1, 0, 41}));
    check(sure_model, NULL, 1, &p, 1);
    cr_assert_eq(report.loss, 0);
    cr_expect_eq(report.results[0].failed, 0);
}
