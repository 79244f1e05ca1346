/* test_optimizer.c: models/optimizer.c against steps worked out in long double. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "models/optimizer.h"
#include "ops/elementwise.h"
#include "ops/reduction.h"

#define N 3
#define STEPS 7

static const double start[N] = {1.5, -2, 0.25};
static const double curvature[N] = {1, 3, 0.5};

/* The loss sum of curvature p^2 / 2, whose gradient is curvature p. */
static tg_tensor record_loss(tg_tape *tape, tg_tensor p) {
    const tg_tensor k = tg_from_f64(tape, TG_SHAPE(N), N, curvature);
    return tg_sum(tg_mul(tg_num(0.5), tg_mul(k, tg_square(p))));
}

static void take_steps(tg_tape *tape, tg_optimizer *optimizer, tg_tensor p, double *out) {
    const tg_mark mark = tg_tape_mark(tape);
    for (int step = 0; step < STEPS; step++) {
        cr_assert_eq(tg_backward(record_loss(tape, p)), TG_OK);
        cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
        cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    }
    cr_assert_eq(tg_read_f64(p, N, out), TG_OK);
}

static void expect_steps(const long double *expected, const double *got, double tolerance) {
    for (int i = 0; i < N; i++) {
        cr_expect(fabsl(expected[i] - got[i]) <= tolerance * (1 + fabsl(expected[i])),
                  "entry %d is %.17g and should be %.17Lg", i, got[i], expected[i]);
    }
}

static void expected_sgd(long double rate, long double momentum, long double *p) {
    long double v[N] = {0};
    for (int i = 0; i < N; i++) p[i] = start[i];
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < N; i++) {
            v[i] = momentum * v[i] + curvature[i] * p[i];
            p[i] -= rate * v[i];
        }
    }
}

static void expected_adam(long double rate, long double beta1, long double beta2, long double epsilon,
                          long double *p) {
    long double m[N] = {0}, v[N] = {0};
    for (int i = 0; i < N; i++) p[i] = start[i];
    for (int step = 1; step <= STEPS; step++) {
        for (int i = 0; i < N; i++) {
            const long double dp = curvature[i] * p[i];
            m[i] = beta1 * m[i] + (1 - beta1) * dp;
            v[i] = beta2 * v[i] + (1 - beta2) * dp * dp;
            p[i] -=
                rate * (m[i] / (1 - powl(beta1, step))) / (sqrtl(v[i] / (1 - powl(beta2, step))) + epsilon);
        }
    }
}

static const tg_dtype dtypes[2] = {TG_F64, TG_F32};
static const double tolerances[2] = {1e-14, 2e-6};

Test(optimizer, sgd_steps_against_the_gradient) {
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        const tg_tensor p = tg_param_f64(tape, TG_SHAPE(N), N, start);
        tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = 0.1});
        long double expected[N];
        double got[N];
        take_steps(tape, optimizer, p, got);
        expected_sgd(0.1L, 0, expected);
        expect_steps(expected, got, tolerances[k]);
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
    }
}

Test(optimizer, momentum_keeps_a_velocity) {
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        const tg_tensor p = tg_param_f64(tape, TG_SHAPE(N), N, start);
        const tg_sgd_options options = {.learning_rate = 0.1, .momentum = 0.9};
        tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, options);
        long double expected[N];
        double got[N];
        take_steps(tape, optimizer, p, got);
        expected_sgd(0.1L, 0.9L, expected);
        expect_steps(expected, got, tolerances[k]);
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
    }
}

Test(optimizer, adam_follows_the_paper) {
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        const tg_tensor p = tg_param_f64(tape, TG_SHAPE(N), N, start);
        const tg_adam_options options = {.learning_rate = 0.2, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-4};
        tg_optimizer *optimizer = tg_adam_new(tape, 1, &p, options);
        long double expected[N];
        double got[N];
        take_steps(tape, optimizer, p, got);
        expected_adam(0.2L, 0.8L, 0.95L, 1e-4L, expected);
        expect_steps(expected, got, tolerances[k]);
        tg_optimizer_free(optimizer);
        tg_tape_free(tape);
    }
}

