/* test_slicing.c: Python's rules for slices, and edges of concat. */
#include "tests/ops/tensor_expectations.h"

Test(slicing, a_reversed_slice_goes_backwards) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3));
    const tg_tensor y = tg_slice(x, 1, TG_END, TG_END, -1);
    expect(y, TG_SHAPE(2, 3), 2, 1, 0, 5, 4, 3);
    expect(gradient_of(y, x), TG_SHAPE(2, 3), 3, 2, 1, 6, 5, 4);
    expect(tg_slice(y, -1, TG_END, TG_END, -1), TG_SHAPE(2, 3), 0, 1, 2, 3, 4, 5);
    tg_tape_free(tape);
}

/* What x[start:stop:step] of Python gives for x = 0, 1, ..., by walking instead of dividing. */
static int walk(int64_t size, int64_t start, int64_t stop, int64_t step, double *out) {
    const bool back = step < 0;
    int n = 0;
    if (start < 0) start += size;
    if (stop < 0) stop += size;
    int64_t i = start == TG_END ? (back ? size - 1 : 0) : start;
    if (stop == TG_END) stop = back ? -1 : size;
    if (back && i >= size) i = size - 1;
    if (!back && i < 0) i = 0;
    for (; back ? i > stop && i >= 0 : i < stop && i < size; i += step) out[n++] = (double)i;
    return n;
}

Test(slicing, every_small_slice_is_that_of_python) {
    tg_tape *tape = tg_tape_new(TG_F64);
    for (int size = 0; size < 5; size++) {
        const tg_tensor x = ascending(tape, TG_SHAPE(size));
        const tg_mark mark = tg_tape_mark(tape);
        for (int64_t start = -7; start <= 7; start++) {
            for (int64_t stop = -7; stop <= 7; stop++) {
                for (int64_t step = -6; step <= 6; step++) {
                    double expected[8] = {0};
                    if (step == 0) continue;
                    const int64_t from = start == 7 ? TG_END : start, to = stop == 7 ? TG_END : stop;
                    const int n = walk(size, from, to, step, expected);
                    expect_at(__LINE__, tg_slice(x, 0, from, to, step), TG_SHAPE(n), n, expected);
                    cr_assert(tg_tape_rewind(tape, mark) == TG_OK);
                }
            }
        }
    }
    tg_tape_free(tape);
}

Test(slicing, extreme_numbers_are_clipped) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(3));
    expect(tg_slice(x, 0, INT64_MIN, TG_END, 1), TG_SHAPE(3), 0, 1, 2);
    expect(tg_slice(x, 0, INT64_MIN, INT64_MAX - 1, INT64_MAX), TG_SHAPE(1), 0);
    expect(tg_slice(x, 0, INT64_MAX - 1, INT64_MIN, INT64_MIN), TG_SHAPE(1), 2);
    expect_empty(tg_slice(x, 0, INT64_MAX - 1, TG_END, 1), TG_SHAPE(0));
    expect_empty(tg_slice(x, 0, TG_END, INT64_MIN, 1), TG_SHAPE(0));
    tg_tape_free(tape);
}

Test(slicing, slices_share_memory) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(4, 2));
    const tg_tensor y = tg_slice(tg_slice(x, 0, 1, TG_END, 2), 1, 1, 2, 1);
    expect(y, TG_SHAPE(2, 1), 3, 7);
    cr_expect_eq(tg_array_of(y).data, (char *)tg_array_of(x).data + 3 * sizeof(double));
    tg_tape_free(tape);
}

Test(slicing, an_empty_slice_has_an_empty_gradient) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(3)), none = tg_param_zeros(tape, TG_SHAPE(3, 0));
    expect(gradient_of(tg_slice(x, 0, 2, 1, 1), x), TG_SHAPE(3), 0, 0, 0);
    expect_empty(gradient_of(tg_slice(none, 0, 2, TG_END, -1), none), TG_SHAPE(3, 0));
    tg_tape_free(tape);
}

Test(slicing, overlapping_slices_add_up) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(4));
    const tg_tensor y = tg_mul(tg_slice(x, 0, 1, TG_END, 1), tg_slice(x, 0, 0, -1, 1));
    expect(gradient_of(y, x), TG_SHAPE(4), 1, 0 + 4, 2 + 9, 6);
    tg_tape_free(tape);
}

Test(slicing, bad_slices_are_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2, 3));
    expect_error(tg_slice(x, 0, 0, 1, 0), TG_ERR_VALUE, "slice: the step is 0");
    expect_error(tg_slice(x, 2, 0, 1, 1), TG_ERR_SHAPE,
                 "slice: axis 2 is out of range for rank 2, shape [2, 3]");
    expect_error(tg_slice(tg_sum(x), 0, 0, 1, 1), TG_ERR_SHAPE, "slice: axis 0 is out of range for rank 0");
    tg_tape_free(tape);
}

