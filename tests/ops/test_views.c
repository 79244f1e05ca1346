/* test_views.c: which views share memory, and edges of reshape, permute, expand, squeeze and unsqueeze. */
#include "tests/ops/tensor_expectations.h"

static const void *data(tg_tensor x) { return tg_array_of(x).data; }

/* How often a reshape copies is all that differs: values are those of the case table. */
static bool shares(tg_tensor view, tg_tensor x) { return tg_is_valid(view) && data(view) == data(x); }

Test(views, reshape_of_contiguous_memory_is_a_view) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3));
    cr_expect(shares(tg_reshape(x, TG_SHAPE(6)), x));
    cr_expect(shares(tg_reshape(x, TG_SHAPE(3, -1)), x));
    cr_expect(shares(tg_reshape(x, TG_SHAPE(1, 3, 1, 2, 1)), x));
    expect(tg_reshape(x, TG_SHAPE(3, -1)), TG_SHAPE(3, 2), 0, 1, 2, 3, 4, 5);
    tg_tape_free(tape);
}

Test(views, reshape_divides_strided_axes_without_a_copy) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(4, 6));
    const tg_tensor turned = tg_transpose(x);
    const tg_tensor divided = tg_reshape(turned, TG_SHAPE(3, 2, 1, 2, 2));
    cr_expect(shares(divided, x));
    cr_expect_eq(tg_value(divided, TG_SHAPE(2, 1, 0, 1, 0)), tg_value(turned, TG_SHAPE(5, 2)));
    const tg_tensor evens = tg_slice(x, 1, 0, TG_END, 2);
    expect(tg_reshape(evens, TG_SHAPE(12)), TG_SHAPE(12), 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22);
    cr_expect(shares(tg_reshape(evens, TG_SHAPE(12)), x));
    tg_tape_free(tape);
}

Test(views, reshape_copies_where_no_strides_can) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3));
    const tg_tensor flat = tg_reshape(tg_transpose(x), TG_SHAPE(6));
    cr_expect(!shares(flat, x));
    expect(flat, TG_SHAPE(6), 0, 3, 1, 4, 2, 5);
    expect(gradient_of(flat, x), TG_SHAPE(2, 3), 1, 3, 5, 2, 4, 6);
    const tg_tensor repeated = tg_reshape(tg_expand(tg_slice(x, 0, 1, 2, 1), TG_SHAPE(2, 3)), TG_SHAPE(-1));
    expect(repeated, TG_SHAPE(6), 3, 4, 5, 3, 4, 5);
    tg_tape_free(tape);
}

Test(views, reshape_works_on_every_dtype) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor i = tg_from_i64(tape, TG_SHAPE(2, 2), 4, (const int64_t[]){1, 2, 3, 4});
    const tg_tensor b = tg_from_bool(tape, TG_SHAPE(2, 2), 4, (const bool[]){1, 0, 0, 0});
    expect(tg_reshape(tg_transpose(i), TG_SHAPE(4)), TG_SHAPE(4), 1, 3, 2, 4);
    expect(tg_reshape(b, TG_SHAPE(1, 4)), TG_SHAPE(1, 4), 1, 0, 0, 0);
    expect(tg_expand(tg_slice(i, 0, -1, TG_END, 1), TG_SHAPE(2, 2)), TG_SHAPE(2, 2), 3, 4, 3, 4);
    cr_expect_eq(tg_dtype_of(tg_transpose(i)), TG_I64);
    cr_expect_eq(tg_dtype_of(tg_unsqueeze(b, 0)), TG_BOOL);
    cr_expect_eq(tg_dtype_of(tg_slice(b, 0, 0, 1, 1)), TG_BOOL);
    tg_tape_free(tape);
}

Test(views, reshape_knows_empty_shapes_and_scalars) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor none = tg_param_zeros(tape, TG_SHAPE(0, 3)), one = tg_param_scalar(tape, 4);
    expect_empty(tg_reshape(none, TG_SHAPE(5, 0, 2)), TG_SHAPE(5, 0, 2));
    expect_empty(tg_reshape(none, TG_SHAPE(-1, 3)), TG_SHAPE(0, 3));
    expect(tg_reshape(one, TG_SHAPE(1, -1, 1, 1, 1, 1, 1, 1)), TG_SHAPE(1, 1, 1, 1, 1, 1, 1, 1), 4);
    expect(tg_reshape(tg_reshape(one, TG_SHAPE(1, 1)), TG_SCALAR), TG_SCALAR, 4);
    tg_tape_free(tape);
}

