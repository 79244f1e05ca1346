/* test_apply.c: applying operations, all of them defined here, as a user's program would define its own.
 *
 * Owns: what graph/op.h promises of each kind of operation, and what is refused. Gradients are
 * test_gradient.c's. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(apply, .init = open_tape, .fini = close_tape);

/* --- operations of our own ------------------------------------------------------------------------------ */

/* y = a x + b x^2, with a and b in the attribute: elementwise. */
struct curve {
    double a, b;
};

static void curve_f32(int64_t n, void *out, const void *const *in, const void *attr) {
    const struct curve *c = attr;
    const float *x = in[0];
    for (int64_t i = 0; i < n; i++) ((float *)out)[i] = (float)c->a * x[i] + (float)c->b * x[i] * x[i];
}
static void curve_f64(int64_t n, void *out, const void *const *in, const void *attr) {
    const struct curve *c = attr;
    const double *x = in[0];
    for (int64_t i = 0; i < n; i++) ((double *)out)[i] = c->a * x[i] + c->b * x[i] * x[i];
}
static void curve_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const struct curve *at = c->attr;
    dx[0] = tg_mul(dy, tg_add(tg_num(at->a), tg_mul(tg_num(2 * at->b), c->x[0])));
}
static const struct tg_op curve = {.name = "curve",
                                   .kind = TG_MAP,
                                   .n_inputs = 1,
                                   .attr_size = sizeof(struct curve),
                                   .map_f32 = curve_f32,
                                   .map_f64 = curve_f64,
                                   .backward = curve_backward};

/* y = a - b: elementwise, with broadcasting. */
TG_MAP_KERNELS_2(minus, x - y)
static void minus_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = dy, dx[1] = tg_neg(dy);
}
static const struct tg_op minus = {.name = "minus",
                                   .kind = TG_MAP,
                                   .n_inputs = 2,
                                   .map_f32 = minus_f32,
                                   .map_f64 = minus_f64,
                                   .backward = minus_backward};
static const struct tg_op many_map = {.name = "many_map",
                                      .kind = TG_MAP,
                                      .n_inputs = -1,
                                      .map_f32 = minus_f32,
                                      .map_f64 = minus_f64,
                                      .backward = TG_NOT_DIFFERENTIABLE};

/* y = the elements of all inputs, sorted: of no particular kind, with scratch memory. */
static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}
static bool sorted_infer(tg_call *c) {
    int64_t n = 0;
    for (int i = 0; i < c->n_in; i++) n += tg_array_size(&c->in[i]);
    c->out_shape = TG_SHAPE(n);
    return true;
}
static bool sorted_forward(const tg_call *c) {
    const size_t n = (size_t)tg_array_size(&c->out);
    double *scratch = tg_call_scratch(c, n * sizeof *scratch), *to = scratch;
    if (!scratch) return false;
    for (int i = 0; i < c->n_in; i++) {
        const tg_array *in = &c->in[i];
        int64_t strides[TG_MAX_RANK];
        tg_strides_contiguous(tg_array_shape(in), strides);
        const tg_array part = {to, in->shape, strides, in->rank, TG_F64};
        tg_array_copy(&part, in);
        to += tg_array_size(in);
    }
    qsort(scratch, n, sizeof *scratch, compare);
    if (n) memcpy(c->out.data, scratch, n * sizeof *scratch);
    return true;
}
static const struct tg_op sorted = {.name = "sorted",
                                    .kind = TG_OTHER,
                                    .n_inputs = -1,
                                    .infer = sorted_infer,
                                    .forward = sorted_forward,
                                    .backward = TG_NOT_DIFFERENTIABLE};

/* y = x x^T, for matrices: says which product it is, and has no forward. */
static bool gram_infer(tg_call *c) {
    c->out_shape = TG_SHAPE(c->in[0].shape[0], c->in[0].shape[0]);
    return true;
}
static void gram_product(const tg_call *c, tg_product *product) {
    const tg_array x = c->in[0];
    *product = (tg_product){.dtype = x.dtype,
                            .m = x.shape[0],
                            .n = x.shape[0],
                            .k = x.shape[1],
                            .a = {.data = x.data, .row = x.strides[0], .column = x.strides[1]},
                            .b = {.data = x.data, .row = x.strides[1], .column = x.strides[0]},
                            .c = c->out.data};
}
static const struct tg_op gram = {.name = "gram",
                                  .kind = TG_CONTRACT,
                                  .n_inputs = 1,
                                  .infer = gram_infer,
                                  .product = gram_product,
                                  .backward = TG_NOT_DIFFERENTIABLE};

