/* test_plan.c: plans: what they compute, what they leave alone, and what they refuse.
 *
 * Owns: training by a plan, assigns in order, memory, errors. What is fused is in test_plan_fusion.c. That
 * every operation gives in a plan what it gives on the tape is in tests/ops/test_plan_cases.c, and random
 * graphs are in test_plan_random.c.
 */
#include "counting_allocator.h"
#include "expect_error.h"
#include "tapegrad.h"

#include <math.h>
#include <stdio.h>

/* --- training ------------------------------------------------------------------------------------------- */

enum { ROWS = 40, INPUTS = 3, HIDDEN = 5, PARAMS = 4 };

typedef struct model {
    tg_tape *tape;
    tg_tensor params[PARAMS], x, y;
} model;

static void make_model(model *m, tg_tape *tape) {
    const tg_key key = tg_key_new(3);
    double data[ROWS * INPUTS], labels[ROWS];
    tg_random_normal(tg_key_split(key, 9), ROWS * INPUTS, data);
    for (int i = 0; i < ROWS; i++) labels[i] = data[i * INPUTS] * data[i * INPUTS + 1] > 0;
    m->tape = tape;
    m->params[0] = tg_param_normal(tape, TG_SHAPE(INPUTS, HIDDEN), tg_key_split(key, 0), 1);
    m->params[1] = tg_param_zeros(tape, TG_SHAPE(HIDDEN));
    m->params[2] = tg_param_normal(tape, TG_SHAPE(HIDDEN, 1), tg_key_split(key, 1), 1);
    m->params[3] = tg_param_scalar(tape, 0);
    m->x = tg_from_f64(tape, TG_SHAPE(ROWS, INPUTS), ROWS * INPUTS, data);
    m->y = tg_from_f64(tape, TG_SHAPE(ROWS, 1), ROWS, labels);
}

/* Records a step of gradient descent: the loss, and the assigns. */
static tg_tensor record_step(const model *m, tg_tensor *assigned) {
    tg_tensor gradients[PARAMS];
    const tg_tensor a = tg_tanh(tg_add(tg_matmul(m->x, m->params[0]), m->params[1]));
    const tg_tensor z = tg_add(tg_matmul(a, m->params[2]), m->params[3]);
    const tg_tensor loss = tg_binary_cross_entropy_with_logits(z, m->y);
    if (tg_gradients(loss, PARAMS, m->params, gradients) != TG_OK) return loss;
    for (int i = 0; i < PARAMS; i++)
        assigned[i] = tg_assign(m->params[i], tg_sub(m->params[i], tg_mul(tg_num(0.5), gradients[i])));
    return loss;
}

static tg_plan *plan_step(const model *m, tg_tensor *loss) {
    tg_tensor outputs[PARAMS + 1];
    outputs[PARAMS] = *loss = record_step(m, outputs);
    return tg_plan_new(m->tape, PARAMS + 1, outputs);
}

Test(plan, training_by_a_plan_is_training_by_the_tape) {
    model a, b;
    make_model(&a, tg_tape_new(TG_F64));
    make_model(&b, tg_tape_new(TG_F64));
    tg_tensor loss, assigned[PARAMS];
    tg_plan *step = plan_step(&a, &loss); /* recording is the first step */
    cr_assert(step);
    const tg_mark start = tg_tape_mark(b.tape);
    double first = 0, last = 0;
    for (int i = 0; i < 50; i++) {
        if (i) cr_assert_eq(tg_plan_run(step), TG_OK);
        last = tg_item(loss);
        if (i == 0) first = last;
        const double expected = tg_item(record_step(&b, assigned));
        cr_expect_float_eq(last, expected, 1e-12);
        cr_assert_eq(tg_tape_rewind(b.tape, start), TG_OK);
    }
    cr_expect_lt(last, 0.8 * first, "it learns: %g to %g", first, last);
    for (int k = 0; k < PARAMS; k++) {
        const double *x = tg_data(a.params[k]), *y = tg_data(b.params[k]);
        for (int64_t i = 0; i < tg_size(a.params[k]); i++) cr_expect_float_eq(x[i], y[i], 1e-12);
    }
    tg_plan_free(step);
    tg_tape_free(a.tape);
    tg_tape_free(b.tape);
}

