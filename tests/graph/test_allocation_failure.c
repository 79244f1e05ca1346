/* test_allocation_failure.c: every allocation of the tape's functions fails in turn: each gives an error or
 * success, nothing leaks, nothing crashes.
 *
 * Owns: the promise that memory may run out anywhere in graph/. The models' three graphs have the like in
 * tests/models/test_out_of_memory.c. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

/* Whether everything that the scenario does has worked; it must go on to its end in any case. */
typedef bool scenario(tg_tape *tape);

static void check_failure(tg_tape *tape, bool good, const char *name, const counting *memory) {
    if (good) return;
    cr_assert_eq(tg_tape_status(tape), TG_ERR_MEMORY, "%s, allocation %ld: %s", name, memory->fail_at,
                 tg_tape_error(tape) ? tg_tape_error(tape) : "no error");
    cr_expect(strstr(tg_tape_error(tape), "memory"), "%s", tg_tape_error(tape));
}

/* Runs it with the k-th allocation failing, alone or with all that follow, for k = 0, 1, ... until none does;
 * then again on the same tape, which must still work. */
static void fail_each(const char *name, tg_dtype dtype, scenario *run, bool all_after) {
    bool failed = true;
    long k = 0;
    for (; failed; k++) {
        counting memory;
        const tg_allocator allocator = counting_allocator(&memory);
        memory.fail_at = k;
        memory.fail_after = all_after;
        tg_tape *tape = tg_tape_new_with(dtype, allocator);
        if (tape) {
            const tg_mark start = tg_tape_mark(tape);
            const bool good = run(tape);
            check_failure(tape, good, name, &memory);
            cr_assert(good || memory.failed, "%s fails of itself", name);
            cr_expect_eq(tg_tape_bytes(tape), memory.bytes,
                         "%s, allocation %ld: the tape holds %zu, says %zu", name, k, memory.bytes,
                         tg_tape_bytes(tape));
            memory.fail_at = -1;
            tg_tape_clear_error(tape);
            cr_expect_eq(tg_tape_rewind(tape, start), TG_OK);
            cr_assert(run(tape), "%s after allocation %ld failed: %s", name, k, tg_tape_error(tape));
        }
        failed = memory.failed > 0;
        tg_tape_free(tape);
        cr_assert_eq(memory.blocks, 0, "%s, allocation %ld: %ld blocks leak", name, k, memory.blocks);
        cr_assert_eq(memory.bytes, 0);
        cr_assert_eq(memory.wrong_sizes, 0, "%s, allocation %ld: sizes", name, k);
    }
    cr_expect_gt(k, 3, "%s: only %ld allocations", name, k);
}

static void fail_all(const char *name, scenario *run) {
    for (tg_dtype dtype = TG_F32; dtype <= TG_F64; dtype++) {
        fail_each(name, dtype, run, false);
        fail_each(name, dtype, run, true);
    }
}

/* --- scenarios ------------------------------------------------------------------------------------------ */

static bool leaves(tg_tape *tape) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(90, 100), tg_key_new(1), 1);
    const tg_tensor x = tg_full(tape, TG_SHAPE(90, 100), 2);
    const int64_t labels[] = {1, 2, 3};
    tg_from_i64(tape, TG_SHAPE(3), 3, labels);
    for (int i = 0; i < 1100; i++) tg_param_scalar(tape, i);
    const tg_tensor square = tg_param_zeros(tape, TG_SHAPE(150, 150));
    tg_assign(square, tg_transpose(square));
    tg_assign(p, x);
    return tg_tape_status(tape) == TG_OK;
}

static bool names(tg_tape *tape) {
    char name[400];
    memset(name, 'n', sizeof name);
    for (int i = 0; i < 40; i++) {
        name[10 * (i % 39) + 1] = 0;
        const tg_tensor x = tg_set_name(tg_scalar(tape, i), name);
        name[10 * (i % 39) + 1] = 'n';
        if (tg_is_valid(x)) tg_set_name(x, "short");
    }
    return tg_tape_status(tape) == TG_OK;
}

static bool operations(tg_tape *tape) {
    tg_tensor x[20];
    for (int i = 0; i < 20; i++) x[i] = tg_param_zeros(tape, TG_SHAPE(30, 30));
    const tg_tensor all = tg_concat(20, x, 1), turned = tg_reshape(tg_transpose(all), TG_SHAPE(300, 60));
    const tg_tensor sums = tg_accumulate(20, x),
                    hidden = tg_tanh(tg_matmul(turned, tg_ones(tape, TG_SHAPE(60, 70))));
    const tg_tensor y = tg_add(tg_mean(hidden), tg_sum(tg_softmax(sums, 0)));
    return isfinite(tg_item(y)) && tg_tape_status(tape) == TG_OK;
}

