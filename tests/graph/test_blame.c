/* test_blame.c: the guilty operation is named, with line, input, element and both values, and nobody else is.
 *
 * Owns: the promises of graph/blame.h on graphs with planted mistakes, and on right ones. That every
 * operation of ops.def is caught is in tests/ops/test_corrupted.c. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static tg_blame_report report;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) {
    tg_blame_report_free(&report);
    tg_tape_free(tape);
}

TestSuite(blame, .init = open_tape, .fini = close_tape);

/* --- an operation with a mistake ------------------------------------------------------------------------ */

TG_MAP_KERNELS_1(twisted, (T)tanh((double)x))

/* Forgets the square: 1 - y in place of 1 - y^2. */
static void twisted_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_sub(tg_num(1), c->y));
}
static const struct tg_op twisted = {.name = "twisted",
                                     .kind = TG_MAP,
                                     .n_inputs = 1,
                                     .map_f32 = twisted_f32,
                                     .map_f64 = twisted_f64,
                                     .backward = twisted_backward};

static const tg_blame_report *blame(tg_tensor loss, int n, const tg_tensor *params) {
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    tg_blame_report_free(&report);
    cr_assert_eq(tg_blame(tape, loss, n, params, NULL, &report), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes, "the tape is as it was");
    return &report;
}

static const char *words(int i) {
    static char text[1024];
    cr_assert_lt(i, report.n, "%d findings", report.n);
    tg_blame_format(&report.findings[i], sizeof text, text);
    return text;
}

static void expect_in_words(int i, const char *part) {
    cr_expect(strstr(words(i), part), "\"%s\" is not in: %s", part, words(i));
}

/* --- who is guilty -------------------------------------------------------------------------------------- */

static tg_tensor network(const tg_tensor *p, tg_tensor x, const struct tg_op *activation, const char *where) {
    const tg_tensor z = tg_set_name(tg_add(tg_matmul(p[0], x), p[1]), "z");
    return tg_mean(tg_softplus(tg_matmul(p[2], tg_apply_at(where, activation, 1, &z, NULL))));
}

static void make_parameters(tg_tensor *p) {
    p[0] = tg_set_name(tg_param_normal(tape, TG_SHAPE(4, 3), tg_key_new(1), 0.5), "W1");
    p[1] = tg_set_name(tg_param_normal(tape, TG_SHAPE(4, 1), tg_key_new(2), 0.5), "b1");
    p[2] = tg_set_name(tg_param_normal(tape, TG_SHAPE(1, 4), tg_key_new(3), 0.5), "W2");
}

Test(blame, finds_nothing_in_a_right_network) {
    tg_tensor p[3];
    make_parameters(p);
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(3, 7), tg_key_new(5), 1);
    blame(network(p, x, tg_op_find("tanh"), "net.c:41"), 3, p);
    cr_expect_eq(report.n, 0, "%s", words(0));
    cr_expect_eq(report.nodes, 6);
    cr_expect_eq(report.checked, 6);
    cr_expect_eq(report.unresolved, 0);
}

Test(blame, names_operation_line_input_element_and_both_values) {
    tg_tensor p[3];
    make_parameters(p);
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(3, 7), tg_key_new(5), 1);
    const tg_tensor loss = network(p, x, &twisted, "net.c:41");
    blame(loss, 3, p);
    cr_assert_eq(report.n, 1, "%s", words(1));
    const tg_blame_finding *f = &report.findings[0];
    cr_expect_eq(f->kind, TG_BLAME_BACKWARD);
    cr_expect_str_eq(f->operation, "twisted");
    cr_expect_str_eq(f->place, "net.c:41");
    cr_expect_eq(f->input, 0);
    cr_expect_str_eq(f->name, "z");
    cr_expect_eq(f->element.rank, 2);
    const double y = tg_value(f->node, f->element);
    cr_expect_float_eq(f->backward / f->numerical, (1 - y) / (1 - y * y), 1e-8);
    cr_expect_eq(f->compared, 28);
    cr_expect_eq(f->failed, 28);
    expect_in_words(0, "twisted at net.c:41, input 0 'z' [");
    expect_in_words(0, ": backward ");
    expect_in_words(0, ", numerical ");
}

