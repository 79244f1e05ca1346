/* test_indexing.c: repeated indices, other dtypes, and indices that are out of range. */
#include "tests/ops/expectations.h"

static tg_tape *tape;
static void set_up(void) { tape = tg_tape_new(TG_F64); }
static void tear_down(void) { tg_tape_free(tape); }
TestSuite(indexing, .init = set_up, .fini = tear_down);

static tg_tensor matrix(void) { return tg_param_f64(tape, TG_SHAPE(2, 3), NUMBERS(0, 1, 2, 10, 11, 12)); }

Test(indexing, take_along_picks_from_each_line) {
    const tg_tensor index = tg_from_i64(tape, TG_SHAPE(2, 2), INTEGERS(2, 0, 1, 1));
    expect_values(tg_take_along(matrix(), index, 1), NUMBERS(2, 0, 11, 11));
    expect_values(tg_take_along(matrix(), index, -1), NUMBERS(2, 0, 11, 11));
    expect_values(tg_take_along(matrix(), tg_from_i64(tape, TG_SHAPE(1, 3), INTEGERS(1, 0, 1)), 0),
                  NUMBERS(10, 1, 12));
}

Test(indexing, an_element_taken_twice_has_twice_the_gradient) {
    const tg_tensor x = matrix(), index = tg_from_i64(tape, TG_SHAPE(2, 2), INTEGERS(2, 0, 1, 1));
    expect_values(derivative(tg_take_along(x, index, 1), x), NUMBERS(1, 0, 1, 0, 2, 0));
}

Test(indexing, put_along_adds_where_indices_repeat) {
    const tg_tensor x = matrix(), index = tg_from_i64(tape, TG_SHAPE(2, 3), INTEGERS(0, 0, 3, 1, 2, 1));
    const tg_tensor y = tg_put_along(x, index, 1, 4);
    cr_expect(tg_shape_equal(tg_shape_of(y), TG_SHAPE(2, 4)));
    expect_values(y, NUMBERS(1, 0, 0, 2, 0, 22, 11, 0));
    expect_values(derivative(tg_square(y), x), NUMBERS(2, 2, 4, 44, 22, 44));
}

Test(indexing, integers_and_masks_can_be_taken_from) {
    const tg_tensor index = tg_from_i64(tape, TG_SHAPE(2), INTEGERS(2, 0));
    const tg_tensor i = tg_take_along(tg_from_i64(tape, TG_SHAPE(3), INTEGERS(5, 6, 7)), index, 0);
    const tg_tensor b = tg_take_along(tg_from_bool(tape, TG_SHAPE(3), BOOLEANS(1, 1, 0)), index, 0);
    cr_expect(tg_dtype_of(i) == TG_I64 && tg_dtype_of(b) == TG_BOOL);
    expect_values(i, NUMBERS(7, 5));
    expect_values(b, NUMBERS(0, 1));
}

Test(indexing, an_index_out_of_range_is_named_with_its_place) {
    const tg_tensor wide = tg_from_i64(tape, TG_SHAPE(2, 2), INTEGERS(0, 1, 7, 0));
    const tg_tensor negative = tg_from_i64(tape, TG_SHAPE(2, 1), INTEGERS(0, -1));
    const tg_tensor both = tg_from_i64(tape, TG_SHAPE(2, 3), INTEGERS(0, 1, 2, 0, 4, 1));
    expect_error(tg_take_along(matrix(), wide, 1), tape, TG_ERR_VALUE,
                 "take_along: index 7 at [1, 0] is out of range 0..2 (axis 1 has 3 elements)");
    expect_error(tg_take_along(matrix(), negative, -1), tape, TG_ERR_VALUE,
                 "take_along: index -1 at [1, 0] is out of range 0..2 (axis 1 has 3 elements)");
    expect_error(tg_put_along(matrix(), both, 1, 4), tape, TG_ERR_VALUE,
                 "put_along: index 4 at [1, 1] is out of range 0..3 (axis 1 has 4 elements)");
}

Test(indexing, nothing_can_be_taken_from_an_axis_without_elements) {
    const tg_tensor empty = tg_param_zeros(tape, TG_SHAPE(2, 0));
    const tg_tensor index = tg_from_i64(tape, TG_SHAPE(2, 1), INTEGERS(0, 0));
    const tg_tensor none = tg_from_i64(tape, TG_SHAPE(2, 0), 0, NULL);
    expect_error(tg_take_along(empty, index, 1), tape, TG_ERR_VALUE,
                 "take_along: index 0 at [0, 0] is out of range (axis 1 has 0 elements)");
    cr_expect(tg_size(tg_take_along(empty, none, 1)) == 0);
    expect_values(tg_put_along(empty, none, 1, 2), NUMBERS(0, 0, 0, 0));
    cr_expect(tg_size(tg_put_along(empty, none, 1, 0)) == 0);
}

Test(indexing, shapes_axes_and_dtypes_that_do_not_fit_are_named) {
    const tg_tensor x = matrix(), index = tg_from_i64(tape, TG_SHAPE(3, 1), INTEGERS(0, 0, 0));
    expect_error(
        tg_take_along(x, index, 1), tape, TG_ERR_SHAPE,
        "take_along: the index is [3, 1] and the input [2, 3]: all dimensions but that of axis 1 must "
        "be equal");
    expect_error(tg_put_along(x, index, 1, 3), tape, TG_ERR_SHAPE,
                 "put_along: the index is [3, 1] and the values are [2, 3]: they must have one shape");
    expect_error(tg_take_along(x, index, 2), tape, TG_ERR_SHAPE,
                 "take_along: axis 2 is out of range for rank 2, shape [2, 3]");
    expect_error(tg_take_along(x, x, 1), tape, TG_ERR_DTYPE, "take_along: input 1 is f64 and must be i64");
    expect_error(tg_take_along(tg_param_scalar(tape, 1), tg_from_i64(tape, TG_SCALAR, INTEGERS(0)), 0), tape,
                 TG_ERR_SHAPE, "take_along: axis 0 is out of range for rank 0");
    expect_error(tg_put_along(x, tg_from_i64(tape, TG_SHAPE(2, 3), INTEGERS(0, 0, 0, 0, 0, 0)), 1, -1), tape,
                 TG_ERR_VALUE, "put_along: the size of axis 1 is -1");
}

Test(indexing, an_absurd_size_is_an_error) {
    const tg_tensor index = tg_from_i64(tape, TG_SHAPE(2, 3), INTEGERS(0, 0, 0, 0, 0, 0));
    const tg_tensor y = tg_put_along(matrix(), index, 1, INT64_MAX);
    cr_expect(!tg_is_valid(y) && tg_tape_error(tape));
}