Test(plan, running_allocates_nothing) {
    counting c;
    model m;
    tg_tensor loss;
    make_model(&m, tg_tape_new_with(TG_F32, counting_allocator(&c)));
    const tg_tensor x = tg_from_f64(m.tape, TG_SHAPE(2, 3), 6, (double[]){1, 2, 3, 4, 5, 6});
    const tg_tensor others[2] = {tg_logsumexp_axes(x, TG_AXES(0), false),
                                 tg_matmul(tg_slice(x, 1, 0, TG_END, 2), tg_slice(x, 1, 0, 2, 1))};
    tg_plan *step = plan_step(&m, &loss), *other = tg_plan_new(m.tape, 2, others);
    cr_assert(step && other);
    const long before = c.allocations;
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(tg_plan_run(step), TG_OK);
        cr_assert_eq(tg_plan_run(other), TG_OK);
    }
    cr_expect_eq(c.allocations, before);
    tg_plan_free(step);
    tg_plan_free(other);
    tg_tape_free(m.tape);
    cr_expect_eq(c.blocks, 0);
    cr_expect_eq(c.wrong_sizes, 0);
}

Test(plan, each_allocation_may_fail) {
    for (long at = 0; at < 10000; at++) {
        counting c;
        model m;
        tg_tape *tape = tg_tape_new_with(TG_F64, counting_allocator(&c));
        make_model(&m, tape);
        tg_tensor outputs[PARAMS + 2];
        outputs[PARAMS] = record_step(&m, outputs);
        outputs[PARAMS + 1] = tg_softmax(m.params[0], 1);
        c.fail_at = c.allocations + at;
        tg_plan *plan = tg_plan_new(tape, PARAMS + 2, outputs);
        const bool failed = c.failed > 0;
        cr_expect_eq(plan == NULL, failed);
        if (failed) EXPECT_ERROR(tape, TG_ERR_MEMORY, "test_plan.c", "out of memory");
        c.fail_at = -1;
        if (!failed) cr_expect_eq(tg_plan_run(plan), TG_OK);
        tg_plan_free(plan);
        tg_tape_free(tape);
        cr_assert_eq(c.blocks, 0);
        cr_assert_eq(c.wrong_sizes, 0);
        if (!failed) return;
    }
    cr_expect(false, "it never succeeded");
}

/* --- what a plan computes ------------------------------------------------------------------------------- */

