/* test_explain.c: the chain rule path by path: numbers, names, tensors, and more paths than can be written.
 *
 * Owns: the promises of graph/explain.h. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static tg_explanation e;
static char *text;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) {
    free(text);
    text = NULL;
    tg_explanation_free(&e);
    tg_tape_free(tape);
}

TestSuite(explain, .init = open_tape, .fini = close_tape);

/* What tg_explain prints; the tape must be as long afterwards as before. */
static const char *explained(tg_tensor y, tg_tensor x) {
    free(text);
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_eq(tg_explain(stream, y, x), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    fclose(stream);
    return text;
}

#define EXPECT_LINES(found, ...)                                                                             \
    do {                                                                                                     \
        const char *const parts_[] = {__VA_ARGS__}, *at_ = (found);                                          \
        for (size_t i_ = 0; i_ < sizeof parts_ / sizeof *parts_; i_++) {                                     \
            const char *next_ = strstr(at_, parts_[i_]);                                                     \
            cr_expect(next_ != NULL, "\"%s\" is not where it should be in:\n%s", parts_[i_], found);         \
            if (next_) at_ = next_ + strlen(parts_[i_]);                                                     \
        }                                                                                                    \
    } while (0)

/* --- numbers -------------------------------------------------------------------------------------------- */

static tg_tensor chain_rule(tg_tensor *b) {
    const tg_tensor a = tg_set_name(tg_param_scalar(tape, 5), "a"), c = tg_param_scalar(tape, 2);
    *b = tg_set_name(tg_param_scalar(tape, 3), "b");
    const tg_tensor u = tg_set_name(tg_mul_at("src/model.c:7", *b, c), "u");
    const tg_tensor v = tg_set_name(tg_add_at("src/model.c:8", a, u), "v");
    return tg_set_name(tg_mul_at("src/model.c:9", tg_num(3), v), "J");
}

Test(explain, one_path_is_the_product_that_one_writes_on_paper) {
    tg_tensor b;
    const tg_tensor J = chain_rule(&b);
    EXPECT_LINES(explained(J, b), "dJ/db = dJ/dv * dv/du * du/db = 3 * 1 * 2 = 6\n", "J ", "mul", "model.c:9",
                 "33", "v ", "add", "model.c:8", "11", "u ", "mul", "model.c:7", "6", "b ", "parameter",
                 "test_explain.c:", "3");
    cr_expect_null(strstr(text, "src/"), "%s", text);
}

Test(explain, steps_have_handles_inputs_factors_and_norms) {
    tg_tensor b;
    const tg_tensor J = chain_rule(&b);
    cr_assert_eq(tg_explain_paths(J, b, 0, &e), TG_OK);
    cr_expect(e.numbers);
    cr_expect_eq(e.gradient, 6);
    cr_expect_eq(e.n_paths, 1);
    cr_assert_eq(e.n, 1);
    cr_expect_eq(e.rest, 0);
    cr_assert_eq(e.paths[0].n, 4);
    static const int inputs[] = {1, 1, 0, -1};
    static const double factors[] = {1, 3, 1, 2}, norms[] = {1, 3, 3, 6};
    for (int i = 0; i < 4; i++) {
        const tg_path_step *step = &e.paths[0].steps[i];
        cr_expect_eq(step->input, inputs[i], "step %d", i);
        cr_expect_eq(step->factor, factors[i], "step %d", i);
        cr_expect_eq(step->norm, norms[i], "step %d", i);
    }
    cr_expect_eq(e.paths[0].steps[0].at.node, J.node);
    cr_expect_eq(e.paths[0].steps[3].at.node, b.node);
    cr_expect_eq(e.paths[0].value, 6);
    cr_expect_eq(e.paths[0].share, 1);
}

Test(explain, several_paths_are_a_sum_the_largest_first) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 2), "x");
    const tg_tensor u = tg_set_name(tg_square(x), "u"), v = tg_set_name(tg_mul(tg_num(-3), x), "v");
    const tg_tensor f = tg_set_name(tg_add(tg_mul(u, x), v), "f");
    const char *found = explained(f, x);
    EXPECT_LINES(found, "df/dx = 9, the sum over 3 paths:\n", "* du/dx = 1 * 2 * 4 = 8\n", "= 1 * 4 = 4\n",
                 "  df/dv * dv/dx = 1 * (-3) = -3\n");
    cr_expect_null(strstr(found, "more"), "%s", found);
}

