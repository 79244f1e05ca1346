/* test_linear_algebra.c: edges of matmul: views, batches, k = 0, messages. */
#include "tests/ops/tensor_expectations.h"

Test(linear_algebra, matmul_of_matrices_and_vectors) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(2, 3)), v = param(tape, TG_SHAPE(3), 1, 10, 100);
    expect(tg_matmul(a, v), TG_SHAPE(2), 210, 543);
    expect(tg_matmul(v, tg_transpose(a)), TG_SHAPE(2), 210, 543);
    expect(tg_matmul(v, v), TG_SCALAR, 10101);
    expect(tg_matmul(a, tg_unsqueeze(v, 1)), TG_SHAPE(2, 1), 210, 543);
    expect(gradient_of(tg_matmul(a, v), a), TG_SHAPE(2, 3), 1, 10, 100, 2, 20, 200);
    expect(gradient_of(tg_matmul(a, v), v), TG_SHAPE(3), 6, 9, 12);
    expect(gradient_of(tg_matmul(v, v), v), TG_SHAPE(3), 2, 20, 200);
    tg_tape_free(tape);
}

Test(linear_algebra, strided_vectors_are_taken_as_they_are) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(3, 2));
    const tg_tensor column = tg_reshape(tg_slice(a, 1, 1, 2, 1), TG_SHAPE(3));
    const tg_tensor back = tg_slice(column, 0, TG_END, TG_END, -1);
    expect(tg_matmul(column, back), TG_SCALAR, 1 * 5 + 3 * 3 + 5 * 1);
    expect(tg_matmul(back, a), TG_SHAPE(2), 0 * 5 + 2 * 3 + 4 * 1, 1 * 5 + 3 * 3 + 5 * 1);
    expect(tg_matmul(tg_transpose(a), back), TG_SHAPE(2), 10, 19);
    expect(
        tg_matmul(tg_slice(a, 0, TG_END, TG_END, -1), tg_expand(tg_slice(column, 0, 0, 1, 1), TG_SHAPE(2))),
        TG_SHAPE(3), 9, 5, 1);
    tg_tape_free(tape);
}

Test(linear_algebra, k_of_0_gives_zeros) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = tg_param_zeros(tape, TG_SHAPE(2, 0)), b = tg_param_zeros(tape, TG_SHAPE(0, 3));
    expect(tg_matmul(a, b), TG_SHAPE(2, 3), 0, 0, 0, 0, 0, 0);
    expect(tg_matmul(tg_param_zeros(tape, TG_SHAPE(0)), b), TG_SHAPE(3), 0, 0, 0);
    expect_empty(tg_matmul(b, tg_param_zeros(tape, TG_SHAPE(3, 4))), TG_SHAPE(0, 4));
    expect_empty(gradient_of(tg_matmul(a, b), a), TG_SHAPE(2, 0));
    const tg_tensor stack = tg_param_zeros(tape, TG_SHAPE(2, 3, 0));
    expect_empty(gradient_of(tg_matmul(stack, b), b), TG_SHAPE(0, 3));
    tg_tape_free(tape);
}

Test(linear_algebra, batches_broadcast) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(2, 1, 1, 2)), b = ascending(tape, TG_SHAPE(3, 2, 1));
    const tg_tensor y = tg_matmul(a, b);
    expect(y, TG_SHAPE(2, 3, 1, 1), 1, 3, 5, 3, 13, 23);
    expect(gradient_of(y, a), TG_SHAPE(2, 1, 1, 2), 16, 22, 34, 49);
    expect(gradient_of(y, b), TG_SHAPE(3, 2, 1), 8, 13, 10, 17, 12, 21);
    tg_tape_free(tape);
}

Test(linear_algebra, one_matrix_serves_a_whole_batch) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(2, 1, 2, 2)), b = param(tape, TG_SHAPE(2, 1), 1, 10);
    const tg_tensor y = tg_matmul(a, b);
    expect(y, TG_SHAPE(2, 1, 2, 1), 10, 32, 54, 76);
    expect(gradient_of(y, b), TG_SHAPE(2, 1), 0 + 4 + 12 + 24, 1 + 6 + 15 + 28);
    const tg_tensor turned = tg_permute(a, TG_AXES(3, 1, 2, 0));
    expect(tg_matmul(turned, b), TG_SHAPE(2, 1, 2, 1), 40, 62, 51, 73);
    expect(gradient_of(tg_matmul(turned, b), b), TG_SHAPE(2, 1), 0 + 4 + 3 + 12, 4 + 12 + 15 + 28);
    tg_tape_free(tape);
}

Test(linear_algebra, works_at_rank_8) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = ascending(tape, TG_SHAPE(1, 1, 2, 1, 1, 1, 1, 2)),
                    v = param(tape, TG_SHAPE(2), 1, 10);
    const tg_tensor y = tg_matmul(a, v);
    expect(y, TG_SHAPE(1, 1, 2, 1, 1, 1, 1), 10, 32);
    expect(gradient_of(y, v), TG_SHAPE(2), 4, 7);
    expect(gradient_of(y, a), TG_SHAPE(1, 1, 2, 1, 1, 1, 1, 2), 1, 10, 2, 20);
    expect(tg_matmul(v, tg_transpose(a)), TG_SHAPE(1, 1, 2, 1, 1, 1, 1), 10, 32);
    tg_tape_free(tape);
}

