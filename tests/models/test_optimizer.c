/* test_optimizer.c: models/optimizer.c and models/update_rule.c against steps worked out in long double, one
 * by one and inside plans.
 *
 * Schedules and clipping by themselves are in test_schedule.c and test_clipping.c. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>
#include <stdio.h>

enum { N = 3, STEPS = 7 };

static const double start[N] = {1.5, -2, 0.25};
static const double curvature[N] = {1, 3, 0.5};

static const tg_dtype dtypes[2] = {TG_F64, TG_F32};
static const double tolerances[2] = {1e-14, 2e-6};

/* The loss sum of curvature p^2 / 2, whose gradient is curvature p. */
static tg_tensor record_loss(tg_tape *tape, tg_tensor p) {
    const tg_tensor k = tg_from(tape, TG_SHAPE(N), N, curvature);
    return tg_sum(tg_mul(tg_num(0.5), tg_mul(k, tg_square(p))));
}

/* --- the rules, element by element ---------------------------------------------------------------------- */

typedef long double number;

/* What a rule keeps of one element. */
typedef struct element {
    number p, m, v, b;
    int t;
} element;

typedef void step_fn(element *e, number dp);

static void sgd(element *e, number dp) { e->p -= 0.1L * dp; }
static void sgd_with_decay(element *e, number dp) { e->p -= 0.1L * (dp + 0.3L * e->p); }
static void momentum(element *e, number dp) {
    e->v = 0.9L * e->v + dp;
    e->p -= 0.1L * e->v;
}
static void nesterov(element *e, number dp) {
    dp += 0.2L * e->p;
    e->v = 0.8L * e->v + dp;
    e->p -= 0.1L * (dp + 0.8L * e->v);
}
static void adam_by(element *e, number dp, number rate, number beta1, number beta2, number epsilon) {
    e->t++;
    e->m = beta1 * e->m + (1 - beta1) * dp;
    e->v = beta2 * e->v + (1 - beta2) * dp * dp;
    const number m = e->m / (1 - powl(beta1, e->t)), v = e->v / (1 - powl(beta2, e->t));
    e->p -= rate * m / (sqrtl(v) + epsilon);
}
static void adam(element *e, number dp) { adam_by(e, dp, 0.2L, 0.8L, 0.95L, 1e-4L); }
static void adam_as_usual(element *e, number dp) { adam_by(e, dp, 0.001L, 0.9L, 0.999L, 1e-8L); }
static void adam_with_decay(element *e, number dp) {
    adam_by(e, dp + 0.1L * e->p, 0.2L, 0.9L, 0.999L, 1e-8L);
}
static void adamw(element *e, number dp) {
    e->p *= 1 - 0.2L * 0.3L;
    adam_by(e, dp, 0.2L, 0.9L, 0.999L, 1e-8L);
}
static void adamw_as_usual(element *e, number dp) {
    e->p *= 1 - 0.001L * 0.01L;
    adam_as_usual(e, dp);
}
static void rmsprop_by(element *e, number dp, number rate, number alpha, number epsilon, number mu,
                       bool centered) {
    e->v = alpha * e->v + (1 - alpha) * dp * dp;
    e->m = alpha * e->m + (1 - alpha) * dp;
    e->b = mu * e->b + dp / (sqrtl(e->v - (centered ? e->m * e->m : 0)) + epsilon);
    e->p -= rate * e->b;
}
static void rmsprop(element *e, number dp) { rmsprop_by(e, dp, 0.01L, 0.99L, 1e-8L, 0, false); }
static void rmsprop_in_full(element *e, number dp) {
    rmsprop_by(e, dp + 0.1L * e->p, 0.05L, 0.9L, 1e-3L, 0.7L, true);
}

/* --- the same as optimizers ----------------------------------------------------------------------------- */

typedef enum kind { SGD, ADAM, ADAMW, RMSPROP } kind;

