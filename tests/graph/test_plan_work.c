/* test_plan_work.c: what a plan says of its work, and how it says it.
 *
 * Owns: floating-point operations and bytes, step by step, as tg_plan_print shows them; the columns of its
 * table. */
#include "expect_error.h"
#include "graph/plan_parts.h"
#include "tapegrad.h"

#include <stdio.h>

static char text[4000];

static void print(const tg_plan *plan) {
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_expect_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
}

static void expect_work(tg_tensor output, double flops, double bytes) {
    tg_plan *plan = tg_plan_new(output.tape, 1, &output);
    cr_assert(plan, "%s", tg_tape_error(output.tape));
    print(plan);
    cr_expect_eq(plan->work.flops, flops, "%g flops, not %g\n%s", plan->work.flops, flops, text);
    cr_expect_eq(plan->work.bytes, bytes, "%g bytes, not %g\n%s", plan->work.bytes, bytes, text);
    tg_plan_free(plan);
}

Test(plan_work, a_product_multiplies_and_adds_for_each_element_of_a_row) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor a = tg_ones(tape, TG_SHAPE(3, 5)), b = tg_ones(tape, TG_SHAPE(5, 7)),
                    batch = tg_ones(tape, TG_SHAPE(4, 3, 5));
    expect_work(tg_matmul(a, b), 2 * 3 * 5 * 7, 4 * (3 * 5 + 5 * 7 + 3 * 7));
    expect_work(tg_matmul(tg_transpose(b), tg_transpose(a)), 2 * 3 * 5 * 7, 4 * (3 * 5 + 5 * 7 + 3 * 7));
    expect_work(tg_matmul(batch, b), 4 * 2 * 3 * 5 * 7, 4 * (4 * 3 * 5 + 5 * 7 + 4 * 3 * 7));
    tg_tape_free(tape);
}

/* x is read by three operations, and what is computed stays where it is needed next. */
Test(plan_work, a_fused_step_reads_each_operand_once_and_writes_what_others_read) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_ones(tape, TG_SHAPE(100, 10)), row = tg_ones(tape, TG_SHAPE(10));
    const tg_tensor y = tg_add(tg_mul(x, x), tg_mul(x, row));
    expect_work(y, 3 * 1000, 8 * (1000 + 10 + 1000));
    expect_work(tg_sum(y), 4 * 1000, 8 * (1000 + 10 + 1));
    expect_work(tg_exp(tg_expand(row, TG_SHAPE(100, 10))), 20 * 1000, 8 * (10 + 1000));
    expect_work(tg_assign(x, tg_neg(y)), 4 * 1000, 8 * (1000 + 10 + 1000));
    tg_tape_free(tape);
}

Test(plan_work, moving_elements_costs_bytes_only) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = tg_ones(tape, TG_SHAPE(6, 4)), two[2] = {x, x};
    expect_work(tg_concat(2, two, 0), 0, 4 * (24 + 48));
    expect_work(tg_reshape(tg_transpose(x), TG_SHAPE(24)), 0, 4 * (24 + 24));
    tg_tape_free(tape);
}

/* An operation of a program's own that says what it costs. */
TG_MAP_KERNELS_1(cube, x *x *x)
static double cube_flops(const tg_call *c) { return 2 * (double)tg_array_size(&c->in[0]); }
static const struct tg_op cube_op = {.name = "cube",
                                     .kind = TG_MAP,
                                     .n_inputs = 1,
                                     .map_f32 = cube_f32,
                                     .map_f64 = cube_f64,
                                     .flops = cube_flops,
                                     .backward = TG_NOT_DIFFERENTIABLE};

Test(plan_work, an_operation_may_say_what_it_costs) {
    tg_tape *tape = tg_tape_new(TG_F64);
    expect_work(tg_apply_1(TG_HERE, &cube_op, tg_ones(tape, TG_SHAPE(50)), NULL), 100, 8 * 100);
    tg_tape_free(tape);
}

Test(plan_work, quantities_have_three_digits) {
    static const struct {
        double x;
        const char *text;
    } cases[] = {{0, "0"},           {7, "7"},          {999, "999"},        {999.6, "1.00 k"},
                 {1000, "1.00 k"},   {12345, "12.3 k"}, {123456, "123 k"},   {999499, "999 k"},
                 {999999, "1.00 M"}, {2.5e9, "2.50 G"}, {3.25e18, "3.25 E"}, {0.123456, "0.123"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[TG_QUANTITY_TEXT];
        cr_expect_str_eq(tg_quantity(cases[i].x, out), cases[i].text);
    }
}

Test(plan_work, the_columns_of_the_table_are_aligned) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_ones(tape, TG_SHAPE(4, 3)), y = tg_matmul_at("a.c:1", x, tg_transpose(x));
    const tg_tensor z = tg_exp_at("a_longer_name.c:1234", tg_sum_axes_at("b.c:20", y, TG_AXES(0), false));
    tg_plan *plan = tg_plan_new(tape, 1, &z);
    print(plan);
    const char *heading = strchr(text, '\n') + 1, *line = strstr(heading, "line");
    const long column = line - heading;
    for (const char *row = strchr(heading, '\n') + 1; strncmp(row, "  all", 5) != 0;
         row = strchr(row, '\n') + 1)
        cr_expect(row[column - 1] == ' ' && (row[column] == 'a' || row[column] == 'b'), "%s", text);
    cr_expect(strstr(text, "a_longer_name.c:1234  exp"), "%s", text);
    tg_plan_free(plan);
    tg_tape_free(tape);
}