Test(linear_algebra, transposed_views_are_not_copied) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = tg_param_zeros(tape, TG_SHAPE(600, 2)), b = tg_param_zeros(tape, TG_SHAPE(600, 3));
    tg_tensor da_db[2];
    const tg_mark start = tg_tape_mark(tape);
    for (int i = 0; i < 2; i++) { /* the first turn makes the tape as large as it gets */
        const size_t before = tg_tape_bytes(tape);
        const tg_tensor y = tg_matmul(tg_transpose(a), b);
        cr_assert(tg_gradients(tg_sum(y), 2, (const tg_tensor[]){a, b}, da_db) == TG_OK);
        cr_expect(tg_tape_bytes(tape) - before < 4 << 20);
        cr_assert(tg_tape_rewind(tape, start) == TG_OK);
    }
    tg_tape_free(tape);
}

Test(linear_algebra, large_products_agree_with_small_ones) {
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new((tg_dtype)dtype);
        const tg_tensor a = tg_param_normal(tape, TG_SHAPE(137, 151), tg_key_new(1), 1);
        const tg_tensor b = tg_param_normal(tape, TG_SHAPE(151, 143), tg_key_new(2), 1);
        const tg_tensor c = tg_matmul(a, b), t = tg_matmul(tg_transpose(b), tg_transpose(a));
        const double error = dtype == TG_F32 ? 1e-4 : 1e-12;
        cr_expect(tg_item(tg_max(tg_abs(tg_sub(c, tg_transpose(t))))) < error);
        for (int i = 0; i < 137; i += 17) {
            const tg_tensor row = tg_reshape(tg_slice(a, 0, i, i + 1, 1), TG_SHAPE(151));
            const tg_tensor apart = tg_sub(tg_matmul(row, b), tg_slice(c, 0, i, i + 1, 1));
            cr_expect(tg_item(tg_max(tg_abs(apart))) < error);
            const tg_tensor column = tg_sum_axes(tg_mul(tg_transpose(b), row), TG_AXES(1), false);
            cr_expect(tg_item(tg_max(tg_abs(tg_sub(tg_slice(c, 0, i, i + 1, 1), column)))) < error);
        }
        tg_tape_free(tape);
    }
}

Test(linear_algebra, shapes_that_do_not_fit_are_named) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor a = tg_param_zeros(tape, TG_SHAPE(64, 10)), one = tg_param_scalar(tape, 1);
    const tg_tensor v = tg_param_zeros(tape, TG_SHAPE(7));
    expect_error(tg_matmul(a, tg_param_zeros(tape, TG_SHAPE(20, 5))), TG_ERR_SHAPE,
                 "matmul: inner dimensions differ: [64, 10] x [20, 5]");
    expect_error(tg_matmul(a, tg_param_zeros(tape, TG_SHAPE(5, 10))), TG_ERR_SHAPE,
                 "[64, 10] x [5, 10]; they would fit with the second transposed");
    expect_error(tg_matmul(a, tg_param_zeros(tape, TG_SHAPE(64, 2))), TG_ERR_SHAPE,
                 "[64, 10] x [64, 2]; they would fit with the first transposed");
    expect_error(tg_matmul(a, v), TG_ERR_SHAPE, "inner dimensions differ: [64, 10] x [7]");
    expect_error(tg_matmul(v, a), TG_ERR_SHAPE, "inner dimensions differ: [7] x [64, 10]");
    expect_error(tg_matmul(tg_param_zeros(tape, TG_SHAPE(2, 3, 4)), tg_param_zeros(tape, TG_SHAPE(3, 4, 5))),
                 TG_ERR_SHAPE, "matmul: batch dimensions do not broadcast: [2, 3, 4] x [3, 4, 5]");
    expect_error(tg_matmul(a, one), TG_ERR_SHAPE, "matmul: a scalar has no rows or columns: [64, 10] x []");
    expect_error(tg_matmul(tg_num(2), a), TG_ERR_SHAPE, "a scalar has no rows");
    const tg_tensor labels = tg_from_i64(tape, TG_SHAPE(1), 1, (const int64_t[]){3});
    expect_error(tg_matmul(a, labels), TG_ERR_DTYPE, "matmul: input 1 is i64");
    tg_tape_free(tape);
}

Test(linear_algebra, a_product_larger_than_memory_can_be_is_an_error) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_expand(tg_param_scalar(tape, 1), TG_SHAPE((int64_t)1 << 40, 1));
    expect_error(tg_matmul(x, tg_transpose(x)), TG_ERR_MEMORY, "matmul");
    tg_tape_free(tape);
}