static bool gradients(tg_tape *tape) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(40), tg_key_new(1), 1);
    tg_tensor y = p, dx = {0}, parts[12];
    for (int i = 0; i < 300; i++) y = tg_tanh(tg_add(y, tg_mul(p, tg_num(0.01 * i))));
    for (int i = 0; i < 12; i++) parts[i] = y;
    const tg_tensor loss = tg_sum(tg_square(tg_concat(12, parts, 0)));
    if (tg_gradients(loss, 1, &p, &dx) != TG_OK) return false;
    return tg_backward(tg_sum(tg_square(dx))) == TG_OK;
}

/* An error in backward leaves no part of a gradient behind. */
static bool backward(tg_tape *tape) {
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(3000), tg_key_new(1), 1), q = tg_param_scalar(tape, 2);
    tg_tensor y = tg_exp(tg_mul(p, q));
    for (int i = 0; i < 20; i++) y = tg_tanh(tg_add(y, p));
    const tg_tensor loss = tg_mean(y);
    if (!tg_is_valid(loss)) return false;
    if (tg_backward(loss) == TG_OK) return true;
    cr_expect(tg_item(tg_grad(q)) == 0 && tg_value(tg_grad(p), TG_SHAPE(7)) == 0);
    return false;
}

static bool training(tg_tape *tape) {
    const tg_tensor W = tg_param_normal(tape, TG_SHAPE(20, 30), tg_key_new(1), 0.1),
                    b = tg_param_zeros(tape, TG_SHAPE(20, 1)), params[] = {W, b};
    tg_optimizer *optimizer = tg_adam_new(tape, 2, params, (tg_adam_options){0});
    const tg_mark mark = tg_tape_mark(tape);
    bool good = optimizer != NULL;
    for (int step = 0; good && step < 3; step++) {
        const tg_tensor x = tg_full(tape, TG_SHAPE(30, 50), 0.1 * step);
        const tg_tensor loss = tg_mean(tg_square(tg_sigmoid(tg_add(tg_matmul(W, x), b))));
        good = tg_backward(loss) == TG_OK && tg_optimizer_step(optimizer) == TG_OK;
        good &= tg_tape_rewind(tape, mark) == TG_OK;
    }
    tg_optimizer_free(optimizer);
    return good;
}

static tg_tensor model(tg_tape *tape, const tg_tensor *p, void *context) {
    (void)tape, (void)context;
    return tg_mean(tg_softplus(tg_add(tg_square(p[0]), tg_relu(p[1]))));
}

static bool checking_and_drawing(tg_tape *tape) {
    tg_tensor p[30];
    for (int i = 0; i < 30; i++) p[i] = tg_param_zeros(tape, TG_SHAPE(i < 2 ? 3 : 500));
    const tg_tensor y = model(tape, p, NULL);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    bool good = tg_is_valid(y) && tg_is_valid(p[29]) && tg_print(stream, p[29]) == TG_OK &&
                tg_draw("/dev/null", y, NULL) == TG_OK;
    fclose(stream);
    free(text);
    static const tg_gradcheck_options options[] = {{.fast = true, .step = 0.1}, {.fast = true, .order = 2}};
    for (int i = 0; good && tg_tape_dtype(tape) == TG_F64 && i < 2; i++) {
        tg_gradcheck_report report;
        good = tg_gradcheck(tape, model, NULL, 30, p, &options[i], &report) == TG_OK;
        cr_expect(good || (!report.results && report.n == 0), "the report is empty");
        tg_gradcheck_report_free(&report);
    }
    return good;
}

Test(allocation_failure, in_leaves_is_an_error) { fail_all("leaves", leaves); }
Test(allocation_failure, in_names_is_an_error) { fail_all("names", names); }
Test(allocation_failure, in_operations_is_an_error) { fail_all("operations", operations); }
Test(allocation_failure, in_gradients_is_an_error) { fail_all("gradients", gradients); }
Test(allocation_failure, in_backward_leaves_gradients_untouched) { fail_all("backward", backward); }
Test(allocation_failure, in_training_is_an_error) { fail_all("training", training); }
Test(allocation_failure, in_checks_and_drawings_is_an_error) { fail_all("checks", checking_and_drawing); }

Test(allocation_failure, in_making_a_tape_gives_null) {
    counting memory;
    const tg_allocator allocator = counting_allocator(&memory);
    memory.fail_at = 0;
    cr_expect_null(tg_tape_new_with(TG_F64, allocator));
    cr_expect_eq(memory.allocations, 1);
}