/* An operation whose functions do what the test says. */
static struct tg_op faulty(bool (*infer)(tg_call *), bool (*forward)(const tg_call *)) {
    return (struct tg_op){.name = "faulty",
                          .kind = TG_OTHER,
                          .n_inputs = 1,
                          .infer = infer,
                          .forward = forward,
                          .backward = TG_NOT_DIFFERENTIABLE};
}
static bool like_input(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    c->out_dtype = c->in[0].dtype;
    return true;
}
static bool fails_silently(tg_call *c) { return c->n_in < 0; }
static bool forward_nothing(const tg_call *c) { return c->n_in > 0; }
static bool forward_fails(const tg_call *c) { return c->n_in < 0; }

/* --- user's operations are full citizens ---------------------------------------------------------------- */

Test(apply, an_operation_of_ones_own_that_is_a_product_is_computed_by_the_library) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){1, 2, 3, 4, 5, 6}));
    const tg_tensor y = tg_apply(&gram, 1, &x, NULL);
    cr_expect_eq(tg_value(y, TG_SHAPE(0, 0)), 14);
    cr_expect_eq(tg_value(y, TG_SHAPE(0, 1)), 32);
    cr_expect_eq(tg_value(y, TG_SHAPE(1, 0)), 32);
    cr_expect_eq(tg_value(y, TG_SHAPE(1, 1)), 77);
    tg_plan *plan = tg_plan_new(tape, 1, &y);
    tg_write_f64(x, 6, ((double[]){1, 0, 0, 0, 2, 1}));
    cr_expect_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_value(y, TG_SHAPE(0, 1)), 0);
    cr_expect_eq(tg_value(y, TG_SHAPE(1, 1)), 5);
    tg_plan_free(plan);
    EXPECT_NO_ERROR(tape);
}

Test(apply, an_elementwise_operation_of_ones_own_works_on_scalars_and_arrays) {
    const struct curve at = {2, 3};
    const tg_tensor s = tg_param_scalar(tape, 5), y = tg_apply(&curve, 1, &s, &at);
    cr_expect_eq(tg_item(y), 85);
    cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_item(tg_grad(s)), 32);
    const tg_tensor x = tg_transpose(tg_from_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){1, 2, 3, 4, 5, 6})));
    const tg_tensor z = tg_apply(&curve, 1, &x, &at);
    cr_expect_eq(tg_value(z, TG_SHAPE(0, 1)), 2 * 4 + 3 * 16);
    cr_expect(tg_shape_equal(tg_shape_of(z), TG_SHAPE(3, 2)));
    EXPECT_NO_ERROR(tape);
}

Test(apply, the_attribute_is_copied) {
    struct curve at = {2, 0};
    const tg_tensor s = tg_param_scalar(tape, 5), y = tg_apply(&curve, 1, &s, &at);
    at = (struct curve){99, 99};
    cr_expect_eq(tg_backward(y), TG_OK);
    cr_expect_eq(tg_item(tg_grad(s)), 2);
}

