/* test_tape.c: the life of a tape: marks, rewinding, memory, handles that outlive their tensors, errors.
 *
 * Owns: what graph/tape.h promises, but for the NaN check, which has a file of its own. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

TestSuite(tape);

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

Test(tape, is_made_for_f32_or_f64_only) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    cr_expect_eq(tg_tape_dtype(f32), TG_F32);
    tg_tape_free(f32);
    cr_expect_null(tg_tape_new(TG_I64));
    cr_expect_null(tg_tape_new(TG_BOOL));
    cr_expect_null(tg_tape_new((tg_dtype)17));
    cr_expect_null(tg_tape_new_with(TG_F64, (tg_allocator){NULL, NULL}));
}

Test(tape, that_is_null_is_answered_and_never_followed) {
    tg_tape *none = NULL;
    tg_tape_free(none);
    cr_expect_eq(tg_tape_status(none), TG_ERR_MEMORY);
    cr_expect_not_null(tg_tape_error(none));
    cr_expect_null(tg_tape_warning(none));
    cr_expect_eq(tg_tape_n_nodes(none), 0);
    cr_expect_eq(tg_tape_bytes(none), 0);
    tg_tape_clear_error(none);
    tg_tape_set_nan_check(none, true);
    tg_tape_set_broadcast(none, TG_BROADCAST_STRICT);
    tg_tape_zero_grad(none);
    cr_expect_neq(tg_tape_rewind(none, tg_tape_mark(none)), TG_OK);
    cr_expect_not(tg_is_valid(tg_scalar(none, 1)));
    cr_expect_not(tg_is_valid(tg_param_zeros(none, TG_SHAPE(2))));
    cr_expect_not(tg_is_valid(tg_param_normal(none, TG_SHAPE(2), tg_key_new(1), 1)));
    cr_expect_eq(tg_tape_fail(none, TG_ERR_VALUE, TG_HERE, "nobody hears"), TG_ERR_VALUE);
}

Test(tape, gives_back_every_byte_when_it_is_freed) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F32, counting_allocator(&memory));
    for (int i = 0; i < 3000; i++)
        tg_set_name(tg_param_zeros(counted, TG_SHAPE(40)), "a name of many letters");
    EXPECT_NO_ERROR(counted);
    cr_expect_eq(tg_tape_bytes(counted), memory.bytes, "%zu is not %zu", tg_tape_bytes(counted),
                 memory.bytes);
    tg_tape_free(counted);
    cr_expect_eq(memory.bytes, 0);
    cr_expect_eq(memory.blocks, 0);
    cr_expect_eq(memory.wrong_sizes, 0);
}

/* --- marks ---------------------------------------------------------------------------------------------- */

Test(tape, marks_nest, .init = open_tape, .fini = close_tape) {
    const tg_tensor a = tg_scalar(tape, 1);
    const tg_mark outer = tg_tape_mark(tape);
    const tg_tensor b = tg_scalar(tape, 2);
    const tg_mark inner = tg_tape_mark(tape);
    const tg_tensor c = tg_add(a, b);
    cr_expect_eq(tg_tape_n_nodes(tape), 3);
    cr_expect_eq(tg_tape_rewind(tape, inner), TG_OK);
    cr_expect(tg_is_valid(a) && tg_is_valid(b) && !tg_is_valid(c));
    cr_expect_eq(tg_tape_n_nodes(tape), 2);
    cr_expect_eq(tg_tape_rewind(tape, inner), TG_OK, "a mark serves again and again");
    cr_expect_eq(tg_tape_rewind(tape, outer), TG_OK);
    cr_expect(tg_is_valid(a) && !tg_is_valid(b));
    cr_expect_eq(tg_item(a), 1);
    EXPECT_NO_ERROR(tape);
}

Test(tape, a_mark_at_the_beginning_empties_it, .init = open_tape, .fini = close_tape) {
    const tg_mark start = tg_tape_mark(tape);
    for (int turn = 0; turn < 3; turn++) {
        const tg_tensor p = tg_param_scalar(tape, 3);
        cr_expect_eq(tg_backward(tg_mul(p, p)), TG_OK);
        cr_expect_eq(tg_item(tg_grad(p)), 6);
        cr_expect_eq(tg_tape_rewind(tape, start), TG_OK);
        cr_expect_eq(tg_tape_n_nodes(tape), 0);
    }
}