Test(optimizer, adam_has_the_usual_defaults) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(N), N, start);
    tg_optimizer *optimizer = tg_adam_new(tape, 1, &p, (tg_adam_options){0});
    long double expected[N];
    double got[N];
    cr_expect_float_eq(tg_optimizer_learning_rate(optimizer), 0.001, 0);
    take_steps(tape, optimizer, p, got);
    expected_adam(0.001L, 0.9L, 0.999L, 1e-8L, expected);
    expect_steps(expected, got, 1e-14);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

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
    cr_expect_not_null(strstr(tg_tape_error(tape), "test_optimizer.c"));
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, the_learning_rate_can_change_between_steps) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 1);
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = 0.5});
    cr_assert_eq(tg_optimizer_set_learning_rate(optimizer, 0.25), TG_OK);
    cr_assert_eq(tg_backward(tg_square(p)), TG_OK);
    cr_assert_eq(tg_optimizer_step(optimizer), TG_OK);
    cr_expect_float_eq(tg_item(p), 0.5, 0);
    cr_expect_eq(tg_optimizer_set_learning_rate(optimizer, -1), TG_ERR_VALUE);
    cr_expect_float_eq(tg_optimizer_learning_rate(optimizer), 0.25, 0);
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
}

Test(optimizer, options_out_of_range_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p = tg_param_scalar(tape, 1);
    const tg_sgd_options sgd[] = {{0},
                                  {.learning_rate = -1},
                                  {.learning_rate = NAN},
                                  {.learning_rate = INFINITY},
                                  {.learning_rate = 1, .momentum = 1},
                                  {.learning_rate = 1, .momentum = -0.1},
                                  {.learning_rate = 1, .momentum = NAN}};
    for (size_t i = 0; i < sizeof sgd / sizeof sgd[0]; i++) {
        cr_expect_null(tg_sgd_new(tape, 1, &p, sgd[i]));
        cr_expect_eq(tg_tape_status(tape), TG_ERR_VALUE);
        cr_expect_not_null(strstr(tg_tape_error(tape), "test_optimizer.c"), "%s", tg_tape_error(tape));
        tg_tape_clear_error(tape);
    }
    const tg_adam_options adam[] = {{.learning_rate = -1}, {.beta1 = 1},   {.beta2 = 1},
                                    {.beta1 = -0.5},       {.beta2 = NAN}, {.epsilon = -1},
                                    {.epsilon = INFINITY}};
    for (size_t i = 0; i < sizeof adam / sizeof adam[0]; i++) {
        cr_expect_null(tg_adam_new(tape, 1, &p, adam[i]));
        cr_expect_eq(tg_tape_status(tape), TG_ERR_VALUE);
        tg_tape_clear_error(tape);
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

Test(optimizer, parameters_that_were_rewound_are_noticed_before_anything_moves) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor kept = tg_param_scalar(tape, 1);
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor p[2] = {kept, tg_param_scalar(tape, 1)};
    tg_optimizer *optimizer = tg_sgd_new(tape, 2, p, (tg_sgd_options){.learning_rate = 1});
    cr_assert_eq(tg_backward(tg_add(tg_square(p[0]), p[1])), TG_OK);
    cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    cr_expect_eq(tg_optimizer_step(optimizer), TG_ERR_HANDLE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "rewound"));
    tg_tape_clear_error(tape);
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
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = -1});
    cr_assert_null(optimizer);
    cr_expect_eq(tg_optimizer_step(optimizer), TG_ERR_HANDLE);
    cr_expect_eq(tg_optimizer_set_learning_rate(optimizer, 1), TG_ERR_HANDLE);
    cr_expect(isnan(tg_optimizer_learning_rate(optimizer)));
    tg_tape_free(tape);
}
