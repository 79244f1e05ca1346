/* test_op_check.c: right operations pass; each kind of mistake fails on its line of the checklist.
 *
 * Owns: the promises of graph/op_check.h. The mistakes are planted in operations defined here; that all
 * operations of the library pass is tested in tests/ops/test_op_check_cases.c. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static tg_op_check_report report;

static const tg_op_check_line *line_of(const char *name) {
    for (int i = 0; i < report.n; i++)
        if (strcmp(report.lines[i].name, name) == 0) return &report.lines[i];
    cr_assert_fail("there is no line %s", name);
    return NULL;
}

/* The operation fails on this line, and its message has this part; other lines may fail with it. */
static void expect_fails(const struct tg_op *op, const tg_op_check_options *options, const char *name,
                         const char *part) {
    cr_assert_eq(tg_op_check(op, options, &report), TG_OK);
    const tg_op_check_line *line = line_of(name);
    cr_expect_eq(line->state, TG_OP_CHECK_FAILED, "%s: %s is %s", op->name, name,
                 tg_op_check_state_name(line->state));
    cr_expect_not_null(strstr(line->message, part), "\"%s\" is not in: %s", part, line->message);
    cr_expect_gt(report.failed, 0);
}

static void expect_passes(const struct tg_op *op, const tg_op_check_options *options) {
    cr_assert_eq(tg_op_check(op, options, &report), TG_OK);
    for (int i = 0; i < report.n; i++)
        cr_expect_neq(report.lines[i].state, TG_OP_CHECK_FAILED, "%s: %s: %s", op->name, report.lines[i].name,
                      report.lines[i].message);
    cr_expect_eq(report.passed + report.skipped + report.failed, report.n);
    cr_expect_gt(report.passed, 8);
}

/* --- elementwise ---------------------------------------------------------------------------------------- */

#define ELEMENTWISE(name_, f32, f64, ...)                                                                    \
    { .name = name_, .kind = TG_MAP, .n_inputs = 1, .map_f32 = f32, .map_f64 = f64, __VA_ARGS__ }

TG_MAP_KERNELS_1(cube, x *x *x)
static void cube_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(3), tg_square(c->x[0])));
}
static void twice_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(6), tg_square(c->x[0])));
}
static void frozen_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(3), tg_detach(tg_square(c->x[0]))));
}
static const struct tg_op cube = ELEMENTWISE("cube", cube_f32, cube_f64, .backward = cube_backward);
static const struct tg_op twice = ELEMENTWISE("twice", cube_f32, cube_f64, .backward = twice_backward);
static const struct tg_op frozen = ELEMENTWISE("frozen", cube_f32, cube_f64, .backward = frozen_backward);

Test(op_check, a_right_operation_passes_without_options) {
    expect_passes(&cube, NULL);
    cr_expect_str_eq(report.op, "cube");
    cr_expect_eq(line_of("broadcasting")->state, TG_OP_CHECK_SKIPPED);
    cr_expect_gt(line_of("gradient")->tried, 10);
}

Test(op_check, a_wrong_gradient_is_shown_with_both_values_and_its_mistake_named) {
    expect_fails(&twice, NULL, "gradient", "of input 0 at [0, 0]: backward gives ");
    cr_expect_not_null(strstr(line_of("gradient")->message, "2"), "%s", line_of("gradient")->message);
    cr_expect_eq(line_of("strides")->state, TG_OP_CHECK_PASSED);
}

Test(op_check, a_gradient_that_hides_its_input_fails_at_second_order_only) {
    expect_fails(&frozen, NULL, "second derivative", "by input 0 at [0, 0]");
    cr_expect_eq(line_of("gradient")->state, TG_OP_CHECK_PASSED);
}