Test(tape, a_stale_mark_is_refused_and_nothing_is_forgotten, .init = open_tape, .fini = close_tape) {
    const tg_mark outer = tg_tape_mark(tape);
    tg_scalar(tape, 1);
    const tg_mark inner = tg_tape_mark(tape);
    cr_expect_eq(tg_tape_rewind_at("loop.c:7", tape, outer), TG_OK);
    cr_expect_eq(tg_tape_rewind_at("loop.c:8", tape, inner), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "loop.c:8", "mark is stale", "loop.c:7");
    const tg_tensor a = tg_scalar(tape, 2), b = tg_scalar(tape, 3); /* as many nodes again, but others */
    cr_expect_eq(tg_tape_rewind(tape, inner), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "mark is stale");
    cr_expect_eq(tg_item(a) + tg_item(b), 5);
}

Test(tape, a_mark_of_another_tape_or_of_none_is_refused, .init = open_tape, .fini = close_tape) {
    tg_tape *other = tg_tape_new(TG_F64);
    const tg_tensor a = tg_scalar(tape, 2);
    cr_expect_eq(tg_tape_rewind_at("loop.c:9", tape, tg_tape_mark(other)), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "loop.c:9", "another tape", "tg_tape_mark");
    cr_expect_eq(tg_tape_rewind(tape, (tg_mark){0}), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "no tape");
    cr_expect(tg_is_valid(a));
    EXPECT_NO_ERROR(other);
    tg_tape_free(other);
}

Test(tape, a_mark_survives_a_backward, .init = open_tape, .fini = close_tape) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){1, 2, 3}));
    const tg_mark start = tg_tape_mark(tape);
    const tg_tensor y = tg_sum(tg_square(p));
    const tg_mark end = tg_tape_mark(tape);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(tg_tape_rewind(tape, end), TG_OK);
    cr_expect_eq(tg_item(y), 14);
    cr_expect_eq(tg_tape_rewind(tape, start), TG_OK);
    cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(2)), 6);
}

/* --- handles that outlive their tensors ----------------------------------------------------------------- */