Test(apply, elementwise_operations_broadcast) {
    const tg_tensor a = tg_from_f64(tape, TG_SHAPE(2, 1), 2, ((double[]){10, 20})),
                    b = tg_from_f64(tape, TG_SHAPE(3), 3, ((double[]){1, 2, 3}));
    const tg_tensor y = tg_apply(&minus, 2, ((tg_tensor[]){a, b}), NULL);
    cr_expect(tg_shape_equal(tg_shape_of(y), TG_SHAPE(2, 3)));
    cr_expect_eq(tg_value(y, TG_SHAPE(1, 2)), 17);
    cr_expect_not(
        tg_is_valid(tg_apply_at("main.c:1", &minus, 2, (tg_tensor[]){b, tg_zeros(tape, TG_SHAPE(2))}, NULL)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:1: minus: ", "[3]", "[2]");
}

Test(apply, an_operation_of_another_kind_has_scratch_and_any_number_of_inputs) {
    enum { MANY = 40 };
    tg_tensor x[MANY];
    double expected[2 * MANY];
    for (int i = 0; i < MANY; i++) {
        const double pair[] = {(i * 37) % 80, (i * 37 + 41) % 80};
        x[i] = tg_from_f64(tape, TG_SHAPE(2), 2, pair);
        expected[2 * i] = pair[0], expected[2 * i + 1] = pair[1];
    }
    qsort(expected, 2 * MANY, sizeof *expected, compare);
    const tg_tensor y = tg_apply(&sorted, MANY, x, NULL);
    cr_assert_eq(tg_size(y), 2 * MANY);
    cr_expect_arr_eq(tg_data(y), expected, sizeof expected);
    cr_expect_eq(tg_size(tg_apply(&sorted, 1, x, NULL)), 2);
    cr_expect_eq(tg_size(tg_apply(&sorted, 9, x, NULL)), 18);
    EXPECT_NO_ERROR(tape);
    x[17] = tg_zeros(tape, TG_SHAPE(3));
    tg_tape *other = tg_tape_new(TG_F64);
    x[23] = tg_zeros(other, TG_SHAPE(3));
    cr_expect_not(tg_is_valid(tg_apply(&sorted, MANY, x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "input 23", "two tapes");
    tg_tape_free(other);
}

Test(apply, scratch_memory_is_used_again) {
    counting memory;
    tg_tape *counted = tg_tape_new_with(TG_F64, counting_allocator(&memory));
    const tg_mark mark = tg_tape_mark(counted);
    long settled = 0;
    for (int i = 0; i < 20; i++) {
        const tg_tensor x = tg_zeros(counted, TG_SHAPE(30000));
        tg_apply(&sorted, 1, &x, NULL);
        cr_expect_eq(tg_tape_rewind(counted, mark), TG_OK);
        if (i == 0) settled = memory.allocations;
    }
    cr_expect_eq(memory.allocations, settled);
    tg_tape_free(counted);
}

Test(apply, integers_and_masks_pass_through_operations_that_take_them) {
    const struct tg_op copy = faulty(like_input, forward_nothing);
    const tg_tensor i = tg_from_i64(tape, TG_SHAPE(2), 2, (int64_t[]){1, 2}),
                    b = tg_from_bool(tape, TG_SHAPE(2), 2, (bool[]){true, false});
    cr_expect_eq(tg_dtype_of(tg_apply(&copy, 1, &i, NULL)), TG_I64);
    cr_expect_eq(tg_dtype_of(tg_apply(&copy, 1, &b, NULL)), TG_BOOL);
    EXPECT_NO_ERROR(tape);
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:2", &minus, 2, (tg_tensor[]){i, i}, NULL)));
    EXPECT_ERROR(tape, TG_ERR_DTYPE, "main.c:2: minus: ", "input 0 is i64", "f64", "tg_to_value");
    cr_expect_not(tg_is_valid(tg_apply(&minus, 2, (tg_tensor[]){tg_zeros(tape, TG_SHAPE(2)), b}, NULL)));
    EXPECT_ERROR(tape, TG_ERR_DTYPE, "input 1 is bool");
}

Test(apply, a_number_beside_integers_must_be_one) {
    const tg_tensor i = tg_from_i64(tape, TG_SHAPE(3), 3, (int64_t[]){0, 1, 2});
    const tg_tensor mask = tg_less(i, tg_num(1));
    cr_expect(tg_value(mask, TG_SHAPE(0)) == 1 && tg_value(mask, TG_SHAPE(1)) == 0);
    EXPECT_NO_ERROR(tape);
    static const double wrong[] = {0.5, NAN, INFINITY, 1e300};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        cr_expect_not(tg_is_valid(tg_less_at("main.c:3", i, tg_num(wrong[k]))));
        EXPECT_ERROR(tape, TG_ERR_DTYPE, "main.c:3", "less", "i64", "whole number");
    }
}

/* --- what is refused ------------------------------------------------------------------------------------ */

static void expect_refused(struct tg_op op, const char *reason) {
    const tg_tensor x[9] = {tg_zeros(tape, TG_SHAPE(2)), tg_zeros(tape, TG_SHAPE(2))};
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:4", &op, op.n_inputs, x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "main.c:4", op.name ? op.name : "unnamed", reason);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
}

Test(apply, an_incomplete_operation_is_refused_by_what_it_lacks) {
    struct tg_op op = minus;
    op.name = NULL, expect_refused(op, "name is NULL");
    op = minus, op.backward = NULL, expect_refused(op, "TG_NOT_DIFFERENTIABLE");
    op = minus, op.map_f32 = NULL, expect_refused(op, "map_f32 and map_f64");
    op = minus, op.map_f64 = NULL, expect_refused(op, "map_f32 and map_f64");
    op = minus, op.n_inputs = 9, expect_refused(op, "at most 8 inputs");
    op = minus, op.attr_size = 4, expect_refused(op, "attribute is missing");
    op = minus, op.kind = (tg_op_kind)77, expect_refused(op, "kind");
    op = sorted, op.n_inputs = 1;
    op.infer = NULL, expect_refused(op, "needs infer and forward");
    op = sorted, op.n_inputs = 1, op.forward = NULL, expect_refused(op, "needs infer and forward");
    op.kind = TG_CONTRACT, expect_refused(op, "needs infer and forward");
    op.kind = TG_VIEW, expect_refused(op, "needs infer and view");
    op.kind = TG_REDUCE, expect_refused(op, "tg_reduction");
    op.attr_size = sizeof(tg_reduction), expect_refused(op, "fold and merge");
}

Test(apply, a_wrong_number_of_inputs_is_refused) {
    const tg_tensor x[9] = {tg_scalar(tape, 1), tg_scalar(tape, 1), tg_scalar(tape, 1),
                            tg_scalar(tape, 1), tg_scalar(tape, 1), tg_scalar(tape, 1),
                            tg_scalar(tape, 1), tg_scalar(tape, 1), tg_scalar(tape, 1)};
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:5", &minus, 1, x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "main.c:5", "minus", "1 input", "takes 2");
    cr_expect_not(tg_is_valid(tg_apply(&minus, 3, x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "3 inputs", "takes 2");
    cr_expect_not(tg_is_valid(tg_apply(&minus, 9, x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "9 inputs", "takes 2");
    cr_expect_not(tg_is_valid(tg_apply(&many_map, 9, x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "9 inputs", "at most 8");
    cr_expect_not(tg_is_valid(tg_apply(&minus, 0, x, NULL)), "no inputs, no tape");
    cr_expect_not(tg_is_valid(tg_apply(&sorted, -1, x, NULL)));
    EXPECT_NO_ERROR(tape);
}

Test(apply, no_operation_at_all_is_refused) {
    const tg_tensor x = tg_scalar(tape, 1);
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:6", NULL, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "main.c:6", "NULL");
}

Test(apply, inputs_of_two_tapes_are_an_error_on_both) {
    tg_tape *other = tg_tape_new(TG_F64);
    const tg_tensor a = tg_scalar(tape, 1), b = tg_scalar_at("other.c:1", other, 2);
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:7", &minus, 2, (tg_tensor[]){a, b}, NULL)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:7: minus: ", "two tapes", "input 1", "other.c:1");
    EXPECT_ERROR(other, TG_ERR_HANDLE, "main.c:7: minus: ", "two tapes");
    tg_tape_free(other);
}

Test(apply, zeroed_handles_are_refused_and_numbers_alone_have_no_tape) {
    const tg_tensor a = tg_scalar(tape, 1), none = {0}, three = tg_num(3);
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:8", &minus, 2, (tg_tensor[]){a, none}, NULL)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:8", "minus: input 1", "zeroed");
    cr_expect_not(tg_is_valid(tg_apply(&minus, 2, (tg_tensor[]){none, a}, NULL)));
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "minus: input 0", "zeroed");
    cr_expect_not(tg_is_valid(tg_apply(&minus, 2, (tg_tensor[]){three, three}, NULL)));
    cr_expect_not(tg_is_valid(tg_apply(&minus, 2, (tg_tensor[]){none, three}, NULL)));
    EXPECT_NO_ERROR(tape);
    cr_expect_eq(tg_item(tg_apply(&minus, 2, (tg_tensor[]){three, a}, NULL)), 2);
    cr_expect_eq(tg_item(tg_apply(&minus, 2, (tg_tensor[]){a, three}, NULL)), -2);
}

Test(apply, functions_that_fail_without_a_reason_are_said_to) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2));
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    struct tg_op op = faulty(fails_silently, forward_nothing);
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:9", &op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "main.c:9: faulty: ", "infer failed and did not say why");
    op = faulty(like_input, forward_fails);
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "forward failed and did not say why");
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes, "what failed is not on the tape");
}

static bool infers_a_negative_shape(tg_call *c) { return c->out_shape = TG_SHAPE(-3), true; }
static bool infers_rank_9(tg_call *c) { return c->out_shape.rank = 9, true; }
static bool infers_no_dtype(tg_call *c) { return c->out_dtype = (tg_dtype)9, true; }
static bool infers_much(tg_call *c) { return c->out_shape = TG_SHAPE(INT64_MAX, 3), true; }

Test(apply, what_infer_gives_is_checked) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2));
    struct tg_op op = faulty(infers_a_negative_shape, forward_nothing);
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "faulty", "negative");
    op.infer = infers_rank_9;
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "faulty", "rank");
    op.infer = infers_no_dtype;
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "faulty", "dtype");
    op.infer = infers_much;
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_MEMORY, "faulty", "more elements than memory");
    cr_expect_eq(tg_tape_n_nodes(tape), 1);
}