Test(explain, a_node_without_a_name_is_called_by_operation_and_line) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 2), "x");
    const tg_tensor y = tg_exp_at("a/net.c:5", tg_square_at("a/net.c:4", x));
    EXPECT_LINES(explained(y, x), "d(exp:5)/dx = d(exp:5)/d(square:4) * d(square:4)/dx = ");
    const tg_tensor z = tg_exp_at("a/net.c:5", tg_exp_at("a/net.c:5", x));
    EXPECT_LINES(explained(z, x), "d(exp:5#2)/dx = d(exp:5#2)/d(exp:5) * d(exp:5)/dx = ");
    const tg_tensor p = tg_param_scalar_at("net.c:1", tape, 1), s = tg_scalar_at("net.c:2", tape, 1);
    EXPECT_LINES(explained(tg_mul_at("net.c:3", p, s), s), "d(mul:3)/d(input:2) = ");
    EXPECT_LINES(explained(tg_mul_at("net.c:3", p, s), p), "d(mul:3)/d(parameter:1) = ");
}

Test(explain, an_operand_used_twice_gives_two_paths_by_input) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 3), "x"), y = tg_set_name(tg_mul(x, x), "y");
    EXPECT_LINES(explained(y, x), "dy/dx = 6, the sum over 2 paths:\n", "  dy/dx (input 0) = 3 = 3\n",
                 "  dy/dx (input 1) = 3 = 3\n");
}

Test(explain, an_operand_that_was_computed_from_another_is_no_shortcut) {
    const tg_tensor x = tg_param_scalar(tape, 3), u = tg_square(x), y = tg_mul(x, u);
    cr_assert_eq(tg_explain_paths(y, x, 0, &e), TG_OK);
    cr_expect_eq(e.n_paths, 2);
    cr_expect_eq(e.paths[0].value, 18);
    cr_expect_eq(e.paths[1].value, 9);
    cr_expect_eq(e.gradient, 27);
}

Test(explain, of_itself_is_one_and_of_what_it_does_not_depend_on_zero) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 3), "x"), y = tg_set_name(tg_exp(x), "y"),
                    z = tg_set_name(tg_scalar(tape, 1), "z");
    EXPECT_LINES(explained(x, x), "dx/dx = 1\n");
    EXPECT_LINES(explained(y, z), "dy/dz = 0: no path leads from y to z\n");
    EXPECT_LINES(explained(x, y), "dx/dy = 0: no path leads from x to y\n");
    EXPECT_LINES(explained(tg_set_name(tg_mul(tg_detach(x), y), "w"), x), "dw/dx = dw/dy * dy/dx = 3 * ");
}

/* --- many paths, long paths ----------------------------------------------------------------------------- */

/* Every turn doubles the paths: factors 1 and -c. */
static tg_tensor diamonds(tg_tensor x, int n, double c) {
    for (int i = 0; i < n; i++) x = tg_sub(x, tg_mul(x, tg_num(c)));
    return x;
}

Test(explain, a_million_paths_are_counted_and_the_rest_is_summed) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 1), "x"),
                    y = tg_set_name(diamonds(x, 20, 0.5), "y");
    cr_assert_eq(tg_explain_paths(y, x, 6, &e), TG_OK);
    cr_expect_eq(e.n_paths, 1048576);
    cr_assert_eq(e.n, 6);
    const double sum = 1 - 5 * 0.5, whole = pow(0.5, 20);
    for (int k = 0; k < 6; k++) cr_expect_eq(e.paths[k].value, k == 0 ? 1 : -0.5, "path %d", k);
    cr_expect_float_eq(e.gradient, whole, 1e-18);
    cr_expect_float_eq(e.rest, whole - sum, 1e-12);
    EXPECT_LINES(explained(y, x), "the sum over 1,048,576 paths:\n", "  and 1,048,568 more, together 2.5");
}

