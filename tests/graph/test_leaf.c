/* test_leaf.c: parameters, inputs and numbers: made, filled, refused, and changed in place.
 *
 * Owns: what graph/tensor.h promises of the tensors that no operation made. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(leaf, .init = open_tape, .fini = close_tape);

static const double six[] = {1, 2, 3, 4, 5, 6};

/* --- numbers -------------------------------------------------------------------------------------------- */

Test(leaf, a_number_keeps_every_bit_of_its_double) {
    const double values[] = {
        0.0,          -0.0,        1,         -1,  0.1,  1e308,     5e-324,
        -5e-324,      INFINITY,    -INFINITY, NAN, -NAN, 0x1p-1022, 0x1.fffffffffffffp1023,
        2147483648.0, 4294967295.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const double back = tg_item(tg_num(values[i]));
        cr_expect_eq(memcmp(&back, &values[i], sizeof back), 0, "%g came back as %g", values[i], back);
        const tg_tensor on_tape =
            tg_where(tg_from_bool(tape, TG_SCALAR, 1, &(bool){true}), tg_num(values[i]), tg_num(7));
        const double recorded = tg_item(on_tape);
        cr_expect_eq(memcmp(&recorded, &values[i], sizeof recorded), 0, "%g was recorded as %g", values[i],
                     recorded);
        cr_expect_not(tg_is_valid(tg_num(values[i])), "it is on no tape");
    }
    EXPECT_NO_ERROR(tape);
}

Test(leaf, zero_and_minus_zero_are_two_numbers) {
    const tg_tensor one = tg_ones(tape, TG_SHAPE(1));
    const tg_tensor up = tg_div(one, tg_num(0.0)), down = tg_div(one, tg_num(-0.0));
    cr_expect_eq(tg_item(up), INFINITY);
    cr_expect_eq(tg_item(down), -INFINITY);
}

Test(leaf, equal_numbers_share_a_node_and_many_different_ones_do_not_mix) {
    const tg_tensor x = tg_scalar(tape, 1);
    const int64_t before = tg_tape_n_nodes(tape);
    for (int i = 0; i < 10; i++) tg_mul(x, tg_num(3));
    cr_expect_eq(tg_tape_n_nodes(tape), before + 11);
    for (int i = 0; i < 200; i++)
        cr_expect_eq(tg_item(tg_add(x, tg_num(i * 0.37))), 1 + i * 0.37, "number %d", i);
}

Test(leaf, a_number_after_a_rewind_is_recorded_anew) {
    const tg_tensor x = tg_scalar(tape, 2);
    const tg_mark mark = tg_tape_mark(tape);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(tg_item(tg_mul(x, tg_num(3))), 6);
        cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
        tg_scalar(tape, 99); /* takes the place of the number's node */
    }
    cr_expect_eq(tg_item(tg_mul(x, tg_num(3))), 6);
}

Test(leaf, a_number_is_not_a_tensor_to_be_looked_into) {
    const tg_tensor three = tg_num(3);
    double out;
    cr_expect_eq(tg_read_f64(three, 1, &out), TG_ERR_HANDLE);
    cr_expect_eq(tg_write_f64(three, 1, &out), TG_ERR_HANDLE);
    cr_expect_null(tg_data(three));
    cr_expect_null(tg_data_mut(three));
    cr_expect_null(tg_name(three));
    cr_expect_str_eq(tg_place(three), "");
    cr_expect_eq(tg_shape_of(three).rank, 0);
    cr_expect_eq(tg_backward(three), TG_ERR_HANDLE);
    cr_expect_not(tg_is_valid(tg_grad(three)));
    cr_expect_eq(tg_print(stderr, three), TG_ERR_HANDLE);
    cr_expect_not(tg_is_valid(tg_add(three, three)), "numbers alone have no tape");
    cr_expect_not(tg_is_valid(tg_mul(tg_scalar(tape, 1), tg_add(three, three))));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "mul: input 1", "numbers alone");
}

/* --- making --------------------------------------------------------------------------------------------- */

