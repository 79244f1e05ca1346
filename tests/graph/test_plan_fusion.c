/* test_plan_fusion.c: what a plan computes in one pass, with the same bits as the tape and any threads.
 *
 * Owns: chains with reductions of rows, of lines longer than a block, of columns, and with what is made of
 * rows' results; what follows products panel by panel. Random graphs are in test_plan_random.c. */
#include "expect_planned.h"

static void reduce_all(tg_tape *tape) {
    const int64_t sizes[] = {2, 511, 513, 9000, 70001};
    for (int i = 0; i < 5; i++) {
        const tg_tensor e = tg_tanh(normal(tape, TG_SHAPE(sizes[i])));
        expect_planned(tape, 3, (tg_tensor[]){tg_mean(e), tg_sum(tg_square(e)), tg_max(e)}, ": 1 step\n");
    }
}
Test(plan_fusion, a_chain_ends_in_reductions_of_all) { on_both_dtypes(reduce_all); }

static void reduce_lines(tg_tape *tape) {
    const tg_shape shapes[] = {TG_SHAPE(7, 1300), TG_SHAPE(20, 10000), TG_SHAPE(300, 2, 100),
                               TG_SHAPE(2000, 7)};
    for (int i = 0; i < 4; i++) {
        const tg_tensor e = tg_sigmoid(normal(tape, shapes[i])), f = tg_mul(e, e);
        const tg_axes last = TG_AXES(-1);
        expect_planned(tape, 3,
                       (tg_tensor[]){tg_sum_axes(e, last, false), tg_max_axes(f, last, true),
                                     tg_mean_axes(f, last, true)},
                       ": 1 step\n");
    }
}
Test(plan_fusion, a_chain_ends_in_reductions_of_lines_long_and_short) { on_both_dtypes(reduce_lines); }

static void reduce_columns(tg_tape *tape) {
    const tg_shape shapes[] = {TG_SHAPE(64, 128), TG_SHAPE(5000, 3), TG_SHAPE(40, 3000), TG_SHAPE(33, 25, 20),
                               TG_SHAPE(2, 2)};
    for (int i = 0; i < 5; i++) {
        const tg_tensor x = normal(tape, shapes[i]), dz = tg_mul(tg_sub(tg_num(1), tg_square(x)), x);
        expect_planned(
            tape, 3, (tg_tensor[]){dz, tg_sum_axes(dz, TG_AXES(0), false), tg_max_axes(x, TG_AXES(0), true)},
            ": 1 step\n");
    }
}
Test(plan_fusion, sums_over_a_batch_join_the_chain_before_them) { on_both_dtypes(reduce_columns); }

/* To mean 0 and variance 1, row by row; and what a bias before it would be given. */
static void normalize(tg_tape *tape) {
    const tg_shape shapes[] = {TG_SHAPE(300, 25), TG_SHAPE(1001, 7), TG_SHAPE(50, 200), TG_SHAPE(1, 6)};
    for (int i = 0; i < 4; i++) {
        const tg_tensor x = tg_neg(normal(tape, shapes[i]));
        const tg_tensor centred = tg_sub(x, tg_mean_axes(x, TG_AXES(1), true));
        const tg_tensor variance = tg_mean_axes(tg_square(centred), TG_AXES(1), true);
        const tg_tensor y = tg_div(centred, tg_sqrt(tg_add(variance, tg_num(1e-5))));
        expect_planned(tape, 2, (tg_tensor[]){y, i < 3 ? tg_sum_axes(y, TG_AXES(0), false) : variance},
                       ": 1 step\n");
    }
}
Test(plan_fusion, rows_are_read_again_with_what_they_were_reduced_to) { on_both_dtypes(normalize); }

/* A reduction of what lies in memory begins a chain; the axes of its result may be left out, and come back in
 * a view. */
