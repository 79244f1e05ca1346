/* test_adjoint.c: the operations that differentiation itself needs: accumulate, sum_to, broadcast_to, detach.
 *
 * Owns: their values, errors and derivatives; and that sum_to and broadcast_to are adjoint to each other. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(adjoint, .init = open_tape, .fini = close_tape);

static const double six[] = {1, 2, 3, 4, 5, 6};

/* --- accumulate ----------------------------------------------------------------------------------------- */

Test(adjoint, accumulate_sums_any_number_of_tensors) {
    enum { MOST = 130 };
    static const int counts[] = {1, 2, 3, 8, 9, 16, 17, 63, 64, 65, MOST};
    tg_tensor x[MOST];
    double sum = 0;
    int made = 0;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        for (; made < counts[k]; made++) {
            x[made] = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){made, 1}));
            sum += made;
        }
        const tg_tensor y = tg_accumulate(made, x);
        cr_expect_eq(tg_value(y, TG_SHAPE(0)), sum, "%d tensors", made);
        cr_expect_eq(tg_value(y, TG_SHAPE(1)), made);
    }
    cr_expect_eq(tg_backward(tg_sum(tg_square(tg_accumulate(MOST, x)))), TG_OK);
    for (int i = 0; i < MOST; i++) cr_expect_eq(tg_value(tg_grad(x[i]), TG_SHAPE(1)), 2 * MOST);
    EXPECT_NO_ERROR(tape);
}

Test(adjoint, accumulate_broadcasts_and_takes_numbers) {
    const tg_tensor x[] = {tg_num(10), tg_param_f64(tape, TG_SHAPE(3), 3, six),
                           tg_param_f64(tape, TG_SHAPE(2, 1), 2, six)};
    const tg_tensor y = tg_accumulate(3, x);
    cr_expect(tg_shape_equal(tg_shape_of(y), TG_SHAPE(2, 3)));
    cr_expect_eq(tg_value(y, TG_SHAPE(1, 2)), 10 + 3 + 2);
    cr_expect_eq(tg_backward(tg_sum(y)), TG_OK);
    cr_expect_eq(tg_value(tg_grad(x[1]), TG_SHAPE(0)), 2);
    cr_expect_eq(tg_value(tg_grad(x[2]), TG_SHAPE(0, 0)), 3);
}

Test(adjoint, accumulate_refuses_what_does_not_fit) {
    tg_tensor x[20];
    for (int i = 0; i < 20; i++) x[i] = tg_zeros(tape, TG_SHAPE(i == 13 ? 3 : 2));
    cr_expect_not(tg_is_valid(tg_accumulate_at("main.c:1", 20, x)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:1: accumulate: ", "[2]", "[3]");
    x[13] = (tg_tensor){0};
    cr_expect_not(tg_is_valid(tg_accumulate(20, x)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "accumulate", "zeroed");
    cr_expect_not(tg_is_valid(tg_accumulate(0, x)), "no tensors, no tape");
    for (int i = 0; i < 20; i++) x[i] = tg_num(i);
    cr_expect_not(tg_is_valid(tg_accumulate(20, x)), "numbers alone");
    EXPECT_NO_ERROR(tape);
}

/* --- sum_to and broadcast_to ---------------------------------------------------------------------------- */

Test(adjoint, broadcast_to_is_a_view_and_sum_to_its_adjoint) {
    const tg_shape small[] = {TG_SCALAR,         TG_SHAPE(3),       TG_SHAPE(1),   TG_SHAPE(2, 1, 3),
                              TG_SHAPE(2, 4, 3), TG_SHAPE(1, 1, 1), TG_SHAPE(4, 1)};
    const tg_shape large = TG_SHAPE(2, 4, 3);
    const tg_tensor g = tg_param_normal(tape, large, tg_key_new(1), 1);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        const tg_tensor x = tg_param_normal(tape, small[i], tg_key_new(2), 1);
        const tg_tensor up = tg_broadcast_to(x, large), down = tg_sum_to(g, small[i]);
        cr_expect(tg_shape_equal(tg_shape_of(up), large));
        cr_expect(tg_shape_equal(tg_shape_of(down), small[i]));
        cr_expect_eq(tg_array_of(up).data, tg_array_of(x).data, "a view");
        const double left = tg_item(tg_sum(tg_mul(up, g))), right = tg_item(tg_sum(tg_mul(x, down)));
        cr_expect_float_eq(left, right, 1e-12, "<B x, g> = <x, S g>: %g, %g", left, right);
        cr_expect_eq(tg_backward(tg_add(tg_sum(tg_mul(up, g)), tg_sum(tg_mul(x, down)))), TG_OK);
        const double by_x = tg_item(tg_sum(tg_mul(tg_grad(x), x)));
        cr_expect_float_eq(by_x, 2 * left, 1e-12, "both derivatives: %g, %g", by_x, 2 * left);
    }
    EXPECT_NO_ERROR(tape);
}

Test(adjoint, shapes_that_are_equal_already_cost_nothing) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_eq(tg_sum_to(x, TG_SHAPE(2, 3)).node, x.node);
    cr_expect_eq(tg_broadcast_to(x, TG_SHAPE(2, 3)).node, x.node);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
}

Test(adjoint, sum_to_sums_over_nothing_to_zero) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(0, 3));
    cr_expect_eq(tg_value(tg_sum_to(x, TG_SHAPE(3)), TG_SHAPE(2)), 0);
    cr_expect_eq(tg_value(tg_sum_to(x, TG_SHAPE(1, 3)), TG_SHAPE(0, 2)), 0);
    cr_expect_eq(tg_size(tg_broadcast_to(tg_zeros(tape, TG_SHAPE(1, 3)), TG_SHAPE(0, 3))), 0);
    EXPECT_NO_ERROR(tape);
}