Test(slicing, concat_joins_along_any_axis) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(2, 2)), b = param(tape, TG_SHAPE(2, 1), 8, 9);
    const tg_tensor y = tg_concat(2, (const tg_tensor[]){a, b}, -1);
    expect(y, TG_SHAPE(2, 3), 0, 1, 8, 2, 3, 9);
    expect(gradient_of(y, a), TG_SHAPE(2, 2), 1, 2, 4, 5);
    expect(gradient_of(y, b), TG_SHAPE(2, 1), 3, 6);
    expect(tg_concat(2, (const tg_tensor[]){a, tg_transpose(b)}, 0), TG_SHAPE(3, 2), 0, 1, 2, 3, 8, 9);
    expect(tg_concat(1, &b, 0), TG_SHAPE(2, 1), 8, 9);
    tg_tape_free(tape);
}

Test(slicing, concat_of_a_tensor_with_itself_doubles_its_gradient) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(2));
    expect(gradient_of(tg_concat(3, (const tg_tensor[]){x, x, x}, 0), x), TG_SHAPE(2), 1 + 3 + 5, 2 + 4 + 6);
    tg_tape_free(tape);
}

Test(slicing, concat_takes_many_tensors_views_and_empty_ones) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = ascending(tape, TG_SHAPE(8)), none = tg_param_zeros(tape, TG_SHAPE(0));
    tg_tensor parts[24];
    for (int i = 0; i < 24; i++) parts[i] = i % 3 ? none : tg_slice(x, 0, 7 - i / 3, 8 - i / 3, 1);
    const tg_tensor y = tg_concat(24, parts, 0);
    expect(y, TG_SHAPE(8), 7, 6, 5, 4, 3, 2, 1, 0);
    expect(gradient_of(y, x), TG_SHAPE(8), 8, 7, 6, 5, 4, 3, 2, 1);
    tg_tape_free(tape);
}

Test(slicing, concat_works_on_every_dtype) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor i = tg_from_i64(tape, TG_SHAPE(2), 2, (const int64_t[]){INT64_MAX, 2});
    const tg_tensor b = tg_from_bool(tape, TG_SHAPE(1), 1, (const bool[]){true});
    const tg_tensor y = tg_concat(2, (const tg_tensor[]){i, i}, 0);
    cr_expect_eq(tg_dtype_of(y), TG_I64);
    cr_expect_eq(((const int64_t *)tg_data(y))[2], INT64_MAX);
    expect(tg_concat(2, (const tg_tensor[]){b, b}, 0), TG_SHAPE(2), 1, 1);
    tg_tape_free(tape);
}

Test(slicing, what_cannot_be_joined_is_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(2, 2)), b = ascending(tape, TG_SHAPE(3, 1));
    const tg_tensor one = tg_param_scalar(tape, 1), i = tg_from_i64(tape, TG_SHAPE(0, 2), 0, NULL);
    expect_error(tg_concat(2, (const tg_tensor[]){a, b}, 0), TG_ERR_SHAPE,
                 "concat: input 0 is [2, 2] and input 1 is [3, 1]: only axis 0 may differ");
    expect_error(tg_concat(2, (const tg_tensor[]){a, tg_sum_axes(a, TG_AXES(0), false)}, 0), TG_ERR_SHAPE,
                 "input 1 is [2]");
    expect_error(tg_concat(2, (const tg_tensor[]){a, a}, 2), TG_ERR_SHAPE,
                 "concat: axis 2 is out of range for rank 2, shape [2, 2]");
    expect_error(tg_concat(2, (const tg_tensor[]){one, one}, 0), TG_ERR_SHAPE,
                 "concat: a scalar has no axis");
    expect_error(tg_concat(2, (const tg_tensor[]){tg_num(1), a}, 1), TG_ERR_SHAPE,
                 "concat: a scalar has no axis");
    expect_error(tg_concat(2, (const tg_tensor[]){a, i}, 0), TG_ERR_DTYPE, "concat: input 1 is i64");
    cr_expect(!tg_is_valid(tg_concat(0, NULL, 0)));
    tg_tape_free(tape);
}

Test(slicing, concat_of_more_than_there_can_be_is_an_error) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_expand(tg_param_zeros(tape, TG_SHAPE(1)), TG_SHAPE((int64_t)1 << 58));
    expect_error(tg_concat(2, (const tg_tensor[]){x, x}, 0), TG_ERR_MEMORY, "concat: a shape of");
    tg_tape_free(tape);
}