Test(leaf, every_rank_from_0_to_8_can_be_made_and_read) {
    tg_shape shape = TG_SCALAR;
    for (int rank = 0; rank <= TG_MAX_RANK; rank++) {
        shape.rank = rank;
        for (int i = 0; i < rank; i++) shape.dim[i] = 1 + i % 3;
        const int64_t n = tg_shape_size(shape);
        double values[300], back[300];
        cr_assert_leq(n, 300);
        for (int64_t i = 0; i < n; i++) values[i] = (double)i / 7;
        const tg_tensor x = tg_from_f64(tape, shape, n, values);
        cr_expect(tg_shape_equal(tg_shape_of(x), shape));
        cr_expect_eq(tg_size(x), n);
        cr_expect_eq(tg_read_f64(x, n, back), TG_OK);
        cr_expect_arr_eq(back, values, (size_t)n * sizeof *back);
        const tg_tensor p = tg_param_f64(tape, shape, n, values);
        cr_expect_eq(tg_backward(tg_sum(p)), TG_OK);
        cr_expect_eq(tg_read_f64(tg_grad(p), n, back), TG_OK);
        for (int64_t i = 0; i < n; i++) cr_expect_eq(back[i], 1);
    }
    EXPECT_NO_ERROR(tape);
}

Test(leaf, the_number_of_values_must_fill_the_shape) {
    cr_expect_not(tg_is_valid(tg_from_f64_at("data.c:5", tape, TG_SHAPE(2, 3), 5, six)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "data.c:5", "5 values", "[2, 3]", "6 elements");
    cr_expect_not(tg_is_valid(tg_param_f64(tape, TG_SCALAR, 6, six)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "6 values", "[]", "1 element");
    cr_expect_not(tg_is_valid(tg_from_f64(tape, TG_SHAPE(0), 1, six)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "1 values", "[0]");
    cr_expect_not(tg_is_valid(tg_from_f64(tape, TG_SHAPE(2), -2, six)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "-2 values");
    cr_expect_eq(tg_tape_n_nodes(tape), 0);
}

Test(leaf, arrays_of_each_type_are_taken_and_given_by_one_name) {
    const double f64[] = {0.1, 2};
    float f32[] = {0.1F, 3};
    const int64_t i64[] = {INT64_MAX, 4};
    bool truths[] = {true, false}, truths_back[2];
    double f64_back[2];
    float f32_back[2];
    int64_t i64_back[2];
    const tg_tensor x = tg_from(tape, TG_SHAPE(2), 2, f64), p = tg_param(tape, TG_SHAPE(2, 1), 2, f32);
    const tg_tensor i = tg_from(tape, TG_SHAPE(2), 2, i64), b = tg_from(tape, TG_SHAPE(2), 2, truths);
    cr_expect_eq(tg_dtype_of(i), TG_I64);
    cr_expect_eq(tg_dtype_of(b), TG_BOOL);
    cr_expect(tg_requires_grad(p));
    cr_expect_eq(tg_value(p, TG_SHAPE(0, 0)), (double)0.1F);
    cr_expect_eq(tg_write(x, 2, f32), TG_OK);
    cr_expect_eq(tg_read(x, 2, f64_back), TG_OK);
    cr_expect_eq(f64_back[0], (double)0.1F);
    cr_expect_eq(tg_write(x, 2, &f64[0]), TG_OK);
    cr_expect_eq(tg_read(x, 2, f32_back), TG_OK);
    cr_expect_eq(f32_back[0], 0.1F);
    cr_expect_eq(tg_write(i, 2, (int64_t[]){5, 6}), TG_OK);
    cr_expect_eq(tg_read(i, 2, i64_back), TG_OK);
    cr_expect_eq(i64_back[1], 6);
    cr_expect_eq(tg_write(b, 2, (bool[]){false, true}), TG_OK);
    cr_expect_eq(tg_read(b, 2, truths_back), TG_OK);
    cr_expect(truths_back[1] && !truths_back[0]);
    cr_expect_eq(tg_write(x, 3, f64), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "test_leaf.c", "3 values");
}

Test(leaf, values_that_are_null_are_refused) {
    cr_expect_not(tg_is_valid(tg_from_f64_at("data.c:6", tape, TG_SHAPE(2), 2, NULL)));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "data.c:6", "NULL");
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2));
    cr_expect_eq(tg_write_f64(x, 2, NULL), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "write", "NULL");
    cr_expect_eq(tg_read_f64(x, 2, NULL), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "read", "NULL");
    cr_expect(tg_is_valid(tg_from_f64(tape, TG_SHAPE(0, 4), 0, NULL)), "no values are needed for nothing");
    EXPECT_NO_ERROR(tape);
}

Test(leaf, a_negative_dimension_or_a_wrong_rank_is_refused) {
    cr_expect_not(tg_is_valid(tg_zeros_at("data.c:7", tape, TG_SHAPE(3, -1))));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "data.c:7", "[3, -1]", "negative");
    cr_expect_not(tg_is_valid(tg_from_f64(tape, TG_SHAPE(-1), -1, six)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "[-1]", "negative");
    cr_expect_not(tg_is_valid(tg_param_zeros(tape, (tg_shape){.rank = 9})));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "rank 9");
    cr_expect_not(tg_is_valid(tg_zeros(tape, (tg_shape){.rank = -1})));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "rank -1");
    cr_expect_eq(tg_tape_n_nodes(tape), 0);
}