Test(adjoint, shapes_that_do_not_broadcast_are_refused) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    const tg_shape wrong[] = {TG_SHAPE(2),     TG_SHAPE(3, 2), TG_SHAPE(2, 2, 3),
                              TG_SHAPE(2, -3), {.rank = 9},    {.rank = -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[TG_SHAPE_TEXT];
        tg_shape_format(wrong[i], sizeof text, text);
        cr_expect_not(tg_is_valid(tg_sum_to_at("main.c:2", x, wrong[i])), "%s", text);
        EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:2: sum_to: ", "[2, 3]", text);
        if (i == 2) continue; /* to which x does broadcast */
        cr_expect_not(tg_is_valid(tg_broadcast_to_at("main.c:3", x, wrong[i])), "%s", text);
        EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:3: broadcast_to: ", "[2, 3]", text);
    }
    cr_expect_not(tg_is_valid(tg_broadcast_to(tg_zeros(tape, TG_SHAPE(1)), TG_SHAPE(-1))));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "broadcast_to", "[-1]");
    cr_expect_not(tg_is_valid(tg_broadcast_to(tg_scalar(tape, 1), TG_SHAPE(1LL << 40, 1LL << 40))));
    EXPECT_ERROR(tape, TG_ERR_MEMORY, "broadcast_to");
    cr_expect_not(tg_is_valid(tg_sum_to(tg_from_i64(tape, TG_SHAPE(2), 2, (int64_t[]){1, 2}), TG_SCALAR)));
    EXPECT_ERROR(tape, TG_ERR_DTYPE, "sum_to", "i64");
}

Test(adjoint, a_huge_view_of_one_number_needs_no_memory) {
    const tg_tensor wide = tg_broadcast_to(tg_scalar(tape, 2), TG_SHAPE(1LL << 40));
    cr_expect_eq(tg_size(wide), 1LL << 40);
    cr_expect_eq(tg_value(wide, TG_SHAPE(-1)), 2);
    EXPECT_NO_ERROR(tape);
    cr_expect_not(tg_is_valid(tg_neg(tg_broadcast_to(wide, TG_SHAPE(1 << 10, 1LL << 40)))));
    EXPECT_ERROR(tape, TG_ERR_MEMORY, "neg");
}

/* --- detach --------------------------------------------------------------------------------------------- */

Test(adjoint, detach_shows_the_same_values_as_a_constant) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2, 3), 6, six), turned = tg_transpose(p);
    const tg_tensor d = tg_detach_at("main.c:4", turned);
    cr_expect_not(tg_requires_grad(d));
    cr_expect_eq(tg_array_of(d).data, tg_data(p));
    cr_expect_eq(tg_value(d, TG_SHAPE(2, 0)), 3);
    cr_expect_str_eq(tg_place(d), "main.c:4");
    tg_tensor dx;
    cr_expect_eq(tg_gradients(tg_sum(tg_mul(d, turned)), 1, &p, &dx), TG_OK);
    cr_expect_eq(tg_value(dx, TG_SHAPE(1, 2)), 6, "only the other way counts");
    cr_expect(tg_requires_grad(tg_square(p)), "gradients are on as before");
    cr_expect_eq(tg_item(tg_detach(tg_num(3))), 3);
    const tg_tensor labels = tg_detach(tg_from_i64(tape, TG_SHAPE(1), 1, (int64_t[]){7}));
    cr_expect_eq(tg_dtype_of(labels), TG_I64);
    cr_expect_eq(tg_item(labels), 7);
    EXPECT_NO_ERROR(tape);
}
