/* test_backward.c: tg_backward by a plan: the same graph recorded again and again.
 *
 * Owns: that gradients, errors and side effects are what they are when everything is computed at once,
 * however often a graph was seen; when a plan is made, used and given up. What gradients are is
 * test_gradient.c's. */
#include "graph/node.h"
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

enum { TURNS = 5 }; /* the first computes at once, the second makes a plan, the others use it */

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(backward, .init = open_tape, .fini = close_tape);

static bool has_plan(void) { return tape->backwards.plans[0] != NULL; }
static bool uses_plan(void) { return has_plan() && tape->backwards.patience == 1; }

static double grad_of(tg_tensor x) { return tg_item(tg_grad(x)); }

/* --- what is recorded again ----------------------------------------------------------------------------- */

Test(backward, of_a_graph_recorded_again_sees_new_values_and_new_numbers) {
    const tg_tensor a = tg_param_scalar(tape, 0), b = tg_param_f64(tape, TG_SHAPE(3), 3, (double[]){1, 2, 3});
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 1; turn <= TURNS; turn++) {
        tg_write_f64(a, 1, (double[]){turn});
        const tg_tensor y = tg_sum(tg_mul(tg_mul(tg_num(turn == 3 ? 1 : turn), tg_square(a)), b));
        cr_assert_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
        const double factor = turn == 3 ? 1 : turn;
        cr_expect_eq(grad_of(a), factor * 2 * turn * 6);
        cr_expect_eq(tg_value(tg_grad(b), TG_SHAPE(2)), factor * turn * turn);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect(uses_plan());
}

Test(backward, adds_where_gradients_were_not_cleared) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2, 2), 4, (double[]){1, 2, 3, 4}),
                    q = tg_param_scalar(tape, 5);
    const tg_mark start = tg_tape_mark(tape);
    double expected = 0;
    for (int turn = 0; turn < 4 * TURNS; turn++) {
        if (turn % 3 == 0) tg_zero_grad(p);
        const tg_tensor y = tg_sum(tg_matmul(tg_transpose(p), tg_mul(p, q)));
        cr_assert_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
        expected += 3 * 3 + 7 * 7;
        cr_expect_eq(grad_of(q), expected);
        cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(1, 0)), (turn % 3 + 1) * 2 * 5 * 7);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect(uses_plan());
}

Test(backward, sees_what_was_written_to_a_gradient_through_a_pointer) {
    const tg_tensor p = tg_param_scalar(tape, 3);
    double *gradient = tg_data_mut(tg_grad(p));
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < TURNS; turn++) {
        tg_zero_grad(p);
        *gradient = 100;
        cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
        cr_expect_eq(*gradient, 106);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
}

/* One cotangent for two parameters, seen turned over, repeated, made of numbers alone, or given. */
Test(backward, writes_gradients_that_are_no_results_of_their_own) {
    const tg_tensor p = tg_param_zeros(tape, TG_SHAPE(2, 3)), q = tg_param_zeros(tape, TG_SHAPE(2, 3)),
                    turned = tg_param_zeros(tape, TG_SHAPE(3, 2)), s = tg_param_scalar(tape, 1);
    const tg_tensor weights = tg_from_f64(tape, TG_SHAPE(2, 3), 6, (double[]){1, 2, 3, 4, 5, 6});
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 1; turn <= TURNS; turn++) {
        const tg_tensor y = tg_add(tg_add(p, q), tg_transpose(turned));
        cr_assert_eq(tg_backward_from(y, weights), TG_OK, "%s", tg_tape_error(tape));
        cr_expect_eq(tg_value(tg_grad(q), TG_SHAPE(1, 0)), 4 * turn);
        cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(1, 0)), 5 * turn - 1, "and 1 of each sum before");
        cr_expect_eq(tg_value(tg_grad(turned), TG_SHAPE(0, 1)), 4 * turn);
        cr_assert_eq(tg_backward(tg_sum(p)), TG_OK);
        cr_assert_eq(tg_backward(s), TG_OK);
        cr_assert_eq(tg_backward_from(s, tg_num(2)), TG_OK);
        cr_expect_eq(grad_of(s), 3 * turn);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
        tg_write_f64(tg_grad(p), 6, (double[]){0, 0, 0, 4 * turn + turn, 0, 0});
    }
}