static void rough_f32(int64_t n, void *out, const void *const *in, const void *attr) {
    (void)attr;
    for (int64_t i = 0; i < n; i++) ((float *)out)[i] = ((const float *)in[0])[i] * 1.001F;
}
TG_MAP_KERNELS_1(copy, x)
static void copy_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = dy;
}
static const struct tg_op rough = ELEMENTWISE("rough", rough_f32, copy_f64, .backward = copy_backward);
Test(op_check, an_f32_kernel_that_is_not_the_f64_one_is_found) {
    expect_fails(&rough, NULL, "precision", "on an f32 tape: element [0, 0] is ");
}

static void running_f64(int64_t n, void *out, const void *const *in, const void *attr) {
    (void)attr;
    for (int64_t i = 0; i < n; i++) ((double *)out)[i] = ((const double *)in[0])[i] + (i == 4 ? 1e-9 : 0);
}
static const struct tg_op running = ELEMENTWISE("running", copy_f32, running_f64, .backward = copy_backward);
static void beyond_f64(int64_t n, void *out, const void *const *in, const void *attr) {
    copy_f64(n, out, in, attr);
    if (n == 13) ((double *)out)[n] = 0;
}
static const struct tg_op beyond = ELEMENTWISE("beyond", copy_f32, beyond_f64, .backward = copy_backward);
static void late_f64(int64_t n, void *out, const void *const *in, const void *attr) {
    (void)attr;
    for (int64_t i = 0; i < n; i++) ((double *)out)[i] = 0;
    for (int64_t i = 0; i < n; i++) ((double *)out)[i] += ((const double *)in[0])[i];
}
static const struct tg_op late = ELEMENTWISE("late", copy_f32, late_f64, .backward = copy_backward);
Test(op_check, kernels_that_look_at_their_position_write_beyond_or_lose_their_input_are_found) {
    expect_fails(&running, NULL, "kernels", "gives other bits than one of 300");
    expect_fails(&beyond, NULL, "kernels", "a run of 13 elements: writes behind the output");
    expect_fails(&late, NULL, "kernels", "written over input 0 it gives other bits");
}

TG_MAP_KERNELS_1(root, (T)sqrt(x))
static void root_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_div(dy, tg_mul(tg_num(2), c->y));
}
static const struct tg_op root = ELEMENTWISE("root", root_f32, root_f64, .backward = root_backward);
Test(op_check, a_domain_has_to_be_given) {
    expect_fails(&root, NULL, "result", "nan, with values of -2 to 2");
    cr_expect_not_null(strstr(line_of("result")->mend, "low and high"));
    expect_passes(&root, &(tg_op_check_options){.low = 0.5, .high = 3});
}

TG_MAP_KERNELS_2(difference, x - y)
static void difference_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)c;
    dx[0] = dy;
    dx[1] = tg_neg(dy);
}
static const struct tg_op difference = {.name = "difference",
                                        .kind = TG_MAP,
                                        .n_inputs = 2,
                                        .map_f32 = difference_f32,
                                        .map_f64 = difference_f64,
                                        .neutral_inputs = 3, /* 0 - y is not y */
                                        .backward = difference_backward};
/* The same with an arithmetic of another operation. */
static struct tg_op difference_as(tg_arithmetic arithmetic) {
    struct tg_op op = difference;
    op.neutral_inputs = 0;
    op.arithmetic = arithmetic;
    return op;
}
Test(op_check, a_wrong_arithmetic_is_found) {
    const struct tg_op right = difference_as(TG_SUBTRACT), wrong = difference_as(TG_ADD),
                       unary = difference_as(TG_NEGATE);
    expect_passes(&right, NULL);
    cr_expect_eq(line_of("arithmetic")->state, TG_OP_CHECK_PASSED, "%s", line_of("arithmetic")->message);
    expect_fails(&wrong, NULL, "arithmetic", "the kernel gives another result");
    expect_fails(&unary, NULL, "arithmetic", "takes not 2 inputs");
}

Test(op_check, a_wrong_neutral_number_is_found) {
    expect_fails(&difference, NULL, "neutral", "neutral input 0: element");
    cr_expect_eq(line_of("broadcasting")->state, TG_OP_CHECK_PASSED, "%s", line_of("broadcasting")->message);
}

