/* test_no_values.c: recording without computing: what it costs, what a plan makes of it, what may not be
 * read.
 *
 * That every operation can be recorded so is in tests/ops/test_plan_cases.c. */
#include "expect_error.h"
#include "tapegrad.h"

#include <math.h>
#include <stdio.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }
TestSuite(no_values, .init = open_tape, .fini = close_tape);

Test(no_values, what_is_recorded_takes_no_memory_for_its_values) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(100, 1000));
    tg_tensor y = x;
    const size_t before = tg_tape_bytes(tape);
    tg_no_values(tape) {
        for (int i = 0; i < 100; i++) y = tg_exp(tg_mul(y, tg_num(0.5)));
        y = tg_reshape(tg_transpose(y), TG_SHAPE(-1)); /* a view that would be a copy */
    }
    cr_expect_lt(tg_tape_bytes(tape) - before, 1600000, "less than two of the 200 results");
    cr_expect_eq(tg_size(y), 100000);
    EXPECT_NO_ERROR(tape);
}

Test(no_values, reading_them_is_an_error_that_says_where_they_were_recorded) {
    const tg_tensor x = tg_ones(tape, TG_SHAPE(2));
    double out[2];
    tg_tensor y = x, s = x;
    tg_no_values(tape) {
        y = tg_add_at("model.c:9", x, x);
        s = tg_sum_at("model.c:10", y);
    }
    cr_expect(isnan(tg_item(s)));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "test_no_values.c", "item: sum", "model.c:10", "plan");
    cr_expect(isnan(tg_value(y, TG_SHAPE(0))));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "value: add", "model.c:9");
    cr_expect_eq(tg_read(y, 2, out), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "read: add");
    cr_expect_null(tg_data(tg_slice(y, 0, 1, 2, 1)));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "data: slice");
    cr_expect_null(tg_array_of(y).data);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "array_of: add");
    cr_expect_eq(tg_print(stderr, y), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "print: add");
    cr_expect_eq(tg_format(y, 0, NULL), 0);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "format: add");
    cr_expect_eq(tg_draw("/dev/null", s, NULL), TG_OK);
    cr_expect_eq(tg_dim(y, 0), 2);
    cr_expect_eq(tg_write(x, 2, (double[]){3, 4}), TG_OK, "leaves have theirs");
}

Test(no_values, what_is_recorded_from_it_later_has_none_either) {
    tg_tensor y = tg_ones(tape, TG_SHAPE(1)), s = tg_scalar(tape, 2);
    tg_no_values(tape) {
        y = tg_neg(y);
        s = tg_neg(s);
    }
    const tg_tensor later[] = {tg_exp(y), tg_exp(s), tg_exp(tg_reshape(y, TG_SCALAR)),
                               tg_exp(tg_reshape(s, TG_SHAPE(1))), tg_concat(2, (tg_tensor[]){y, y}, 0)};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        cr_expect_null(tg_data(later[i]), "%zu", i);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "has no values");
    }
}

/* A training step, its gradients and its update, none of which is computed before the plan runs. */
Test(no_values, a_plan_computes_them) {
    const tg_key key = tg_key_new(1);
    tg_tape *plain = tg_tape_new(TG_F64), *tapes[2] = {tape, plain};
    tg_tensor w[2], x[2], loss[2], dw;
    double first[12], second[12];
    for (int k = 0; k < 2; k++) {
        w[k] = tg_param_normal(tapes[k], TG_SHAPE(4, 3), key, 1);
        x[k] = tg_detach(tg_param_normal(tapes[k], TG_SHAPE(5, 4), tg_key_split(key, 1), 1));
    }
    tg_tensor outputs[2];
    const int64_t labels[5] = {0, 1, 2, 1, 0};
    tg_no_values(tape) {
        loss[0] = tg_cross_entropy(tg_matmul(x[0], w[0]), tg_from(tape, TG_SHAPE(5), 5, labels));
        cr_assert_eq(tg_gradients(loss[0], 1, &w[0], &dw), TG_OK);
        outputs[1] = tg_assign(w[0], tg_sub(w[0], tg_mul(tg_num(0.5), dw)));
    }
    outputs[0] = loss[0];
    tg_plan *plan = tg_plan_new(tape, 2, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    cr_expect(isnan(tg_item(loss[0])), "it has a place for its value, and no value yet");
    EXPECT_NO_ERROR(tape);
    cr_expect_eq(tg_read(w[0], 12, first), TG_OK);
    cr_expect_eq(tg_read(w[1], 12, second), TG_OK);
    cr_expect_arr_eq(first, second, sizeof first, "nothing was assigned yet");
    for (int step = 0; step < 3; step++) {
        cr_assert_eq(tg_plan_run(plan), TG_OK, "%s", tg_tape_error(tape));
        loss[1] = tg_cross_entropy(tg_matmul(x[1], w[1]), tg_from(plain, TG_SHAPE(5), 5, labels));
        cr_assert_eq(tg_gradients(loss[1], 1, &w[1], &dw), TG_OK);
        cr_expect_float_eq(tg_item(loss[0]), tg_item(loss[1]), 1e-14);
        tg_assign(w[1], tg_sub(w[1], tg_mul(tg_num(0.5), dw)));
        cr_expect_eq(tg_read(w[0], 12, first), TG_OK);
        cr_expect_eq(tg_read(w[1], 12, second), TG_OK);
        for (int i = 0; i < 12; i++) cr_expect_float_eq(first[i], second[i], 1e-14);
    }
    tg_plan_free(plan);
    tg_tape_free(plain);
}

Test(no_values, an_assign_changes_nothing_when_it_is_recorded) {
    const tg_tensor p = tg_param_scalar(tape, 3), y = tg_square(p);
    tg_tensor assigned = p;
    tg_no_values(tape) { assigned = tg_assign(p, tg_scalar(tape, 5)); }
    cr_expect_eq(tg_item(p), 3);
    cr_expect_eq(tg_item(assigned), 3, "it shows the leaf");
    cr_expect_eq(tg_backward(y), TG_OK, "p has not changed");
    tg_plan *plan = tg_plan_new(tape, 1, &assigned);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_item(p), 5);
    cr_expect_eq(tg_backward(y), TG_ERR_GRADIENT);
    tg_plan_free(plan);
}

Test(no_values, an_output_that_has_no_memory_is_refused) {
    tg_tensor y = tg_param_zeros(tape, TG_SHAPE(2, 3));
    tg_no_values(tape) { y = tg_transpose(tg_exp_at("model.c:4", y)); }
    cr_expect_null(tg_plan_new(tape, 1, &y));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "test_no_values.c", "output 0", "[3, 2]", "model.c:4", "tg_assign");
}

Test(no_values, backward_needs_them) {
    const tg_tensor p = tg_param_scalar(tape, 3);
    tg_tensor y = p;
    tg_no_values(tape) { y = tg_square(tg_exp(p)); }
    cr_expect_eq(tg_backward(y), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "test_no_values.c", "has no values");
    cr_expect_eq(tg_item(tg_grad(p)), 0);
    cr_expect_not(tg_tape_set_values(NULL, false));
}