Test(backward, tells_graphs_apart_that_differ_in_little) {
    tg_tensor p = tg_param_f64(tape, TG_SHAPE(2, 2), 4, (double[]){1, 2, 3, 4}), x[3];
    for (int i = 0; i < 3; i++) x[i] = tg_full(tape, TG_SHAPE(2, 2), i + 1);
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < 12 * TURNS; turn++) {
        const int way = turn % 6;
        tg_tensor parts[3] = {tg_square(p), x[way % 3], x[(way + 1) % 3]};
        tg_tensor y = tg_accumulate(3, parts); /* other inputs, beyond the second */
        y = tg_slice(tg_mul(y, x[way == 1]), way % 2, way == 2, TG_END, 1); /* another attribute */
        if (way == 5)
            tg_no_grad(tape) y = tg_mul(y, y); /* other flags */
        else
            y = tg_mul(y, y);
        y = tg_sum(tg_mul(y, tg_slice(p, way % 2, way == 2, TG_END, 1)));
        tg_tensor dp;
        cr_assert_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
        cr_assert_eq(tg_gradients(y, 1, &p, &dp), TG_OK);
        for (int i = 0; i < 4; i++)
            cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(i / 2, i % 2)), tg_value(dp, TG_SHAPE(i / 2, i % 2)),
                         "turn %d", turn);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
}

Test(backward, begins_with_the_cotangent_that_is_given_now) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, (double[]){3, 4});
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 1; turn <= 3 * TURNS; turn++) {
        const tg_tensor y = tg_square(p);
        const tg_tensor dy = turn % 3 ? tg_from_f64(tape, TG_SHAPE(2), 2, (double[]){turn, 1})
                                      : tg_expand(tg_scalar(tape, turn), TG_SHAPE(2));
        cr_assert_eq(turn % 4 ? tg_backward_from(y, dy) : tg_backward_from(y, tg_num(turn)), TG_OK);
        cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(0)), 6 * turn);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
}

Test(backward, through_a_gradient_finds_it_as_it_was) {
    const tg_tensor p = tg_param_scalar(tape, 2), q = tg_param_scalar(tape, 3);
    const tg_mark start = tg_tape_mark(tape);
    double dp = 0, dq = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        cr_assert_eq(tg_backward(tg_mul(tg_grad(p), tg_mul(p, q))), TG_OK, "%s", tg_tape_error(tape));
        const double before = dp;
        dp += before * 3, dq += before * 2;
        cr_expect(grad_of(p) == dp && grad_of(q) == dq);
        cr_assert_eq(tg_backward(tg_mul(p, q)), TG_OK);
        dp += 3, dq += 2;
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
}

/* --- errors --------------------------------------------------------------------------------------------- */

Test(backward, by_a_plan_still_finds_a_leaf_that_has_changed) {
    const tg_tensor p = tg_param_scalar(tape, 2), x = tg_zeros(tape, TG_SHAPE(2, 3)),
                    turned = tg_transpose(x);
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < TURNS; turn++) {
        const tg_tensor y = tg_sum_at("model.c:2", tg_mul_at("model.c:1", turned, p));
        cr_assert_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
        tg_write_f64_at("train.c:3", x, 6, (double[]){1, 2, 3, 4, 5, turn});
        cr_expect_eq(tg_backward_at("train.c:4", y), TG_ERR_GRADIENT);
        EXPECT_ERROR(tape, TG_ERR_GRADIENT, "train.c:4", "mul recorded at model.c:1", "train.c:3");
        cr_assert_eq(tg_backward(tg_sum(tg_mul(turned, p))), TG_OK);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect(uses_plan());
}

