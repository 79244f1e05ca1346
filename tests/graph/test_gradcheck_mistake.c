/* test_gradcheck_mistake.c: gradients that the caller brings, and the names of what is wrong with them. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>
#include <string.h>

enum { M = 20, N = 6 };

static tg_tape *tape;
static tg_tensor params[2], X;
static double dW[N], db[3];
static const double *given[2] = {dW, db};

/* The mean over examples and outputs of tanh(X W + b), X [20, 2], W [2, 3]. */
static tg_tensor mean_tanh(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_mean(tg_tanh(tg_add(tg_matmul(X, p[0]), p[1])));
}

/* Begins with the right gradients. */
static void open_model(void) {
    tape = tg_tape_new(TG_F64);
    double x[2 * M];
    tg_random_normal(tg_key_new(1), 2 * M, x);
    X = tg_from_f64(tape, TG_SHAPE(M, 2), 2 * M, x);
    params[0] = tg_set_name(tg_param_normal(tape, TG_SHAPE(2, 3), tg_key_new(2), 1), "W");
    params[1] = tg_set_name(tg_param_normal(tape, TG_SHAPE(3), tg_key_new(3), 1), "b");
    const tg_mark mark = tg_tape_mark(tape);
    cr_assert_eq(tg_backward(mean_tanh(tape, params, NULL)), TG_OK);
    cr_assert_eq(tg_read_f64(tg_grad(params[0]), N, dW), TG_OK);
    cr_assert_eq(tg_read_f64(tg_grad(params[1]), 3, db), TG_OK);
    cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
}
static void close_model(void) { tg_tape_free(tape); }

TestSuite(gradcheck_mistake, .init = open_model, .fini = close_model);

static tg_gradcheck_report check(bool fast) {
    tg_gradcheck_report report;
    const tg_gradcheck_options options = {.gradients = given, .fast = fast};
    cr_assert_eq(tg_gradcheck(tape, mean_tanh, NULL, 2, params, &options, &report), TG_OK, "%s",
                 tg_tape_error(tape));
    return report;
}

Test(gradcheck_mistake, right_gradients_of_ones_own_pass) {
    for (int fast = 0; fast < 2; fast++) {
        tg_gradcheck_report report = check(fast);
        cr_expect_eq(report.verdict, TG_PASS);
        cr_expect(report.given);
        cr_expect_eq(report.results[0].mistake.kind, TG_MISTAKE_NONE);
        tg_gradcheck_report_free(&report);
    }
}

Test(gradcheck_mistake, a_missing_mean_over_the_examples_is_named_with_their_number) {
    for (int i = 0; i < N; i++) dW[i] *= M;
    tg_gradcheck_report report = check(false);
    cr_expect_eq(report.results[0].verdict, TG_FAIL);
    cr_expect_eq(report.results[0].mistake.kind, TG_MISTAKE_FACTOR);
    cr_expect_eq(report.results[0].mistake.size, M);
    cr_expect_eq(report.results[1].verdict, TG_PASS);
    cr_expect_eq(report.blame.n, 0, "no operation is to blame for what the caller brought");
    tg_gradcheck_report_free(&report);
}

Test(gradcheck_mistake, a_wrong_sign_and_one_wrong_element_are_named) {
    for (int i = 0; i < 3; i++) db[i] = -db[i];
    dW[4] += 0.5;
    tg_gradcheck_report report = check(false);
    cr_expect_eq(report.results[0].mistake.kind, TG_MISTAKE_ELEMENT);
    cr_expect_eq(report.results[0].mistake.index, 4);
    cr_expect_eq(report.results[1].mistake.kind, TG_MISTAKE_SIGN);
    tg_gradcheck_report_free(&report);
}

Test(gradcheck_mistake, a_nan_fails_in_its_place) {
    dW[2] = NAN;
    tg_gradcheck_report report = check(false);
    cr_expect_eq(report.results[0].verdict, TG_FAIL);
    cr_expect_eq(report.results[0].failed, 1);
    cr_expect_eq(report.results[0].mistake.kind, TG_MISTAKE_ELEMENT);
    cr_expect_eq(report.results[0].mistake.index, 2);
    tg_gradcheck_report_free(&report);
}

Test(gradcheck_mistake, the_table_says_that_they_were_given_and_what_is_wrong) {
    for (int i = 0; i < 3; i++) db[i] = -db[i];
    tg_gradcheck_report report = check(false);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(stream);
    tg_gradcheck_print(stream, &report);
    fclose(stream);
    cr_expect_not_null(strstr(text, "        given"), "%s", text);
    cr_expect_not_null(strstr(text, "b: wrong sign\n"), "%s", text);
    tg_gradcheck_report_free(&report);
}

Test(gradcheck_mistake, a_missing_mean_over_all_elements_is_named_with_their_number) {
    for (int i = 0; i < N; i++) dW[i] *= 3 * M;
    tg_gradcheck_report report = check(false);
    cr_expect_eq(report.results[0].mistake.size, 3 * M, "%s", report.results[0].mistake.text);
    tg_gradcheck_report_free(&report);
}

Test(gradcheck_mistake, a_gradient_that_was_not_given_is_refused) {
    tg_gradcheck_report report;
    const double *one[2] = {dW, NULL};
    const tg_gradcheck_options options = {.gradients = one};
    cr_expect_eq(tg_gradcheck(tape, mean_tanh, NULL, 2, params, &options, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "options.gradients[1] is NULL; all 2 parameters need a gradient");
}

Test(gradcheck_mistake, order_2_is_refused) {
    tg_gradcheck_report report;
    const tg_gradcheck_options options = {.gradients = given, .order = 2};
    cr_expect_eq(tg_gradcheck(tape, mean_tanh, NULL, 2, params, &options, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "gradients of one's own are of order 1");
}
