/* test_blame_mistakes.c: mistakes as people make them, planted in operations of a program's own: each is
 * named for what it is.
 *
 * Owns: the way from an operation with a wrong backward to the name of the mistake. The patterns alone are in
 * test_mistake.c. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static tg_tape *tape;
static tg_blame_report report;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) {
    tg_blame_report_free(&report);
    tg_tape_free(tape);
}

TestSuite(blame_mistakes, .init = open_tape, .fini = close_tape);

/* Blames an operation of these inputs, all parameters, whose output is weighted at random; the one finding.
 */
static const tg_blame_finding *blame(const struct tg_op *op, int n, const tg_tensor *x) {
    const tg_tensor y = tg_apply_at("net.c:41", op, n, x, NULL);
    const tg_tensor w = tg_param_normal(tape, tg_shape_of(y), tg_key_new(99), 1);
    tg_tensor params[4];
    int n_params = 0;
    for (int k = 0; k < n; k++)
        if (tg_dtype_of(x[k]) == TG_F64) params[n_params++] = x[k];
    tg_blame_report_free(&report);
    cr_assert_eq(tg_blame(tape, tg_sum(tg_mul(y, w)), n_params, params, NULL, &report), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_assert_geq(report.n, 1);
    cr_expect_str_eq(report.findings[0].operation, op->name);
    return &report.findings[0];
}

static void expect_mistake(const tg_blame_finding *f, tg_mistake_kind kind, const char *text) {
    cr_expect_eq(f->mistake.kind, kind, "%s: %s", tg_mistake_name(f->mistake.kind), f->mistake.text);
    cr_expect(strstr(f->mistake.text, text), "\"%s\" is not in: %s", text, f->mistake.text);
}

static tg_tensor normal(tg_shape shape, uint64_t seed) {
    return tg_param_normal(tape, shape, tg_key_new(seed), 1);
}

/* --- elementwise ---------------------------------------------------------------------------------------- */

#define MAP_OP(op_name, n, write_backward)                                                                   \
    static void op_name##_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) { write_backward; }        \
    static const struct tg_op op_name = {.name = #op_name,                                                   \
                                         .kind = TG_MAP,                                                     \
                                         .n_inputs = n,                                                      \
                                         .map_f32 = op_name##_f32,                                           \
                                         .map_f64 = op_name##_f64,                                           \
                                         .backward = op_name##_backward};

TG_MAP_KERNELS_1(half_square, x *x)
MAP_OP(half_square, 1, dx[0] = tg_mul(dy, c->x[0]))

Test(blame_mistakes, a_square_without_its_two) {
    const tg_tensor x = normal(TG_SHAPE(3, 2), 1);
    expect_mistake(blame(&half_square, 1, &x), TG_MISTAKE_FACTOR,
                   "2 times too small: looks like a missing factor 2");
    const tg_tensor one = normal(TG_SHAPE(1, 1), 1);
    expect_mistake(blame(&half_square, 1, &one), TG_MISTAKE_FACTOR, "a missing factor 2");
}

TG_MAP_KERNELS_2(minus, x - y)
MAP_OP(minus, 2, dx[0] = dy; dx[1] = dy; (void)c)

Test(blame_mistakes, a_difference_without_its_sign) {
    const tg_tensor x[] = {normal(TG_SHAPE(3, 2), 1), normal(TG_SHAPE(3, 2), 2)};
    const tg_blame_finding *f = blame(&minus, 2, x);
    cr_expect_eq(f->input, 1);
    expect_mistake(f, TG_MISTAKE_SIGN, "wrong sign");
}

TG_MAP_KERNELS_2(times, x *y)
MAP_OP(times, 2, dx[0] = tg_mul(dy, c->x[0]); dx[1] = tg_mul(dy, c->x[1]))

Test(blame_mistakes, a_product_whose_gradients_are_exchanged) {
    const tg_tensor x[] = {normal(TG_SHAPE(3, 2), 1), normal(TG_SHAPE(3, 2), 2)};
    const tg_blame_finding *f = blame(&times, 2, x);
    cr_assert_eq(report.n, 2);
    expect_mistake(f, TG_MISTAKE_WRONG_INPUT, "that of input 1");
    expect_mistake(f + 1, TG_MISTAKE_WRONG_INPUT, "that of input 0");
}

TG_MAP_KERNELS_2(scale_columns, x *y)
MAP_OP(scale_columns, 2, dx[0] = tg_mul(dy, c->x[1]); dx[1] = tg_slice(tg_mul(dy, c->x[0]), 0, 2, 3, 1))

Test(blame_mistakes, a_broadcast_operand_that_is_not_summed) {
    const tg_tensor x[] = {normal(TG_SHAPE(4, 3), 1), normal(TG_SHAPE(3), 2)};
    const tg_blame_finding *f = blame(&scale_columns, 2, x);
    cr_expect_eq(f->input, 1);
    expect_mistake(f, TG_MISTAKE_NOT_SUMMED, "not summed over axis 0 of the output");
    cr_expect_eq(f->mistake.index, 2);
}

TG_MAP_KERNELS_1(leaky, x > 0 ? x : (T)0.1 * x)
MAP_OP(leaky, 1, dx[0] = tg_where(tg_greater(c->x[0], tg_num(0)), dy, tg_mul(dy, tg_num(0.01))))

Test(blame_mistakes, a_leaky_relu_with_another_slope) {
    const tg_tensor x = normal(TG_SHAPE(12), 1);
    expect_mistake(blame(&leaky, 1, &x), TG_MISTAKE_BRANCH,
                   "wrong everywhere where the input is negative, and nowhere else");
}

/* The larger of two in absolute value; says which by itself. */
TG_MAP_KERNELS_2(larger, x *x > y * y ? x : y)
static tg_tensor larger_branch(const tg_call *c) { return tg_greater(tg_abs(c->x[0]), tg_abs(c->x[1])); }
static void larger_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor first = larger_branch(c);
    dx[0] = tg_where(first, tg_mul(dy, tg_num(0.7)), tg_num(0));
    dx[1] = tg_where(first, tg_num(0), dy);
}
static const struct tg_op larger = {.name = "larger",
                                    .kind = TG_MAP,
                                    .n_inputs = 2,
                                    .map_f32 = larger_f32,
                                    .map_f64 = larger_f64,
                                    .backward = larger_backward,
                                    .branch = larger_branch};

Test(blame_mistakes, a_branch_that_the_operation_tells) {
    const tg_tensor x[] = {normal(TG_SHAPE(12), 1), normal(TG_SHAPE(12), 2)};
    const tg_blame_finding *f = blame(&larger, 2, x);
    cr_expect_eq(report.n, 1);
    expect_mistake(f, TG_MISTAKE_FACTOR,
                   "times too small"); /* the other branch gives this input no gradient */
}

TG_MAP_KERNELS_2(bent, x > y ? x * y : x + y)
static tg_tensor bent_branch(const tg_call *c) { return tg_greater(c->x[0], c->x[1]); }
static void bent_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor above = bent_branch(c);
    dx[0] = tg_where(above, tg_mul(dy, c->x[1]), dy);
    dx[1] = tg_where(above, tg_mul(dy, c->x[0]), tg_mul(dy, tg_num(0.7)));
}
static const struct tg_op bent = {.name = "bent",
                                  .kind = TG_MAP,
                                  .n_inputs = 2,
                                  .map_f32 = bent_f32,
                                  .map_f64 = bent_f64,
                                  .backward = bent_backward,
                                  .branch = bent_branch};