Test(tape, a_stale_handle_names_the_line_that_made_it_and_the_line_that_rewound, .init = open_tape,
     .fini = close_tape) {
    const tg_tensor a = tg_scalar(tape, 1);
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor lost = tg_add_at("model.c:12", a, a);
    cr_expect_eq(tg_tape_rewind_at("train.c:34", tape, mark), TG_OK);
    cr_expect_not(tg_is_valid(lost));
    cr_expect_not(tg_is_valid(tg_mul_at("model.c:56", a, lost)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "model.c:56", "mul: input 1", "stale", "model.c:12", "train.c:34");
}

Test(tape, a_stale_handle_whose_place_was_taken_says_by_what, .init = open_tape, .fini = close_tape) {
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor lost = tg_scalar_at("model.c:12", tape, 1);
    cr_expect_eq(tg_tape_rewind_at("train.c:34", tape, mark), TG_OK);
    const tg_tensor taker = tg_scalar_at("model.c:78", tape, 2);
    cr_expect_not(tg_is_valid(lost));
    cr_expect(isnan(tg_item_at("model.c:90", lost)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "model.c:90", "item", "stale", "train.c:34", "model.c:78");
    cr_expect_eq(tg_item(taker), 2);
}

Test(tape, a_stale_handle_is_told_after_many_more_rewinds, .init = open_tape, .fini = close_tape) {
    const tg_mark mark = tg_tape_mark(tape);
    const tg_tensor lost = tg_scalar(tape, 1);
    for (int i = 0; i < 100; i++) {
        cr_expect_eq(tg_tape_rewind_at("train.c:34", tape, mark), TG_OK);
        tg_scalar(tape, i);
    }
    cr_expect(isnan(tg_item(lost)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "stale", "train.c:34");
}

Test(tape, the_rewind_that_is_named_is_the_one_that_cut_the_tensor_off, .init = open_tape,
     .fini = close_tape) {
    const tg_mark outer = tg_tape_mark(tape);
    const tg_tensor lost = tg_scalar(tape, 1);
    const tg_mark inner = tg_tape_mark(tape);
    cr_expect_eq(tg_tape_rewind_at("inner.c:1", tape, inner), TG_OK);
    cr_expect(tg_is_valid(lost));
    cr_expect_eq(tg_tape_rewind_at("outer.c:2", tape, outer), TG_OK);
    cr_expect_eq(tg_tape_rewind_at("later.c:3", tape, outer), TG_OK);
    cr_expect(isnan(tg_item(lost)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "outer.c:2");
}

Test(tape, a_handle_that_names_no_node_is_refused, .init = open_tape, .fini = close_tape) {
    const tg_tensor forged[] = {{tape, 0, 1}, {tape, 5, 0}, {tape, 1U << 31, 7}, {tape, UINT32_MAX - 1, 1}};
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        cr_expect_not(tg_is_valid(forged[i]));
        cr_expect(isnan(tg_item(forged[i])));
        EXPECT_ERROR(tape, TG_ERR_HANDLE, "names no node");
    }
}

/* The node's place on the tape was never written to, but the tape holds memory for it. */
Test(tape, a_forged_handle_does_not_reach_memory_never_written, .init = open_tape, .fini = close_tape) {
    const tg_mark mark = tg_tape_mark(tape);
    tg_scalar(tape, 1);
    cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
    cr_expect(isnan(tg_item((tg_tensor){tape, 500, 1})));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "names no node");
}

/* --- memory --------------------------------------------------------------------------------------------- */

Test(tape, rewinding_uses_the_same_memory_again, .init = open_tape, .fini = close_tape) {
    const tg_mark mark = tg_tape_mark(tape);
    const void *first = NULL;
    for (int turn = 0; turn < 4; turn++) {
        const void *data = tg_data(tg_zeros(tape, TG_SHAPE(1000)));
        if (!first) first = data;
        cr_expect_eq(data, first);
        cr_expect_eq((uintptr_t)data % 64, 0, "data is aligned to 64 bytes");
        cr_expect_eq(tg_tape_rewind(tape, mark), TG_OK);
    }
}

/* One step of a training-like loop: forward, backward, update, rewind. */
static void step(tg_tape *on, tg_tensor p, int64_t rows) {
    const tg_mark mark = tg_tape_mark(on);
    const tg_tensor x = tg_full(on, TG_SHAPE(rows, 30), 0.5);
    const tg_tensor hidden = tg_tanh(tg_mul(x, p)), parts[] = {hidden, x, hidden};
    const tg_tensor loss = tg_set_name(tg_sum(tg_square(tg_concat(3, parts, 0))), "loss");
    cr_assert_eq(tg_backward(loss), TG_OK, "%s", tg_tape_error(on));
    tg_no_grad(on) tg_assign(p, tg_sub(p, tg_mul(tg_num(0.1), tg_grad(p))));
    tg_zero_grad(p);
    cr_assert_eq(tg_tape_rewind(on, mark), TG_OK);
}

Test(tape, asks_for_nothing_after_the_first_step_of_a_loop) {
    for (tg_dtype dtype = TG_F32; dtype <= TG_F64; dtype++) {
        counting memory;
        tg_tape *counted = tg_tape_new_with(dtype, counting_allocator(&memory));
        const tg_tensor p = tg_param_normal(counted, TG_SHAPE(30), tg_key_new(1), 1);
        step(counted, p, 200);
        const long first = memory.allocations;
        for (int i = 0; i < 20; i++) step(counted, p, 200);
        cr_expect_eq(memory.allocations, first, "%ld more allocations", memory.allocations - first);
        EXPECT_NO_ERROR(counted);
        tg_tape_free(counted);
    }
}

Test(tape, asks_for_nothing_when_later_steps_are_not_larger) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
    const tg_tensor p = tg_param_normal(counted, TG_SHAPE(30), tg_key_new(1), 1);
    step(counted, p, 260); /* by a plan for its gradients, which is made at once: it is large */
    step(counted, p, 259); /* and without */
    const long first = memory.allocations;
    for (int64_t rows = 258; rows > 0; rows -= 37) step(counted, p, rows);
    step(counted, p, 0); /* an empty batch: 0 rows */
    for (int64_t rows = 1; rows <= 260; rows += 37) step(counted, p, rows);
    cr_expect_eq(memory.allocations, first, "%ld more allocations", memory.allocations - first);
    tg_tape_free(counted);
}

Test(tape, asks_for_nothing_when_large_and_small_steps_take_turns) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
    const tg_tensor p = tg_param_normal(counted, TG_SHAPE(30), tg_key_new(1), 1);
    static const int64_t rows[] = {3, 260, 50, 120};
    for (int i = 0; i < 20; i++) step(counted, p, rows[i % 4]); /* until each has a plan */
    const long settled = memory.allocations;
    for (int i = 0; i < 40; i++) step(counted, p, rows[i % 4]);
    cr_expect_eq(memory.allocations, settled, "%ld more allocations", memory.allocations - settled);
    tg_tape_free(counted);
}