static bool forward_records(const tg_call *c) {
    tg_param_scalar(c->tape, 1);
    return true;
}

Test(apply, a_forward_that_records_on_the_tape_is_refused) {
    const tg_tensor x = tg_zeros(tape, TG_SHAPE(2));
    const struct tg_op op = faulty(like_input, forward_records);
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &x, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "faulty", "forward", "recorded");
    cr_expect_eq(tg_tape_n_nodes(tape), 1);
    tg_tape_zero_grad(tape);
    cr_expect_eq(tg_item(tg_sum(x)), 0);
}

/* --- views ---------------------------------------------------------------------------------------------- */

static bool flat_infer(tg_call *c) {
    c->out_shape = TG_SHAPE(tg_array_size(&c->in[0]));
    c->out_dtype = c->in[0].dtype;
    return true;
}
static bool flat_view(tg_call *c, int64_t *strides) {
    if (!tg_array_is_contiguous(&c->in[0])) return false;
    strides[0] = 1;
    c->out.data = c->in[0].data;
    return true;
}
static void flat_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_reshape(dy, tg_shape_of(c->x[0]));
}
static const struct tg_op flat = {.name = "flat",
                                  .kind = TG_VIEW,
                                  .n_inputs = 1,
                                  .infer = flat_infer,
                                  .view = flat_view,
                                  .backward = flat_backward};

