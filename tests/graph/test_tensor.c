/* test_tensor.c: looking at tensors: shapes, values, names, text.
 *
 * Owns: what graph/tensor.h promises of reading. Making and changing leaves is test_leaf.c's. */
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(tensor, .init = open_tape, .fini = close_tape);

static const double six[] = {1, 2, 3, 4, 5, 6};

Test(tensor, that_is_zeroed_is_invalid_and_gives_nothing) {
    const tg_tensor none = {0};
    double out = 5;
    cr_expect_not(tg_is_valid(none));
    cr_expect_not(tg_requires_grad(none));
    cr_expect_eq(tg_shape_of(none).rank, 0);
    cr_expect_eq(tg_dim(none, 0), 0);
    cr_expect_eq(tg_size(none), 0);
    cr_expect_eq(tg_dtype_of(none), TG_F64);
    cr_expect_null(tg_array_of(none).data);
    cr_expect_null(tg_name(none));
    cr_expect_str_eq(tg_place(none), "");
    cr_expect(isnan(tg_item(none)));
    cr_expect(isnan(tg_value(none, TG_SHAPE(0))));
    cr_expect_eq(tg_read_f64(none, 1, &out), TG_ERR_HANDLE);
    cr_expect_eq(tg_write_f64(none, 1, &out), TG_ERR_HANDLE);
    cr_expect_null(tg_data(none));
    cr_expect_null(tg_data_mut(none));
    cr_expect_eq(tg_format(none, 0, NULL), 0);
    cr_expect_eq(tg_print(stderr, none), TG_ERR_HANDLE);
    cr_expect_not(tg_is_valid(tg_set_name(none, "x")));
    cr_expect_not(tg_is_valid(tg_detach(none)));
    cr_expect_eq(tg_backward(none), TG_ERR_HANDLE);
    cr_expect_eq(tg_zero_grad(none), TG_ERR_HANDLE);
    cr_expect_eq(out, 5);
}

Test(tensor, that_failed_gives_nothing_and_one_error) {
    const tg_tensor bad = tg_add_at("model.c:1", tg_zeros(tape, TG_SHAPE(2)), tg_zeros(tape, TG_SHAPE(3)));
    char text[8] = "before";
    cr_expect_eq(tg_size(bad), 0);
    cr_expect_eq(tg_dtype_of(bad), TG_F64);
    cr_expect_null(tg_array_of(bad).data);
    cr_expect_null(tg_data(bad));
    cr_expect_eq(tg_format(bad, sizeof text, text), 0);
    cr_expect_str_eq(text, "");
    cr_expect_eq(tg_print(stderr, bad), TG_ERR_SHAPE);
    cr_expect_eq(tg_read_f64(bad, 1, &(double){0}), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "model.c:1: add");
}

Test(tensor, dimensions_are_counted_from_both_ends) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2, 3, 4));
    cr_expect_eq(tg_dim(x, 0), 2);
    cr_expect_eq(tg_dim(x, -1), 4);
    cr_expect_eq(tg_dim(x, -3), 2);
    EXPECT_NO_ERROR(tape);
    cr_expect_eq(tg_dim_at("main.c:2", x, 3), 0);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:2", "axis 3", "[2, 3, 4]");
    cr_expect_eq(tg_dim(x, -4), 0);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "axis -4");
    cr_expect_eq(tg_dim(tg_scalar(tape, 1), 0), 0);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "axis 0", "[]");
}

Test(tensor, remembers_the_line_that_made_it) {
    cr_expect_str_eq(tg_place(tg_neg_at("model.c:42", tg_scalar(tape, 1))), "model.c:42");
    const tg_tensor here = tg_scalar(tape, 1);
    cr_expect(strstr(tg_place(here), "tests/graph/test_tensor.c:"), "%s", tg_place(here));
}

/* --- values --------------------------------------------------------------------------------------------- */

