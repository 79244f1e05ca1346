/* test_out_of_memory.c: the three graphs with each of their allocations failing in turn: every failure is an
 * error that says so, and everything is given back. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/chain_rule.h"
#include "models/flower.h"
#include "models/logistic_regression.h"
#include "models/picture.h"
#include "models/plane.h"
#include "models/shallow_network.h"
#include "tests/graph/counting_allocator.h"
#include "tests/models/scratch_folder.h"

typedef tg_status scenario(tg_tape *tape, const char *folder);

static tg_status run_chain_rule(tg_tape *tape, const char *folder) {
    const char *missing;
    tg_chain_rule_result r;
    tg_status status = tg_chain_rule(tape, NULL, &r);
    if (status == TG_OK) {
        const tg_draw_options options = {.n_gradients = 1, .of = &r.a, .gradients = &r.da};
        status = tg_picture_graph(tape, folder, "graph", r.J, &options, &missing);
    }
    tg_chain_rule_free(&r);
    return status;
}

static tg_status draw_plane(tg_tape *tape, const tg_dataset *data, const tg_logistic_regression_result *r,
                            const char *folder) {
    const char *missing;
    tg_plane plane;
    tg_status status = tg_plane_of_logistic(tape, data, r->w, r->b, &plane);
    if (status != TG_OK) return status;
    const tg_boundary_panel panel = {"t", "x", "y", {"zero", "one"}, &plane};
    status = tg_picture_boundary(tape, folder, "boundary", 1, &panel, &missing);
    tg_plane_free(&plane);
    return status;
}

static tg_status run_logistic_regression(tg_tape *tape, const char *folder) {
    char path[256];
    tg_dataset all = {0}, train = {0}, test = {0};
    tg_logistic_regression_result r = {0};
    tg_logistic_comparison c;
    snprintf(path, sizeof path, "%s/cells.csv", folder);
    tg_status status = tg_dataset_read(tape, path, &all);
    if (status == TG_OK) status = tg_dataset_split(tape, &all, 0.25, tg_key_new(1), &train, &test);
    if (status == TG_OK) status = tg_dataset_standardize(tape, &train, &test);
    const tg_logistic_regression_options options = {.iterations = 2};
    if (status == TG_OK) status = tg_logistic_regression(tape, &train, &test, &options, &r);
    const tg_logistic_comparison_options comparison = {.steps = 2, .rounds = 1};
    if (status == TG_OK) status = tg_logistic_compare(tape, &train, &comparison, &c);
    if (status == TG_OK) status = draw_plane(tape, &train, &r, folder);
    tg_logistic_regression_free(&r);
    tg_dataset_free(&all);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    return status;
}

static tg_status run_shallow(tg_tape *tape, const tg_shallow_network_options *options) {
    tg_dataset train = {0}, test = {0};
    tg_shallow_network_result r = {0};
    tg_status status = tg_flower(tape, tg_key_new(1), 20, &train);
    if (status == TG_OK) status = tg_flower(tape, tg_key_new(2), 20, &test);
    if (status == TG_OK) status = tg_shallow_network_train(tape, &train, &test, options, &r);
    tg_shallow_network_free(&r);
    tg_dataset_free(&train);
    tg_dataset_free(&test);
    return status;
}

static tg_status run_shallow_network(tg_tape *tape, const char *folder) {
    (void)folder;
    return run_shallow(tape, &(tg_shallow_network_options){.iterations = 2, .key = tg_key_new(1)});
}

static tg_status run_shallow_network_otherwise(tg_tape *tape, const char *folder) {
    (void)folder;
    const tg_shallow_network_options options = {.hidden = 3,
                                                .activation = TG_LEAKY_RELU,
                                                .initialization = TG_INIT_SAME,
                                                .descent = TG_DESCENT_ADAM,
                                                .iterations = 2,
                                                .key = tg_key_new(1)};
    return run_shallow(tape, &options);
}

/* Runs it again and again, each time with one allocation later failing, until none fails. */
static void fail_each(scenario *run, tg_dtype dtype) {
    char folder[64], path[256];
    const char cells[] =
        "a,b,c,label\n1,2,5,0\n2,1,4,1\n3,5,1,0\n4,4,0,1\n0,1,1,1\n2,2,3,0\n5,1,2,1\n3,3,2,0\n";
    scratch_make(folder);
    scratch_write(folder, "cells.csv", cells, sizeof cells - 1, path);
    setenv("PATH", folder, 1); /* no gnuplot: it would be started each time */
    bool failed = true;
    long n = 0;
    for (; failed; n++) {
        counting memory;
        const tg_allocator allocator = counting_allocator(&memory);
        memory.fail_at = n;
        tg_tape *tape = tg_tape_new_with(dtype, allocator);
        const tg_status status = tape ? run(tape, folder) : TG_ERR_MEMORY;
        failed = memory.failed > 0;
        /* A plan for the gradients can be done without. */
        cr_assert(status == TG_OK || (failed && status == TG_ERR_MEMORY), "allocation %d: %s: %s", (int)n,
                  tg_status_name(status), tape ? tg_tape_error(tape) : "");
        if (tape) cr_assert_eq(tg_tape_status(tape), status, "allocation %d", (int)n);
        tg_tape_free(tape);
        cr_assert_eq(memory.blocks, 0, "allocation %d leaves %d blocks", (int)n, (int)memory.blocks);
        cr_assert_eq(memory.wrong_sizes, 0, "allocation %d: given back with other sizes", (int)n);
    }
    cr_expect_gt(n, 5, "only %d allocations", (int)n);
    scratch_remove(folder);
}

Test(out_of_memory, chain_rule_gives_everything_back) {
    fail_each(run_chain_rule, TG_F64);
    fail_each(run_chain_rule, TG_F32);
}

Test(out_of_memory, logistic_regression_gives_everything_back) {
    fail_each(run_logistic_regression, TG_F64);
    fail_each(run_logistic_regression, TG_F32);
}

Test(out_of_memory, shallow_network_gives_everything_back) {
    fail_each(run_shallow_network, TG_F64);
    fail_each(run_shallow_network_otherwise, TG_F32);
}