Test(explain, the_largest_paths_are_those_of_all_paths_written_out) {
    enum { LAYERS = 5, WIDTH = 3, PATHS = 243 };
    tg_tensor layer[WIDTH];
    double weights[LAYERS][WIDTH][WIDTH], all[PATHS];
    tg_random_normal(tg_key_new(3), LAYERS * WIDTH * WIDTH, &weights[0][0][0]);
    const tg_tensor x = tg_param_scalar(tape, 1);
    for (int k = 0; k < WIDTH; k++) layer[k] = k ? tg_mul(x, tg_num(weights[0][0][k])) : x;
    for (int l = 1; l < LAYERS; l++) {
        tg_tensor next[WIDTH];
        for (int i = 0; i < WIDTH; i++)
            next[i] = tg_add(tg_add(tg_mul(layer[0], tg_num(weights[l][i][0])),
                                    tg_mul(layer[1], tg_num(weights[l][i][1]))),
                             tg_mul(layer[2], tg_num(weights[l][i][2])));
        memcpy(layer, next, sizeof next);
    }
    const tg_tensor y = tg_add(tg_add(layer[0], layer[1]), layer[2]);
    for (int p = 0; p < PATHS; p++) {
        int node = p % WIDTH;
        all[p] = 1;
        for (int l = LAYERS - 1, rest = p / WIDTH; l > 0; l--, rest /= WIDTH) {
            all[p] *= weights[l][node][rest % WIDTH];
            node = rest % WIDTH;
        }
        if (node) all[p] *= weights[0][0][node];
    }
    for (int i = 1; i < PATHS; i++) /* into descending order of size */
        for (int k = i; k > 0 && fabs(all[k]) > fabs(all[k - 1]); k--) {
            const double swap = all[k];
            all[k] = all[k - 1], all[k - 1] = swap;
        }
    cr_assert_eq(tg_explain_paths(y, x, 20, &e), TG_OK);
    cr_expect_eq(e.n_paths, PATHS);
    cr_assert_eq(e.n, 20);
    for (int k = 0; k < 20; k++)
        cr_expect_float_eq(e.paths[k].value, all[k], 1e-12 * fabs(all[k]), "path %d", k);
}

Test(explain, more_paths_than_a_double_can_count_are_said_to_be_so) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 1), "x"),
                    y = tg_set_name(diamonds(x, 60, 0.5), "y"), z = diamonds(x, 1100, 0.5);
    EXPECT_LINES(explained(y, x), "the sum over about 1.15292e+18 paths:");
    EXPECT_LINES(explained(z, x), "the sum over more than 1e308 paths:");
}

Test(explain, a_long_path_is_shortened_in_its_middle) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 1), "x");
    tg_tensor y = x;
    for (int i = 0; i < 1000; i++) y = tg_mul(y, tg_num(i == 500 ? 2 : 1));
    y = tg_set_name(y, "y");
    EXPECT_LINES(explained(y, x), "dy/dx = dy/d(mul:", " * [994 factors] * ",
                 "/dx = 1 * 1 * 1 * 2 * 1 * 1 * 1 = 2\n");
    cr_assert_eq(tg_explain_paths(y, x, 0, &e), TG_OK);
    cr_expect_eq(e.paths[0].n, 1001);
}

Test(explain, a_chain_of_a_hundred_thousand_operations_needs_no_stack) {
    const tg_tensor x = tg_param_scalar(tape, 1);
    tg_tensor y = x;
    for (int i = 0; i < 100000; i++) y = tg_neg(y);
    cr_assert_eq(tg_explain_paths(y, x, 0, &e), TG_OK);
    cr_expect_eq(e.paths[0].n, 100001);
    cr_expect_eq(e.paths[0].value, 1);
}

/* --- tensors -------------------------------------------------------------------------------------------- */

