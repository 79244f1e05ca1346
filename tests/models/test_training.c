/* test_training.c: models/training.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "models/training.h"
#include "ops/elementwise.h"
#include "tests/graph/counting_allocator.h"

static tg_tensor record_square(tg_tape *tape, const tg_tensor *params, void *context) {
    (void)tape, (void)context;
    return tg_square(params[0]);
}

static void note_step(void *observer, int64_t step) {
    int64_t *seen = observer;
    if (step == *seen) ++*seen; /* each once, in order */
}

static tg_status train(tg_tape *tape, int64_t iterations, double rate, double *costs, int64_t *seen) {
    const tg_tensor p = tg_param_scalar(tape, 1);
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &p, (tg_sgd_options){.learning_rate = rate});
    if (!optimizer) return tg_tape_status(tape);
    const tg_status status = tg_train(tape, &(tg_training){.model = record_square,
                                                           .params = &p,
                                                           .optimizer = optimizer,
                                                           .iterations = iterations,
                                                           .costs = costs,
                                                           .observe = seen ? note_step : NULL,
                                                           .observer = seen});
    tg_optimizer_free(optimizer);
    return status;
}

Test(training, costs_are_those_after_each_step) {
    tg_tape *tape = tg_tape_new(TG_F64);
    double costs[4];
    int64_t seen = 0;
    cr_assert_eq(train(tape, 3, 0.25, costs, &seen), TG_OK); /* p halves at each step */
    for (int t = 0; t < 4; t++) cr_expect_float_eq(costs[t], pow(0.25, t), 1e-15);
    cr_expect_eq(seen, 4, "before the first step and after each");
    tg_tape_free(tape);
}

Test(training, no_iterations_leave_one_cost) {
    tg_tape *tape = tg_tape_new(TG_F64);
    double costs[1] = {0};
    cr_assert_eq(train(tape, 0, 0.25, costs, NULL), TG_OK);
    cr_expect_eq(costs[0], 1);
    cr_expect_eq(train(tape, -1, 0.25, NULL, NULL), TG_ERR_VALUE);
    tg_tape_free(tape);
}

/* The first takes the tape's memory, the third a plan for the gradients. */
Test(training, steps_after_the_first_few_allocate_nothing) {
    long allocations[2];
    for (int k = 0; k < 2; k++) {
        counting memory;
        tg_tape *tape = tg_tape_new_with(TG_F64, counting_allocator(&memory));
        cr_assert_eq(train(tape, k ? 1000 : 3, 0.01, NULL, NULL), TG_OK);
        allocations[k] = memory.allocations;
        tg_tape_free(tape);
        cr_expect_eq(memory.blocks, 0);
    }
    cr_expect_eq(allocations[0], allocations[1]);
}

Test(training, a_loss_that_is_not_finite_ends_it_with_advice) {
    tg_tape *tape = tg_tape_new(TG_F64);
    cr_expect_eq(train(tape, 2000, 10, NULL, NULL), TG_ERR_NAN);
    cr_expect_not_null(strstr(tg_tape_error(tape), "smaller learning rate"), "%s", tg_tape_error(tape));
    cr_expect_not_null(strstr(tg_tape_error(tape), "test_training.c"), "%s", tg_tape_error(tape));
    tg_tape_free(tape);
}

Test(training, accuracy_counts_logits_on_the_side_of_their_label) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        const double logits[4] = {-2, 0, 3, 0.5}, labels[4] = {0, 0, 1, 0};
        const tg_tensor z = tg_from_f64(tape, TG_SHAPE(1, 4), 4, logits);
        const tg_tensor y = tg_from_f64(tape, TG_SHAPE(1, 4), 4, labels);
        const int64_t nodes = tg_tape_n_nodes(tape);
        cr_expect_eq(tg_accuracy(z, y), 0.75);
        cr_expect_eq(tg_tape_n_nodes(tape), nodes);
        cr_expect(isnan(tg_accuracy(z, tg_from_f64(tape, TG_SHAPE(3), 3, labels))));
        cr_expect_neq(tg_tape_status(tape), TG_OK);
        cr_expect(isnan(tg_accuracy(z, y)), "an error sticks");
        tg_tape_free(tape);
    }
    cr_expect(isnan(tg_accuracy((tg_tensor){0}, (tg_tensor){0})));
}