static const struct rule {
    const char *name;
    step_fn *step;
    kind kind;
    tg_sgd_options sgd;
    tg_adam_options adam;
    tg_rmsprop_options rmsprop;
} rules[] = {
    {.name = "sgd", .step = sgd, .sgd = {.learning_rate = 0.1}},
    {.name = "sgd, decay", .step = sgd_with_decay, .sgd = {.learning_rate = 0.1, .weight_decay = 0.3}},
    {.name = "momentum", .step = momentum, .sgd = {.learning_rate = 0.1, .momentum = 0.9}},
    {.name = "nesterov",
     .step = nesterov,
     .sgd = {.learning_rate = 0.1, .momentum = 0.8, .nesterov = true, .weight_decay = 0.2}},
    {.name = "adam",
     .step = adam,
     .kind = ADAM,
     .adam = {.learning_rate = 0.2, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4}},
    {.name = "adam as usual", .step = adam_as_usual, .kind = ADAM},
    {.name = "adam, decay",
     .step = adam_with_decay,
     .kind = ADAM,
     .adam = {.learning_rate = 0.2, .weight_decay = 0.1}},
    {.name = "adamw", .step = adamw, .kind = ADAMW, .adam = {.learning_rate = 0.2, .weight_decay = 0.3}},
    {.name = "adamw as usual", .step = adamw_as_usual, .kind = ADAMW},
    {.name = "rmsprop", .step = rmsprop, .kind = RMSPROP},
    {.name = "rmsprop in full",
     .step = rmsprop_in_full,
     .kind = RMSPROP,
     .rmsprop = {.learning_rate = 0.05,
                 .alpha = 0.9,
                 .epsilon = 1e-3,
                 .momentum = 0.7,
                 .centered = true,
                 .weight_decay = 0.1}},
};
enum { RULES = sizeof rules / sizeof rules[0] };

static tg_optimizer *make(const struct rule *rule, tg_tape *tape, int n, const tg_tensor *p) {
    switch (rule->kind) {
        case SGD: return tg_sgd_new(tape, n, p, rule->sgd);
        case ADAM: return tg_adam_new(tape, n, p, rule->adam);
        case ADAMW: return tg_adamw_new(tape, n, p, rule->adam);
        case RMSPROP: return tg_rmsprop_new(tape, n, p, rule->rmsprop);
    }
    return NULL;
}

static void step_by_step(tg_tape *tape, tg_optimizer *optimizer, tg_tensor p, int steps) {
    const tg_mark mark = tg_tape_mark(tape);
    for (int step = 0; step < steps; step++) {
        cr_assert_eq(tg_backward(record_loss(tape, p)), TG_OK);
        cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
        cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    }
}

static void by_plan(tg_tape *tape, tg_optimizer *optimizer, tg_tensor p, int steps) {
    tg_plan *plan = tg_training_plan(optimizer, record_loss(tape, p));
    cr_assert(plan, "%s", tg_tape_error(tape));
    for (int step = 0; step < steps; step++) cr_assert_eq(tg_plan_run(plan), TG_OK);
    tg_plan_free(plan);
}

/* The parameter after the steps, the first of which are taken one by one and the others by a plan. */
static void train(const struct rule *rule, tg_dtype dtype, int one_by_one, double *out) {
    tg_tape *tape = tg_tape_new(dtype);
    const tg_tensor p = tg_param(tape, TG_SHAPE(N), N, start);
    tg_optimizer *optimizer = make(rule, tape, 1, &p);
    cr_assert(optimizer, "%s: %s", rule->name, tg_tape_error(tape));
    step_by_step(tape, optimizer, p, one_by_one);
    by_plan(tape, optimizer, p, STEPS - one_by_one);
    cr_expect_eq(tg_optimizer_steps(optimizer), STEPS);
    cr_assert_eq(tg_read(p, N, out), TG_OK);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, each_rule_takes_the_steps_of_its_definition) {
    for (int r = 0; r < RULES; r++)
        for (int k = 0; k < 2; k++) {
            double got[N];
            train(&rules[r], dtypes[k], STEPS, got);
            for (int i = 0; i < N; i++) {
                element e = {.p = start[i]};
                for (int step = 0; step < STEPS; step++) rules[r].step(&e, curvature[i] * e.p);
                cr_expect(fabsl(e.p - got[i]) <= tolerances[k] * (1 + fabsl(e.p)),
                          "%s: entry %d is %.17g and should be %.17Lg", rules[r].name, i, got[i], e.p);
            }
        }
}

