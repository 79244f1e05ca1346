/* test_shallow_network.c: models/shallow_network.c and models/shallow_check.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "models/flower.h"
#include "models/logistic_regression.h"
#include "models/shallow_network.h"

static void make_flowers(tg_tape *tape, tg_dataset *train, tg_dataset *test) {
    cr_assert_eq(tg_flower(tape, tg_key_new(3), 400, train), TG_OK);
    cr_assert_eq(tg_flower(tape, tg_key_new(4), 400, test), TG_OK);
}

Test(shallow_network, the_flower_is_learned_where_a_line_cannot) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset train, test;
    make_flowers(tape, &train, &test);
    tg_shallow_network_result network;
    tg_logistic_regression_result line;
    const tg_shallow_network_options options = {.iterations = 2000, .key = tg_key_new(1)};
    cr_assert_eq(tg_shallow_network_train(tape, &train, &test, &options, &network), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_assert_eq(tg_logistic_regression(tape, &train, &test,
                                        &(tg_logistic_regression_options){.iterations = 200}, &line),
                 TG_OK);
    cr_expect_eq(network.check.verdict, TG_PASS);
    cr_expect_gt(network.train_accuracy, 0.88);
    cr_expect_gt(network.test_accuracy, 0.86);
    cr_expect_lt(line.train_accuracy, 0.6);
    cr_expect_gt(line.train_accuracy, 0.4);
    cr_expect_lt(network.costs[2000], 0.3);
    tg_shallow_network_free(&network);
    tg_logistic_regression_free(&line);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    tg_tape_free(tape);
}

Test(shallow_network, every_activation_and_descent_passes_its_check_and_learns) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    for (int k = 0; k < 15; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k % 2]);
        tg_dataset train, test;
        make_flowers(tape, &train, &test);
        const tg_shallow_network_options options = {.hidden = 5,
                                                    .activation = (tg_activation)(k % 5),
                                                    .initialization = k % 2 ? TG_INIT_HE : TG_INIT_XAVIER,
                                                    .descent = (tg_descent)(k / 5),
                                                    .learning_rate = k / 5 == 2 ? 0.02 : 0.1,
                                                    .iterations = 60,
                                                    .key = tg_key_new((uint64_t)k)};
        tg_shallow_network_result r;
        cr_assert_eq(tg_shallow_network_train(tape, &train, NULL, &options, &r), TG_OK, "%d: %s", k,
                     tg_tape_error(tape));
        cr_expect_eq(r.check.verdict, TG_PASS, "%d", k);
        cr_expect_lt(r.costs[60], r.costs[0], "%d", k);
        cr_expect(isnan(r.test_accuracy));
        tg_shallow_network_free(&r);
        tg_dataset_free(&train);
        tg_dataset_free(&test);
        tg_tape_free(tape);
    }
}

Test(shallow_network, equal_rows_stay_equal_and_random_ones_part) {
    const tg_initialization inits[] = {TG_INIT_ZEROS, TG_INIT_SAME, TG_INIT_SMALL};
    for (int k = 0; k < 6; k++) {
        tg_tape *tape = tg_tape_new(k < 3 ? TG_F64 : TG_F32);
        tg_dataset train, test;
        make_flowers(tape, &train, &test);
        const tg_shallow_network_options options = {
            .hidden = 4, .initialization = inits[k % 3], .iterations = 120, .key = tg_key_new(1)};
        tg_shallow_network_result r;
        cr_assert_eq(tg_shallow_network_train(tape, &train, NULL, &options, &r), TG_OK);
        cr_assert_eq(r.n_symmetry, 5);
        const int64_t steps[5] = {0, 1, 10, 100, 120};
        for (int i = 0; i < 5; i++) {
            cr_expect_eq(r.symmetry[i].step, steps[i]);
            if (k % 3 < 2)
                cr_expect_eq(r.symmetry[i].difference, 0, "after %d steps", (int)steps[i]);
            else
                cr_expect_gt(r.symmetry[i].difference, 0);
        }
        if (k % 3 == 0) cr_expect_eq(r.symmetry[4].largest, 0);
        if (k % 3 == 1) cr_expect_neq(r.symmetry[4].largest, r.symmetry[0].largest, "rows move, together");
        tg_shallow_network_free(&r);
        tg_dataset_free(&train);
        tg_dataset_free(&test);
        tg_tape_free(tape);
    }
}

Test(shallow_network, the_same_key_trains_the_same_network) {
    double costs[3];
    for (int k = 0; k < 3; k++) {
        tg_tape *tape = tg_tape_new(TG_F64);
        tg_dataset train;
        cr_assert_eq(tg_flower(tape, tg_key_new(3), 100, &train), TG_OK);
        const tg_shallow_network_options options = {.iterations = 50, .key = tg_key_new(k < 2 ? 1 : 2)};
        tg_shallow_network_result r;
        cr_assert_eq(tg_shallow_network_train(tape, &train, NULL, &options, &r), TG_OK);
        costs[k] = r.costs[50];
        tg_shallow_network_free(&r);
        tg_dataset_free(&train);
        tg_tape_free(tape);
    }
    cr_expect_eq(costs[0], costs[1]);
    cr_expect_neq(costs[0], costs[2]);
}

Test(shallow_network, logits_of_new_points_come_from_the_trained_network) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset train, test;
    make_flowers(tape, &train, &test);
    tg_shallow_network_result r;
    const tg_shallow_network_options options = {.iterations = 5, .key = tg_key_new(1)};
    cr_assert_eq(tg_shallow_network_train(tape, &train, NULL, &options, &r), TG_OK);
    const tg_tensor Z = tg_shallow_logits(&r.network, tg_dataset_features(tape, &test));
    cr_expect(tg_shape_equal(tg_shape_of(Z), TG_SHAPE(1, 400)));
    double z = tg_value(r.network.b2, TG_SHAPE(0, 0));
    for (int k = 0; k < 4; k++) {
        double z1 = tg_value(r.network.b1, TG_SHAPE(k, 0));
        for (int j = 0; j < 2; j++) z1 += tg_value(r.network.W1, TG_SHAPE(k, j)) * test.x[400 * j + 7];
        z += tg_value(r.network.W2, TG_SHAPE(0, k)) * tanh(z1);
    }
    cr_expect_float_eq(tg_value(Z, TG_SHAPE(0, 7)), z, 1e-14);
    tg_shallow_network_free(&r);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    tg_tape_free(tape);
}

Test(shallow_network, options_and_data_that_do_not_fit_are_refused) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset none = {.n_features = 2}, two, three;
    cr_assert_eq(tg_dataset_new(tape, 2, 4, &two), TG_OK);
    cr_assert_eq(tg_dataset_new(tape, 3, 4, &three), TG_OK);
    const tg_shallow_network_options wrong[] = {{.hidden = -1},
                                                {.iterations = -1},
                                                {.activation = (tg_activation)9},
                                                {.initialization = (tg_initialization)9},
                                                {.descent = (tg_descent)9},
                                                {.learning_rate = -1}};
    tg_shallow_network_result r;
    for (int i = 0; i < 6; i++) {
        cr_expect_eq(tg_shallow_network_train(tape, &two, NULL, &wrong[i], &r), TG_ERR_VALUE, "%d", i);
        cr_expect_not_null(strstr(tg_tape_error(tape), "test_shallow_network.c"), "%s", tg_tape_error(tape));
        tg_shallow_network_free(&r);
        tg_tape_clear_error(tape);
    }
    cr_expect_eq(tg_shallow_network_train(tape, &none, NULL, NULL, &r), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_shallow_network_train(tape, &two, &three, NULL, &r), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    const tg_shallow_network_options absurd = {.hidden = INT64_MAX / 2};
    cr_expect_neq(tg_shallow_network_train(tape, &two, NULL, &absurd, &r), TG_OK);
    tg_shallow_network_free(&r);
    tg_dataset_free(&two);
    tg_dataset_free(&three);
    tg_tape_free(tape);
}