static void reduce_first(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(90, 30)), most = tg_max_axes(x, TG_AXES(1), false);
    const tg_tensor e = tg_exp(tg_sub(x, tg_reshape(most, TG_SHAPE(90, 1))));
    const tg_tensor sum = tg_sum_axes(e, TG_AXES(1), false);
    const tg_tensor y = tg_add(tg_log(sum), most);
    expect_planned(tape, 2, (tg_tensor[]){y, tg_div(e, tg_unsqueeze(sum, 1))}, ": 1 step\n");
}
Test(plan_fusion, a_reduction_of_what_is_in_memory_begins_a_chain) { on_both_dtypes(reduce_first); }

/* Each layout that does not follow the rows has to wait for the next step. */
static void keep_apart(tg_tape *tape) {
    const tg_tensor x = tg_neg(normal(tape, TG_SHAPE(30, 30))), row = tg_sum_axes(x, TG_AXES(1), false);
    const tg_tensor across = tg_mul(x, row), middle = tg_reshape(x, TG_SHAPE(10, 3, 30));
    expect_planned(tape, 2, (tg_tensor[]){across, tg_sum_axes(middle, TG_AXES(1), false)}, ": 3 steps\n");
    const tg_tensor e = tg_neg(normal(tape, TG_SHAPE(2, 3000))), mean = tg_mean_axes(e, TG_AXES(1), true);
    expect_planned(tape, 1, (tg_tensor[]){tg_sub(e, mean)}, ": 2 steps\n");
}
Test(plan_fusion, what_does_not_follow_the_rows_is_a_step_of_its_own) { on_both_dtypes(keep_apart); }

/* The rows' results update a leaf within the chain, but not one that later rows still read. */
static void change_rows(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(600, 8)), b = tg_zeros(tape, TG_SHAPE(600, 1));
    const tg_tensor sum = tg_sum_axes(tg_square(x), TG_AXES(1), true);
    const tg_tensor changed = tg_assign(b, tg_mul(sum, tg_num(2)));
    expect_planned(tape, 2, (tg_tensor[]){changed, tg_mul(sum, sum)}, ": 1 step\n");
    const tg_tensor c = tg_zeros(tape, TG_SHAPE(600, 1)), y = tg_add(x, c);
    const tg_tensor first = tg_max_axes(y, TG_AXES(1), true);
    expect_planned(tape, 1, (tg_tensor[]){tg_assign(c, tg_sub(first, first))}, ": 2 steps\n");
}
Test(plan_fusion, leaves_are_changed_row_by_row_where_nothing_is_read_too_late) {
    on_both_dtypes(change_rows);
}

/* Runs of arithmetic: results that others read, both operands the same, updates in between, and the end of a
 * run by something else. */
static void run_arithmetic(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(3, 700)), w = tg_zeros(tape, TG_SHAPE(3, 700));
    const tg_tensor a = tg_add(tg_mul(x, x), tg_num(2)), b = tg_sqrt(a), c = tg_div(tg_num(1), b);
    const tg_tensor d = tg_sub(a, tg_relu(tg_neg(tg_mul(c, x)))), e = tg_mul(d, d),
                    f = tg_square(tg_sub(c, e));
    const tg_tensor updated = tg_assign(w, tg_sub(f, tg_mul(a, tg_num(0.1))));
    const tg_tensor g = tg_mul(tg_tanh(updated), b);
    const tg_tensor outputs[5] = {b, updated, tg_add(g, tg_neg(g)), tg_mean(tg_div(g, e)), tg_sub(g, w)};
    expect_planned(tape, 5, outputs, ": 1 step\n");
}
Test(plan_fusion, arithmetic_runs_in_registers_with_the_bits_of_the_kernels) {
    on_both_dtypes(run_arithmetic);
}

/* A bias for each row, one for each column, numbers, a slice and a reversed row, all in one run; with what
 * reads them other than by steps, rows that are reduced, and two lengths of lines at once. */