Test(blame_mistakes, a_branch_between_two_inputs) {
    const tg_tensor x[] = {normal(TG_SHAPE(16), 1), normal(TG_SHAPE(16), 2)};
    const tg_blame_finding *f = blame(&bent, 2, x);
    cr_expect_eq(f->input, 1);
    expect_mistake(f, TG_MISTAKE_BRANCH, "wrong everywhere in one branch");
}

TG_MAP_KERNELS_1(silent, (T)exp((double)x))
MAP_OP(silent, 1, (void)c; (void)dy; (void)dx)

Test(blame_mistakes, a_gradient_that_was_forgotten) {
    const tg_tensor x = normal(TG_SHAPE(3), 1);
    expect_mistake(blame(&silent, 1, &x), TG_MISTAKE_DROPPED, "dropped");
}

/* e^x, with a row or one element of the gradient changed, by what stands in `spoiling`. */
static double spoiling[12];
TG_MAP_KERNELS_1(spoiled, (T)exp((double)x))
MAP_OP(spoiled, 1, dx[0] = tg_add(tg_mul(dy, c->y), tg_from_f64(c->tape, TG_SHAPE(4, 3), 12, spoiling)))

Test(blame_mistakes, one_element_and_one_row) {
    const tg_tensor x = normal(TG_SHAPE(4, 3), 1);
    memset(spoiling, 0, sizeof spoiling);
    spoiling[7] = 0.01;
    const tg_blame_finding *f = blame(&spoiled, 1, &x);
    expect_mistake(f, TG_MISTAKE_ELEMENT, "this element only");
    cr_expect(tg_shape_equal(f->element, TG_SHAPE(2, 1)));
    spoiling[6] = 0.02, spoiling[8] = -0.7;
    expect_mistake(blame(&spoiled, 1, &x), TG_MISTAKE_ROW, "wrong at index 2 of axis 0 only");
}