Test(blame, judges_an_operation_by_the_cotangent_that_the_loss_gives_it) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.3, -0.2, 1.5}));
    const tg_tensor z = tg_apply_at("net.c:7", &twisted, 1, &x, NULL);
    blame(tg_sum(tg_mul(z, tg_from_f64(tape, TG_SHAPE(3), 3, ((double[]){0, 10, 0})))), 1, &x);
    cr_assert_eq(report.n, 1);
    cr_expect(tg_shape_equal(report.findings[0].element, TG_SHAPE(1)),
              "the others do not matter to the loss");
    cr_expect_float_eq(report.findings[0].numerical, 10 * (1 - tanh(0.2) * tanh(0.2)), 1e-8);
    cr_expect_float_eq(report.findings[0].backward, 10 * (1 + tanh(0.2)), 1e-12);
    cr_expect_eq(report.findings[0].failed, 1);
    cr_expect_eq(report.findings[0].compared, 3);
}

Test(blame, finds_a_mistake_behind_another_that_drops_the_gradient) {
    static struct tg_op dropping;
    dropping = twisted;
    dropping.name = "dropping";
    dropping.backward = tg_op_find("sign")->backward; /* none */
    const tg_tensor x = tg_param_scalar(tape, 0.7);
    const tg_tensor inner = tg_apply_at("net.c:1", &twisted, 1, &x, NULL);
    blame(tg_apply_at("net.c:2", &dropping, 1, &inner, NULL), 1, &x);
    cr_assert_eq(report.n, 2);
    cr_expect_str_eq(report.findings[0].operation, "dropping");
    cr_expect_eq(report.findings[0].mistake.kind, TG_MISTAKE_DROPPED);
    cr_expect_str_eq(report.findings[1].operation, "twisted");
}

Test(blame, says_once_what_is_wrong_at_one_line) {
    tg_tensor x = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.3, -0.2, 1.5})), h = x;
    for (int i = 0; i < 20; i++) h = tg_tanh(tg_apply_at("net.c:9", &twisted, 1, &h, NULL));
    blame(tg_sum(h), 1, &x);
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].alike, 20);
    cr_expect_eq(report.nodes, 41);
    cr_expect_eq(report.checked, 22, "%lld", (long long)report.checked);
    expect_in_words(0, "; one of 20 there");
}

/* Right below 0, and twice too large above. */
TG_MAP_KERNELS_1(steep, x *x *x)
static void steep_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor slope = tg_mul(tg_num(3), tg_square(c->x[0]));
    dx[0] = tg_mul(dy, tg_where(tg_less(c->x[0], tg_num(0)), slope, tg_mul(tg_num(2), slope)));
}
static const struct tg_op steep = {.name = "steep",
                                   .kind = TG_MAP,
                                   .n_inputs = 1,
                                   .map_f32 = steep_f32,
                                   .map_f64 = steep_f64,
                                   .backward = steep_backward};

Test(blame, finds_a_line_of_which_only_one_node_is_wrong) {
    tg_tensor sum = tg_scalar(tape, 0), x[20];
    for (int i = 0; i < 20; i++) {
        x[i] = tg_param_scalar(tape, i == 11 ? 0.75 : -0.1 * (i + 1));
        sum = tg_add(sum, tg_apply_at("net.c:30", &steep, 1, &x[i], NULL));
    }
    blame(sum, 20, x);
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].alike, 20);
    cr_expect_float_eq(tg_item(report.findings[0].node), 0.75 * 0.75 * 0.75, 1e-12);
}

/* --- large graphs --------------------------------------------------------------------------------------- */

/* A recurrent network of `steps` steps with the state h of 4 numbers; six nodes a step. */
static tg_tensor recurrence(int steps, const tg_tensor *p, int wrong_step) {
    const tg_tensor input = tg_from_f64(tape, TG_SHAPE(4), 4, ((double[]){0.1, 0.2, 0.3, 0.4}));
    tg_tensor h = input;
    for (int i = 0; i < steps; i++) {
        const tg_tensor z = tg_add(input, tg_add(tg_mul(h, p[0]), tg_mul(tg_tanh(h), p[1])));
        h = i == wrong_step ? tg_apply_at("net.c:77", &twisted, 1, &z, NULL) : tg_tanh(z);
    }
    return tg_mean(h);
}