/* y = x where x[0] >= 0, an error elsewhere; the backward does the same to dy. */
static bool positive_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    return tg_expect_dtype(c, 0, TG_F64);
}
static bool positive_forward(const tg_call *c) {
    if (*(const double *)c->in[0].data < 0) return tg_fail(c, TG_ERR_VALUE, "is negative");
    tg_array_copy(&c->out, &c->in[0]);
    return true;
}
static void positive_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx);
static const struct tg_op positive = {.name = "positive",
                                      .kind = TG_OTHER,
                                      .n_inputs = 1,
                                      .infer = positive_infer,
                                      .forward = positive_forward,
                                      .backward = positive_backward};
static void positive_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_apply_1(c->where, &positive, dy, NULL);
}

Test(backward, that_fails_when_it_runs_names_the_operation_and_changes_nothing) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, (double[]){1, 2}), q = tg_param_scalar(tape, 3),
                    r = tg_param_f64(tape, TG_SHAPE(2), 2, (double[]){1, 1});
    const tg_tensor sign = tg_ones(tape, TG_SHAPE(2));
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < 4 * TURNS; turn++) {
        const bool fails = turn % 3 == 2, clear = turn % 4 < 2;
        if (clear) tg_tape_zero_grad(tape);
        tg_write_f64(sign, 2, (double[]){fails ? -1 : 1, 1});
        const tg_tensor inner = tg_apply_1("model.c:1", &positive, tg_mul(tg_exp(p), q), NULL);
        const tg_tensor y = tg_sum(tg_mul(tg_mul(inner, r), sign));
        const double before[3] = {tg_value(tg_grad(p), TG_SHAPE(0)), grad_of(q),
                                  tg_value(tg_grad(r), TG_SHAPE(1))};
        if (fails) {
            cr_expect_eq(tg_backward(y), TG_ERR_VALUE);
            EXPECT_ERROR(tape, TG_ERR_VALUE,
                         "model.c:1: positive: is negative (in the backward of positive)");
        } else {
            cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
        }
        const double changed = fails ? 0 : 1;
        cr_expect_float_eq(tg_value(tg_grad(p), TG_SHAPE(0)), before[0] + changed * 3 * exp(1), 1e-12);
        cr_expect_float_eq(grad_of(q), before[1] + changed * (exp(1) + exp(2)), 1e-12);
        cr_expect_float_eq(tg_value(tg_grad(r), TG_SHAPE(1)), before[2] + changed * 3 * exp(2), 1e-12);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect(uses_plan());
}

/* --- what a backward of one's own may do ---------------------------------------------------------------- */

/* y = 2 x, by an operation whose backward does as it is told by its attribute. */
typedef struct told {
    void (*act)(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context);
    void *context;
} told;

TG_MAP_KERNELS_1(twice, 2 * x)
static void twice_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const told *attr = c->attr;
    attr->act(c, dy, dx, attr->context);
}
static const struct tg_op twice = {.name = "twice",
                                   .kind = TG_MAP,
                                   .n_inputs = 1,
                                   .attr_size = sizeof(told),
                                   .map_f32 = twice_f32,
                                   .map_f64 = twice_f64,
                                   .backward = twice_backward};

static tg_tensor twice_of(tg_tensor x, void (*act)(const tg_call *, tg_tensor, tg_tensor *, void *),
                          void *context) {
    const told attr = {act, context};
    return tg_apply_1("model.c:1", &twice, x, &attr);
}