Test(apply, a_view_shares_memory_and_copies_where_strides_cannot_say_it) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){1, 2, 3, 4, 5, 6}));
    const tg_tensor shared = tg_apply(&flat, 1, &x, NULL);
    cr_expect_eq(tg_data(shared), tg_data(x));
    const tg_tensor turned = tg_transpose(x), copied = tg_apply(&flat, 1, &turned, NULL);
    cr_expect_neq(tg_data(copied), tg_data(x));
    cr_expect_arr_eq(tg_data(copied), ((double[]){1, 4, 2, 5, 3, 6}), 6 * sizeof(double));
    cr_expect_eq(tg_backward(tg_sum(tg_mul(copied, copied))), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_value(tg_grad(x), TG_SHAPE(1, 2)), 12);
    const tg_tensor mask = tg_transpose(tg_greater(x, tg_num(2)));
    cr_expect_eq(tg_value(tg_apply(&flat, 1, &mask, NULL), TG_SHAPE(1)), 1);
    EXPECT_NO_ERROR(tape);
}

static bool longer_infer(tg_call *c) {
    c->out_shape = TG_SHAPE(tg_array_size(&c->in[0]) + 1);
    c->out_dtype = c->in[0].dtype;
    return true;
}
static bool wider_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    c->out_dtype = TG_F64;
    return true;
}
static bool shape_only_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    return true;
}
static bool no_view(tg_call *c, int64_t *strides) {
    (void)strides;
    return c->n_in < 0;
}
static bool view_of_nothing(tg_call *c, int64_t *strides) {
    strides[0] = 1;
    return c->n_in > 0;
}