Test(tensor, item_reads_the_one_element_of_any_dtype_and_shape) {
    cr_expect_eq(tg_item(tg_scalar(tape, 2.5)), 2.5);
    cr_expect_eq(tg_item(tg_full(tape, TG_SHAPE(1, 1, 1), -2)), -2);
    cr_expect_eq(tg_item(tg_from_i64(tape, TG_SHAPE(1), 1, (int64_t[]){-9})), -9);
    cr_expect_eq(tg_item(tg_from_bool(tape, TG_SCALAR, 1, (bool[]){true})), 1);
    cr_expect_eq(tg_item(tg_slice(tg_from_f64(tape, TG_SHAPE(6), 6, six), 0, 4, 5, 1)), 5);
    EXPECT_NO_ERROR(tape);
    const tg_tensor x = tg_set_name(tg_zeros(tape, TG_SHAPE(2, 3)), "W");
    cr_expect(isnan(tg_item_at("main.c:3", x)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:3", "item", "'W' [2, 3]", "6 elements");
    cr_expect(isnan(tg_item(tg_zeros(tape, TG_SHAPE(0)))));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "0 elements");
}

Test(tensor, value_reads_an_element_of_any_view) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    cr_expect_eq(tg_value(x, TG_SHAPE(1, 0)), 4);
    cr_expect_eq(tg_value(x, TG_SHAPE(-1, -1)), 6);
    cr_expect_eq(tg_value(tg_transpose(x), TG_SHAPE(2, 0)), 3);
    cr_expect_eq(tg_value(tg_slice(x, 1, TG_END, TG_END, -2), TG_SHAPE(1, 1)), 4);
    cr_expect_eq(tg_value(tg_scalar(tape, 7), TG_SCALAR), 7);
    EXPECT_NO_ERROR(tape);
}

Test(tensor, an_index_out_of_range_or_of_another_rank_is_refused) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    const tg_shape wrong[] = {TG_SHAPE(2, 0),
                              TG_SHAPE(0, 3),
                              TG_SHAPE(-3, 0),
                              TG_SHAPE(0),
                              TG_SCALAR,
                              TG_SHAPE(0, 0, 0),
                              {.rank = 9},
                              {.rank = -2},
                              TG_SHAPE(INT64_MAX, 0),
                              TG_SHAPE(INT64_MIN, 0),
                              TG_SHAPE(0, INT64_MIN)};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[TG_SHAPE_TEXT];
        tg_shape_format(wrong[i], sizeof text, text);
        cr_expect(isnan(tg_value_at("main.c:4", x, wrong[i])));
        EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:4", "value: the index", text, "[2, 3]");
    }
}

Test(tensor, reading_needs_an_array_of_the_tensors_size) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    double out[7] = {-1, -1, -1, -1, -1, -1, -1};
    cr_expect_eq(tg_read_f64_at("main.c:5", x, 7, out), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:5", "read", "7", "6 elements");
    cr_expect_eq(tg_read_f64(x, 0, out), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_read_f64(x, -6, out), TG_ERR_SHAPE);
    tg_tape_clear_error(tape);
    cr_expect_eq(out[0], -1, "nothing was written");
}

Test(tensor, reading_converts_and_follows_strides) {
    const tg_tensor x =
        tg_transpose(tg_from_f64(tape, TG_SHAPE(2, 3), 6, (double[]){1.9, -2, 0, 1e300, NAN, 6}));
    double d[6];
    float f[6];
    int64_t i[6];
    bool b[6];
    cr_expect_eq(tg_read_f64(x, 6, d), TG_OK);
    cr_expect(d[0] == 1.9 && d[1] == 1e300 && d[2] == -2 && isnan(d[3]) && d[4] == 0 && d[5] == 6);
    cr_expect_eq(tg_read_f32(x, 6, f), TG_OK);
    cr_expect(f[0] == 1.9F && isinf(f[1]) && isnan(f[3]));
    cr_expect_eq(tg_read_i64(x, 6, i), TG_OK);
    cr_expect(i[0] == 1 && i[1] == INT64_MAX && i[2] == -2 && i[3] == 0 && i[5] == 6);
    cr_expect_eq(tg_read_bool(x, 6, b), TG_OK);
    cr_expect(b[0] && b[1] && b[2] && b[3] && !b[4] && b[5]);
}

Test(tensor, data_is_given_for_contiguous_views_only) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    cr_expect_arr_eq(tg_data(x), six, sizeof six);
    cr_expect_eq(tg_data(tg_reshape(x, TG_SHAPE(3, 2))), tg_data(x), "a view shares memory");
    cr_expect_eq(*(const double *)tg_data(tg_slice(x, 0, 1, 2, 1)), 4);
    EXPECT_NO_ERROR(tape);
    cr_expect_null(tg_data_at("main.c:6", tg_transpose(x)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:6", "data", "[3, 2]", "not contiguous", "tg_read_");
    cr_expect_null(tg_data(tg_expand(x, TG_SHAPE(4, 2, 3))));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "not contiguous");
}

Test(tensor, the_array_under_a_handle_has_strides_in_elements) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, six);
    const tg_array array = tg_array_of(tg_transpose(x));
    cr_expect_eq(array.rank, 2);
    cr_expect_eq(array.dtype, TG_F64);
    cr_expect(array.shape[0] == 3 && array.shape[1] == 2);
    cr_expect(array.strides[0] == 1 && array.strides[1] == 3);
    cr_expect_eq(array.data, tg_data(x));
}

