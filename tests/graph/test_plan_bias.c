/* test_plan_bias.c: a row, a column or a number is added by the product that it is added to, with the tape's
 * bits and any threads.
 *
 * Owns: which sums a product makes, and which are operations of their own; what follows; leaves that change.
 */
#include "expect_error.h"
#include "expect_planned.h"
#include "graph/plan_parts.h"

static tg_tensor product(tg_tape *tape, int64_t m, int64_t n, int64_t k) {
    return tg_matmul(normal(tape, TG_SHAPE(m, k)), normal(tape, TG_SHAPE(k, n)));
}

/* Products of which rows are made one by one: in one group of terms, in several, and by two threads. */
static void add_all_ways(tg_tape *tape) {
    const int64_t sizes[][3] = {{4, 400, 2},  {4, 400, 1}, {1, 400, 7}, {1, 600, 8},
                                {1, 600, 21}, {40, 64, 2}, {1, 20, 3},  {1, 900, 300}};
    for (int i = 0; i < 8; i++) {
        const int64_t m = sizes[i][0], n = sizes[i][1];
        const tg_tensor biases[] = {normal(tape, TG_SHAPE(n)), normal(tape, TG_SHAPE(m, 1)),
                                    normal(tape, TG_SHAPE(1, n)), normal(tape, TG_SCALAR), tg_num(0.7)};
        for (int k = 0; k < 5; k++) {
            const tg_tensor x = product(tape, m, n, sizes[i][2]);
            const tg_tensor sum = i % 2 ? tg_add(x, biases[k]) : tg_add(biases[k], x);
            expect_planned(tape, 1, &sum, ": 1 step\n");
        }
    }
    const tg_tensor turned = tg_transpose(normal(tape, TG_SHAPE(30, 40))), v = normal(tape, TG_SHAPE(30));
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(turned, v), normal(tape, TG_SHAPE(40)))},
                   ": 1 step\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(turned, v), tg_num(2))}, ": 1 step\n");
}
Test(plan_bias, rows_columns_and_numbers_are_added_by_the_product) { on_both_dtypes(add_all_ways); }

static void add_to_batches(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(3, 20, 2)), w = normal(tape, TG_SHAPE(2, 70)),
                    each = normal(tape, TG_SHAPE(3, 2, 70));
    const tg_tensor row = normal(tape, TG_SHAPE(70)), column = normal(tape, TG_SHAPE(20, 1)),
                    columns = normal(tape, TG_SHAPE(3, 20, 1)), number = normal(tape, TG_SCALAR);
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(x, w), row)}, ": 1 step\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(x, each), row)}, ": 1 step\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(number, tg_matmul(x, each))}, ": 1 step\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(x, w), column)}, ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(x, each), column)}, ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(tg_matmul(x, each), columns)}, ": 2 steps\n");
}
Test(plan_bias, batches_share_what_is_added) { on_both_dtypes(add_to_batches); }

static void be_a_step_apart(tg_tape *tape) {
    const tg_tensor x = product(tape, 20, 90, 2), row = normal(tape, TG_SHAPE(90));
    const tg_tensor sum = tg_add(x, row), wide = normal(tape, TG_SHAPE(180));
    expect_planned(tape, 1, (tg_tensor[]){tg_add(x, normal(tape, TG_SHAPE(20, 90)))}, ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(x, x)}, ": 2 steps\n");
    expect_planned(tape, 2, (tg_tensor[]){x, sum}, ": 2 steps\n");
    expect_planned(tape, 2, (tg_tensor[]){sum, tg_exp(x)}, ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_sub(product(tape, 20, 90, 2), row)}, ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(product(tape, 20, 90, 2), tg_slice(wide, 0, 0, TG_END, 2))},
                   ": 2 steps\n");
    expect_planned(tape, 1,
                   (tg_tensor[]){tg_add(tg_transpose(product(tape, 20, 90, 2)), normal(tape, TG_SHAPE(20)))},
                   ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_add(product(tape, 20, 90, 10), row)}, ": 2 steps\n");
}
Test(plan_bias, what_else_is_added_or_read_is_a_step_apart) { on_both_dtypes(be_a_step_apart); }