Test(apply, a_view_cannot_show_more_than_there_is) {
    const tg_tensor mask = tg_from_bool(tape, TG_SHAPE(3), 3, (bool[]){true, true, false});
    struct tg_op op = flat;
    op.infer = longer_infer, op.view = no_view;
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &mask, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "flat", "elements");
    op.infer = wider_infer;
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &mask, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "flat", "dtype");
    op.infer = flat_infer, op.view = view_of_nothing;
    cr_expect_not(tg_is_valid(tg_apply(&op, 1, &mask, NULL)));
    EXPECT_ERROR(tape, TG_ERR_OP, "flat", "data");
    cr_expect_eq(tg_tape_n_nodes(tape), 1);
}

Test(apply, a_view_has_the_dtype_of_its_input_unless_infer_says_otherwise) {
    const tg_tensor mask = tg_from_bool(tape, TG_SHAPE(3), 3, (bool[]){true, true, false});
    struct tg_op op = flat;
    op.infer = shape_only_infer, op.view = no_view;
    const tg_tensor y = tg_apply(&op, 1, &mask, NULL);
    EXPECT_NO_ERROR(tape);
    cr_expect_eq(tg_dtype_of(y), TG_BOOL);
    cr_expect_eq(tg_value(y, TG_SHAPE(1)), 1);
}

/* --- reductions ----------------------------------------------------------------------------------------- */

/* y = the product of the elements, over the axes of the attribute. */
static void product_fold_f32(int64_t n, void *accumulator, const void *x) {
    for (int64_t i = 0; i < n; i++) *(float *)accumulator *= ((const float *)x)[i];
}
static void product_merge_f32(int64_t n, void *accumulator, const void *x) {
    for (int64_t i = 0; i < n; i++) ((float *)accumulator)[i] *= ((const float *)x)[i];
}
static void product_fold_f64(int64_t n, void *accumulator, const void *x) {
    for (int64_t i = 0; i < n; i++) *(double *)accumulator *= ((const double *)x)[i];
}
static void product_merge_f64(int64_t n, void *accumulator, const void *x) {
    for (int64_t i = 0; i < n; i++) ((double *)accumulator)[i] *= ((const double *)x)[i];
}
static const tg_reduction_kernels product_f32 = {.fold = product_fold_f32, .merge = product_merge_f32},
                                  product_f64 = {.fold = product_fold_f64, .merge = product_merge_f64};
static const struct tg_op product = {.name = "product",
                                     .kind = TG_REDUCE,
                                     .n_inputs = 1,
                                     .attr_size = sizeof(tg_reduction),
                                     .reduce_f32 = &product_f32,
                                     .reduce_f64 = &product_f64,
                                     .start = 1,
                                     .has_identity = true,
                                     .backward = TG_NOT_DIFFERENTIABLE};

Test(apply, a_reduction_of_ones_own_needs_two_kernels_only) {
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){1, 2, 3, 4, 5, 6}));
    const tg_tensor all = tg_apply(&product, 1, &x, &(tg_reduction){3, false});
    cr_expect_eq(tg_item(all), 720);
    const tg_tensor columns = tg_apply(&product, 1, &x, &(tg_reduction){1, true});
    cr_expect(tg_shape_equal(tg_shape_of(columns), TG_SHAPE(1, 3)));
    cr_expect_eq(tg_value(columns, TG_SHAPE(0, 1)), 10);
    const tg_tensor empty = tg_zeros(tape, TG_SHAPE(0, 3)),
                    none = tg_apply(&product, 1, &empty, &(tg_reduction){1, false});
    cr_expect_eq(tg_value(none, TG_SHAPE(2)), 1);
    EXPECT_NO_ERROR(tape);
    struct tg_op without = product;
    without.has_identity = false;
    cr_expect_not(tg_is_valid(tg_apply_at("main.c:11", &without, 1, &empty, &(tg_reduction){1, false})));
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:11: product: ", "[0, 3]");
    cr_expect(tg_is_valid(tg_apply(&without, 1, &empty, &(tg_reduction){2, false})),
              "an empty result is right");
}
