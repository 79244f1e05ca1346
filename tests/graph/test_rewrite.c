/* test_rewrite.c: expressions that are recorded another way than they were written, where the tape allows it.
 *
 * Owns: what tg_made_by refuses, errors and lines in what is rewritten, plans of it. Which expressions there
 * are and what they give is in tests/ops/test_rewriting.c. */
#include "counting_allocator.h"
#include "expect_error.h"
#include "graph/node.h"
#include "tapegrad.h"

#include <math.h>
#include <stdio.h>

static const char *name_of(tg_tensor x) { return tg_node_at(x.tape, x.node)->op->name; }

static tg_tape *rewriting_tape(void) {
    tg_tape *tape = tg_tape_new(TG_F64);
    cr_expect_not(tg_tape_set_rewriting(tape, true), "off at first");
    cr_expect(tg_tape_set_rewriting(tape, true));
    return tape;
}

Test(rewrite, only_what_is_recorded_while_it_is_allowed) {
    tg_tape *tape = rewriting_tape();
    const tg_tensor s = tg_sigmoid(tg_param_scalar(tape, 1));
    cr_expect_str_eq(name_of(tg_log(s)), "logsigmoid");
    cr_expect(tg_tape_set_rewriting(tape, false));
    cr_expect_str_eq(name_of(tg_log(s)), "log");
    cr_expect(tg_tape_set_rewriting(NULL, true));
    tg_tape_free(tape);
}

/* Written anew, it would be computed from what the leaf is now. */
Test(rewrite, not_where_a_leaf_was_changed_since) {
    tg_tape *tape = rewriting_tape();
    const tg_tensor x = tg_param_scalar(tape, 1), s = tg_sigmoid(x);
    cr_expect_eq(tg_write_f64(x, 1, (double[]){5}), TG_OK);
    const tg_tensor y = tg_log(s);
    cr_expect_str_eq(name_of(y), "log");
    cr_expect_float_eq(tg_item(y), -log1p(exp(-1)), 1e-15);
    cr_expect_str_eq(name_of(tg_log(tg_sigmoid(x))), "logsigmoid", "what is recorded after the change is");
    tg_tape_free(tape);
}

/* Written anew, a gradient would flow past the place where it was stopped. */
Test(rewrite, not_where_gradients_were_switched_off) {
    tg_tape *tape = rewriting_tape();
    const tg_tensor x = tg_param_scalar(tape, 1);
    tg_tensor s = {0}, y = {0};
    tg_no_grad(tape) {
        s = tg_sigmoid(x);
        y = tg_log(s);
    }
    cr_expect_str_eq(name_of(y), "logsigmoid", "here none flows anyway");
    cr_expect_str_eq(name_of(tg_log(s)), "log");
    cr_expect_str_eq(name_of(tg_log(tg_detach(tg_sigmoid(x)))), "log");
    tg_tape_free(tape);
}

Test(rewrite, what_a_backward_writes_stays_as_it_is) {
    tg_tape *tape = rewriting_tape();
    const tg_tensor x = tg_param_scalar(tape, 1), s = tg_sigmoid(x);
    const int64_t before = tg_tape_n_nodes(tape);
    tg_tensor dx;
    cr_assert_eq(tg_gradients(s, 1, &x, &dx), TG_OK);
    for (uint32_t i = (uint32_t)before; i < (uint32_t)tg_tape_n_nodes(tape); i++)
        cr_expect(!tg_node_at(tape, i)->op || strcmp(tg_node_at(tape, i)->op->name, "sigmoid") != 0,
                  "1 - y costs less than sigmoid(-x)");
    tg_tape_free(tape);
}

Test(rewrite, it_bears_the_line_that_was_written) {
    tg_tape *tape = rewriting_tape();
    const tg_tensor s = tg_sigmoid(tg_param_scalar(tape, 1));
    const tg_tensor y = tg_log_at("model.c:7", tg_sub_at("model.c:7", tg_num(1), s));
    for (uint32_t i = s.node + 1; i <= y.node; i++)
        if (tg_node_at(tape, i)->op) cr_expect_str_eq(tg_node_at(tape, i)->place, "model.c:7");
    cr_expect_str_eq(name_of(y), "logsigmoid");
    tg_tape_free(tape);
}

Test(rewrite, bad_handles_are_the_errors_that_they_would_be) {
    tg_tape *tape = rewriting_tape();
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor s = tg_sigmoid(tg_scalar(tape, 1));
    cr_expect_eq(tg_tape_rewind(tape, start), TG_OK);
    cr_expect_not(tg_is_valid(tg_log_at("model.c:9", s)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "model.c:9", "stale");
    cr_expect_not(tg_is_valid(tg_log((tg_tensor){0})));
    cr_expect_not(tg_is_valid(tg_sub(tg_num(1), tg_log(s))));
    tg_tape_free(tape);
}

Test(rewrite, each_allocation_may_fail) {
    for (long at = 0;; at++) {
        counting c;
        tg_tape *tape = tg_tape_new_with(TG_F64, counting_allocator(&c));
        (void)tg_tape_set_rewriting(tape, true);
        const tg_tensor s = tg_sigmoid(tg_param_zeros(tape, TG_SHAPE(100, 1000)));
        c.fail_at = c.allocations + at;
        const tg_tensor y = tg_log(tg_sub(tg_num(1), s));
        const bool failed = c.failed > 0;
        cr_expect_eq(tg_is_valid(y), !failed);
        if (failed) EXPECT_ERROR(tape, TG_ERR_MEMORY, "test_rewrite.c", "memory");
        tg_tape_free(tape);
        cr_assert_eq(c.blocks, 0);
        if (!failed) break;
        cr_assert_lt(at, 1000);
    }
}

/* What is not needed any more is not computed. */
Test(rewrite, a_plan_computes_the_rewritten_alone) {
    tg_tape *tape = rewriting_tape();
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2), 2, (double[]){1, 2}), y = tg_log(tg_sigmoid(x));
    tg_plan *plan = tg_plan_new(tape, 1, &y);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, " logsigmoid\n") && strstr(text, "1 not needed"), "%s", text);
    cr_expect_eq(tg_write_f64(x, 2, (double[]){-1000, 1000}), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(y, TG_SHAPE(0)), -1000);
    tg_plan_free(plan);
    tg_tape_free(tape);
}