Test(leaf, an_absurd_size_is_an_error_and_not_an_overflow) {
    const tg_shape shapes[] = {
        TG_SHAPE(INT64_MAX),          TG_SHAPE(INT64_MAX, INT64_MAX),      TG_SHAPE(1LL << 32, 1LL << 32),
        TG_SHAPE(1LL << 61),          TG_SHAPE(0, INT64_MAX, INT64_MAX),   TG_SHAPE(1LL << 31, 1LL << 31, 4),
        TG_SHAPE(1LL << 60, 0, 1024), TG_SHAPE(3037000500LL, 3037000500LL)};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char text[TG_SHAPE_TEXT];
        tg_shape_format(shapes[i], sizeof text, text);
        cr_expect_not(tg_is_valid(tg_zeros(tape, shapes[i])), "%s", text);
        EXPECT_ERROR(tape, TG_ERR_MEMORY, text, "more elements than memory");
        cr_expect_not(tg_is_valid(tg_param_zeros(tape, shapes[i])), "%s", text);
        EXPECT_ERROR(tape, TG_ERR_MEMORY, text);
        cr_expect_not(tg_is_valid(tg_param_normal(tape, shapes[i], tg_key_new(1), 1)), "%s", text);
        EXPECT_ERROR(tape, TG_ERR_MEMORY, text);
    }
    cr_expect_eq(tg_tape_n_nodes(tape), 0);
}

Test(leaf, a_size_that_memory_does_not_have_is_an_error) {
    cr_expect_not(tg_is_valid(tg_zeros(tape, TG_SHAPE(1LL << 50)))); /* 8 PiB */
    EXPECT_ERROR(tape, TG_ERR_MEMORY, "out of memory", "9007199254740992 bytes");
    cr_expect_not(tg_is_valid(tg_param_zeros(tape, TG_SHAPE(1LL << 50))));
    EXPECT_ERROR(tape, TG_ERR_MEMORY, "out of memory");
    cr_expect_eq(tg_tape_n_nodes(tape), 0);
    cr_expect_eq(tg_item(tg_scalar(tape, 4)), 4, "the tape works on");
}

Test(leaf, empty_tensors_are_tensors) {
    const tg_tensor p = tg_param_zeros(tape, TG_SHAPE(3, 0, 2));
    cr_expect_eq(tg_size(p), 0);
    cr_expect_eq(tg_dim(p, -1), 2);
    cr_expect_not_null(tg_data(p));
    cr_expect_eq(tg_read_f64(p, 0, NULL), TG_OK);
    cr_expect_eq(tg_write_f64(p, 0, NULL), TG_OK);
    const tg_tensor y = tg_sum(tg_square(tg_add(p, tg_ones(tape, TG_SHAPE(1, 2)))));
    cr_expect_eq(tg_item(y), 0);
    cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
    cr_expect(tg_shape_equal(tg_shape_of(tg_grad(p)), TG_SHAPE(3, 0, 2)));
}