/* Each looks at dy, or at the input, in another way. */
static double look_item(const tg_call *c, tg_tensor dy) {
    return tg_item(tg_sum(dy)) + 0 * tg_item(tg_sum(c->y));
}
static double look_value(const tg_call *c, tg_tensor dy) { return (void)c, tg_value(dy, TG_SHAPE(0)) * 2; }
static double look_read(const tg_call *c, tg_tensor dy) {
    double read[2] = {0};
    (void)c, (void)tg_read_f64(dy, 2, read);
    return read[0] + read[1];
}
static double look_data(const tg_call *c, tg_tensor dy) {
    const double *data = tg_data(tg_mul(dy, tg_num(2)));
    return (void)c, data ? data[1] : NAN;
}
static double look_array(const tg_call *c, tg_tensor dy) {
    const tg_array array = tg_array_of(dy);
    return (void)c, ((const double *)array.data)[0] * 2;
}
static double look_text(const tg_call *c, tg_tensor dy) {
    char text[64];
    tg_format(tg_sum(dy), sizeof text, text);
    return (void)c, strtod(text, NULL);
}
static double look_print(const tg_call *c, tg_tensor dy) {
    char text[64] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    (void)c, (void)tg_print(stream, tg_sum(dy));
    fclose(stream);
    return strtod(text, NULL);
}
static double look_input(const tg_call *c, tg_tensor dy) {
    return (void)dy, tg_value(c->x[0], TG_SHAPE(0)) * 2;
}

static double (*const looks[])(const tg_call *, tg_tensor) = {look_item,  look_value, look_read,  look_data,
                                                              look_array, look_text,  look_print, look_input};

static void act_look(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    const double seen = looks[*(const int *)context](c, dy);
    dx[0] = seen > 5 ? tg_mul(dy, tg_num(10)) : tg_mul(tg_add(dy, dy), tg_num(1));
}

Test(backward, that_looks_at_values_sees_those_of_now) {
    for (int way = 0; way < (int)(sizeof looks / sizeof *looks); way++) {
        const tg_tensor p = tg_param_scalar(tape, 1), q = tg_param_zeros(tape, TG_SHAPE(2));
        const tg_mark start = tg_tape_mark(tape);
        for (int turn = 0; turn < TURNS; turn++) {
            const double v = turn % 2 ? 3 : 1; /* dy of twice, and x */
            tg_write_f64(p, 1, &v);
            tg_write_f64(q, 2, (double[]){v, v});
            const tg_tensor y = tg_sum(tg_mul(twice_of(tg_mul(q, tg_num(1)), act_look, &way), p));
            cr_assert_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
            cr_expect_eq(tg_value(tg_grad(q), TG_SHAPE(1)), turn % 2 ? 30 : 2, "way %d, turn %d: %g", way,
                         turn, tg_value(tg_grad(q), TG_SHAPE(1)));
            tg_tape_zero_grad(tape);
            cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
        }
        cr_expect_not(has_plan());
    }
}

static void act_gradients(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    (void)context;
    const tg_tensor u = tg_sum(tg_square(c->x[0])); /* du/dx = 2 x: dx = dy 2 x / x */
    tg_tensor du;
    if (tg_gradients(u, 1, c->x, &du) == TG_OK) dx[0] = tg_div(tg_mul(dy, du), c->x[0]);
}

Test(backward, that_asks_for_gradients_itself_is_planned) {
    const tg_tensor q = tg_param_zeros(tape, TG_SHAPE(2));
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 1; turn <= TURNS; turn++) {
        tg_write_f64(q, 2, (double[]){turn, -turn});
        cr_assert_eq(tg_backward(tg_sum(twice_of(tg_mul(q, q), act_gradients, NULL))), TG_OK, "%s",
                     tg_tape_error(tape));
        cr_expect_eq(tg_value(tg_grad(q), TG_SHAPE(0)), 4 * turn);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect(uses_plan());
}

