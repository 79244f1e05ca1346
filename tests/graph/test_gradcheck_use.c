/* test_gradcheck_use.c: calling the gradient checker: what it leaves as it was, what it refuses, and the
 * table that it prints.
 *
 * Owns: the promises of graph/gradcheck.h beside the verdicts, which are test_gradcheck.c's. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(gradcheck_use, .init = open_tape, .fini = close_tape);

static tg_tensor square_model(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    return tg_sum(tg_square(p[0]));
}

Test(gradcheck_use, puts_parameters_back_bit_for_bit_and_leaves_no_trace) {
    const double values[] = {0.1, -0.0, 1e-310, 1e300, NAN, 3};
    const tg_tensor p = tg_set_name(tg_param_f64(tape, TG_SHAPE(6), 6, values), "p");
    const tg_tensor y = tg_sum(tg_square(p));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    const tg_mark mark = tg_tape_mark(tape);
    tg_gradcheck_report report;
    tg_tape_set_grad(tape, false);
    cr_assert_eq(tg_gradcheck(tape, square_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(tg_tape_set_grad(tape, true), false, "the mode is as it was");
    cr_expect_arr_eq(tg_data(p), values, sizeof values);
    cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(0)), 0);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    cr_expect_eq(tg_backward(y), TG_OK, "the parameters do not count as changed: %s", tg_tape_error(tape));
    cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
    tg_gradcheck_report_free(&report);
    cr_expect_null(report.results);
    cr_expect_eq(report.n, 0);
    tg_gradcheck_report_free(&report);
}

Test(gradcheck_use, takes_its_memory_from_the_tapes_allocator_and_gives_it_back) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
    const tg_tensor p = tg_param_normal(counted, TG_SHAPE(5), tg_key_new(1), 1);
    tg_gradcheck_report report;
    cr_assert_eq(tg_gradcheck(counted, square_model, NULL, 1, &p, NULL, &report), TG_OK);
    const long blocks = memory.blocks;
    tg_gradcheck_report_free(&report);
    cr_expect_eq(memory.blocks, blocks - 1);
    cr_assert_eq(tg_gradcheck(counted, square_model, NULL, 1, &p, NULL, &report), TG_OK);
    tg_tape_free(counted);
    tg_gradcheck_report_free(&report); /* after its tape */
    cr_expect_eq(memory.bytes, 0);
    cr_expect_eq(memory.wrong_sizes, 0);
}

/* --- what is refused ------------------------------------------------------------------------------------ */

/* What a model must not return, by number. */
static tg_tensor bad_model(tg_tape *on, const tg_tensor *p, void *context) {
    switch (*(const int *)context) {
        case 0: return (tg_tensor){0};
        case 1: return tg_square(p[0]);
        case 2: return tg_num(3);
        case 3: return tg_add(p[0], tg_zeros(on, TG_SHAPE(3)));
        case 4: return tg_from_i64(on, TG_SCALAR, 1, (int64_t[]){1});
        default: return (tg_tensor){on, UINT32_MAX, 0};
    }
}

static void expect_refused(int which, tg_status status, const char *text) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1, 2}));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    tg_gradcheck_report report;
    cr_expect_eq(tg_gradcheck_at("check.c:1", tape, bad_model, &which, 1, &p, NULL, &report), status);
    EXPECT_ERROR(tape, status, text);
    cr_expect_null(report.results);
    cr_expect_eq(report.n, 0);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
}

Test(gradcheck_use, refuses_a_model_that_returns_no_number) {
    expect_refused(0, TG_ERR_HANDLE, "check.c:1: gradcheck: the model did not return a tensor");
    expect_refused(1, TG_ERR_SHAPE, "the model gave square [2]");
    expect_refused(2, TG_ERR_HANDLE, "did not return a tensor");
    expect_refused(3, TG_ERR_SHAPE, "add: shapes do not broadcast");
    expect_refused(4, TG_ERR_SHAPE, "the loss must be one number");
    expect_refused(5, TG_ERR_HANDLE, "check.c:1: gradcheck");
}