TG_MAP_KERNELS_2(product, x *y)
static void swapped_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    if (tg_needs_grad(c, 0)) dx[1] = tg_mul(dy, c->x[0]);
    if (tg_needs_grad(c, 1)) dx[0] = tg_mul(dy, c->x[1]);
}
static void eager_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, c->x[1]);
    dx[1] = tg_mul(dy, c->x[0]);
}
static const struct tg_op swapped = {.name = "swapped",
                                     .kind = TG_MAP,
                                     .n_inputs = 2,
                                     .map_f32 = product_f32,
                                     .map_f64 = product_f64,
                                     .backward = swapped_backward};
static const struct tg_op eager = {.name = "eager",
                                   .kind = TG_MAP,
                                   .n_inputs = 2,
                                   .map_f32 = product_f32,
                                   .map_f64 = product_f64,
                                   .backward = eager_backward};
Test(op_check, a_backward_that_asks_for_the_wrong_input_or_for_none_is_found) {
    expect_fails(&swapped, NULL, "needs_grad", "wanted alone, input 0: the gradient of input 0");
    expect_fails(&eager, NULL, "needs_grad", "operations for one gradient as for all 2");
}

/* --- operations with a forward -------------------------------------------------------------------------- */

static bool same_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    return tg_expect_dtype(c, 0, tg_tape_dtype(c->tape));
}

/* y = x, computed by each in a wrong way of its own. */
static bool strideless_forward(const tg_call *c) {
    const size_t bytes = (size_t)tg_array_size(&c->out) * tg_dtype_size(c->out.dtype);
    if (bytes) memcpy(c->out.data, c->in[0].data, bytes);
    return true;
}
__attribute__((no_sanitize("address"))) /* which would stop at it before tg_op_check can tell */
static bool
overrun_forward(const tg_call *c) {
    tg_array_copy(&c->out, &c->in[0]);
    if (c->out.dtype == TG_F64) ((double *)c->out.data)[tg_array_size(&c->out)] = 1;
    return true;
}
static bool meddling_forward(const tg_call *c) {
    tg_array_copy(&c->out, &c->in[0]);
    if (tg_array_size(&c->out)) memset(c->in[0].data, 0, 1);
    return true;
}
static int calls;
static bool counting_forward(const tg_call *c) {
    tg_array_copy(&c->out, &c->in[0]);
    if (c->out.dtype == TG_F64 && tg_array_size(&c->out)) *(double *)c->out.data += calls++;
    return true;
}
static bool silent_infer(tg_call *c) { return c->in[0].rank > 0 && same_infer(c); }
static bool right_forward(const tg_call *c) {
    tg_array_copy(&c->out, &c->in[0]);
    return true;
}
static bool partial_infer(tg_call *c) {
    if (tg_array_size(&c->in[0]) == 0) return false;
    return same_infer(c);
}

static struct tg_op computed(const char *name, bool (*infer)(tg_call *), bool (*forward)(const tg_call *)) {
    return (struct tg_op){.name = name,
                          .kind = TG_OTHER,
                          .n_inputs = 1,
                          .infer = infer,
                          .forward = forward,
                          .backward = copy_backward};
}

Test(op_check, a_forward_that_is_wrong_about_memory_is_found) {
    struct tg_op op = computed("strideless", same_infer, strideless_forward);
    expect_fails(&op, NULL, "strides", "transposed inputs: element [0, 1] is ");
    op = computed("overrun", same_infer, overrun_forward);
    expect_fails(&op, &(tg_op_check_options){.n = 1, .inputs = &(tg_op_input){.shape = TG_SHAPE(5)}},
                 "memory", "forward: writes behind the output");
    op = computed("meddling", same_infer, meddling_forward);
    expect_fails(&op, NULL, "memory", "input 0 is changed");
    op = computed("right", same_infer, right_forward);
    expect_passes(&op, NULL);
}