Test(optimizer, steps_of_a_plan_are_the_same_bit_for_bit_and_may_alternate_with_others) {
    for (int r = 0; r < RULES; r++)
        for (int k = 0; k < 2; k++) {
            double expected[N], got[N];
            train(&rules[r], dtypes[k], STEPS, expected);
            for (int one_by_one = 0; one_by_one < STEPS; one_by_one += 3) {
                train(&rules[r], dtypes[k], one_by_one, got);
                cr_expect_arr_eq(got, expected, sizeof got, "%s, %d", rules[r].name, one_by_one);
            }
        }
}

/* --- plans ---------------------------------------------------------------------------------------------- */

/* How many lines of the printed plan contain both texts. */
static int lines_with(const tg_plan *plan, const char *first, const char *second) {
    static char text[20000];
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_assert_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    int n = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        n += strstr(line, first) && strstr(line, second);
    return n;
}

/* Whatever the rule: all states and the parameter in one pass, and nothing else of that size. */
Test(optimizer, the_update_of_a_parameter_is_one_step_of_a_plan) {
    for (int r = 0; r < RULES; r++) {
        tg_tape *tape = tg_tape_new(TG_F32);
        const tg_tensor p[2] = {tg_param_normal(tape, TG_SHAPE(40, 30), tg_key_new(1), 1),
                                tg_param_normal(tape, TG_SHAPE(700), tg_key_new(2), 1)};
        tg_optimizer *optimizer = make(&rules[r], tape, 2, p);
        cr_assert(optimizer);
        const tg_tensor dps[2] = {tg_grad(p[0]), tg_grad(p[1])};
        tg_tensor updates[10];
        cr_assert_leq(tg_optimizer_n_updates(optimizer), 10);
        cr_assert_eq(tg_optimizer_updates_from(optimizer, dps, updates), TG_OK);
        tg_plan *plan = tg_plan_new(tape, tg_optimizer_n_updates(optimizer), updates);
        cr_assert(plan, "%s", tg_tape_error(tape));
        cr_expect_eq(lines_with(plan, "fused", "[40, 30]"), 1, "%s", rules[r].name);
        cr_expect_eq(lines_with(plan, "fused", "[700]"), 1, "%s", rules[r].name);
        cr_expect_eq(lines_with(plan, "kernels", "[]"), 1, "%s: scalars", rules[r].name);
        cr_expect_eq(lines_with(plan, "plan made", ": 3 steps"), 1, "%s", rules[r].name);
        tg_plan_free(plan);
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
    }
}

Test(optimizer, neither_kind_of_step_allocates) {
    for (int r = 0; r < RULES; r++) {
        counting c;
        tg_tape *tape = tg_tape_new_with(TG_F32, counting_allocator(&c));
        const tg_tensor p = tg_param(tape, TG_SHAPE(N), N, start);
        tg_optimizer *optimizer = make(&rules[r], tape, 1, &p);
        tg_plan *plan = tg_training_plan(optimizer, record_loss(tape, p));
        cr_assert(plan);
        const long before = c.allocations;
        for (int step = 0; step < STEPS; step++) {
            cr_expect_eq(tg_optimizer_step(optimizer), TG_OK);
            cr_expect_eq(tg_plan_run(plan), TG_OK);
        }
        cr_expect_eq(c.allocations, before);
        tg_plan_free(plan);
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
        cr_expect_eq(c.blocks, 0);
        cr_expect_eq(c.wrong_sizes, 0);
    }
}

