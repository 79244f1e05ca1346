/* test_logistic_regression.c: models/logistic_regression.c and models/logistic_loops.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/flower.h"
#include "models/logistic_regression.h"

#ifndef TG_DATA_DIR
#define TG_DATA_DIR "models/data"
#endif

static void load_cells(tg_tape *tape, tg_dataset *train, tg_dataset *test) {
    tg_dataset all;
    cr_assert_eq(tg_dataset_read(tape, TG_DATA_DIR "/breast_cancer.csv", &all), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_assert_eq(tg_dataset_split(tape, &all, 0.2, tg_key_new(1), train, test), TG_OK);
    cr_assert_eq(tg_dataset_standardize(tape, train, test), TG_OK);
    tg_dataset_free(&all);
}

Test(logistic_regression, real_data_is_learned_in_both_dtypes) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        tg_dataset train, test;
        load_cells(tape, &train, &test);
        tg_logistic_regression_result r;
        const tg_logistic_regression_options options = {.iterations = 200};
        cr_assert_eq(tg_logistic_regression(tape, &train, &test, &options, &r), TG_OK, "%s",
                     tg_tape_error(tape));
        cr_expect_eq(r.check.verdict, TG_PASS);
        cr_expect_eq(r.check.results[0].entries, 30);
        cr_expect_eq(r.n_costs, 201);
        cr_expect_float_eq(r.costs[0], log(2), 1e-6);
        cr_expect_lt(r.costs[200], 0.1);
        cr_expect_gt(r.train_accuracy, 0.95);
        cr_expect_gt(r.test_accuracy, 0.93);
        for (int64_t t = 1; t <= 200; t++)
            cr_expect_lt(r.costs[t], r.costs[t - 1], "the cost rose at %d", (int)t);
        tg_logistic_regression_free(&r);
        tg_dataset_free(&train);
        tg_dataset_free(&test);
        tg_tape_free(tape);
    }
}

Test(logistic_regression, the_cost_is_printed_as_it_trains) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset data;
    tg_logistic_regression_result r;
    cr_assert_eq(tg_flower(tape, tg_key_new(2), 50, &data), TG_OK);
    const tg_logistic_regression_options options = {.iterations = 20, .stream = stream};
    cr_assert_eq(tg_logistic_regression(tape, &data, NULL, &options, &r), TG_OK);
    fclose(stream);
    cr_expect_not_null(strstr(text, "step 0/20  cost 0.693147\n"), "%s", text);
    cr_expect_not_null(strstr(text, "step 20/20  cost "), "%s", text);
    cr_expect_not_null(strstr(text, "PASS"), "%s", text);
    cr_expect(isnan(r.test_accuracy));
    tg_logistic_regression_free(&r);
    tg_dataset_free(&data);
    tg_tape_free(tape);
    free(text);
}

Test(logistic_regression, loops_and_graph_learn_the_same) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        tg_dataset train, test;
        load_cells(tape, &train, &test);
        tg_logistic_comparison c;
        const int64_t before = tg_tape_n_nodes(tape);
        const tg_logistic_comparison_options options = {.steps = 30, .rounds = 3};
        cr_assert_eq(tg_logistic_compare(tape, &train, &options, &c), TG_OK, "%s", tg_tape_error(tape));
        cr_expect(c.equal, "%g apart, %g allowed", c.difference, c.tolerance);
        cr_expect_gt(c.loops_seconds, 0);
        cr_expect_gt(c.graph_seconds, 0);
        cr_expect_gt(c.speedup, 0);
        cr_expect_eq(tg_tape_n_nodes(tape), before);
        tg_dataset_free(&train);
        tg_dataset_free(&test);
        tg_tape_free(tape);
    }
}

Test(logistic_regression, data_and_options_that_do_not_fit_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset none = {.n_features = 2}, two, three;
    cr_assert_eq(tg_dataset_new(tape, 2, 4, &two), TG_OK);
    cr_assert_eq(tg_dataset_new(tape, 3, 4, &three), TG_OK);
    tg_logistic_regression_result r;
    tg_logistic_comparison c;
    cr_expect_eq(tg_logistic_regression(tape, &none, NULL, NULL, &r), TG_ERR_SHAPE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "test_logistic_regression.c"));
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_logistic_regression(tape, &two, &three, NULL, &r), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    const tg_logistic_regression_options wrong[] = {
        {.iterations = -1}, {.iterations = INT64_MAX}, {.learning_rate = -1}, {.learning_rate = NAN}};
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(tg_logistic_regression(tape, &two, NULL, &wrong[i], &r), TG_ERR_VALUE);
        tg_logistic_regression_free(&r);
        tg_tape_clear_error(tape);
    }
    cr_expect_eq(tg_logistic_regression(tape, &two, NULL,
                                        &(tg_logistic_regression_options){.iterations = INT64_MAX / 8}, &r),
                 TG_ERR_MEMORY);
    tg_logistic_regression_free(&r);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_logistic_compare(tape, &two, &(tg_logistic_comparison_options){.rounds = -1}, &c),
                 TG_ERR_VALUE);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_logistic_compare(tape, &none, NULL, &c), TG_ERR_SHAPE);
    tg_dataset_free(&two);
    tg_dataset_free(&three);
    tg_tape_free(tape);
}

Test(logistic_regression, training_that_runs_away_is_an_error) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset data;
    tg_logistic_regression_result r;
    cr_assert_eq(tg_dataset_new(tape, 1, 3, &data), TG_OK);
    for (int i = 0; i < 3; i++) data.x[i] = 100, data.y[i] = i % 2;
    const tg_logistic_regression_options options = {.learning_rate = 1e308, .iterations = 5};
    cr_expect_eq(tg_logistic_regression(tape, &data, NULL, &options, &r), TG_ERR_NAN);
    cr_expect_not_null(strstr(tg_tape_error(tape), "smaller learning rate"), "%s", tg_tape_error(tape));
    tg_logistic_regression_free(&r);
    tg_dataset_free(&data);
    tg_tape_free(tape);
}