Test(blame, finds_one_wrong_node_among_tens_of_thousands) {
    const tg_tensor p[] = {tg_param_normal(tape, TG_SHAPE(4), tg_key_new(1), 0.5),
                           tg_param_normal(tape, TG_SHAPE(4), tg_key_new(2), 0.5)};
    const int steps = 4000;
    blame(recurrence(steps, p, 1234), 2, p);
    cr_assert_eq(report.n, 1, "%d", report.n);
    cr_expect_str_eq(report.findings[0].place, "net.c:77");
    cr_expect_eq(report.nodes, 6 * steps + 1 - 1, "tanh(h) of the first step depends on no parameter");
    cr_expect_eq(report.checked, report.nodes);
    cr_expect_eq(report.unresolved, 0);
    cr_expect_leq(report.evaluations, 20 * report.nodes, "%lld evaluations", (long long)report.evaluations);
    blame(recurrence(steps, p, -1), 2, p);
    cr_expect_eq(report.n, 0, "%s", words(0));
}

Test(blame, stops_at_the_limit_of_findings) {
    const tg_tensor x = tg_param_scalar(tape, 0.3);
    tg_tensor h = x;
    static const char *const places[] = {"net.c:1", "net.c:2", "net.c:3"};
    for (int i = 0; i < 3; i++) h = tg_apply_at(places[i], &twisted, 1, &h, NULL);
    const tg_blame_options options = {.findings = 2};
    cr_assert_eq(tg_blame(tape, h, 1, &x, &options, &report), TG_OK);
    cr_expect_eq(report.n, 2);
    cr_expect_eq(report.checked, 2);
    cr_expect_eq(report.nodes, 3);
}

Test(blame, judges_by_the_tolerances_it_is_given) {
    const tg_tensor x = tg_param_scalar(tape, 0.01), y = tg_apply(&twisted, 1, &x, NULL);
    const tg_blame_options options = {.relative = 0.1};
    cr_assert_eq(tg_blame(tape, y, 1, &x, &options, &report), TG_OK);
    cr_expect_eq(report.n, 0);
    blame(y, 1, &x);
    cr_expect_eq(report.n, 1);
}

/* --- what is refused ------------------------------------------------------------------------------------ */

static void expect_refused(tg_tensor loss, int n, const tg_tensor *params, tg_status status,
                           const char *text) {
    cr_expect_eq(tg_blame_at("check.c:1", tape, loss, n, params, NULL, &report), status);
    EXPECT_ERROR(tape, status, "check.c:1: blame: ", text);
    cr_expect(report.n == 0 && !report.findings);
}

Test(blame, refuses_what_it_cannot_check) {
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2)), one = tg_param_scalar(tape, 1);
    expect_refused(tg_exp(x), 1, &x, TG_ERR_SHAPE, "the loss must be one number");
    expect_refused(tg_num(3), 1, &x, TG_ERR_SHAPE, "the loss must be one number");
    expect_refused(tg_from_i64(tape, TG_SCALAR, 1, (int64_t[]){1}), 1, &x, TG_ERR_DTYPE, "f64");
    expect_refused(one, 1, &(tg_tensor){0}, TG_ERR_VALUE, "parameter 0 is not an f64 tensor of the tape");
    tg_tensor nothing = one;
    tg_no_values(tape) { nothing = tg_exp(one); }
    expect_refused(nothing, 1, &one, TG_ERR_VALUE, "has no values");
    tg_tape *f32 = tg_tape_new(TG_F32);
    const tg_tensor single = tg_param_scalar(f32, 1);
    cr_expect_eq(tg_blame(f32, single, 1, &single, NULL, &report), TG_ERR_DTYPE);
    EXPECT_ERROR(f32, TG_ERR_DTYPE, "f64 tape");
    tg_tape_free(f32);
    cr_expect_eq(tg_blame(NULL, one, 1, &one, NULL, &report), TG_ERR_HANDLE);
}

Test(blame, takes_its_memory_from_the_tapes_allocator_and_survives_each_failure) {
    bool made = false;
    close_tape();
    for (long k = 0; !made; k++) {
        counting memory;
        const tg_allocator allocator = counting_allocator(&memory);
        memory.fail_at = k;
        tape = tg_tape_new_with(TG_F64, allocator);
        if (!tape) continue;
        const tg_tensor x = tg_param_normal(tape, TG_SHAPE(40, 50), tg_key_new(1), 1);
        const tg_tensor y = tg_mean(tg_matmul(tg_apply(&twisted, 1, &x, NULL), tg_transpose(x)));
        made = tg_blame(tape, y, 1, &x, NULL, &report) == TG_OK && !memory.failed;
        if (memory.failed)
            cr_expect(!report.findings && tg_tape_status(tape) == TG_ERR_MEMORY, "allocation %ld: %s", k,
                      tg_tape_error(tape));
        cr_expect(!made || report.n == 1);
        tg_blame_report_free(&report);
        tg_tape_free(tape);
        cr_expect(memory.blocks == 0 && memory.bytes == 0 && memory.wrong_sizes == 0, "allocation %ld", k);
    }
    tape = NULL;
}

