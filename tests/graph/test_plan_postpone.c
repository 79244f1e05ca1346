/* test_plan_postpone.c: cheap operations are computed where they are read, unless that keeps more in memory
 * or somebody else reads them. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROWS = 30, COLUMNS = 40 };

static tg_tensor normal(tg_tape *tape, uint64_t seed, tg_shape shape) {
    return tg_param_normal(tape, shape, tg_key_new(seed), 1);
}

/* The operations of each step are these: "a b\nc\n". */
static void expect_groups(tg_tape *tape, int n, const tg_tensor *outputs, const char *groups) {
    char text[4000] = "", found[1000] = "";
    tg_plan *plan = tg_plan_new(tape, n, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    FILE *stream = fmemopen(text, sizeof text, "w");
    cr_assert_eq(tg_plan_print(stream, plan), TG_OK);
    fclose(stream);
    const char *line = strchr(text, '\n') + 1; /* the first has the plan's place */
    while ((line = strstr(line, "test_plan_postpone.c:")) != NULL) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
        strncat(found, line, strcspn(line, "\n") + 1);
    }
    cr_expect_str_eq(found, groups);
    tg_plan_free(plan);
}

Test(plan_postpone, what_a_gradient_is_multiplied_by_waits_for_it) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = normal(tape, 1, TG_SHAPE(ROWS, COLUMNS)),
                    w = normal(tape, 2, TG_SHAPE(COLUMNS, ROWS));
    const tg_tensor y = tg_tanh(x), g = tg_matmul(tg_matmul(y, w), tg_transpose(w));
    const tg_tensor dx = tg_mul(g, tg_sub(tg_num(1), tg_square(y)));
    expect_groups(tape, 1, &dx, "tanh\nmatmul\nmatmul\nsquare sub mul\n");
    tg_tape_free(tape);
}

/* y (1 - y): two operands, of which one is made of the other. */
Test(plan_postpone, several_operations_on_one_value_wait_together) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = normal(tape, 1, TG_SHAPE(ROWS, ROWS)), y = tg_sigmoid(x), g = tg_matmul(y, x);
    const tg_tensor dx = tg_mul(g, tg_mul(y, tg_sub(tg_num(1), y)));
    expect_groups(tape, 1, &dx, "sigmoid\nmatmul\nsub mul mul\n");
    tg_tape_free(tape);
}

/* What would keep two arrays instead of one, an output, what a product or a reduction reads, and what reads a
 * leaf that is changed in between. */
Test(plan_postpone, other_operations_are_computed_as_soon_as_they_can_be) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = normal(tape, 1, TG_SHAPE(ROWS, ROWS)), z = normal(tape, 2, TG_SHAPE(ROWS, ROWS));
    const tg_tensor y = tg_tanh(x), e = tg_exp(z), g = tg_matmul(y, e);
    tg_tensor out[3] = {tg_mul(g, tg_add(y, e))};
    expect_groups(tape, 1, out, "tanh exp add\nmatmul\nmul\n");
    out[1] = tg_square(y);
    out[0] = tg_mul(g, out[1]);
    expect_groups(tape, 2, out, "tanh exp square\nmatmul\nmul\n");
    const tg_tensor s = tg_square(y);
    out[0] = tg_mul(g, s);
    out[1] = tg_matmul(s, s);
    expect_groups(tape, 2, out, "tanh exp square\nmatmul\nmul\nmatmul\n");
    const tg_tensor t = tg_square(x);
    out[1] = tg_assign(x, tg_tanh(z));
    out[0] = tg_mul(tg_matmul(y, z), t);
    expect_groups(tape, 2, out, "tanh square tanh assign\nmatmul\nmul\n");
    tg_tape_free(tape);
}

/* What waits is computed with those that read it, in every one of them, with the bits of the tape. */
Test(plan_postpone, bits_are_those_of_the_tape) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = normal(tape, 1, TG_SHAPE(ROWS, ROWS)), y = tg_sigmoid(x), g = tg_matmul(y, x);
    const tg_tensor factor = tg_sub(tg_num(1), tg_square(y)), h = tg_matmul(g, x);
    const tg_tensor out[2] = {tg_mul(g, factor), tg_mul(h, factor)};
    float expected[2][ROWS * ROWS];
    for (int k = 0; k < 2; k++) cr_assert_eq(tg_read(out[k], ROWS * ROWS, expected[k]), TG_OK);
    tg_plan *plan = tg_plan_new(tape, 2, out);
    cr_assert(plan);
    for (int k = 0; k < 2; k++) memset((void *)(uintptr_t)tg_data(out[k]), 0, sizeof expected[k]);
    cr_assert_eq(tg_plan_run(plan), TG_OK);
    for (int k = 0; k < 2; k++) cr_expect_eq(memcmp(tg_data(out[k]), expected[k], sizeof expected[k]), 0);
    tg_plan_free(plan);
    tg_tape_free(tape);
}