Test(op_check, state_between_calls_is_found) {
    const struct tg_op op = computed("counting", same_infer, counting_forward);
    expect_fails(&op, NULL, "repetition", "a second time: element [0, 0]");
    cr_expect_eq(line_of("plan")->state, TG_OP_CHECK_FAILED);
}

Test(op_check, an_infer_that_refuses_without_a_word_is_found) {
    struct tg_op op = computed("silent", silent_infer, right_forward);
    expect_fails(&op, NULL, "rank 0",
                 "inputs of rank 0: tg_op_check: silent: infer failed and did not say why");
    op = computed("partial", partial_infer, right_forward);
    expect_fails(&op, NULL, "size 0", "dimensions of 3 made 0: ");
}

/* --- options and reports -------------------------------------------------------------------------------- */

Test(op_check, inputs_can_be_integers_constants_and_given_values) {
    const double index[] = {1, 0, 2}, exponent[] = {2, 3};
    const tg_op_input take[] = {{.shape = TG_SHAPE(2, 3)},
                                {.dtype = TG_I64, .shape = TG_SHAPE(2, 1), .high = 2}};
    const struct { int axis; } last = {1};
    (void)last, (void)index;
    cr_expect_eq(
        tg_op_check(tg_op_find("take_along"), &(tg_op_check_options){.n = 2, .inputs = take}, &report),
        TG_ERR_VALUE, "its attribute is missing");
    cr_expect_not_null(strstr(report.lines[0].message, "options.attr is NULL"));
    const tg_op_input power[] = {
        {.shape = TG_SHAPE(4, 2), .low = -3, .high = 3},
        {.shape = TG_SHAPE(2), .low = 2, .high = 2, .constant = true, .values = exponent}};
    expect_passes(tg_op_find("pow"), &(tg_op_check_options){.n = 2, .inputs = power});
    expect_passes(tg_op_find("matmul"), NULL);
    expect_passes(tg_op_find("less"), NULL);
    cr_expect_eq(line_of("gradient")->state, TG_OP_CHECK_SKIPPED);
}

Test(op_check, options_that_do_not_fit_are_refused) {
    const tg_op_input two[2] = {{.shape = TG_SHAPE(2)}};
    cr_expect_eq(tg_op_check(NULL, NULL, &report), TG_ERR_VALUE);
    cr_expect_eq(report.failed, 1);
    cr_expect_eq(tg_op_check(&cube, &(tg_op_check_options){.n = 2, .inputs = two}, &report), TG_ERR_VALUE);
    cr_expect_not_null(strstr(report.lines[0].message, "n_inputs"));
    cr_expect_eq(tg_op_check(&cube, &(tg_op_check_options){.n = 1}, &report), TG_ERR_VALUE);
    cr_expect_eq(tg_op_check(&cube, &(tg_op_check_options){.low = 1}, &report), TG_ERR_VALUE);
    const struct tg_op incomplete = {.name = "incomplete", .kind = TG_OTHER, .n_inputs = 1};
    expect_fails(&incomplete, NULL, "result", "incomplete: backward is NULL");
    cr_expect_eq(line_of("plan")->state, TG_OP_CHECK_SKIPPED);
}

Test(op_check, the_checklist_names_what_was_checked_and_what_to_mend) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    cr_assert_eq(tg_op_check(&twice, NULL, &report), TG_OK);
    tg_op_check_print(stream, &report);
    fclose(stream);
    static const char *const parts[] = {"twice:\n",
                                        "  passed   result",
                                        "  skipped  broadcasting       the operation has one input\n",
                                        "  FAILED   gradient",
                                        "to mend: the formula in backward\n",
                                        " passed, ",
                                        " failed, "};
    const char *at = text;
    for (int i = 0; i < 7; i++) {
        const char *found = strstr(at, parts[i]);
        cr_expect_not_null(found, "\"%s\" is not where it should be in\n%s", parts[i], text);
        if (found) at = found;
    }
    free(text);
}