Test(explain, tensors_have_shapes_norms_and_shares) {
    const double w[] = {1, 2, 3, 4, 5, 6}, v[] = {1, -1, 2};
    const tg_tensor W = tg_set_name(tg_param_f64(tape, TG_SHAPE(2, 3), 6, w), "W");
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3), 3, v);
    const tg_tensor z = tg_set_name(tg_matmul_at("net.c:4", W, x), "z");
    const tg_tensor J =
        tg_set_name(tg_add_at("net.c:6", tg_sum_at("net.c:5", z), tg_sum_at("net.c:7", W)), "J");
    EXPECT_LINES(explained(J, W), "dJ/dW: norm ", ", the sum over 2 paths:\n", "path 1: norm 3.4641, ",
                 "% of the gradient\n", "node", "operation", "line", "shape", "cotangent", "times\n", "J ",
                 "net.c:6", "1\n", "sum:5", "net.c:5", "1 ", "1\n", "z ", "matmul", "net.c:4", "[2]",
                 "1.4142", "1.4142\n", "W ", "parameter", "[2, 3]", "3.4641", "2.4495\n",
                 "path 2: norm 2.4494");
    cr_assert_eq(tg_explain_paths(J, W, 0, &e), TG_OK);
    cr_expect_not(e.numbers);
    /* The gradient's rows are v + 1 = (2, 0, 3); the first path brings v, the second ones. */
    cr_expect_float_eq(e.gradient, sqrt(26), 1e-12);
    cr_expect_float_eq(e.paths[0].share, 8.0 / 13, 1e-12);
    cr_expect_float_eq(e.paths[1].share, 5.0 / 13, 1e-12);
    cr_expect_eq(e.rest, 0);
}

Test(explain, through_tensors_a_number_has_signed_terms) {
    const double v[] = {1, -1, 2};
    const tg_tensor b = tg_set_name(tg_param_scalar(tape, 0.5), "b");
    const tg_tensor x = tg_from_f64(tape, TG_SHAPE(3), 3, v), y = tg_mul(x, b);
    const tg_tensor J = tg_set_name(tg_sub(tg_mean(y), tg_mul(b, tg_num(4))), "J");
    cr_assert_eq(tg_explain_paths(J, b, 0, &e), TG_OK);
    cr_expect_not(e.numbers);
    cr_assert_eq(e.n, 2);
    cr_expect_float_eq(e.paths[0].value, -4, 1e-12);
    cr_expect_float_eq(e.paths[1].value, 2.0 / 3, 1e-12);
    EXPECT_LINES(explained(J, b), "dJ/db = -3.33333, the sum over 2 paths:\n", "path 1: -4, 120.0% of",
                 "path 2: 0.666667, -20.0% of");
}

Test(explain, what_tensors_leave_out_is_the_gradient_less_what_is_shown) {
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(4), tg_key_new(2), 1);
    tg_tensor y = x, dx;
    for (int i = 0; i < 5; i++) y = tg_add(tg_tanh(y), tg_mul(y, tg_num(0.3)));
    const tg_tensor J = tg_set_name(tg_sum(y), "J");
    cr_assert_eq(tg_gradients(J, 1, &x, &dx), TG_OK);
    cr_assert_eq(tg_explain_paths(J, x, 32, &e), TG_OK);
    cr_expect_eq(e.n_paths, 32);
    cr_assert_eq(e.n, 32);
    double share = 0, most = 0;
    for (int k = 0; k < 32; k++) share += e.paths[k].share;
    cr_expect_float_eq(share, 1, 1e-12);
    for (int k = 1; k < 32; k++) cr_expect_leq(e.paths[k].value, e.paths[k - 1].value);
    for (int k = 31; k >= 2; k--) most += e.paths[k].value;
    tg_explanation_free(&e);
    cr_assert_eq(tg_explain_paths(J, x, 2, &e), TG_OK);
    cr_assert_eq(e.n, 2);
    cr_expect_gt(e.rest, 0);
    cr_expect_leq(e.rest, most + 1e-12);
}

/* --- edges ---------------------------------------------------------------------------------------------- */