Test(optimizer, each_allocation_may_fail) {
    bool failed = true;
    for (long at = 0; failed; at++) {
        cr_assert_lt(at, 10000);
        counting c;
        tg_tape *tape = tg_tape_new_with(TG_F64, counting_allocator(&c));
        const tg_tensor p = tg_param(tape, TG_SHAPE(N), N, start), loss = record_loss(tape, p);
        c.fail_at = c.allocations + at;
        const tg_adam_options options = {.schedule = {.shape = TG_SCHEDULE_COSINE, .steps = 9, .warm_up = 2},
                                         .clip = {.norm = 1}};
        tg_optimizer *optimizer = tg_adamw_new(tape, 1, &p, options);
        tg_plan *plan = optimizer ? tg_training_plan(optimizer, loss) : NULL;
        failed = c.failed > 0;
        cr_expect_eq(plan == NULL, failed);
        if (failed) EXPECT_ERROR(tape, TG_ERR_MEMORY, "memory");
        c.fail_at = -1;
        double now[N];
        cr_expect_eq(tg_read(p, N, now), TG_OK);
        cr_expect_arr_eq(now, start, sizeof now, "nothing has moved");
        if (optimizer) cr_expect_eq(tg_optimizer_step(optimizer), TG_OK);
        tg_plan_free(plan);
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
        cr_assert_eq(c.blocks, 0);
        cr_assert_eq(c.wrong_sizes, 0);
    }
}

Test(optimizer, making_one_and_making_a_plan_change_nothing) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param(tape, TG_SHAPE(N), N, start), loss = record_loss(tape, p);
    cr_assert_eq(tg_backward(loss), TG_OK);
    tg_optimizer *optimizer = tg_adam_new(tape, 1, &p, (tg_adam_options){0});
    tg_plan *plan = tg_training_plan(optimizer, loss);
    double now[N];
    cr_expect_eq(tg_read(p, N, now), TG_OK);
    cr_expect_arr_eq(now, start, sizeof now);
    cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(1)), curvature[1] * start[1]);
    cr_expect_eq(tg_backward(loss), TG_OK, "p has not changed");
    cr_expect_eq(tg_optimizer_steps(optimizer), 0);
    cr_expect(isnan(tg_optimizer_last_rate(optimizer)));
    tg_plan_free(plan);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