Test(views, shapes_that_do_not_fit_are_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3)), none = tg_param_zeros(tape, TG_SHAPE(0));
    expect_error(tg_reshape(x, TG_SHAPE(4, 2)), TG_ERR_SHAPE,
                 "reshape: [2, 3] has 6 elements and does not fit into [4, 2]");
    expect_error(tg_reshape(x, TG_SHAPE(4, -1)), TG_ERR_SHAPE, "does not fit into [4, -1]");
    expect_error(tg_reshape(x, TG_SHAPE(-1, -1)), TG_ERR_SHAPE, "does not fit into [-1, -1]");
    expect_error(tg_reshape(x, TG_SHAPE(-2, -3)), TG_ERR_SHAPE, "does not fit into [-2, -3]");
    expect_error(tg_reshape(none, TG_SHAPE(0, -1)), TG_ERR_SHAPE, "does not fit into [0, -1]");
    expect_error(tg_reshape(x, TG_SHAPE(INT64_MAX, INT64_MAX)), TG_ERR_SHAPE, "does not fit");
    expect_error(tg_reshape(x, (tg_shape){.rank = 9}), TG_ERR_SHAPE, "rank 9 is not in 0..8");
    expect_error(tg_reshape(x, (tg_shape){.rank = -1}), TG_ERR_SHAPE, "rank -1");
    tg_tape_free(tape);
}

Test(views, permute_puts_axes_in_any_order) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 1, 3));
    const tg_tensor y = tg_permute(x, TG_AXES(-1, 0, 1));
    expect(y, TG_SHAPE(3, 2, 1), 0, 3, 1, 4, 2, 5);
    cr_expect(shares(y, x));
    expect(gradient_of(y, x), TG_SHAPE(2, 1, 3), 1, 3, 5, 2, 4, 6);
    expect(tg_permute(tg_sum(x), TG_AXES()), TG_SCALAR, 15);
    expect_error(tg_permute(x, TG_AXES(0, 1)), TG_ERR_SHAPE, "permute: 2 axes given for the 3 of [2, 1, 3]");
    expect_error(tg_permute(x, TG_AXES(0, 1, 1)), TG_ERR_SHAPE, "permute: axis 1 is given twice");
    expect_error(tg_permute(x, TG_AXES(0, 1, 3)), TG_ERR_SHAPE, "permute: axis 3 is out of range for rank 3");
    tg_tape_free(tape);
}

Test(views, transpose_exchanges_the_last_two_axes) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 1, 3));
    expect(tg_transpose(x), TG_SHAPE(2, 3, 1), 0, 1, 2, 3, 4, 5);
    cr_expect(shares(tg_transpose(tg_transpose(x)), x));
    expect_error(tg_transpose(tg_reshape(x, TG_SHAPE(6))), TG_ERR_SHAPE,
                 "transpose: needs at least 2 axes, got [6]");
    tg_tape_free(tape);
}

Test(views, transpose_at_rank_8) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(1, 1, 1, 1, 1, 1, 2, 3));
    expect(tg_transpose(x), TG_SHAPE(1, 1, 1, 1, 1, 1, 3, 2), 0, 3, 1, 4, 2, 5);
    expect_error(tg_unsqueeze(x, 0), TG_ERR_SHAPE, "unsqueeze: the rank is 8 already");
    tg_tape_free(tape);
}

Test(views, expand_repeats_without_copying) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 1));
    const tg_tensor y = tg_expand(x, TG_SHAPE(2, -1, 3));
    expect(y, TG_SHAPE(2, 2, 3), 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1);
    cr_expect(shares(y, x));
    expect(gradient_of(y, x), TG_SHAPE(2, 1), 30, 48);
    expect_error(tg_expand(x, TG_SHAPE(-1, 2, 3)), TG_ERR_SHAPE,
                 "expand: -1 in [-1, 2, 3] stands for an axis that [2, 1] does not have");
    expect_error(tg_expand(x, TG_SHAPE(3, 3)), TG_ERR_SHAPE, "[2, 1] does not broadcast to [3, 3]");
    expect_error(tg_expand(x, TG_SHAPE(-1)), TG_ERR_SHAPE, "[2, 1]");
    tg_tape_free(tape);
}