Test(explain, gradients_of_gradients_have_paths_too) {
    const tg_tensor x = tg_set_name(tg_param_scalar(tape, 2), "x"), y = tg_mul(tg_square(x), x);
    tg_tensor dx;
    cr_assert_eq(tg_gradients(y, 1, &x, &dx), TG_OK);
    cr_assert_eq(tg_explain_paths(dx, x, 0, &e), TG_OK);
    cr_expect_float_eq(e.gradient, 12, 1e-12);
    double sum = 0;
    for (int k = 0; k < e.n; k++) sum += e.paths[k].value;
    cr_expect_float_eq(sum, 12, 1e-12);
}

Test(explain, works_on_an_f32_tape_and_with_gradients_off) {
    tg_tape *other = tg_tape_new(TG_F32);
    const tg_tensor x = tg_param_scalar(other, 3), y = tg_exp(tg_square(x));
    tg_no_grad(other) cr_expect_eq(tg_explain_paths(y, x, 0, &e), TG_OK, "%s", tg_tape_error(other));
    cr_assert_eq(e.n, 1);
    cr_expect_eq(e.paths[0].steps[2].factor, 6);
    tg_explanation_free(&e);
    tg_tape_free(other);
}

Test(explain, an_empty_tensor_has_a_gradient_of_nothing) {
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(0, 3)), y = tg_sum(tg_exp(x));
    cr_assert_eq(tg_explain_paths(y, x, 0, &e), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(e.n_paths, 1);
    cr_expect_eq(e.gradient, 0);
    cr_expect(isnan(e.paths[0].share));
    explained(y, x);
}

Test(explain, refuses_what_has_no_derivative_with_a_message) {
    tg_tape *other = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_zeros(tape, TG_SHAPE(2)), foreign = tg_scalar(other, 1), y = tg_sum(x);
    cr_expect_eq(tg_explain_at("main.c:1", stdout, x, x), TG_ERR_SHAPE);
    EXPECT_ERROR(tape, TG_ERR_SHAPE, "main.c:1", "not one number");
    cr_expect_eq(tg_explain_at("main.c:2", stdout, y, foreign), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:2: explain: x is not a tensor of y's tape");
    cr_expect_eq(tg_explain_at("main.c:3", stdout, y, (tg_tensor){0}), TG_ERR_HANDLE);
    EXPECT_ERROR(tape, TG_ERR_HANDLE, "main.c:3");
    cr_expect_eq(tg_explain(stdout, tg_num(1), x), TG_ERR_HANDLE);
    const tg_tensor s = tg_sum(tg_sign(x));
    if (tg_explain_paths(s, x, 0, &e) == TG_OK) cr_expect_eq(e.gradient, 0);
    tg_tape_clear_error(tape);
    FILE *full = fopen("/dev/full", "w");
    setvbuf(full, NULL, _IONBF, 0);
    cr_expect_eq(tg_explain(full, y, x), TG_ERR_FILE);
    EXPECT_ERROR(tape, TG_ERR_FILE, "explain");
    fclose(full);
    tg_tape_free(other);
}

Test(explain, every_allocation_may_fail) {
    bool done = false;
    for (long k = 0; !done && k < 500; k++) {
        counting c;
        const tg_allocator allocator = counting_allocator(&c);
        tg_tape *failing = tg_tape_new_with(TG_F64, allocator);
        const tg_tensor x = tg_param_zeros(failing, TG_SHAPE(60, 50));
        tg_tensor y = x;
        for (int i = 0; i < 4; i++) y = tg_add(tg_tanh(y), tg_square(y));
        const tg_tensor J = tg_sum(y);
        c.allocations = 0;
        c.fail_at = k;
        FILE *nowhere = fopen("/dev/null", "w");
        const tg_status status = tg_explain(nowhere, J, x);
        fclose(nowhere);
        done = !c.failed;
        cr_expect_eq(status, done ? TG_OK : TG_ERR_MEMORY, "allocation %ld: %s", k, tg_tape_error(failing));
        tg_tape_free(failing);
        cr_expect(c.blocks == 0 && !c.wrong_sizes, "allocation %ld: %ld blocks leak", k, c.blocks);
    }
    cr_expect(done);
}
