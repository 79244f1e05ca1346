/* test_nan_check.c: the first operation that gives a NaN or an infinity is found and told.
 *
 * Owns: the promises of tg_tape_set_nan_check. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) {
    tape = tg_tape_new(TG_F64);
    tg_tape_set_nan_check(tape, true);
}
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(nan_check, .init = open_tape, .fini = close_tape);

Test(nan_check, names_place_value_element_and_operands) {
    const tg_tensor x = tg_set_name(tg_ones(tape, TG_SHAPE(2, 3)), "x");
    const tg_tensor y = tg_from_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){1, 2, 3, 4, 0, 0}));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_not(tg_is_valid(tg_div_at("model.c:5", x, y)));
    EXPECT_ERROR(tape, TG_ERR_NAN, "model.c:5: div: ", "inf at [1, 1]", "'x' [2, 3]", "leaf [2, 3]");
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes, "what failed is not on the tape");
    const tg_tensor negative = tg_sub(tg_zeros(tape, TG_SHAPE(2)), tg_num(1));
    cr_expect_not(tg_is_valid(tg_sqrt_at("model.c:6", negative)));
    EXPECT_ERROR(tape, TG_ERR_NAN, "model.c:6: sqrt: ", "nan at [0]", "sub [2]");
}

Test(nan_check, looks_at_scalars_too) {
    cr_expect_not(tg_is_valid(tg_log_at("model.c:7", tg_scalar(tape, 0))));
    EXPECT_ERROR(tape, TG_ERR_NAN, "model.c:7: log: ", "-inf at []", "leaf []");
}

Test(nan_check, looks_at_sums_and_products_and_names_two_operands_of_many) {
    const tg_tensor large = tg_full(tape, TG_SHAPE(4, 4), 1e308), parts[] = {large, large, large};
    cr_expect_not(tg_is_valid(tg_sum(large)));
    EXPECT_ERROR(tape, TG_ERR_NAN, "sum: ", "inf");
    cr_expect_not(tg_is_valid(tg_matmul(large, large)));
    EXPECT_ERROR(tape, TG_ERR_NAN, "matmul: ", "inf at [0, 0]", "[4, 4]");
    cr_expect_not(tg_is_valid(tg_accumulate(3, parts)));
    EXPECT_ERROR(tape, TG_ERR_NAN, "accumulate: ", ", ...");
}

Test(nan_check, blames_the_operation_and_not_the_data) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2), 2, ((double[]){NAN, INFINITY}));
    EXPECT_NO_ERROR(tape);
    cr_expect(tg_is_valid(tg_reshape(x, TG_SHAPE(2, 1))), "a view makes nothing");
    cr_expect(tg_is_valid(tg_detach(x)));
    cr_expect(tg_is_valid(tg_equal(x, x)), "a mask is finite");
    EXPECT_NO_ERROR(tape);
    cr_expect_not(tg_is_valid(tg_add_at("model.c:8", x, tg_num(1))));
    EXPECT_ERROR(tape, TG_ERR_NAN, "model.c:8: add: ", "nan at [0]");
}

Test(nan_check, looks_into_backward) {
    const tg_tensor p = tg_param_scalar(tape, 0), y = tg_sqrt_at("model.c:9", p);
    EXPECT_NO_ERROR(tape);
    cr_expect_eq(tg_backward(y), TG_ERR_NAN);
    EXPECT_ERROR(tape, TG_ERR_NAN, "model.c:9", "inf", "(in the backward of sqrt)");
    cr_expect_eq(tg_item(tg_grad(p)), 0);
}

Test(nan_check, works_in_f32_and_on_nothing) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    tg_tape_set_nan_check(f32, true);
    cr_expect(tg_is_valid(tg_exp(tg_zeros(f32, TG_SHAPE(0, 3)))));
    cr_expect(tg_is_valid(tg_exp(tg_full(f32, TG_SHAPE(3), 80))));
    cr_expect_not(tg_is_valid(tg_exp(tg_full(f32, TG_SHAPE(3), 90))));
    EXPECT_ERROR(f32, TG_ERR_NAN, "exp: ", "inf at [0]");
    tg_tape_free(f32);
}

Test(nan_check, is_off_at_first_and_can_be_turned_off) {
    tg_tape *plain = tg_tape_new(TG_F64);
    cr_expect(isinf(tg_item(tg_exp(tg_scalar(plain, 1000)))));
    EXPECT_NO_ERROR(plain);
    tg_tape_free(plain);
    tg_tape_set_nan_check(tape, false);
    cr_expect(isinf(tg_item(tg_exp(tg_scalar(tape, 1000)))));
    EXPECT_NO_ERROR(tape);
}