Test(views, a_shape_that_no_tensor_can_have_is_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 1), none = {tape, UINT32_MAX, 0};
    expect_error(tg_expand(x, TG_SHAPE((int64_t)1 << 40, 1 << 20)), TG_ERR_MEMORY,
                 "has more elements than memory can hold");
    (void)tg_zeros(tape, TG_SHAPE(3, -2));
    expect_error(none, TG_ERR_SHAPE, "a shape of [3, -2] has a negative dimension");
    (void)tg_zeros(tape, (tg_shape){.rank = 9});
    expect_error(none, TG_ERR_SHAPE, "has a rank that is not in 0..8");
    tg_tape_free(tape);
}

Test(views, squeeze_drops_axes_of_size_1_only) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(1, 2, 1));
    expect(tg_squeeze(x, TG_AXES(0)), TG_SHAPE(2, 1), 0, 1);
    expect(tg_squeeze(x, TG_AXES(-1, 0)), TG_SHAPE(2), 0, 1);
    expect(tg_squeeze(x, TG_AXES()), TG_SHAPE(1, 2, 1), 0, 1);
    expect_error(tg_squeeze(x, TG_AXES(1)), TG_ERR_SHAPE,
                 "squeeze: axis 1 of [1, 2, 1] has 2 elements, not 1");
    expect_error(tg_squeeze(x, TG_AXES(0, -3)), TG_ERR_SHAPE, "squeeze: axis -3 is given twice");
    expect_error(tg_squeeze(x, TG_AXES(3)), TG_ERR_SHAPE, "squeeze: axis 3 is out of range for rank 3");
    tg_tape_free(tape);
}

Test(views, unsqueeze_counts_axes_in_the_result) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3)), one = tg_param_scalar(tape, 8);
    cr_expect(tg_shape_equal(tg_shape_of(tg_unsqueeze(x, 0)), TG_SHAPE(1, 2, 3)));
    cr_expect(tg_shape_equal(tg_shape_of(tg_unsqueeze(x, 1)), TG_SHAPE(2, 1, 3)));
    cr_expect(tg_shape_equal(tg_shape_of(tg_unsqueeze(x, -1)), TG_SHAPE(2, 3, 1)));
    cr_expect(tg_shape_equal(tg_shape_of(tg_unsqueeze(x, -3)), TG_SHAPE(1, 2, 3)));
    expect(tg_unsqueeze(one, -1), TG_SHAPE(1), 8);
    expect_error(tg_unsqueeze(x, 3), TG_ERR_SHAPE, "unsqueeze: axis 3 is out of range for rank 3");
    expect_error(tg_unsqueeze(x, -4), TG_ERR_SHAPE, "unsqueeze: axis -4");
    tg_tape_free(tape);
}

Test(views, a_view_of_a_parameter_sees_its_changes) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 2)), view = tg_transpose(x);
    cr_assert(tg_write_f64(x, 4, (const double[]){5, 6, 7, 8}) == TG_OK);
    expect(view, TG_SHAPE(2, 2), 5, 7, 6, 8);
    tg_tape_free(tape);
}

Test(views, views_of_no_tensor_are_no_tensors) {
    const tg_tensor none = {0};
    cr_expect(!tg_is_valid(tg_reshape(none, TG_SHAPE(1))));
    cr_expect(!tg_is_valid(tg_permute(none, TG_AXES(0, 0))));
    cr_expect(!tg_is_valid(tg_transpose(none)));
    cr_expect(!tg_is_valid(tg_expand(none, TG_SHAPE(-1))));
    cr_expect(!tg_is_valid(tg_squeeze(none, TG_AXES(9))));
    cr_expect(!tg_is_valid(tg_unsqueeze(none, 9)));
    cr_expect(!tg_is_valid(tg_slice(none, 9, 0, 0, 0)));
    cr_expect(!tg_is_valid(tg_transpose(tg_num(1))));
}