Test(leaf, values_are_converted_to_the_tapes_dtype_and_i64_and_bool_stay) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    const float floats[] = {0.5F, 0.1F};
    const int64_t integers[] = {INT64_MAX, INT64_MIN};
    const bool truths[] = {true, false};
    cr_expect_eq(tg_value(tg_from_f32(tape, TG_SHAPE(2), 2, floats), TG_SHAPE(1)), (double)0.1F);
    cr_expect_eq(tg_dtype_of(tg_from_f32(tape, TG_SHAPE(2), 2, floats)), TG_F64);
    cr_expect_eq(tg_dtype_of(tg_from_f64(f32, TG_SHAPE(6), 6, six)), TG_F32);
    cr_expect_eq(tg_value(tg_param_f64(f32, TG_SHAPE(1), 1, (double[]){0.1}), TG_SHAPE(0)), (double)0.1F);
    int64_t back[2];
    const tg_tensor i = tg_from_i64(f32, TG_SHAPE(2), 2, integers);
    cr_expect_eq(tg_dtype_of(i), TG_I64);
    cr_expect_eq(tg_read_i64(i, 2, back), TG_OK);
    cr_expect_arr_eq(back, integers, sizeof back);
    const tg_tensor b = tg_from_bool(tape, TG_SHAPE(2), 2, truths);
    cr_expect_eq(tg_dtype_of(b), TG_BOOL);
    cr_expect_eq(tg_value(b, TG_SHAPE(0)), 1);
    cr_expect_eq(tg_value(b, TG_SHAPE(1)), 0);
    tg_tape_free(f32);
}

Test(leaf, a_normal_parameter_follows_its_key_and_deviation) {
    const tg_tensor a = tg_param_normal(tape, TG_SHAPE(50, 80), tg_key_new(7), 0.01),
                    b = tg_param_normal(tape, TG_SHAPE(50, 80), tg_key_new(7), 0.01),
                    c = tg_param_normal(tape, TG_SHAPE(50, 80), tg_key_new(8), 0.01);
    cr_expect_eq(memcmp(tg_data(a), tg_data(b), 4000 * sizeof(double)), 0);
    cr_expect_neq(memcmp(tg_data(a), tg_data(c), 4000 * sizeof(double)), 0);
    cr_expect_float_eq(tg_item(tg_mean(a)), 0, 0.001);
    cr_expect_float_eq(tg_item(tg_mean(tg_square(a))), 1e-4, 1e-5);
    cr_expect(tg_requires_grad(a));
    cr_expect(tg_is_valid(tg_param_normal(tape, TG_SHAPE(0, 4), tg_key_new(7), 1)));
}

/* --- changing in place ---------------------------------------------------------------------------------- */

Test(leaf, writing_overwrites_with_conversion) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2)), i = tg_from_i64(tape, TG_SHAPE(2), 2, (int64_t[]){1, 2});
    cr_expect_eq(tg_write_f32(x, 2, (float[]){0.5F, 1.5F}), TG_OK);
    cr_expect_eq(tg_value(x, TG_SHAPE(1)), 1.5);
    cr_expect_eq(tg_write_i64(x, 2, (int64_t[]){-3, 4}), TG_OK);
    cr_expect_eq(tg_value(x, TG_SHAPE(0)), -3);
    cr_expect_eq(tg_write_bool(x, 2, (bool[]){true, false}), TG_OK);
    cr_expect_eq(tg_value(x, TG_SHAPE(0)), 1);
    cr_expect_eq(tg_write_f64(i, 2, (double[]){7.9, -7.9}), TG_OK);
    cr_expect_eq(tg_value(i, TG_SHAPE(0)), 7);
    cr_expect_eq(tg_value(i, TG_SHAPE(1)), -7);
}

Test(leaf, only_leaves_can_be_changed) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2)), y = tg_exp_at("model.c:3", x);
    cr_expect_eq(tg_write_f64_at("main.c:4", y, 2, six), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "main.c:4", "only leaves", "exp", "model.c:3");
    cr_expect_null(tg_data_mut(y));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "data_mut", "only leaves");
    cr_expect_not(tg_is_valid(tg_assign(y, x)));
    EXPECT_ERROR(tape, TG_ERR_VALUE, "assign", "only leaves");
    cr_expect_eq(tg_write_f64(x, 3, six), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "write: 3 values", "[2]");
    cr_expect_eq(tg_value(x, TG_SHAPE(0)), 0);
    cr_expect_eq(tg_value(y, TG_SHAPE(0)), 1);
}

