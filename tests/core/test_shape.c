/* test_shape.c: shapes, broadcasting and axes against NumPy's rules. */
#include "core/shape.h"

#include <criterion/criterion.h>
#include <string.h>

static const int64_t huge = INT64_C(1) << 40;

Test(shape, size_is_the_product_of_the_dimensions) {
    cr_assert_eq(tg_shape_size(TG_SCALAR), 1);
    cr_assert_eq(tg_shape_size(TG_SHAPE(7)), 7);
    cr_assert_eq(tg_shape_size(TG_SHAPE(2, 3, 4)), 24);
    cr_assert_eq(tg_shape_size(TG_SHAPE(2, 0, 4)), 0);
    cr_assert_eq(tg_shape_size(TG_SHAPE(1, 2, 1, 2, 1, 2, 1, 2)), 16);
}

Test(shape, a_product_that_does_not_fit_is_refused_even_beside_a_zero) {
    cr_assert_eq(tg_shape_size(TG_SHAPE(huge, huge)), -1);
    cr_assert_eq(tg_shape_size(TG_SHAPE(huge, 0, huge)), -1);
    cr_assert_eq(tg_shape_size(TG_SHAPE(INT64_MAX, 2)), -1);
    cr_assert_eq(tg_shape_size(TG_SHAPE(INT64_MAX, 1)), INT64_MAX);
}

Test(shape, negative_dimensions_and_impossible_ranks_have_no_size) {
    tg_shape shape = TG_SHAPE(2, 3);
    cr_assert_eq(tg_shape_size(TG_SHAPE(2, -1)), -1);
    shape.rank = 9;
    cr_assert_eq(tg_shape_size(shape), -1);
    shape.rank = -1;
    cr_assert_eq(tg_shape_size(shape), -1);
    cr_assert_not(tg_shape_equal(shape, shape));
    cr_assert_not(tg_shape_broadcast(shape, TG_SHAPE(2), &shape));
}

Test(shape, equality_ignores_what_is_past_the_rank) {
    tg_shape a = TG_SHAPE(2, 3), b = TG_SHAPE(2, 3, 5);
    cr_assert_not(tg_shape_equal(a, b));
    b.rank = 2;
    cr_assert(tg_shape_equal(a, b));
    cr_assert_not(tg_shape_equal(a, TG_SHAPE(2, 4)));
}

static void expect_broadcast(tg_shape a, tg_shape b, tg_shape expected) {
    tg_shape out;
    cr_assert(tg_shape_broadcast(a, b, &out));
    cr_assert(tg_shape_equal(out, expected));
    cr_assert(tg_shape_broadcast(b, a, &out));
    cr_assert(tg_shape_equal(out, expected));
}

Test(shape, broadcasting_aligns_at_the_last_axis) {
    expect_broadcast(TG_SHAPE(3), TG_SHAPE(2, 3), TG_SHAPE(2, 3));
    expect_broadcast(TG_SHAPE(2, 1), TG_SHAPE(3), TG_SHAPE(2, 3));
    expect_broadcast(TG_SCALAR, TG_SHAPE(4, 5), TG_SHAPE(4, 5));
    expect_broadcast(TG_SHAPE(8, 1, 6, 1), TG_SHAPE(7, 1, 5), TG_SHAPE(8, 7, 6, 5));
}

Test(shape, broadcasting_stretches_one_to_zero) {
    expect_broadcast(TG_SHAPE(1, 3), TG_SHAPE(0, 3), TG_SHAPE(0, 3));
    expect_broadcast(TG_SHAPE(0), TG_SCALAR, TG_SHAPE(0));
}

Test(shape, broadcasting_refuses_other_sizes_and_leaves_out_alone) {
    tg_shape out = TG_SHAPE(42);
    cr_assert_not(tg_shape_broadcast(TG_SHAPE(2, 3), TG_SHAPE(2), &out));
    cr_assert_not(tg_shape_broadcast(TG_SHAPE(0), TG_SHAPE(3), &out));
    cr_assert(tg_shape_equal(out, TG_SHAPE(42)));
}

Test(shape, format_writes_brackets_and_never_past_the_capacity) {
    char text[TG_SHAPE_TEXT], small[5] = "wxyz";
    cr_assert_str_eq(tg_shape_format(TG_SHAPE(2, 3), sizeof text, text), "[2, 3]");
    cr_assert_str_eq(tg_shape_format(TG_SCALAR, sizeof text, text), "[]");
    cr_assert_str_eq(tg_shape_format(TG_SHAPE(1234), sizeof small, small), "[123");
    small[0] = 'w';
    tg_shape_format(TG_SHAPE(1234), 0, small);
    cr_assert_eq(small[0], 'w');
}

Test(shape, format_has_room_for_the_longest_shape) {
    char text[TG_SHAPE_TEXT];
    tg_shape shape = {
        8, {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN}};
    tg_shape_format(shape, sizeof text, text);
    cr_assert_lt(strlen(text), sizeof text - 1);
    cr_assert_eq(text[strlen(text) - 1], ']');
    shape.rank = 100;
    cr_assert_str_eq(tg_shape_format(shape, sizeof text, text), "[rank 100]");
}

Test(shape, negative_axes_count_from_the_end) {
    cr_assert_eq(tg_axis_normalize(-1, 3), 2);
    cr_assert_eq(tg_axis_normalize(-3, 3), 0);
    cr_assert_eq(tg_axis_normalize(2, 3), 2);
    cr_assert_eq(tg_axis_normalize(3, 3), -1);
    cr_assert_eq(tg_axis_normalize(-4, 3), -1);
    cr_assert_eq(tg_axis_normalize(0, 0), -1);
}

Test(shape, axes_become_a_mask_unless_they_are_wrong_or_given_twice) {
    cr_assert_eq(tg_axes_mask(TG_AXES(0, -1), 3), 5);
    cr_assert_eq(tg_axes_mask((tg_axes){0, {0}}, 3), 0);
    cr_assert_eq(tg_axes_mask(TG_AXES(3), 3), -1);
    cr_assert_eq(tg_axes_mask(TG_AXES(1, -2), 3), -2);
    cr_assert_eq(tg_axes_mask((tg_axes){9, {0}}, 3), -1);
}

Test(shape, reduced_axes_are_dropped_or_kept_as_one) {
    cr_assert(tg_shape_equal(tg_shape_reduced(TG_SHAPE(2, 3, 4), 5, false), TG_SHAPE(3)));
    cr_assert(tg_shape_equal(tg_shape_reduced(TG_SHAPE(2, 3, 4), 5, true), TG_SHAPE(1, 3, 1)));
    cr_assert(tg_shape_equal(tg_shape_reduced(TG_SHAPE(2, 3), 3, false), TG_SCALAR));
    cr_assert(tg_shape_equal(tg_shape_reduced(TG_SHAPE(2, 3), 0, false), TG_SHAPE(2, 3)));
}