Test(gradcheck_use, refuses_an_f32_tape_and_what_is_no_parameter) {
    tg_gradcheck_report report;
    tg_tape *f32 = tg_tape_new(TG_F32);
    const tg_tensor single = tg_param_scalar(f32, 1), p = tg_param_scalar(tape, 1);
    cr_expect_eq(tg_gradcheck_at("check.c:2", f32, square_model, NULL, 1, &single, NULL, &report),
                 TG_ERR_DTYPE);
    EXPECT_ERROR(f32, TG_ERR_DTYPE, "check.c:2: gradcheck: ", "f32", "f64 tape");
    const tg_tensor wrong[] = {tg_exp(p), tg_num(1), (tg_tensor){0}, single,
                               tg_from_i64(tape, TG_SCALAR, 1, (int64_t[]){1})};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const tg_tensor params[] = {p, wrong[i]};
        cr_expect_neq(tg_gradcheck(tape, square_model, NULL, 2, params, NULL, &report), TG_OK);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "parameter 1", "leaf");
    }
    cr_expect_eq(tg_gradcheck(tape, square_model, NULL, -1, &p, NULL, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "gradcheck", "-1 parameters");
    cr_expect_eq(tg_gradcheck(tape, NULL, NULL, 1, &p, NULL, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "gradcheck", "model that is NULL");
    const tg_gradcheck_options refused[] = {{.relative = -1}, {.absolute = NAN}, {.step = -0.5}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        cr_expect_eq(tg_gradcheck(tape, square_model, NULL, 1, &p, &refused[i], &report), TG_ERR_VALUE);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "none may be negative or NaN");
    }
    cr_expect_neq(tg_gradcheck(NULL, square_model, NULL, 1, &p, NULL, &report), TG_OK);
    tg_tape_free(f32);
}

Test(gradcheck_use, does_nothing_while_an_error_sticks) {
    const tg_tensor p = tg_param_scalar(tape, 1);
    tg_gradcheck_report report;
    tg_tape_fail(tape, TG_ERR_FILE, "main.c:1", "an older error");
    cr_expect_eq(tg_gradcheck(tape, square_model, NULL, 1, &p, NULL, &report), TG_ERR_FILE);
    cr_expect_null(report.results);
    EXPECT_ERROR(tape, TG_ERR_FILE, "an older error");
}

/* Fails at the third evaluation. */
static tg_tensor tiring_model(tg_tape *on, const tg_tensor *p, void *context) {
    if (++*(int *)context == 3) tg_tape_fail(on, TG_ERR_VALUE, "model.c:7", "tired");
    return tg_sum(tg_square(p[0]));
}

Test(gradcheck_use, puts_parameters_back_when_the_model_fails_midway) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1, 2}));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    int calls = 0;
    tg_gradcheck_report report;
    cr_expect_eq(tg_gradcheck(tape, tiring_model, &calls, 1, &p, NULL, &report), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "model.c:7: tired");
    cr_expect(tg_value(p, TG_SHAPE(0)) == 1 && tg_value(p, TG_SHAPE(1)) == 2);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    cr_expect_null(report.results);
}

/* --- the table ------------------------------------------------------------------------------------------ */

Test(gradcheck_use, prints_a_table) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    tg_gradcheck_result results[] = {{.verdict = TG_PASS,
                                      .name = "W1",
                                      .entries = 12,
                                      .worst = TG_SHAPE(2, 1),
                                      .analytic = 0.25,
                                      .numeric = 0.25},
                                     {.verdict = TG_FAIL,
                                      .name = "a name that is long",
                                      .entries = 1,
                                      .failed = 1,
                                      .analytic = -3,
                                      .numeric = 1.5,
                                      .difference = 4.5}};
    const tg_gradcheck_report report = {.verdict = TG_FAIL, .n = 2, .results = results};
    tg_gradcheck_print(stream, &report);
    fclose(stream);
    cr_expect_str_eq(
        text,
        "parameter             entries  worst difference  at                 backward      numerical  "
        "verdict\n"
        "W1                         12          0.00e+00  [2, 1]                 0.25           0.25  PASS\n"
        "a name that is long         1          4.50e+00  []                       -3            1.5  FAIL\n",
        "\n%s", text);
    free(text);
}

Test(gradcheck_use, prints_no_numbers_and_no_coverage_where_nothing_was_compared) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    tg_gradcheck_result result = {.verdict = TG_UNRESOLVED, .name = "w", .entries = 40, .seen = INFINITY};
    const tg_gradcheck_report report = {
        .verdict = TG_UNRESOLVED, .fast = true, .note = "the loss is nan", .n = 1, .results = &result};
    tg_gradcheck_print(stream, &report);
    fclose(stream);
    cr_expect_str_eq(
        text,
        "parameter   entries  worst difference  at                 backward      numerical  verdict\n"
        "w                40                 -  -                         -              -  UNRESOLVED\n"
        "the loss is nan\n",
        "\n%s", text);
    free(text);
}

Test(gradcheck_use, cuts_a_name_that_is_longer_than_the_table_holds) {
    char name[200];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    const tg_tensor p = tg_set_name(tg_param_scalar(tape, 1), name);
    tg_gradcheck_report report;
    cr_assert_eq(tg_gradcheck(tape, square_model, NULL, 1, &p, NULL, &report), TG_OK);
    cr_expect_eq(strlen(report.results[0].name), sizeof report.results[0].name - 1);
    tg_gradcheck_report_free(&report);
}