Test(tape, names_and_their_memory_follow_the_rewinds) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
    const tg_tensor kept = tg_set_name(tg_scalar(counted, 1), "kept");
    const tg_mark mark = tg_tape_mark(counted);
    long settled = 0;
    for (int turn = 0; turn < 6; turn++) {
        char name[40];
        tg_tensor named[50];
        for (int i = 0; i < 50; i++) {
            snprintf(name, sizeof name, "turn %d, tensor %d", turn, i);
            named[i] = tg_set_name(tg_scalar(counted, i), name);
        }
        cr_expect_str_eq(tg_name(named[49]), name);
        cr_expect_str_eq(tg_name(kept), "kept");
        cr_expect_eq(tg_tape_rewind(counted, mark), TG_OK);
        cr_expect_null(tg_name(named[49]));
        cr_expect_null(tg_name(tg_scalar(counted, 0)), "a new tensor does not inherit a name");
        if (turn == 0) settled = memory.allocations;
    }
    cr_expect_eq(memory.allocations, settled);
    cr_expect_str_eq(tg_name(kept), "kept");
    tg_tape_free(counted);
    cr_expect_eq(memory.bytes, 0);
}

/* --- errors --------------------------------------------------------------------------------------------- */

Test(tape, the_first_error_sticks_until_it_is_cleared, .init = open_tape, .fini = close_tape) {
    cr_expect_null(tg_tape_error(tape));
    const tg_tensor a = tg_zeros(tape, TG_SHAPE(2)), b = tg_zeros(tape, TG_SHAPE(3));
    const tg_tensor bad = tg_add_at("model.c:1", a, b);
    const tg_tensor worse = tg_mul_at("model.c:2", bad, tg_zeros(tape, TG_SHAPE(7)));
    cr_expect_not(tg_is_valid(worse));
    cr_expect_eq(worse.tape, tape, "an invalid handle still knows its tape");
    cr_expect_eq(tg_backward_at("model.c:3", worse), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "model.c:1: add: ", "[2]", "[3]");
    cr_expect_null(tg_tape_error(tape));
    cr_expect_eq(tg_tape_status(tape), TG_OK);
}

Test(tape, an_error_loses_nothing_that_was_there, .init = open_tape, .fini = close_tape) {
    const tg_tensor p = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){3, 4}));
    const tg_tensor y = tg_sum(tg_square(p));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_not(tg_is_valid(tg_add(p, tg_zeros(tape, TG_SHAPE(3)))));
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes + 1, "only the zeros were recorded");
    cr_expect_eq(tg_item(y), 25, "values are read while an error sticks");
    cr_expect_eq(tg_backward(y), TG_ERR_SHAPE, "but nothing is differentiated");
    cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(0)), 0);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(tg_value(tg_grad(p), TG_SHAPE(0)), 6);
}