/* --- kinds of operations and inputs --------------------------------------------------------------------- */

static bool blend_infer(tg_call *c) {
    c->out_shape = tg_array_shape(&c->in[0]);
    return tg_expect_dtype(c, 0, TG_F64) && tg_expect_dtype(c, 1, TG_F64) && tg_expect_dtype(c, 2, TG_I64);
}
/* y = x (1 + w[index]), all contiguous; index is one i64. */
static bool blend_forward(const tg_call *c) {
    const double *x = c->in[0].data, *w = c->in[1].data;
    const int64_t n = tg_array_size(&c->in[0]);
    for (int64_t i = 0; i < n; i++) ((double *)c->out.data)[i] = x[i] * (1 + w[*(int64_t *)c->in[2].data]);
    return true;
}
/* Right for x, and the whole of dw gets what belongs to one element. */
static void blend_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor factor =
        tg_sum(tg_mul(c->x[1], tg_from_f64(c->tape, TG_SHAPE(3), 3, ((double[]){0, 1, 0}))));
    dx[0] = tg_mul(dy, tg_add(tg_num(1), factor));
    dx[1] = tg_expand(tg_sum(tg_mul(dy, c->x[0])), TG_SHAPE(3));
}
static const struct tg_op blend = {.name = "blend",
                                   .kind = TG_OTHER,
                                   .n_inputs = 3,
                                   .infer = blend_infer,
                                   .forward = blend_forward,
                                   .backward = blend_backward};

Test(blame, looks_at_each_input_that_needs_a_gradient_and_at_no_other) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.3, -0.2}));
    const tg_tensor w = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.1, 0.2, 0.4}));
    const tg_tensor index = tg_from_i64(tape, TG_SCALAR, 1, ((int64_t[]){1}));
    const tg_tensor loss = tg_sum(tg_apply(&blend, 3, ((tg_tensor[]){x, w, index}), NULL));
    blame(loss, 1, &x);
    cr_expect_eq(report.n, 0, "nobody asked for the gradient of w: %s", words(0));
    blame(loss, 2, (tg_tensor[]){x, w});
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].input, 1);
    cr_expect_eq(report.findings[0].failed, 2);
    cr_expect_eq(report.findings[0].numerical, 0);
}

Test(blame, finds_a_forward_that_reads_strides_wrongly) {
    const tg_tensor whole = tg_param_f64(tape, TG_SHAPE(4), 4, ((double[]){0.3, -0.2, 0.7, 0.9}));
    const tg_tensor w = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.1, 0.2, 0.4}));
    const tg_tensor index = tg_from_i64(tape, TG_SCALAR, 1, ((int64_t[]){1}));
    const tg_tensor x[] = {tg_slice(whole, 0, 0, TG_END, 2), w, index};
    blame(tg_sum(tg_apply_at("net.c:5", &blend, 3, x, NULL)), 1, &whole);
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].kind, TG_BLAME_FORWARD);
    expect_in_words(0, "blend at net.c:5, output [1]: forward gave");
}

Test(blame, takes_the_same_tensor_twice_as_two_inputs) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.3, -0.2, 1.5}));
    blame(tg_sum(tg_mul(x, tg_mul(x, x))), 1, &x);
    cr_expect_eq(report.n, 0, "%s", words(0));
}

