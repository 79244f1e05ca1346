/* test_check_picture.c: models/check_picture.c: what is written of a check, and that it can be drawn. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "models/check_picture.h"
#include "tapegrad.h"
#include "tests/models/scratch_folder.h"

/* y = x^2, whose backward is wrong where x is negative. */
TG_MAP_KERNELS_1(odd_square, x *x)
static void odd_square_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor negative = tg_less(c->x[0], tg_num(0));
    dx[0] = tg_mul(dy, tg_mul(c->x[0], tg_where(negative, tg_num(3), tg_num(2))));
}
static const struct tg_op odd_square = {.name = "odd_square",
                                        .kind = TG_MAP,
                                        .n_inputs = 1,
                                        .map_f32 = odd_square_f32,
                                        .map_f64 = odd_square_f64,
                                        .backward = odd_square_backward};

static tg_tensor model(tg_tape *tape, const tg_tensor *p, void *context) {
    (void)tape, (void)context;
    const tg_tensor wrong = tg_sum(tg_apply_1("net.c:12", &odd_square, p[0], NULL));
    return tg_add(tg_mul(wrong, tg_num(0.5)), tg_mean(tg_relu(p[1])));
}

static tg_tape *tape;
static tg_tensor params[2];
static char folder[64];
static void open_folder(void) {
    scratch_make(folder);
    tape = tg_tape_new(TG_F64);
    params[0] = tg_set_name(tg_param_normal(tape, TG_SHAPE(4, 6), tg_key_new(1), 1), "W'1");
    params[1] = tg_set_name(tg_param_f64(tape, TG_SHAPE(3), 3, (const double[]){1, 0, -2}), "b");
}
static void close_folder(void) {
    scratch_remove(folder);
    tg_tape_free(tape);
}

TestSuite(check_picture, .init = open_folder, .fini = close_folder);

static void expect_file(const char *name, const char *const *parts, int n) {
    char *text = scratch_read(folder, name);
    for (int i = 0; i < n; i++)
        cr_expect_not_null(strstr(text, parts[i]), "\"%s\" is not in %s:\n%s", parts[i], name, text);
    free(text);
}

static void expect_drawn(const char *missing, const char *png, const char *svg) {
    if (!missing) cr_expect(scratch_has(folder, png) && scratch_has(folder, svg));
}

Test(check_picture, of_a_check_has_a_map_for_each_parameter_and_marks_what_failed) {
    tg_gradcheck_report report;
    const char *missing;
    cr_assert_eq(tg_gradcheck(tape, model, NULL, 2, params, NULL, &report), TG_OK, "%s", tg_tape_error(tape));
    cr_assert_eq(report.results[0].verdict, TG_FAIL);
    cr_expect_eq(tg_picture_gradcheck(tape, folder, "check", &report, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    static const char *const script[] = {"'W''1 [4, 6]: FAIL'", "'b [3]: KINK'", "title 'FAIL'",
                                         "title 'KINK'", "set logscale cb"};
    expect_file("check.gp", script, 5);
    static const char *const data[] = {"\n0 0 ", "\n5 3 ", " 0\n", " 1\n", " 2\n"};
    expect_file("check.dat", data, 5);
    expect_drawn(missing, "check.png", "check.svg");
    tg_gradcheck_report_free(&report);
}

Test(check_picture, of_a_taylor_test_has_remainders_guides_and_noise) {
    tg_taylor_report report;
    const char *missing;
    /* Its model takes both parameters; the second is at its kink, so it is moved away. */
    cr_assert_eq(tg_write_f64(params[1], 3, (const double[]){1, 2, -2}), TG_OK);
    cr_assert_eq(tg_taylor_test(tape, model, NULL, 2, params, &(tg_taylor_options){.order = 2}, &report),
                 TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_picture_taylor(tape, folder, "taylor", "it's wrong", &report, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    static const char *const script[] = {"'it''s wrong'",        "slope 1", "slope 2", "slope 3",
                                         "rounding of the loss", "rate 1.0"};
    expect_file("taylor.gp", script, 6);
    static const char *const data[] = {"\n0.125 "};
    expect_file("taylor.dat", data, 1);
    expect_drawn(missing, "taylor.png", "taylor.svg");
}

Test(check_picture, of_blame_marks_the_guilty_node_with_what_is_wrong) {
    tg_blame_report report;
    const char *missing;
    const tg_tensor loss = model(tape, params, NULL);
    cr_assert_eq(tg_blame(tape, loss, 2, params, NULL, &report), TG_OK, "%s", tg_tape_error(tape));
    cr_assert_eq(report.n, 1);
    cr_expect_eq(tg_picture_blame(tape, folder, "blame", loss, &report, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    static const char *const dot[] = {"1 finding", "#e34a33", "odd_square at net.c:12"};
    expect_file("blame.dot", dot, 3);
    expect_drawn(missing, "blame.png", "blame.svg");
    tg_blame_report_free(&report);
}