/* A loss without values, more outputs than it, inputs that are written anew. */
Test(optimizer, a_plan_may_have_other_outputs_beside_the_step) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor w = tg_param_scalar(tape, 0), x = tg_zeros(tape, TG_SHAPE(4)),
                    y = tg_zeros(tape, TG_SHAPE(4));
    const double xs[4] = {1, 2, 3, 4}, ys[4] = {3, 6, 9, 12};
    tg_tensor loss = w, worst = w, outputs[6];
    tg_no_values(tape) {
        const tg_tensor error = tg_sub(tg_mul(w, x), y);
        loss = tg_mean(tg_square(error));
        worst = tg_max(tg_abs(error));
    }
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &w, (tg_sgd_options){.learning_rate = 0.05});
    outputs[0] = loss;
    outputs[1] = worst;
    cr_assert_eq(tg_optimizer_n_updates(optimizer), 3);
    cr_assert_eq(tg_optimizer_updates(optimizer, loss, outputs + 2), TG_OK);
    tg_plan *plan = tg_plan_new(tape, 5, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    cr_assert(tg_write(x, 4, xs) == TG_OK && tg_write(y, 4, ys) == TG_OK && tg_plan_run(plan) == TG_OK);
    cr_expect_float_eq(tg_item(loss), 67.5, 1e-12);
    cr_expect_float_eq(tg_item(worst), 12, 1e-12, "before the step, as the loss is");
    for (int i = 0; i < 50; i++) cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_float_eq(tg_item(w), 3, 1e-6);
    tg_plan_free(plan);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

/* --- steps ---------------------------------------------------------------------------------------------- */

Test(optimizer, several_parameters_of_any_shape_move) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p[3] = {tg_param_scalar(tape, 2), tg_param_zeros(tape, TG_SHAPE(0, 3)),
                            tg_param_zeros(tape, TG_SHAPE(2, 2))};
    tg_optimizer *optimizer = tg_sgd_new(tape, 3, p, (tg_sgd_options){.learning_rate = 0.5, .momentum = 0.5});
    cr_assert_not_null(optimizer);
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor loss = tg_add(tg_add(tg_square(p[0]), tg_sum(p[1])), tg_sum(p[2]));
    cr_assert_eq(tg_backward(loss), TG_OK);
    cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
    cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    cr_expect_float_eq(tg_item(p[0]), 0, 0);
    cr_expect_float_eq(tg_value(p[2], TG_SHAPE(1, 0)), -0.5, 0);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, a_step_sets_the_gradients_to_zero) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 2);
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = 0.5});
    cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
    cr_expect_float_eq(tg_item(tg_grad(p)), 4, 0);
    cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
    cr_expect_float_eq(tg_item(tg_grad(p)), 0, 0);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, what_was_recorded_before_a_step_cannot_be_differentiated) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 2);
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = 0.5});
    const tg_tensor loss = tg_square(p);
    cr_assert_eq(tg_backward(loss), TG_OK);
    cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
    cr_expect_eq(tg_backward(loss), TG_ERR_GRADIENT);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "test_optimizer.c", "changed in place");
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, the_learning_rate_can_change_between_steps_of_both_kinds) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 1);
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = 0.5});
    tg_plan *plan = tg_training_plan(optimizer, tg_square(p));
    cr_assert_eq(tg_optimizer_set_learning_rate(optimizer, 0.25), TG_OK);
    cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
    cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
    cr_expect_float_eq(tg_item(p), 0.5, 0);
    cr_expect_float_eq(tg_optimizer_last_rate(optimizer), 0.25, 0);
    cr_assert_eq(tg_optimizer_set_learning_rate(optimizer, 0.125), TG_OK);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    cr_expect_float_eq(tg_item(p), 0.375, 0);
    cr_expect_eq(tg_optimizer_set_learning_rate(optimizer, -1), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "test_optimizer.c", "-1");
    cr_expect_float_eq(tg_optimizer_learning_rate(optimizer), 0.125, 0);
    tg_plan_free(plan);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

/* The schedule's factor and the clipping, in both kinds of steps. */
Test(optimizer, the_schedule_and_the_clipping_are_part_of_a_step) {
    for (int planned = 0; planned < 2; planned++) {
        tg_tape *tape = tg_tape_new(TG_F64);
        const tg_tensor p = tg_param(tape, TG_SHAPE(N), N, start);
        const tg_sgd_options options = {
            .learning_rate = 0.5,
            .schedule = {.shape = TG_SCHEDULE_LINEAR, .steps = 6, .warm_up = 2, .last = 0.25},
            .clip = {.norm = 2}};
        const double factors[STEPS] = {1.0 / 3, 2.0 / 3, 1, 0.8125, 0.625, 0.4375, 0.25};
        tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, options);
        double expected[N] = {start[0], start[1], start[2]}, got[N];
        for (int step = 0; step < STEPS; step++) {
            double squares = 0;
            for (int i = 0; i < N; i++) squares += pow(curvature[i] * expected[i], 2);
            const double scale = fmin(1, 2 / (sqrt(squares) + 1e-6));
            for (int i = 0; i < N; i++)
                expected[i] -= 0.5 * factors[step] * scale * curvature[i] * expected[i];
            (planned ? by_plan : step_by_step)(tape, optimizer, p, 1);
            cr_expect_float_eq(tg_optimizer_last_rate(optimizer), 0.5 * factors[step], 1e-15);
            cr_expect_eq(tg_read(p, N, got), TG_OK);
            for (int i = 0; i < N; i++) cr_expect_float_eq(got[i], expected[i], 1e-14);
        }
        cr_expect_float_eq(tg_optimizer_learning_rate(optimizer), 0.5, 0, "the schedule leaves it alone");
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
    }
}