Test(blame_mistakes, nothing_is_named_that_has_no_pattern) {
    int named = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        const tg_mark mark = tg_tape_mark(tape);
        const tg_tensor x = normal(TG_SHAPE(4, 3), seed);
        tg_random_normal(tg_key_new(1000 + seed), 12, spoiling);
        const tg_blame_finding *f = blame(&spoiled, 1, &x);
        named += f->mistake.kind != TG_MISTAKE_NONE;
        cr_expect_eq(f->mistake.kind, TG_MISTAKE_NONE, "seed %llu: %s", (unsigned long long)seed,
                     f->mistake.text);
        cr_expect_eq(f->failed, 12);
        cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    }
    fprintf(stderr, "false names: %d of 300 random gradients of an operation\n", named);
}

/* --- others --------------------------------------------------------------------------------------------- */

#define OTHER_OP(op_name, n)                                                                                 \
    static const struct tg_op op_name = {.name = #op_name,                                                   \
                                         .kind = TG_OTHER,                                                   \
                                         .n_inputs = n,                                                      \
                                         .infer = op_name##_infer,                                           \
                                         .forward = op_name##_forward,                                       \
                                         .backward = op_name##_backward};

static bool scalar_infer(tg_call *c) {
    c->out_shape = TG_SCALAR;
    return true;
}

/* y = 1/m sum x^2 */
#define mean_square_infer scalar_infer
static bool mean_square_forward(const tg_call *c) {
    const int64_t m = tg_array_size(&c->in[0]);
    const double *x = c->in[0].data;
    double sum = 0;
    for (int64_t i = 0; i < m; i++) sum += x[i] * x[i];
    *(double *)c->out.data = sum / (double)m;
    return true;
}
static void mean_square_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(2), c->x[0]));
}
OTHER_OP(mean_square, 1)

Test(blame_mistakes, a_mean_without_its_1_over_m) {
    const tg_tensor x = normal(TG_SHAPE(400), 1);
    const tg_blame_finding *f = blame(&mean_square, 1, &x);
    expect_mistake(f, TG_MISTAKE_FACTOR, "400 times too large: looks like a missing 1/m with m = 400");
    cr_expect_eq(f->mistake.size, 400);
}

/* y = sum_ij W_ij M_ij */
#define inner_product_infer scalar_infer
static bool inner_product_forward(const tg_call *c) {
    const double *w = c->in[0].data, *m = c->in[1].data;
    double sum = 0;
    for (int64_t i = 0; i < tg_array_size(&c->in[0]); i++) sum += w[i] * m[i];
    *(double *)c->out.data = sum;
    return true;
}
static void inner_product_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_reshape(tg_transpose(c->x[1]), tg_array_shape(&c->in[0])));
    dx[1] = tg_mul(dy, c->x[0]);
}
OTHER_OP(inner_product, 2)