Test(blame, passes_strided_broadcast_and_empty_inputs) {
    const tg_tensor a = tg_param_normal(tape, TG_SHAPE(4, 6), tg_key_new(1), 1);
    const tg_tensor b = tg_param_normal(tape, TG_SHAPE(6, 1), tg_key_new(2), 1);
    const tg_tensor none = tg_param_zeros(tape, TG_SHAPE(0, 3));
    const tg_tensor t = tg_transpose(tg_slice(a, 1, TG_END, TG_END, -2));
    const tg_tensor wide = tg_expand(tg_slice(b, 0, 0, 3, 1), TG_SHAPE(3, 4));
    const tg_tensor loss = tg_add(tg_sum(tg_exp(tg_mul(t, wide))), tg_sum(tg_square(none)));
    blame(tg_add(loss, tg_sum(tg_matmul(t, tg_transpose(wide)))), 3, (tg_tensor[]){a, b, none});
    cr_expect_eq(report.n, 0, "%s", words(0));
    cr_expect_eq(report.unresolved, 0);
}

/* --- kinks ---------------------------------------------------------------------------------------------- */

Test(blame, does_not_blame_a_kink) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(5), 5, ((double[]){0, -1, 1e-9, 2, -1e-5}));
    const tg_tensor y = tg_sum(tg_add(tg_relu(x), tg_add(tg_abs(x), tg_leaky_relu(x, 0.1))));
    blame(tg_add(tg_max(x), tg_add(y, tg_sum(tg_maximum(x, tg_num(-1))))), 1, &x);
    cr_expect_eq(report.n, 0, "%s", words(0));
}

/* --- parameters that are cut off ------------------------------------------------------------------------ */

Test(blame, explains_a_parameter_that_is_detached) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.3, -0.2}));
    const tg_tensor cut = tg_detach_at("net.c:12", tg_exp(x));
    blame(tg_sum(tg_mul(cut, x)), 1, &x);
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].kind, TG_BLAME_BARRIER);
    expect_in_words(0, "detach at net.c:12: the loss depends on a parameter through it");
}

Test(blame, explains_what_was_recorded_without_gradients) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.3, -0.2}));
    tg_tensor h = x;
    tg_no_grad(tape) { h = tg_square_at("net.c:20", tg_exp(x)); }
    blame(tg_sum(h), 1, &x);
    cr_assert_eq(report.n, 1, "%s", words(1));
    cr_expect_eq(report.findings[0].kind, TG_BLAME_BARRIER);
    expect_in_words(0, "square at net.c:20");
}

Test(blame, does_not_mind_a_detached_value_that_the_loss_does_not_depend_on) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(3), 3, ((double[]){0.3, -0.2, 1.1}));
    const tg_tensor most = tg_detach(tg_max(x)); /* a stable logsumexp: it cancels */
    blame(tg_add(tg_log(tg_sum(tg_exp(tg_sub(x, most)))), most), 1, &x);
    cr_expect_eq(report.n, 0, "%s", words(0));
    (void)tg_detach(tg_exp(x)); /* and leads nowhere */
    blame(tg_sum(x), 1, &x);
    cr_expect_eq(report.n, 0, "%s", words(0));
}

Test(blame, explains_values_that_were_read_out_and_put_back) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){0.3, -0.2}));
    double values[2];
    const tg_tensor h = tg_exp_at("net.c:3", x);
    cr_assert_eq(tg_read_f64(h, 2, values), TG_OK);
    blame(tg_sum(tg_mul(x, tg_from_f64_at("net.c:4", tape, TG_SHAPE(2), 2, values))), 1, &x);
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].kind, TG_BLAME_CONSTANT);
    expect_in_words(0, "constant made at net.c:4: it has the values of exp [2] at net.c:3");
    blame(tg_mul_at("net.c:5", tg_sum(x), tg_num(tg_item(tg_sum(h)))), 1, &x);
    cr_assert_eq(report.n, 1);
    expect_in_words(0, "it has the values of sum [] at");
    blame(tg_sum(tg_mul(x, tg_from_f64(tape, TG_SHAPE(2), 2, ((double[]){0.5, 1})))), 1, &x);
    cr_expect_eq(report.n, 0, "plain numbers say nothing: %s", words(0));
}

Test(blame, explains_a_parameter_that_does_not_reach_the_loss) {
    const tg_tensor x = tg_param_scalar(tape, 0.3),
                    y = tg_set_name(tg_param_scalar_at("net.c:2", tape, 1), "W2");
    blame(tg_exp(x), 2, (tg_tensor[]){x, y});
    cr_assert_eq(report.n, 1);
    cr_expect_eq(report.findings[0].kind, TG_BLAME_UNREACHED);
    cr_expect_eq(report.findings[0].input, 1);
    expect_in_words(0, "W2 made at net.c:2 does not reach the loss");
}