/* --- names ---------------------------------------------------------------------------------------------- */

Test(tensor, can_be_named_and_named_anew) {
    const tg_tensor x = tg_scalar(tape, 1), y = tg_scalar(tape, 2);
    cr_expect_null(tg_name(x));
    cr_expect_eq(tg_set_name(x, "W1").node, x.node);
    cr_expect_str_eq(tg_name(x), "W1");
    cr_expect_null(tg_name(y));
    tg_set_name(x, "a much longer name than the first, which needs more room than that had");
    cr_expect_str_eq(tg_name(x), "a much longer name than the first, which needs more room than that had");
    tg_set_name(x, "");
    cr_expect_str_eq(tg_name(x), "");
    tg_set_name(x, "three");
    tg_set_name(y, tg_name(x));
    tg_set_name(x, tg_name(x) + 1);
    cr_expect_str_eq(tg_name(x), "hree");
    cr_expect_str_eq(tg_name(y), "three");
    tg_set_name_at("main.c:7", x, NULL);
    EXPECT_ERROR(tape, TG_ERR_VALUE, "main.c:7", "set_name", "NULL");
    cr_expect_str_eq(tg_name(x), "hree");
}

Test(tensor, names_stay_with_their_tensors_however_many_there_are) {
    enum { MANY = 2000 };
    tg_tensor x[MANY];
    char name[32];
    for (int i = 0; i < MANY; i++) x[i] = tg_scalar(tape, i);
    for (int i = MANY - 1; i >= 0; i--) {
        snprintf(name, sizeof name, "x%d", i);
        tg_set_name(x[i], name);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "x%d", i);
        cr_assert_str_eq(tg_name(x[i]), name);
    }
}

/* --- text ----------------------------------------------------------------------------------------------- */

static void expect_text(tg_tensor x, const char *expected) {
    char text[500];
    const size_t length = tg_format(x, sizeof text, text);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(length, strlen(expected));
    cr_expect_eq(tg_format(x, 0, NULL), length);
}

Test(tensor, is_formatted_as_numpy_prints) {
    expect_text(tg_scalar(tape, 2.5), "2.5");
    expect_text(tg_from_f64(tape, TG_SHAPE(2, 3), 6, six), "[[1. 2. 3.]\n [4. 5. 6.]]");
    expect_text(tg_transpose(tg_from_f64(tape, TG_SHAPE(2, 3), 6, six)), "[[1. 4.]\n [2. 5.]\n [3. 6.]]");
    expect_text(tg_from_i64(tape, TG_SHAPE(3), 3, (int64_t[]){1, -20, 3}), "[  1 -20   3]");
    expect_text(tg_from_bool(tape, TG_SHAPE(2), 2, (bool[]){true, false}), "[ True False]");
    expect_text(tg_zeros(tape, TG_SHAPE(0)), "[]");
}

Test(tensor, format_cuts_at_the_capacity_and_tells_the_whole_length) {
    char text[8] = "zzzzzzz";
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(6), 6, six);
    const size_t length = tg_format(x, 5, text);
    cr_expect_eq(length, strlen("[1. 2. 3. 4. 5. 6.]"));
    cr_expect_str_eq(text, "[1. ");
    cr_expect_eq(text[5], 'z');
}

Test(tensor, print_writes_a_line_to_a_stream) {
    char text[100];
    FILE *file = tmpfile();
    cr_assert_not_null(file);
    cr_expect_eq(tg_print(file, tg_from_f64(tape, TG_SHAPE(2), 2, six)), TG_OK);
    cr_expect_eq(tg_print(file, tg_scalar(tape, -0.5)), TG_OK);
    rewind(file);
    const size_t n = fread(text, 1, sizeof text - 1, file);
    text[n] = 0;
    cr_expect_str_eq(text, "[1. 2.]\n-0.5\n");
    fclose(file);
}

Test(tensor, print_truncates_what_is_large) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    cr_expect_eq(tg_print(stream, tg_zeros(tape, TG_SHAPE(500, 500))), TG_OK);
    fclose(stream);
    cr_expect_not_null(strstr(text, "..."));
    cr_expect_lt(length, 1000);
    free(text);
}

Test(tensor, print_says_when_the_stream_cannot_be_written_to) {
    FILE *file = fopen("/dev/null", "r");
    cr_assert_not_null(file);
    cr_expect_eq(tg_print_at("main.c:8", file, tg_scalar(tape, 1)), TG_ERR_FILE);
    EXPECT_ERROR(tape, TG_ERR_FILE, "main.c:8", "print");
    fclose(file);
}