/* --- errors --------------------------------------------------------------------------------------------- */

Test(optimizer, options_out_of_range_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 1);
    const tg_sgd_options sgd_options[] = {{0},
                                          {.learning_rate = -1},
                                          {.learning_rate = NAN},
                                          {.learning_rate = INFINITY},
                                          {.learning_rate = 1, .momentum = 1},
                                          {.learning_rate = 1, .momentum = -0.1},
                                          {.learning_rate = 1, .momentum = NAN},
                                          {.learning_rate = 1, .nesterov = true},
                                          {.learning_rate = 1, .weight_decay = -1},
                                          {.learning_rate = 1, .weight_decay = INFINITY},
                                          {.learning_rate = 1, .clip = {.norm = -1}},
                                          {.learning_rate = 1, .clip = {.value = NAN}},
                                          {.learning_rate = 1, .schedule = {.shape = TG_SCHEDULE_STEP}}};
    for (size_t i = 0; i < sizeof sgd_options / sizeof sgd_options[0]; i++) {
        cr_expect_null(tg_sgd_new(tape, 1, &p, sgd_options[i]), "%zu", i);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "test_optimizer.c");
    }
    const tg_adam_options adam_options[] = {{.learning_rate = -1}, {.beta1 = 1},        {.beta2 = 1},
                                            {.beta1 = -0.5},       {.beta2 = NAN},      {.epsilon = -1},
                                            {.epsilon = INFINITY}, {.weight_decay = -1}};
    for (size_t i = 0; i < sizeof adam_options / sizeof adam_options[0]; i++) {
        cr_expect_null(tg_adam_new(tape, 1, &p, adam_options[i]));
        EXPECT_ERROR(tape, TG_ERR_VALUE, "test_optimizer.c", "adam: ");
        cr_expect_null(tg_adamw_new(tape, 1, &p, adam_options[i]));
        EXPECT_ERROR(tape, TG_ERR_VALUE, "test_optimizer.c", "adamw: ");
    }
    const tg_rmsprop_options rmsprop_options[] = {{.learning_rate = -1}, {.alpha = 1},
                                                  {.alpha = NAN},        {.epsilon = -1},
                                                  {.momentum = 1},       {.weight_decay = -1}};
    for (size_t i = 0; i < sizeof rmsprop_options / sizeof rmsprop_options[0]; i++) {
        cr_expect_null(tg_rmsprop_new(tape, 1, &p, rmsprop_options[i]));
        EXPECT_ERROR(tape, TG_ERR_VALUE, "test_optimizer.c", "rmsprop: ");
    }
    tg_tape_free(tape);
}

Test(optimizer, what_is_not_a_parameter_of_the_tape_is_refused) {
    tg_tape *tape = tg_tape_new(TG_F64), *other = tg_tape_new(TG_F64);
    const tg_tensor wrong[] = {tg_scalar(tape, 1), tg_param_scalar(other, 1), {0}, tg_num(1)};
    const tg_status why[] = {TG_ERR_GRADIENT, TG_ERR_HANDLE, TG_ERR_HANDLE, TG_ERR_HANDLE};
    for (int i = 0; i < 4; i++) {
        cr_expect_null(tg_sgd_new(tape, 1, &wrong[i], (tg_sgd_options){.learning_rate = 1}));
        cr_expect_eq(tg_tape_status(tape), why[i], "%d: %s", i, tg_tape_error(tape));
        tg_tape_clear_error(tape);
    }
    cr_expect_null(tg_sgd_new(tape, 0, wrong, (tg_sgd_options){.learning_rate = 1}));
    cr_expect_eq(tg_tape_status(tape), TG_ERR_VALUE);
    tg_tape_free(tape);
    tg_tape_free(other);
}