Test(leaf, data_mut_gives_the_values_themselves) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2, 2)), s = tg_scalar(tape, 1);
    double *data = tg_data_mut(x);
    data[3] = 8;
    cr_expect_eq(tg_value(x, TG_SHAPE(1, 1)), 8);
    *(double *)tg_data_mut(s) = 5;
    cr_expect_eq(tg_item(s), 5);
    cr_expect_eq((const void *)data, tg_data(x));
}

Test(leaf, assign_copies_values_of_the_same_shape_and_dtype) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2, 3)), y = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    const tg_tensor assigned = tg_assign(x, y);
    cr_expect(tg_is_valid(assigned));
    cr_expect_not(tg_requires_grad(assigned));
    cr_expect_eq(tg_data(assigned), tg_data(x), "it shows the leaf");
    cr_expect_eq(tg_value(x, TG_SHAPE(1, 2)), 6);
    tg_assign(x, tg_expand(tg_from_f64(tape, TG_SHAPE(3), 3, six), TG_SHAPE(2, 3)));
    cr_expect_eq(tg_value(x, TG_SHAPE(1, 2)), 3);
    cr_expect(tg_is_valid(tg_assign(x, x)), "itself is allowed");
    EXPECT_NO_ERROR(tape);
    cr_expect_not(tg_is_valid(tg_assign_at("main.c:8", x, tg_zeros(tape, TG_SHAPE(3, 2)))));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:8", "assign", "[3, 2]", "[2, 3]");
    cr_expect_not(tg_is_valid(tg_assign(x, tg_greater(x, y))));
    EXPECT_ERROR(tape, TG_ERR_DTYPE, "bool", "f64");
    tg_tape *other = tg_tape_new(TG_F64);
    cr_expect_not(tg_is_valid(tg_assign(x, tg_zeros(other, TG_SHAPE(2, 3)))));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "two tapes");
    tg_tape_free(other);
}

Test(leaf, assign_of_what_is_no_tensor_is_an_error) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2));
    cr_expect_not(tg_is_valid(tg_assign_at("main.c:9", x, (tg_tensor){0})));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:9", "assign");
    cr_expect_not(tg_is_valid(tg_assign(x, tg_num(3))));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "assign", "value is not a tensor");
    cr_expect_not(tg_is_valid(tg_assign((tg_tensor){0}, x)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "assign");
    cr_expect_eq(tg_value(x, TG_SHAPE(1)), 0);
}

Test(leaf, assign_of_a_view_of_itself_reads_before_it_writes) {
    const double nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, turned[] = {1, 4, 7, 2, 5, 8, 3, 6, 9};
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3, 3), 9, nine);
    tg_assign(x, tg_transpose(x));
    cr_expect_arr_eq(tg_data(x), turned, sizeof turned);
    tg_assign(x, tg_slice(tg_transpose(x), 0, TG_END, TG_END, -1));
    const double reversed[] = {7, 8, 9, 4, 5, 6, 1, 2, 3};
    cr_expect_arr_eq(tg_data(x), reversed, sizeof reversed);
    tg_assign(x, tg_expand(tg_slice(x, 0, 0, 1, 1), TG_SHAPE(3, 3)));
    const double repeated[] = {7, 8, 9, 7, 8, 9, 7, 8, 9};
    cr_expect_arr_eq(tg_data(x), repeated, sizeof repeated);
    tg_assign(x, tg_detach(x));
    cr_expect_arr_eq(tg_data(x), repeated, sizeof repeated);
    EXPECT_NO_ERROR(tape);
}

Test(leaf, a_number_shared_by_operations_cannot_be_changed) {
    const tg_tensor x = tg_scalar(tape, 1);
    tg_mul(x, tg_num(3));
    const tg_tensor number = {tape, x.node + 1, x.epoch};
    cr_expect_eq(tg_item(number), 3);
    cr_expect_eq(tg_write_f64(number, 1, six), TG_ERR_VALUE);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "a number cannot be changed");
}