Test(plan, inputs_may_be_rewritten_and_intermediate_values_stay) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 2), y = tg_mul(x, x), z = tg_add(y, tg_num(1));
    tg_tensor outputs[2];
    outputs[0] = z;
    cr_assert_eq(tg_gradients(z, 1, &x, &outputs[1]), TG_OK);
    tg_plan *plan = tg_plan_new(tape, 2, outputs);
    cr_expect_eq(tg_write_f64(x, 1, (double[]){5}), TG_OK);
    cr_expect_eq(tg_item(z), 5, "planning and writing compute nothing");
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_item(z), 26);
    cr_expect_eq(tg_item(outputs[1]), 10);
    cr_expect_eq(tg_item(y), 4);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, outputs_may_be_leaves_numbers_and_views) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 2), 4, (double[]){1, 2, 3, 4});
    const tg_tensor turned = tg_transpose(tg_square(x)), x_turned = tg_transpose(x);
    const tg_tensor outputs[4] = {x, x_turned, turned, turned};
    tg_plan *plan = tg_plan_new(tape, 4, outputs);
    cr_assert(plan);
    cr_expect_eq(tg_write_f64(x, 4, (double[]){5, 6, 7, 8}), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(x_turned, TG_SHAPE(0, 1)), 7);
    cr_expect_eq(tg_value(turned, TG_SHAPE(0, 1)), 49);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, equal_operations_are_merged_but_each_output_is_written) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3), 3, (double[]){1, 2, 3});
    const tg_tensor a = tg_exp(x), b = tg_exp(x), n = tg_neg(x), c = tg_mul(n, tg_neg(x));
    const tg_tensor outputs[3] = {a, b, c};
    tg_plan *plan = tg_plan_new(tape, 3, outputs);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, "1 merged"), "%s", text);
    cr_expect(strstr(text, "test_plan.c"), "%s", text);
    cr_expect_eq(tg_write_f64(x, 3, (double[]){0, 0, 4}), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(a, TG_SHAPE(0)), 1);
    cr_expect_eq(tg_value(b, TG_SHAPE(0)), 1);
    cr_expect_eq(tg_value(c, TG_SHAPE(2)), 16);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, operations_without_effect_are_left_out) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3), 3, (double[]){1, 2, 3}), e = tg_exp(x),
                    one = tg_num(1);
    const tg_tensor ones = tg_add(tg_num(0), tg_expand(tg_mul(one, tg_scalar(tape, 1)), TG_SHAPE(2, 3)));
    const tg_tensor y = tg_sub(tg_div(tg_mul(one, tg_mul(e, one)), one), tg_num(0)); /* 3 not kept, 1 kept */
    const tg_tensor larger = tg_mul(tg_mul(e, ones), tg_neg(e)); /* a shape, and a leaf, are an effect */
    const tg_tensor reversed = tg_neg(tg_mul(tg_slice(e, 0, TG_END, TG_END, -1), one));
    const tg_tensor outputs[3] = {y, larger, reversed};
    tg_plan *plan = tg_plan_new(tape, 3, outputs);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, " 3 without effect"), "%s", text);
    cr_expect_eq(tg_write_f64(x, 3, (double[]){0, 1, 2}), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(y, TG_SHAPE(0)), 1);
    cr_expect_float_eq(tg_value(larger, TG_SHAPE(1, 1)), -exp(2), 1e-12);
    cr_expect_float_eq(tg_value(reversed, TG_SHAPE(0)), -exp(2), 1e-12);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, what_is_turned_back_is_left_out) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, (double[]){1, 2, 3, 4, 5, 6}), e = tg_exp(x);
    const tg_tensor twice = tg_neg(tg_neg(e)), turned = tg_transpose(tg_transpose(e));
    const tg_tensor y = tg_mul(tg_mul(twice, turned), tg_mul(e, e)); /* one product, squared */
    const tg_tensor of_leaf = tg_neg(tg_neg(x)); /* the leaf may have changed when it is read */
    const tg_tensor flat = tg_reshape(tg_transpose(tg_transpose(x)), TG_SHAPE(6));
    const tg_tensor outputs[3] = {y, of_leaf, tg_add(flat, tg_reshape(x, TG_SHAPE(6)))};
    tg_plan *plan = tg_plan_new(tape, 3, outputs);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, " 2 merged, 3 without effect"), "%s", text);
    cr_expect_eq(tg_write_f64(x, 6, (double[]){0, 1, 2, 3, 4, -0.0}), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_float_eq(tg_value(y, TG_SHAPE(0, 1)), exp(4), 1e-12);
    cr_expect(signbit(tg_value(of_leaf, TG_SHAPE(1, 2))));
    cr_expect_eq(tg_value(outputs[2], TG_SHAPE(3)), 6);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* A view of a leaf before and after it is assigned, and of what was assigned. */
Test(plan, a_view_that_is_left_out_keeps_its_side_of_an_assign) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(1, 2), 2, (double[]){1, 2}), ten = tg_scalar(tape, 10);
    const tg_tensor view = tg_transpose(tg_transpose(x)), before = tg_mul(view, ten);
    const tg_tensor assigned = tg_assign(x, tg_add(view, tg_num(1)));
    const tg_tensor after = tg_mul(view, ten), through = tg_mul(tg_transpose(tg_transpose(assigned)), ten);
    const tg_tensor outputs[4] = {before, assigned, after, through};
    tg_plan *plan = tg_plan_new(tape, 4, outputs);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(before, TG_SHAPE(0, 0)), 20);
    cr_expect_eq(tg_value(after, TG_SHAPE(0, 0)), 30);
    cr_expect_eq(tg_value(through, TG_SHAPE(0, 1)), 40);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* A leaf read before it is assigned, after, and through the assign's own handle. */
Test(plan, reads_of_a_leaf_keep_their_side_of_an_assign) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2), 2, (double[]){1, 2}), ten = tg_scalar(tape, 10);
    const tg_tensor before = tg_mul(x, ten), assigned = tg_assign(x, tg_add(x, tg_num(1)));
    const tg_tensor after = tg_mul(x, ten), through = tg_mul(assigned, ten);
    const tg_tensor turned = tg_assign(x, tg_slice(x, 0, TG_END, TG_END, -1)), last = tg_mul(x, ten);
    const tg_tensor outputs[6] = {before, assigned, after, through, turned, last};
    tg_plan *plan = tg_plan_new(tape, 6, outputs);
    cr_assert(plan);
    cr_expect_eq(tg_value(x, TG_SHAPE(0)), 3, "recording has run it once: 1 2, 2 3, 3 2");
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(before, TG_SHAPE(0)), 30);
    cr_expect_eq(tg_value(after, TG_SHAPE(0)), 40);
    cr_expect_eq(tg_value(through, TG_SHAPE(1)), 30);
    cr_expect_eq(tg_value(last, TG_SHAPE(0)), 30);
    cr_expect_eq(tg_value(x, TG_SHAPE(1)), 4);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* What is computed to be assigned is written straight into the leaf, unless somebody still reads the leaf as
 * it was, or reads the result after the leaf has changed again. */