Test(optimizer, losses_and_gradients_that_will_not_do_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64), *other = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param(tape, TG_SHAPE(N), N, start), q = tg_param_scalar(other, 1);
    tg_optimizer *optimizer = tg_adam_new(tape, 1, &p, (tg_adam_options){0});
    cr_expect_null(tg_training_plan_at("train.c:3", optimizer, tg_scalar(tape, 1)));
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "train.c:3", "depend");
    cr_expect_null(tg_training_plan(optimizer, tg_square(q)));
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "depend");
    cr_expect_null(tg_training_plan(optimizer, tg_square(p)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "[3]");
    tg_tensor updates[5];
    const tg_tensor narrow = tg_zeros(tape, TG_SHAPE(1));
    cr_expect_eq(tg_optimizer_updates_from(optimizer, &narrow, updates), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "parameter 0", "[1]", "[3]");
    cr_expect_eq(tg_optimizer_updates_from(optimizer, &q, updates), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "parameter 0");
    cr_expect_eq(tg_item(tg_exp(tg_scalar(tape, 0))), 1, "values are computed again");
    cr_expect_eq(tg_backward(record_loss(tape, p)), TG_OK);
    cr_expect_eq(tg_optimizer_step(optimizer), TG_OK, "it works on");
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
    tg_tape_free(other);
}

Test(optimizer, parameters_that_were_rewound_are_noticed_before_anything_moves) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor kept = tg_param_scalar(tape, 1);
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor p[2] = {kept, tg_param_scalar(tape, 1)};
    tg_optimizer *optimizer = tg_sgd_new(tape, 2, p, (tg_sgd_options){.learning_rate = 1});
    cr_assert_eq(tg_backward(tg_add(tg_square(p[0]), p[1])), TG_OK);
    cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    cr_expect_eq(tg_optimizer_step(optimizer), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "rewound");
    cr_expect_null(tg_training_plan(optimizer, tg_square(kept)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "rewound");
    cr_expect_eq(tg_optimizer_set_learning_rate(optimizer, 1), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "rewound");
    cr_expect_eq(tg_optimizer_steps(optimizer), 0);
    cr_expect_float_eq(tg_item(kept), 1, 0);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, an_error_that_sticks_stops_the_step) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 1);
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = 1});
    cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
    tg_tape_fail(tape, TG_ERR_SHAPE, "here", "on purpose");
    cr_expect_eq(tg_optimizer_step(optimizer), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    cr_expect_float_eq(tg_item(p), 1, 0);
    tg_optimizer_free(optimizer);
    tg_optimizer_free(NULL);
    tg_tape_free(tape);
}

Test(optimizer, one_that_could_not_be_made_is_answered_and_not_followed) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 1);
    tg_tensor updates[1];
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = -1});
    cr_assert_null(optimizer);
    cr_expect_eq(tg_optimizer_step(optimizer), TG_ERR_HANDLE);
    cr_expect_eq(tg_optimizer_set_learning_rate(optimizer, 1), TG_ERR_HANDLE);
    cr_expect_eq(tg_optimizer_updates(optimizer, p, updates), TG_ERR_HANDLE);
    cr_expect_null(tg_training_plan(optimizer, p));
    cr_expect(isnan(tg_optimizer_learning_rate(optimizer)));
    cr_expect(isnan(tg_optimizer_last_rate(optimizer)));
    cr_expect_eq(tg_optimizer_steps(optimizer), 0);
    tg_tape_free(tape);
}