/* What changes something does it once for each call of tg_backward, and finds it computed. */
static void act_assign(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    const tg_tensor *leaf = context;
    tg_no_grad(c->tape) tg_assign(*leaf, tg_add(*leaf, tg_sum(dy)));
    dx[0] = tg_mul(tg_num(2), dy);
}
static void act_write(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    const tg_tensor *leaf = context;
    const tg_tensor before = tg_mul(dy, *leaf), now = tg_add(dy, dy);
    (void)c;
    double *data = tg_data_mut(*leaf);
    *data += 2;
    dx[0] = tg_add(tg_mul(tg_num(0), before), now);
}
static void act_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    const tg_tensor *leaf = context;
    (void)c;
    dx[0] = tg_mul(tg_num(2), dy);
    if (tg_backward(tg_mul(*leaf, tg_num(2))) != TG_OK) dx[0] = (tg_tensor){0};
}
static void act_make(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    const tg_tensor *leaf = context;
    *(double *)tg_data_mut(*leaf) += 2;
    dx[0] = tg_mul(dy, tg_full(c->tape, TG_SHAPE(2), 2));
}

Test(backward, that_changes_something_does_so_once_a_call) {
    void (*const acts[])(const tg_call *, tg_tensor, tg_tensor *, void *) = {act_assign, act_write,
                                                                             act_backward, act_make};
    for (int way = 0; way < 4; way++) {
        tg_tensor leaf = tg_param_scalar(tape, 0), q = tg_param_f64(tape, TG_SHAPE(2), 2, (double[]){1, 2});
        const tg_mark start = tg_tape_mark(tape);
        for (int turn = 1; turn <= TURNS; turn++) {
            tg_zero_grad(q);
            cr_assert_eq(tg_backward(tg_sum(twice_of(q, acts[way], &leaf))), TG_OK, "%s",
                         tg_tape_error(tape));
            cr_expect_eq(tg_value(tg_grad(q), TG_SHAPE(0)), 2);
            cr_expect_eq(way == 2 ? grad_of(leaf) : tg_item(leaf), 2 * turn, "way %d", way);
            cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
        }
    }
}

static void act_rewind(const tg_call *c, tg_tensor dy, tg_tensor *dx, void *context) {
    (void)dy, (void)dx;
    (void)tg_tape_rewind_at("model.c:9", c->tape, *(const tg_mark *)context);
}

Test(backward, cannot_rewind_the_tape_under_itself) {
    const tg_tensor q = tg_param_zeros(tape, TG_SHAPE(2));
    tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < TURNS; turn++) {
        cr_expect_eq(tg_backward(tg_sum(twice_of(q, act_rewind, &start))), TG_ERR_HANDLE);
        EXPECT_ERROR(tape, TG_ERR_HANDLE, "model.c:9", "rewind", "(in the backward of twice)");
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
}

/* y = p, dp = dy times the rows of x: the shape of x shows nowhere but in the backward. */
static bool rows_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[1]);
    return tg_expect_dtype(c, 1, TG_F64);
}
static bool rows_forward(const tg_call *c) {
    tg_array_copy(&c->out, &c->in[1]);
    return true;
}
static void rows_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[1] = tg_mul(dy, tg_num((double)c->in[0].shape[0]));
}
static const struct tg_op rows_op = {.name = "rows",
                                     .kind = TG_OTHER,
                                     .n_inputs = 2,
                                     .infer = rows_infer,
                                     .forward = rows_forward,
                                     .backward = rows_backward};

Test(backward, that_looks_at_the_shape_of_something_older_finds_that_of_now) {
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < 3 * TURNS; turn++) {
        const bool wide = turn >= TURNS && turn < 2 * TURNS;
        tg_tensor x[2];
        x[0] = tg_neg(tg_zeros(tape, wide ? TG_SHAPE(2, 6) : TG_SHAPE(3, 4)));
        x[1] = tg_param_scalar(tape, 1);
        cr_assert_eq(tg_backward(tg_apply(&rows_op, 2, x, NULL)), TG_OK, "%s", tg_tape_error(tape));
        cr_expect_eq(grad_of(x[1]), wide ? 2 : 3, "turn %d", turn);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect(uses_plan());
}

/* --- when there is a plan ------------------------------------------------------------------------------- */

