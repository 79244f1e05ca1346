/* test_branches.c: a recorded graph tells which branches it took.
 *
 * Owns: the promises of graph/branches.h, through operations of the library and one defined here. */
#include "graph/branches.h"

#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(branches, .init = open_tape, .fini = close_tape);

typedef tg_tensor graph(tg_tensor x);

/* The branches that a graph takes at three values. */
static uint64_t at(graph *record, double a, double b, double c) {
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3), 3, ((double[]){a, b, c}));
    const tg_tensor y = record(x);
    uint64_t hash;
    cr_assert(tg_branches_hash(TG_HERE, y, x.node, &hash), "%s", tg_tape_error(tape));
    cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    return hash;
}

static tg_tensor of_relu(tg_tensor x) { return tg_sum(tg_relu(x)); }
static tg_tensor of_leaky_relu(tg_tensor x) { return tg_sum(tg_leaky_relu(x, 0.1)); }
static tg_tensor of_abs(tg_tensor x) { return tg_sum(tg_abs(x)); }
static tg_tensor of_sign(tg_tensor x) { return tg_sum(tg_sign(x)); }
static tg_tensor of_maximum(tg_tensor x) { return tg_sum(tg_maximum(x, tg_num(0))); }
static tg_tensor of_minimum(tg_tensor x) { return tg_sum(tg_minimum(tg_num(0), x)); }
static tg_tensor of_where(tg_tensor x) { return tg_sum(tg_where(tg_less(x, tg_num(0)), x, tg_exp(x))); }

Test(branches, are_told_by_every_elementwise_operation_that_has_some) {
    graph *const graphs[] = {of_relu, of_leaky_relu, of_abs, of_sign, of_maximum, of_minimum, of_where};
    for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++) {
        const uint64_t here = at(graphs[i], -1, 2, 3);
        cr_expect_eq(at(graphs[i], -0.1, 20, 1e-9), here, "graph %zu: other values, the same branches", i);
        cr_expect_neq(at(graphs[i], 0.1, 2, 3), here, "graph %zu: the first element crosses", i);
        cr_expect_neq(at(graphs[i], -1, 2, -1e-300), here, "graph %zu: the last element crosses", i);
        cr_expect_neq(at(graphs[i], 2, -1, 3), here, "graph %zu: the same number of each", i);
    }
}

static tg_tensor of_max(tg_tensor x) { return tg_max(x); }
static tg_tensor of_max_axis(tg_tensor x) {
    return tg_sum(tg_max_axes(tg_reshape(x, TG_SHAPE(1, 3)), TG_AXES(1), false));
}

Test(branches, of_a_maximum_are_its_winners) {
    graph *const graphs[] = {of_max, of_max_axis};
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(at(graphs[i], 1, 2, 3), at(graphs[i], 5, -2, 7));
        cr_expect_neq(at(graphs[i], 1, 2, 3), at(graphs[i], 1, 3, 2));
        cr_expect_neq(at(graphs[i], 1, 2, 3), at(graphs[i], 1, 3, 3), "a tie is a branch of its own");
    }
}

static tg_tensor smooth(tg_tensor x) { return tg_mean(tg_tanh(tg_mul(x, tg_exp(x)))); }
static tg_tensor unneeded(tg_tensor x) {
    (void)tg_relu(x);
    return smooth(x);
}
static tg_tensor of_floor(tg_tensor x) { return tg_sum(tg_floor(x)); }

Test(branches, of_steps_are_their_heights) {
    cr_expect_eq(at(of_floor, 1.5, -0.5, 3), at(of_floor, 1, -0.1, 3.9));
    cr_expect_neq(at(of_floor, 1.5, -0.5, 3), at(of_floor, 1.5, 0, 3));
}

/* Branches in C on a value: the graph itself differs. */
static tg_tensor of_c(tg_tensor x) {
    return tg_value(x, TG_SHAPE(0)) > 0 ? smooth(x) : tg_mean(tg_sigmoid(x));
}

Test(branches, of_what_is_smooth_or_not_needed_are_always_the_same) {
    cr_expect_eq(at(smooth, 1, 2, 3), at(smooth, -1, 0, NAN));
    cr_expect_eq(at(unneeded, 1, 2, 3), at(unneeded, -1, -2, 3));
    cr_expect_neq(at(of_c, 1, 2, 3), at(of_c, -1, 2, 3));
}

/* --- an operation of a program's own -------------------------------------------------------------------- */

/* y = clamp(x, -1, 1) */
TG_MAP_KERNELS_1(bounded, x<-1 ? (T)-1 : x> 1 ? (T)1 : x)
static void bounded_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_to_value(tg_equal(c->x[0], c->y)));
}
static tg_tensor bounded_branch(const tg_call *c) { return tg_sign(tg_sub(c->x[0], c->y)); }
static tg_tensor failing_branch(const tg_call *c) { return tg_matmul(c->x[0], c->y); }
static tg_tensor no_branch(const tg_call *c) {
    (void)c;
    return (tg_tensor){0};
}
static struct tg_op bounded = {.name = "bounded",
                               .kind = TG_MAP,
                               .n_inputs = 1,
                               .map_f32 = bounded_f32,
                               .map_f64 = bounded_f64,
                               .backward = bounded_backward,
                               .branch = bounded_branch};
static tg_tensor of_bounded(tg_tensor x) { return tg_sum(tg_apply_1("clamp.c:3", &bounded, x, NULL)); }

Test(branches, are_told_by_an_operation_of_a_programs_own) {
    const uint64_t here = at(of_bounded, -2, 0, 2);
    cr_expect_eq(at(of_bounded, -3, 0.5, 1.5), here);
    cr_expect_neq(at(of_bounded, -3, 0.5, 0.5), here);
    cr_expect_neq(at(of_bounded, 3, 0.5, 2), here, "above is not below");
    bounded.branch = no_branch;
    cr_expect_eq(at(of_bounded, -2, 0, 2), at(of_bounded, 0, 0, 0), "nothing is told");
}

Test(branches, that_fail_name_the_line_of_the_operation) {
    bounded.branch = failing_branch;
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(1, 2), 2, ((double[]){1, 2}));
    uint64_t hash;
    cr_expect_not(tg_branches_hash("check.c:1", of_bounded(x), x.node, &hash));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "clamp.c:3: matmul");
}

Test(branches, of_what_is_older_than_the_recording_are_not_asked_for) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3), 3, ((double[]){1, 2, 3}));
    uint64_t hash = 1;
    cr_expect(tg_branches_hash(TG_HERE, x, x.node + 1, &hash));
    cr_expect_eq(hash, 0);
}

Test(branches, survive_every_failing_allocation) {
    bool failed = true;
    for (long k = 0; failed; k++) {
        counting memory;
        tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
        const tg_tensor x = tg_param_normal(counted, TG_SHAPE(300), tg_key_new(1), 1);
        const tg_tensor y = of_relu(tg_abs(x));
        memory.fail_at = memory.allocations + k;
        uint64_t hash;
        const bool good = tg_branches_hash(TG_HERE, y, x.node, &hash);
        failed = memory.failed > 0;
        cr_expect_eq(good, !failed);
        cr_expect_eq(tg_tape_status(counted), failed ? TG_ERR_MEMORY : TG_OK);
        tg_tape_free(counted);
        cr_expect_eq(memory.bytes, 0);
    }
}