/* What is added has to be there first, rather than in what follows. */
static void add_what_is_computed(tg_tape *tape) {
    const tg_tensor b = normal(tape, TG_SHAPE(90)), e = tg_exp(b), x = product(tape, 20, 90, 2);
    expect_planned(tape, 1, (tg_tensor[]){tg_add(x, e)}, ": 2 steps\n");
    const tg_tensor y = product(tape, 20, 90, 2);
    expect_planned(tape, 1, (tg_tensor[]){tg_add(y, tg_exp(b))}, ": 3 steps\n");
    const tg_tensor c = tg_exp(normal(tape, TG_SHAPE(1, 600)));
    expect_planned(tape, 1, (tg_tensor[]){tg_neg(tg_add(product(tape, 1, 600, 50), c))}, ": 3 steps\n");
    const tg_tensor q = normal(tape, TG_SHAPE(600, 90)), z = product(tape, 600, 90, 2);
    const tg_tensor sums = tg_sum_to(tg_exp(q), TG_SHAPE(600, 1));
    expect_planned(tape, 1, (tg_tensor[]){tg_tanh(tg_add(z, sums))}, ": 2 steps\n");
}
Test(plan_bias, what_is_added_is_there_before) { on_both_dtypes(add_what_is_computed); }

static void be_followed(tg_tape *tape) {
    const tg_tensor row = normal(tape, TG_SHAPE(90));
    const tg_tensor z = tg_add(product(tape, 600, 90, 2), row), y = tg_relu(z);
    expect_planned(tape, 1, &y, "matmul add relu");
    expect_planned(tape, 2, (tg_tensor[]){y, z}, ": 1 step\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_mean(tg_square(z))}, ": 2 steps\n");
}
Test(plan_bias, panels_go_on_from_the_sum) { on_both_dtypes(be_followed); }

/* Only the sum has a place. */
Test(plan_bias, the_product_without_it_takes_no_memory) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor z = tg_add(product(tape, 40, 400, 2), normal(tape, TG_SHAPE(400)));
    const tg_tensor loss = tg_mean(tg_tanh(z));
    tg_plan *plan = tg_plan_new(tape, 1, &loss);
    cr_assert(plan);
    cr_expect_lt(plan->counts.slab_bytes, 2 * 40 * 400 * 4);
    cr_expect_eq(plan->steps[0].work.bytes, 4. * (40 * 2 + 2 * 400 + 400 + 40 * 400));
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* --- leaves that change --------------------------------------------------------------------------------- */

enum { ROW = 700 };

/* leaf: x [1, 300], w [300, ROW], b [1, ROW]. */
static tg_tensor layer(const tg_tensor *leaf) { return tg_matmul(leaf[0], leaf[1]); }

static void change_between(const tg_tensor *leaf, tg_tensor *outputs) {
    const tg_tensor x = layer(leaf);
    outputs[0] = tg_assign(leaf[2], tg_tanh(leaf[2]));
    outputs[1] = tg_add(x, leaf[2]);
}
static void change_after(const tg_tensor *leaf, tg_tensor *outputs) {
    outputs[0] = tg_add(layer(leaf), leaf[2]);
    outputs[1] = tg_assign(leaf[2], tg_tanh(leaf[2]));
}
static void change_to_the_sum(const tg_tensor *leaf, tg_tensor *outputs) {
    outputs[0] = tg_assign(leaf[2], tg_add(layer(leaf), leaf[2]));
    outputs[1] = tg_tanh(leaf[2]);
}
static void change_what_is_multiplied(const tg_tensor *leaf, tg_tensor *outputs) {
    const tg_tensor x = layer(leaf);
    outputs[0] = tg_assign(leaf[1], tg_tanh(leaf[1]));
    outputs[1] = tg_tanh(tg_add(x, leaf[2]));
}

static void change_leaves(tg_tape *tape) {
    const tg_tensor leaves[3] = {normal(tape, TG_SHAPE(1, 300)), normal(tape, TG_SHAPE(300, ROW)),
                                 normal(tape, TG_SHAPE(1, ROW))};
    expect_changes(tape, 3, leaves, change_between, 2, "  matmul\n");
    expect_changes(tape, 3, leaves, change_after, 2, "  matmul add\n");
    expect_changes(tape, 3, leaves, change_to_the_sum, 2, "  matmul add\n");
    expect_changes(tape, 3, leaves, change_what_is_multiplied, 2, "  matmul add\n");
}
Test(plan_bias, leaves_change_before_and_after_they_are_added) { on_both_dtypes(change_leaves); }