Test(backward, is_planned_when_it_is_seen_again) {
    const tg_tensor p = tg_param_scalar(tape, 2);
    const tg_mark start = tg_tape_mark(tape);
    cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
    cr_expect_not(has_plan());
    cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    const tg_tensor y = tg_square(p);
    cr_assert_eq(tg_backward(y), TG_OK);
    cr_expect(has_plan() && !uses_plan());
    cr_assert_eq(tg_backward(y), TG_OK);
    cr_expect(uses_plan());
    cr_expect_eq(grad_of(p), 12);
}

Test(backward, of_large_arrays_is_planned_at_once_and_keeps_few_cotangents) {
    enum { N = 100000, LENGTH = 40 };
    size_t bytes[2];
    for (int k = 0; k < 2; k++) {
        tg_tape *fresh = tg_tape_new(TG_F32);
        tg_tensor p = tg_param_normal(fresh, TG_SHAPE(N), tg_key_new(1), 1), y = p;
        for (int i = 0; i < LENGTH; i++) y = tg_tanh(y);
        y = tg_sum(y);
        const size_t before = tg_tape_bytes(fresh);
        tg_tape_set_nan_check(fresh, k); /* computes at once */
        cr_assert_eq(tg_backward(y), TG_OK);
        bytes[k] = tg_tape_bytes(fresh) - before;
        tg_tape_free(fresh);
    }
    cr_expect_lt(bytes[0], bytes[1] / 10, "%zu and %zu bytes", bytes[0], bytes[1]);
}

Test(backward, keeps_plans_for_graphs_that_take_turns) {
    const tg_tensor p = tg_param_zeros(tape, TG_SHAPE(7));
    const tg_mark start = tg_tape_mark(tape);
    uint64_t epoch = 0;
    for (int turn = 0; turn < 6 * TURNS; turn++) {
        tg_tensor y = tg_sum(tg_square(turn % 3 ? p : tg_slice(p, 0, 0, 4, 1)));
        if (turn % 3 == 1) y = tg_mul(y, y);
        epoch = tape->epoch;
        cr_assert_eq(tg_backward(y), TG_OK);
        if (turn >= 3 * TURNS) cr_expect_eq(tape->epoch, epoch, "turn %d records nothing", turn);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
}

Test(backward, of_graphs_that_never_return_soon_makes_no_more_plans) {
    const tg_tensor p = tg_param_scalar(tape, 2);
    const tg_mark start = tg_tape_mark(tape);
    tg_key key = tg_key_new(1);
    for (int turn = 0; turn < 500; turn++) {
        double chosen[8];
        tg_random_normal(tg_key_split(key, (uint64_t)turn), 8, chosen);
        tg_tensor y = p;
        for (int i = 0; i < 8; i++) y = chosen[i] > 0 ? tg_mul(y, y) : tg_add(y, p);
        cr_assert_eq(tg_backward(y), TG_OK);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    }
    cr_expect_gt(tape->backwards.patience, 8);
}

Test(backward, gives_up_its_plans_where_memory_is_short) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
    const tg_tensor p = tg_param_scalar(counted, 2);
    const tg_mark start = tg_tape_mark(counted);
    for (int turn = 0; turn < TURNS; turn++) {
        cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
        cr_assert_eq(tg_tape_rewind(counted, start), TG_OK);
    }
    cr_assert(counted->backwards.plans[0]);
    memory.fail_at = memory.allocations; /* the next one, not the one after it */
    cr_expect(tg_is_valid(tg_zeros(counted, TG_SHAPE(100000))), "%s", tg_tape_error(counted));
    cr_expect_eq(memory.failed, 1);
    cr_expect_not(counted->backwards.plans[0]);
    cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
    cr_expect_eq(tg_item(tg_grad(p)), 4 * (TURNS + 1));
    tg_tape_free(counted);
    cr_expect_eq(memory.blocks, 0);
}