Test(plan, what_is_assigned_is_written_to_the_leaf_when_nobody_can_tell) {
    enum { SIZE = 1000 };
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_shape shape = TG_SHAPE(SIZE);
    tg_tensor x[6], outputs[8], late = {0};
    for (int i = 0; i < 6; i++) x[i] = tg_full(tape, shape, i);
    tg_no_values(tape) {
        outputs[0] = tg_assign(x[0], tg_add(x[0], tg_num(1))); /* 1, in place */
        const tg_tensor next = tg_add(x[1], tg_num(1)), before = tg_mul(x[1], tg_num(10));
        outputs[1] = tg_assign(x[1], next);   /* 2 */
        outputs[2] = tg_assign(x[2], before); /* 10, of x[1] before */
        late = tg_mul(x[3], x[3]);
        outputs[3] = tg_assign(x[3], late);                      /* 9 */
        outputs[4] = tg_assign(x[3], tg_add(x[3], tg_num(0.5))); /* 9.5 */
        outputs[5] = tg_assign(x[4], tg_add(late, tg_num(1)));   /* 10 */
        outputs[6] = tg_assign(x[5], late);                      /* 9, as it was */
    }
    tg_plan *plan = tg_plan_new(tape, 7, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    const double expected[6] = {1, 2, 10, 9.5, 10, 9};
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < SIZE; k += SIZE - 1)
            cr_expect_eq(tg_value(x[i], TG_SHAPE(k)), expected[i], "leaf %d is %g", i,
                         tg_value(x[i], TG_SHAPE(k)));
    tg_plan_free(plan);

    const tg_tensor step = outputs[0]; /* reads x and writes x, and nothing else */
    plan = tg_plan_new(tape, 1, &step);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, "16.0 k"), "%s", text);
    cr_expect(strstr(text, "slab of 0 bytes"), "%s", text);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, an_assign_in_a_plan_counts_as_a_change_of_the_leaf) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 3), step = tg_assign_at("sgd.c:7", x, tg_scalar(tape, 4));
    tg_plan *plan = tg_plan_new(tape, 1, &step);
    const tg_tensor y = tg_mul(x, x);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_backward(y), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "sgd.c:7", "changed in place");
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* Adam: both moments and the parameter are changed in one pass over memory. */
Test(plan, an_update_with_moments_is_one_step) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor w = tg_param_normal(tape, TG_SHAPE(30, 40), tg_key_new(1), 1), rate = tg_num(0.1);
    const tg_tensor m = tg_zeros(tape, TG_SHAPE(30, 40)), v = tg_zeros(tape, TG_SHAPE(30, 40));
    const tg_tensor dw = tg_mul(w, tg_num(2)); /* of the sum of squares */
    const tg_tensor new_m = tg_add(tg_mul(m, tg_num(0.9)), tg_mul(dw, tg_num(0.1)));
    const tg_tensor new_v = tg_add(tg_mul(v, tg_num(0.999)), tg_mul(tg_square(dw), tg_num(0.001)));
    tg_tensor outputs[3];
    outputs[0] = tg_assign(m, new_m);
    outputs[1] = tg_assign(v, new_v);
    const tg_tensor step = tg_div(tg_mul(m, rate), tg_add(tg_sqrt(v), tg_num(1e-8)));
    outputs[2] = tg_assign(w, tg_sub(w, step));
    const double before = tg_value(w, TG_SHAPE(0, 0)), m_before = tg_value(m, TG_SHAPE(0, 0)),
                 v_before = tg_value(v, TG_SHAPE(0, 0));
    tg_plan *plan = tg_plan_new(tape, 3, outputs);
    char text[2000] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    cr_expect(strstr(text, ": 1 step\n"), "%s", text);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    const double m_now = 0.9 * m_before + 0.2 * before,
                 v_now = 0.999 * v_before + 0.001 * (2 * before) * (2 * before);
    cr_expect_float_eq(tg_value(m, TG_SHAPE(0, 0)), m_now, 1e-14);
    cr_expect_float_eq(tg_value(w, TG_SHAPE(0, 0)), before - 0.1 * m_now / (sqrt(v_now) + 1e-8), 1e-12);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, chains_of_many_scalars_and_of_nothing) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 1), empty = tg_zeros(tape, TG_SHAPE(0, 3));
    tg_tensor y = x, outputs[3];
    for (int i = 0; i < 5000; i++) y = tg_add(y, i % 2 ? x : tg_neg(x));
    outputs[0] = y;
    cr_assert_eq(tg_gradients(y, 1, &x, &outputs[1]), TG_OK);
    outputs[2] = tg_sum_axes(tg_exp(tg_add(empty, x)), TG_AXES(0), false);
    tg_plan *plan = tg_plan_new(tape, 3, outputs);
    cr_assert(plan);
    cr_expect_eq(tg_write_f64(x, 1, (double[]){7}), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_item(y), 7);
    cr_expect_eq(tg_item(outputs[1]), 1);
    cr_expect_eq(tg_value(outputs[2], TG_SHAPE(2)), 0);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* --- errors --------------------------------------------------------------------------------------------- */

