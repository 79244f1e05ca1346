/* test_plan_run.c: runs of plans beside other plans, other tapes and other things on the tape.
 *
 * Owns: several plans on one tape, what a plan notices of changes on the tape, the limit of threads. What
 * plans compute is in tests/graph/test_plan.c. */
#include "core/threads.h"
#include "expect_error.h"
#include "tapegrad.h"

#include <stdio.h>

/* One learns, the other reads what it has learned; both read the input. */
Test(plan_run, several_plans_of_one_tape_share_its_leaves) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor w = tg_param_scalar(tape, 1), x = tg_scalar(tape, 1), doubled = tg_mul(w, tg_num(2));
    const tg_tensor predicted = tg_mul(w, x), learned = tg_assign(w, doubled);
    tg_plan *predict = tg_plan_new(tape, 1, &predicted), *learn = tg_plan_new(tape, 1, &learned);
    cr_assert(predict && learn);
    cr_expect_eq(tg_write_f64(w, 1, (double[]){1}), TG_OK);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(tg_write_f64(x, 1, (double[]){i}), TG_OK);
        cr_assert_eq(tg_plan_run(learn), TG_OK);
        cr_assert_eq(tg_plan_run(predict), TG_OK);
        cr_expect_eq(tg_item(predicted), i * (2 << i));
        cr_expect_eq(tg_item(doubled), 2, "what is between keeps the value that it had");
    }
    tg_plan_free(learn);
    cr_expect_eq(tg_write_f64(x, 1, (double[]){3}), TG_OK);
    cr_assert_eq(tg_plan_run(predict), TG_OK, "one does not need the other");
    cr_expect_eq(tg_item(predicted), 96);
    tg_plan_free(predict);
    tg_tape_free(tape);
}

/* Two plans of the same outputs have memory of their own. */
Test(plan_run, plans_of_the_same_outputs_do_not_disturb_each_other) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = tg_ones(tape, TG_SHAPE(40, 40)), a = tg_matmul(x, x),
                    y = tg_sum(tg_matmul(a, tg_exp(a)));
    tg_plan *first = tg_plan_new(tape, 1, &y), *second = tg_plan_new(tape, 1, &y);
    const double before = tg_item(y);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(tg_plan_run(i % 2 ? first : second), TG_OK);
        cr_expect_float_eq(tg_item(y), before, 1e-5 * before);
    }
    tg_plan_free(first);
    cr_assert_eq(tg_plan_run(second), TG_OK);
    cr_expect_float_eq(tg_item(y), before, 1e-5 * before);
    tg_plan_free(second);
    tg_tape_free(tape);
}

/* The shape of a leaf cannot change while it lives; it can be recorded anew, in the same place. */
Test(plan_run, a_leaf_that_was_recorded_anew_in_another_shape_is_not_taken_for_the_old_one) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor x = tg_ones_at("main.c:1", tape, TG_SHAPE(3)), y = tg_sum_at("main.c:2", tg_exp(x));
    tg_plan *plan = tg_plan_new_at("main.c:3", tape, 1, &y);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_tape_rewind_at("main.c:4", tape, start), TG_OK);
    const tg_tensor wider = tg_ones(tape, TG_SHAPE(300)), again = tg_sum(tg_exp(wider));
    const double value = tg_item(again);
    cr_expect_eq(tg_plan_run_at("main.c:5", plan), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:5", "main.c:3", "main.c:4", "no longer on the tape");
    cr_expect_eq(tg_item(again), value, "and nothing was written");
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan_run, what_is_rewound_after_the_plan_is_no_concern_of_it) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 3), y = tg_square(x);
    tg_plan *plan = tg_plan_new(tape, 1, &y);
    const tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        tg_tensor z = tg_exp(y);
        for (int k = 0; k < 100; k++) z = tg_add(z, x);
        cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
        cr_assert_eq(tg_plan_run(plan), TG_OK);
        cr_expect_eq(tg_item(y), 9);
    }
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* An error on the tape, whoever made it, keeps plans from running; cleared, they run again. */
Test(plan_run, errors_of_others_stop_it_until_they_are_cleared) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_scalar(tape, 1), y = tg_add(x, tg_num(1));
    tg_plan *plan = tg_plan_new(tape, 1, &y);
    cr_expect_eq(tg_write_f64(x, 1, (double[]){5}), TG_OK);
    tg_matmul_at("main.c:6", x, x);
    cr_expect_eq(tg_plan_run(plan), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:6");
    cr_expect_eq(tg_item(y), 2);
    cr_expect_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_item(y), 6);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* Products, chains and reductions large enough for threads, bit for bit; the limit may change between runs.
 */
Test(plan_run, the_limit_of_threads_holds_for_plans_and_changes_no_bit) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(300, 700), tg_key_new(5), 1);
    const tg_tensor product = tg_matmul(x, tg_transpose(x)), chain = tg_tanh(tg_mul(tg_sigmoid(x), x));
    const tg_tensor outputs[4] = {product, tg_sum(chain), tg_sum_axes(chain, TG_AXES(0), false),
                                  tg_softmax(product, 1)};
    tg_plan *plan = tg_plan_new(tape, 4, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    static float results[4][4][300 * 300];
    const int before = tg_thread_limit(1);
    for (int turn = 0; turn < 4; turn++) {
        tg_thread_limit(1 + turn % 3);
        cr_assert_eq(tg_plan_run(plan), TG_OK);
        for (int k = 0; k < 4; k++)
            cr_assert_eq(tg_read_f32(outputs[k], tg_size(outputs[k]), results[turn][k]), TG_OK);
    }
    for (int turn = 1; turn < 4; turn++)
        cr_expect_eq(memcmp(results[turn], results[0], sizeof results[0]), 0, "%d threads", 1 + turn % 3);
    tg_thread_limit(before);
    tg_plan_free(plan);
    tg_tape_free(tape);
}
