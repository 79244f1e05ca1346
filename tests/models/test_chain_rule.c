/* test_chain_rule.c: models/chain_rule.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/chain_rule.h"

Test(chain_rule, values_and_derivatives_are_those_on_paper) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        tg_chain_rule_result r;
        cr_assert_eq(tg_chain_rule(tape, NULL, &r), TG_OK, "%s", tg_tape_error(tape));
        const tg_tensor got[] = {r.u, r.v, r.J, r.dv, r.du, r.da, r.db, r.dc};
        const double expected[] = {6, 11, 33, 3, 3, 3, 6, 9};
        for (int i = 0; i < 8; i++) cr_expect_eq(tg_item(got[i]), expected[i], "value %d", i);
        cr_expect_eq(r.check.verdict, TG_PASS);
        cr_expect_eq(r.check.n, 3);
        cr_expect_str_eq(r.check.results[1].name, "b");
        tg_chain_rule_free(&r);
        tg_tape_free(tape);
    }
}

Test(chain_rule, a_nudge_moves_J_by_the_derivative) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_chain_rule_result r;
    cr_assert_eq(tg_chain_rule(tape, NULL, &r), TG_OK);
    cr_expect_float_eq(r.nudged[0], 33.003, 1e-12);
    cr_expect_float_eq(r.nudged[1], 33.006, 1e-12);
    cr_expect_float_eq(r.nudged[2], 33.009, 1e-12);
    cr_expect_float_eq(r.slopes[2], 9, 1e-9);
    tg_chain_rule_free(&r);
    const double at[3] = {5, 3, 3};
    cr_assert_eq(tg_chain_rule(tape, &(tg_chain_rule_options){.at = at}, &r), TG_OK);
    cr_expect_eq(tg_item(r.J), 42);
    cr_expect_float_eq(r.nudged[1], 42.009, 1e-12);
    tg_chain_rule_free(&r);
    tg_tape_free(tape);
}

Test(chain_rule, the_tables_are_printed_to_the_callers_stream) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_chain_rule_result r;
    cr_assert_eq(tg_chain_rule(tape, &(tg_chain_rule_options){.stream = stream}, &r), TG_OK);
    fclose(stream);
    const char *const parts[] = {"u = b c   = 6",       "v = a + u = 11",
                                 "J = 3 v   = 33",      "dJ/dc = dJ/du * du/dc = 9",
                                 "5.001    J = 33.003", "PASS"};
    for (int i = 0; i < 6; i++)
        cr_expect_not_null(strstr(text, parts[i]), "%s is not in\n%s", parts[i], text);
    tg_chain_rule_free(&r);
    tg_tape_free(tape);
    free(text);
}

Test(chain_rule, points_that_are_not_finite_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const double at[3] = {5, NAN, 3};
    tg_chain_rule_result r;
    cr_expect_eq(tg_chain_rule(tape, &(tg_chain_rule_options){.at = at}, &r), TG_ERR_VALUE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "test_chain_rule.c"));
    tg_chain_rule_free(&r);
    cr_expect_eq(tg_chain_rule(tape, NULL, &r), TG_ERR_VALUE, "an error that sticks");
    tg_chain_rule_free(&r);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_chain_rule(tape, &(tg_chain_rule_options){.nudge = INFINITY}, &r), TG_ERR_VALUE);
    tg_chain_rule_free(&r);
    tg_tape_free(tape);
}