Test(plan, outputs_that_will_not_do_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64), *other = tg_tape_new(TG_F64);
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor x = tg_exp(tg_scalar(tape, 1)), far = tg_exp(tg_scalar(other, 1)), number = tg_num(1);
    const tg_tensor both[2] = {x, far};
    cr_expect_null(tg_plan_new_at("main.c:1", tape, 0, NULL));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "main.c:1", "no outputs");
    cr_expect_null(tg_plan_new_at("main.c:2", tape, 2, both));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:2", "output 1");
    cr_expect_null(tg_plan_new(tape, 1, &number));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "output 0");
    cr_expect_eq(tg_tape_rewind_at("main.c:3", tape, start), TG_OK);
    cr_expect_null(tg_plan_new_at("main.c:4", tape, 1, &x));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:4", "main.c:3", "stale");
    cr_expect_null(tg_plan_new(NULL, 1, &x));
    cr_expect_eq(tg_plan_run(NULL), TG_ERR_HANDLE);
    cr_expect_eq(tg_plan_print(stdout, NULL), TG_ERR_HANDLE);
    tg_plan_free(NULL);
    tg_tape_free(tape);
    tg_tape_free(other);
}

Test(plan, a_plan_notices_that_the_tape_was_rewound_past_it) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_scalar(tape, 1);
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor y = tg_exp(x);
    tg_plan *plan = tg_plan_new_at("main.c:5", tape, 1, &y);
    const tg_mark after = tg_tape_mark(tape);
    tg_exp(y);
    cr_expect_eq(tg_tape_rewind(tape, after), TG_OK);
    cr_expect_eq(tg_plan_run(plan), TG_OK, "what came later is no concern of it");
    cr_expect_eq(tg_tape_rewind_at("main.c:6", tape, start), TG_OK);
    cr_expect_eq(tg_plan_run_at("main.c:7", plan), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:5", "main.c:6", "main.c:7");
    tg_exp(x);
    cr_expect_eq(tg_plan_run_at("main.c:8", plan), TG_ERR_HANDLE, "nor is it fooled by what took its place");
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:8");
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan, errors_stick_and_those_of_operations_name_their_line) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, (double[]){1, 2, 3, 4, 5, 6});
    const tg_tensor labels = tg_from_i64(tape, TG_SHAPE(2), 2, (int64_t[]){0, 2});
    const tg_tensor loss = tg_cross_entropy_at("model.c:9", x, labels);
    tg_plan *plan = tg_plan_new(tape, 1, &loss);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_write_i64(labels, 2, (int64_t[]){0, 3}), TG_OK);
    cr_expect_eq(tg_plan_run(plan), TG_ERR_VALUE);
    cr_expect_eq(tg_plan_run(plan), TG_ERR_VALUE, "it sticks");
    EXPECT_ERROR(tape, TG_ERR_VALUE, "model.c:9", "label 3");
    tg_plan *early = tg_plan_new(tape, 1, &loss);
    cr_expect_not_null(early, "a label that is wrong now may be right when the plan runs");
    EXPECT_NO_ERROR(tape);
    cr_expect_eq(tg_write_i64(labels, 2, (int64_t[]){1, 1}), TG_OK);
    cr_expect_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_plan_run(early), TG_OK);
    tg_plan_free(early);
    tg_plan_free(plan);
    tg_tape_free(tape);
}