static void read_lines(tg_tape *tape) {
    const int64_t lengths[] = {63, 127, 128, 129, 400, 513, 700, 5000};
    for (int i = 0; i < 8; i++) {
        const int64_t n = lengths[i];
        const tg_tensor x = normal(tape, TG_SHAPE(6, n)), wide = normal(tape, TG_SHAPE(6, n + 9));
        const tg_tensor row = normal(tape, TG_SHAPE(6, 1)), column = normal(tape, TG_SHAPE(n));
        const tg_tensor part = tg_slice(wide, 1, 4, n + 4, 1), back = tg_slice(column, 0, TG_END, TG_END, -1);
        const tg_tensor number = normal(tape, TG_SHAPE(1));
        const tg_tensor y = tg_sub(tg_mul(tg_add(x, row), column), tg_mul(number, tg_div(part, back)));
        const tg_tensor z = tg_mul(tg_square(y), tg_sub(tg_num(1), tg_mul(y, tg_maximum(x, row))));
        expect_planned(tape, 3, (tg_tensor[]){y, z, tg_sum_axes(z, TG_AXES(0), false)}, ": 1 step\n");
        expect_planned(tape, 2, (tg_tensor[]){tg_mul(tg_neg(y), tg_sub(z, row)), tg_sum(tg_sub(y, z))}, "");
        const tg_tensor rows = tg_reshape(x, TG_SHAPE(2, 3 * n)), flat = tg_reshape(x, TG_SHAPE(6 * n));
        const tg_tensor longer = tg_reshape(tg_add(rows, normal(tape, TG_SHAPE(2, 1))), TG_SHAPE(6, n));
        expect_planned(tape, 2, (tg_tensor[]){tg_mul(longer, column), tg_exp(tg_mul(flat, number))}, "");
    }
}
Test(plan_fusion, numbers_and_lines_are_read_where_they_lie) { on_both_dtypes(read_lines); }

/* What repeats after a row, after several, and after all; with threads that begin anywhere, reductions beside
 * it, and products whose panels are rows. */
static void repeat(tg_tape *tape) {
    const tg_shape shapes[] = {TG_SHAPE(25, 4, 30), TG_SHAPE(300, 2, 64), TG_SHAPE(9, 40, 50),
                               TG_SHAPE(70, 3, 1)};
    for (int i = 0; i < 4; i++) {
        const int64_t rows = shapes[i].dim[1], columns = shapes[i].dim[2];
        const tg_tensor x = normal(tape, shapes[i]), all = normal(tape, TG_SHAPE(rows, columns));
        const tg_tensor row = normal(tape, TG_SHAPE(columns)), column = normal(tape, TG_SHAPE(rows, 1));
        const tg_tensor y = tg_relu(tg_mul(tg_add(tg_add(x, all), row), tg_exp(tg_sub(column, all))));
        expect_planned(tape, 1, &y, "");
        expect_planned(tape, 2, (tg_tensor[]){y, tg_sum(y)}, "");
        expect_planned(
            tape, 2, (tg_tensor[]){tg_sum_axes(y, TG_AXES(0), false), tg_sum_axes(y, TG_AXES(-1), true)}, "");
        const tg_tensor product = tg_matmul(x, normal(tape, TG_SHAPE(columns, 90)));
        const tg_tensor bias = normal(tape, TG_SHAPE(rows, 90)), last = normal(tape, TG_SHAPE(90));
        expect_planned(tape, 2, (tg_tensor[]){tg_add(product, bias), tg_tanh(tg_mul(product, last))}, "");
    }
}
Test(plan_fusion, what_repeats_is_gathered_once) { on_both_dtypes(repeat); }

/* More results at once than there are registers, and operands that are both the accumulator. */
static void fill_registers(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(5, 201)), y = normal(tape, TG_SHAPE(5, 201));
    tg_tensor v[3] = {tg_mul(x, y)}, sum = tg_num(0);
    for (int i = 1; i < 3; i++) v[i] = tg_mul(v[i - 1], tg_sub(v[i - 1], y));
    for (int i = 0; i < 3; i++) sum = tg_add(tg_mul(sum, v[i]), tg_mul(v[i], v[i]));
    tg_tensor later = tg_div(v[2], sum);
    later = tg_add(tg_sub(later, later), tg_tanh(v[1]));
    expect_planned(tape, 3, (tg_tensor[]){sum, later, tg_sum(tg_mul(v[0], later))}, ": 1 step\n");
}
Test(plan_fusion, what_the_registers_cannot_hold_is_in_memory) { on_both_dtypes(fill_registers); }