Test(blame_mistakes, a_transposed_gradient) {
    const tg_tensor square[] = {normal(TG_SHAPE(3, 3), 1), normal(TG_SHAPE(3, 3), 2)};
    expect_mistake(blame(&inner_product, 2, square), TG_MISTAKE_TRANSPOSED, "transposed");
    cr_expect_eq(report.n, 1);
    const tg_tensor wide[] = {normal(TG_SHAPE(3, 4), 1), normal(TG_SHAPE(3, 4), 2)};
    expect_mistake(blame(&inner_product, 2, wide), TG_MISTAKE_TRANSPOSED, "transposed");
}

/* y_i = x[index_i]; the gradient is put and not added, so that of an index that comes twice the last is left.
 */
static bool pick_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[1]);
    return true;
}
static bool pick_forward(const tg_call *c) {
    for (int64_t i = 0; i < tg_array_size(&c->in[1]); i++)
        ((double *)c->out.data)[i] = ((const double *)c->in[0].data)[((const int64_t *)c->in[1].data)[i]];
    return true;
}
static bool put_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[2]);
    return true;
}
static bool put_forward(const tg_call *c) {
    memset(c->out.data, 0, (size_t)tg_array_size(&c->in[2]) * sizeof(double));
    for (int64_t i = 0; i < tg_array_size(&c->in[1]); i++)
        ((double *)c->out.data)[((const int64_t *)c->in[1].data)[i]] = ((const double *)c->in[0].data)[i];
    return true;
}
#define put_backward TG_NOT_DIFFERENTIABLE
OTHER_OP(put, 3)
static void pick_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_apply(&put, 3, ((tg_tensor[]){dy, c->x[1], c->x[0]}), NULL);
}
OTHER_OP(pick, 2)

Test(blame_mistakes, contributions_that_overwrite_each_other) {
    const int64_t index[] = {2, 0, 2, 1, 2, 0};
    const tg_tensor x[] = {normal(TG_SHAPE(4), 1), tg_from_i64(tape, TG_SHAPE(6), 6, index)};
    const tg_blame_finding *f = blame(&pick, 2, x);
    cr_expect_eq(f->failed, 2);
    expect_mistake(f, TG_MISTAKE_OVERWRITTEN, "overwritten instead of accumulated");
    cr_expect(strstr(f->mistake.text, "only the last"));
}

/* y = x W + b, whose b takes the gradient of the first example only. */
static bool affine_infer(tg_call *c) {
    c->out_shape = TG_SHAPE(c->in[0].shape[0], c->in[1].shape[1]);
    return true;
}
static bool affine_forward(const tg_call *c) {
    const int64_t m = c->in[0].shape[0], n = c->in[0].shape[1], p = c->in[1].shape[1];
    const double *x = c->in[0].data, *w = c->in[1].data, *b = c->in[2].data;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < p; j++) {
            double sum = b[j];
            for (int64_t k = 0; k < n; k++) sum += x[i * n + k] * w[k * p + j];
            ((double *)c->out.data)[i * p + j] = sum;
        }
    return true;
}
static void affine_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_matmul(dy, tg_transpose(c->x[1]));
    dx[1] = tg_matmul(tg_transpose(c->x[0]), dy);
    dx[2] = tg_slice(dy, 0, 0, 1, 1);
}
OTHER_OP(affine, 3)

Test(blame_mistakes, a_bias_that_is_not_summed_over_the_examples) {
    const tg_tensor x[] = {normal(TG_SHAPE(5, 3), 1), normal(TG_SHAPE(3, 2), 2), normal(TG_SHAPE(2), 3)};
    const tg_blame_finding *f = blame(&affine, 3, x);
    cr_expect_eq(report.n, 1);
    cr_expect_eq(f->input, 2);
    expect_mistake(f, TG_MISTAKE_NOT_SUMMED, "not summed over axis 0 of the output");
    cr_expect_eq(f->mistake.index, 0);
}