Test(tape, what_is_built_on_an_error_stays_invalid_after_it_is_cleared, .init = open_tape,
     .fini = close_tape) {
    const tg_tensor a = tg_zeros(tape, TG_SHAPE(2));
    const tg_tensor bad = tg_add(a, tg_zeros(tape, TG_SHAPE(3)));
    tg_tape_clear_error(tape);
    cr_expect_not(tg_is_valid(tg_add_at("model.c:5", a, bad)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "model.c:5", "add: input 1", "earlier error");
    cr_expect(isnan(tg_item(bad)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "earlier error");
}

Test(tape, keeps_an_error_of_the_users_own, .init = open_tape, .fini = close_tape) {
    cr_expect_eq(tg_tape_fail(tape, TG_ERR_VALUE, "main.c:3", "rate %g is too high", 7.5), TG_ERR_VALUE);
    cr_expect_eq(tg_tape_fail(tape, TG_ERR_FILE, "main.c:4", "never seen"), TG_ERR_FILE);
    cr_expect_str_eq(tg_tape_error(tape), "main.c:3: rate 7.5 is too high");
    EXPECT_ERROR(tape, TG_ERR_VALUE, "main.c:3");
}

Test(tape, cuts_a_message_that_is_too_long, .init = open_tape, .fini = close_tape) {
    char name[4000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    const tg_tensor a = tg_set_name(tg_zeros(tape, TG_SHAPE(2)), name);
    cr_expect_str_eq(tg_name(a), name);
    cr_expect(isnan(tg_item(a)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "item: 'xxx");
    tg_tape_fail(tape, TG_ERR_VALUE, name, "%s", name);
    cr_expect_lt(strlen(tg_tape_error(tape)), 2000);
}

/* --- modes ---------------------------------------------------------------------------------------------- */

Test(tape, records_no_gradients_inside_no_grad, .init = open_tape, .fini = close_tape) {
    const tg_tensor p = tg_param_scalar(tape, 3);
    tg_tensor inside = {0};
    tg_no_grad(tape) {
        inside = tg_square(p);
        tg_no_grad(tape) cr_expect_eq(tg_tape_set_grad(tape, false), false);
        cr_expect_not(tg_requires_grad(tg_square(p)), "the inner block does not switch gradients on");
    }
    cr_expect_not(tg_requires_grad(inside));
    cr_expect(tg_requires_grad(tg_square(p)));
    cr_expect_eq(tg_item(inside), 9);
    cr_expect_eq(tg_backward(tg_mul(inside, p)), TG_OK);
    cr_expect_eq(tg_item(tg_grad(p)), 9, "what was recorded inside is a constant");
}

Test(tape, a_parameter_made_inside_no_grad_is_a_parameter, .init = open_tape, .fini = close_tape) {
    tg_tensor p = {0};
    tg_no_grad(tape) p = tg_param_scalar(tape, 3);
    cr_expect_eq(tg_backward(tg_square(p)), TG_OK);
    cr_expect_eq(tg_item(tg_grad(p)), 6);
}

Test(tape, strict_broadcasting_refuses_what_expands_both_operands, .init = open_tape, .fini = close_tape) {
    const tg_tensor column = tg_zeros(tape, TG_SHAPE(3, 1)), row = tg_zeros(tape, TG_SHAPE(3));
    cr_expect(tg_is_valid(tg_sub(column, row)), "NumPy's rule at first");
    cr_expect_null(tg_tape_warning(tape));
    tg_tape_set_broadcast(tape, TG_BROADCAST_STRICT);
    cr_expect_not(tg_is_valid(tg_sub_at("loss.c:9", column, row)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "loss.c:9: sub: ", "[3, 1]", "[3]", "tg_expand");
    const tg_tensor said = tg_sub(tg_expand(column, TG_SHAPE(3, 3)), row);
    cr_expect(tg_shape_equal(tg_shape_of(said), TG_SHAPE(3, 3)));
    cr_expect(tg_is_valid(tg_sub(column, tg_scalar(tape, 1))), "one operand may expand");
    cr_expect(tg_is_valid(tg_sub(column, tg_zeros(tape, TG_SHAPE(1)))));
    cr_expect(tg_is_valid(tg_sub(tg_zeros(tape, TG_SHAPE(2, 3)), row)));
    EXPECT_NO_ERROR(tape);
}

Test(tape, a_warning_about_broadcasting_is_kept_and_the_result_is_numpys, .init = open_tape,
     .fini = close_tape) {
    const tg_tensor column = tg_ones(tape, TG_SHAPE(3, 1)), row = tg_ones(tape, TG_SHAPE(4));
    tg_tape_set_broadcast(tape, TG_BROADCAST_WARN);
    const tg_tensor sum = tg_add_at("loss.c:9", column, row);
    tg_mul_at("loss.c:10", row, column);
    EXPECT_NO_ERROR(tape);
    cr_expect(tg_shape_equal(tg_shape_of(sum), TG_SHAPE(3, 4)));
    cr_assert_not_null(tg_tape_warning(tape));
    cr_expect(strstr(tg_tape_warning(tape), "loss.c:9: add: "), "%s", tg_tape_warning(tape));
    cr_expect(strstr(tg_tape_warning(tape), "[3, 1]"), "%s", tg_tape_warning(tape));
    tg_tape_clear_error(tape);
    cr_expect_null(tg_tape_warning(tape), "forgotten with the error");
}

Test(tape, strict_broadcasting_does_not_stand_in_the_way_of_gradients, .init = open_tape,
     .fini = close_tape) {
    const tg_tensor W = tg_param_zeros(tape, TG_SHAPE(3, 1)), x = tg_ones(tape, TG_SHAPE(1, 4));
    tg_tape_set_broadcast(tape, TG_BROADCAST_STRICT);
    const tg_tensor y = tg_sum(tg_mul(tg_expand(W, TG_SHAPE(3, 4)), x));
    cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_value(tg_grad(W), TG_SHAPE(0, 0)), 4);
}

Test(tape, of_f32_holds_and_computes_floats) {
    tg_tape *f32 = tg_tape_new(TG_F32);
    const tg_tensor p = tg_param_f64(f32, TG_SHAPE(2), 2, ((double[]){0.1, 0.2}));
    cr_expect_eq(tg_dtype_of(p), TG_F32);
    cr_expect_eq(tg_value(p, TG_SHAPE(0)), (double)0.1F);
    const tg_tensor y = tg_sum(tg_mul(p, tg_num(0.1)));
    cr_expect_eq(tg_dtype_of(y), TG_F32);
    cr_expect_eq(tg_item(y), (double)(0.1F * 0.1F + 0.2F * 0.1F));
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(((const float *)tg_data(tg_grad(p)))[1], 0.1F);
    tg_tape_free(f32);
}