/* Each product is large enough for several panels: with operands repeated along rows, columns and everywhere,
 * with functions, with a product that is kept, and in batches. */
static void follow_products(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(700, 60)), w = normal(tape, TG_SHAPE(60, 90));
    const tg_tensor row = normal(tape, TG_SHAPE(90)), column = normal(tape, TG_SHAPE(700, 1));
    const tg_tensor z = tg_matmul(x, w), a = tg_tanh(tg_add(tg_mul(z, column), row));
    expect_planned(tape, 1, (tg_tensor[]){a}, ": 1 step\n");
    expect_planned(tape, 3, (tg_tensor[]){z, a, tg_mul(tg_sub(tg_num(1), tg_square(a)), z)}, ": 1 step\n");
    const tg_tensor turned = tg_transpose(normal(tape, TG_SHAPE(90, 700)));
    expect_planned(tape, 1, (tg_tensor[]){tg_mul(tg_relu(z), turned)}, ": 1 step\n");
    const tg_tensor many = tg_matmul(normal(tape, TG_SHAPE(50, 40, 30)), normal(tape, TG_SHAPE(50, 30, 40)));
    expect_planned(tape, 1, (tg_tensor[]){tg_sigmoid(tg_add(many, normal(tape, TG_SHAPE(40))))},
                   ": 1 step\n");
}
Test(plan_fusion, elementwise_operations_follow_a_product_panel_by_panel) { on_both_dtypes(follow_products); }

/* The operand of a product is as large as its result and read for the last time: its memory has to wait. The
 * updated weights are the operand of an earlier product. */
static void follow_and_update(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(256, 256)), w = tg_zeros(tape, TG_SHAPE(256, 256));
    const tg_tensor y = tg_tanh(tg_matmul(tg_tanh(tg_matmul(tg_neg(x), x)), x));
    expect_planned(tape, 1, (tg_tensor[]){y}, ": 3 steps\n");
    const tg_tensor e = tg_sigmoid(x), beside = tg_add(e, tg_matmul(x, e));
    expect_planned(tape, 1, (tg_tensor[]){tg_tanh(tg_matmul(beside, x))}, ": 3 steps\n");
    const tg_tensor z = tg_matmul(x, w), dw = tg_matmul(y, x);
    expect_planned(tape, 2, (tg_tensor[]){z, tg_assign(w, tg_mul(dw, tg_num(0.1)))}, ": 5 steps\n");
}
Test(plan_fusion, products_keep_their_operands_until_all_panels_are_made) {
    on_both_dtypes(follow_and_update);
}

/* A reduction of what follows, a product that is read turned, and leaves that the product itself reads. */
static void part_from_products(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(256, 256)), w = tg_zeros(tape, TG_SHAPE(256, 256));
    const tg_tensor z = tg_matmul(x, x), a = tg_tanh(z);
    expect_planned(tape, 2, (tg_tensor[]){a, tg_sum_axes(a, TG_AXES(0), false)}, ": 2 steps\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_sub(tg_transpose(z), x)}, ": 2 steps\n");
    const tg_tensor few = tg_matmul(normal(tape, TG_SHAPE(64, 9)), normal(tape, TG_SHAPE(9, 40)));
    expect_planned(tape, 1, (tg_tensor[]){tg_relu(few)}, ": 2 steps\n");
    const tg_tensor changed = tg_assign(w, tg_tanh(tg_matmul(x, w)));
    expect_planned(tape, 1, (tg_tensor[]){changed}, ": 2 steps\n");
}
Test(plan_fusion, products_and_what_cannot_follow_them_are_steps_apart) {
    on_both_dtypes(part_from_products);
}
