/* test_local_check.c: one node alone: right nodes pass, wrong entries are found in small and large inputs,
 * kinks are told from mistakes, and the tape is left as it was.
 *
 * Owns: the promises of graph/local_check.h and local_slopes.h. */
#include "graph/local_slopes.h"
#include "tapegrad.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static tg_local local;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(local_check, .init = open_tape, .fini = close_tape);

/* The verdict on input k of a node, by itself. */
static tg_local_result check(tg_tensor node, int k) {
    tg_local_result result = {.verdict = TG_UNRESOLVED};
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_assert(tg_local_open(&local, "check.c:1", node, NULL, NULL, tg_key_new(1)), "%s", tg_tape_error(tape));
    cr_expect(tg_local_check(&local, k, (tg_local_tolerance){0}, tg_key_new(2), &result), "%s",
              tg_tape_error(tape));
    tg_local_close(&local);
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    return result;
}

/* --- an operation that is not elementwise, of any size -------------------------------------------------- */

static int64_t wrong_entry;    /* -1: none */
static double wrong_by = 1.01; /* a factor */

/* y = sum x^3 / 3 */
static bool cubes_infer(tg_call *c) {
    c->out_shape = TG_SCALAR;
    return true;
}
static bool cubes_forward(const tg_call *c) {
    double sum = 0;
    for (int64_t i = 0; i < tg_array_size(&c->in[0]); i++)
        sum += pow(((const double *)c->in[0].data)[i], 3) / 3;
    *(double *)c->out.data = sum;
    return true;
}
static void cubes_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor factors = tg_ones(c->tape, tg_array_shape(&c->in[0]));
    if (wrong_entry >= 0) ((double *)tg_data_mut(factors))[wrong_entry] = wrong_by;
    dx[0] = tg_mul(dy, tg_mul(factors, tg_square(c->x[0])));
}
static const struct tg_op cubes = {.name = "cubes",
                                   .kind = TG_OTHER,
                                   .n_inputs = 1,
                                   .infer = cubes_infer,
                                   .forward = cubes_forward,
                                   .backward = cubes_backward};

static tg_tensor cubes_of(int64_t n) {
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(n), tg_key_new(3), 1);
    return tg_apply(&cubes, 1, &x, NULL);
}

Test(local_check, compares_a_small_input_entry_by_entry) {
    wrong_entry = -1;
    tg_local_result r = check(cubes_of(12), 0);
    cr_expect_eq(r.verdict, TG_PASS);
    cr_expect_eq(r.compared, 12);
    wrong_entry = 7;
    r = check(cubes_of(12), 0);
    cr_expect_eq(r.verdict, TG_FAIL);
    cr_expect_eq(r.failed, 1);
    cr_expect_eq(r.entry, 7);
    cr_expect_float_eq(r.analytic / r.numeric, 1.01, 1e-8);
}

Test(local_check, passes_a_large_input_by_one_projection) {
    wrong_entry = -1;
    const tg_local_result r = check(cubes_of(30000), 0);
    cr_expect_eq(r.verdict, TG_PASS);
    cr_expect_eq(r.compared, 0);
    cr_expect_leq(local.evaluations, 25, "%lld", (long long)local.evaluations);
}

Test(local_check, finds_one_entry_of_thousands_that_is_one_percent_off) {
    const tg_tensor y = cubes_of(3000);
    for (wrong_entry = 0; wrong_entry < 3000; wrong_entry += 271) {
        const tg_local_result r = check(y, 0);
        cr_expect_eq(r.verdict, TG_FAIL, "entry %lld: %s", (long long)wrong_entry,
                     tg_verdict_name(r.verdict));
        cr_expect_eq(r.entry, wrong_entry);
        cr_expect_eq(r.failed, 1);
        cr_expect_lt(local.evaluations, 700, "a search, and not a walk: %lld", (long long)local.evaluations);
    }
}

Test(local_check, finds_a_small_entry_that_is_five_times_too_large) {
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(500), tg_key_new(3), 1);
    ((double *)tg_data_mut(x))[123] = 1e-2; /* its gradient is 1e-4, of up to 10 */
    wrong_entry = 123, wrong_by = 5;
    const tg_local_result r = check(tg_apply(&cubes, 1, &x, NULL), 0);
    cr_expect_eq(r.verdict, TG_FAIL);
    cr_expect_eq(r.entry, 123);
}

Test(local_check, finds_an_entry_that_is_not_a_number) {
    wrong_entry = 321, wrong_by = NAN;
    const tg_local_result r = check(cubes_of(1000), 0);
    cr_expect_eq(r.verdict, TG_FAIL);
    cr_expect_eq(r.entry, 321);
}

Test(local_check, gives_up_on_a_large_input_when_enough_is_wrong) {
    wrong_entry = -1;
    static struct tg_op dropped;
    dropped = cubes;
    dropped.backward = tg_op_find("sign")->backward;
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(5000), tg_key_new(3), 1);
    const tg_local_result r = check(tg_apply(&dropped, 1, &x, NULL), 0);
    cr_expect_eq(r.verdict, TG_FAIL);
    cr_expect_eq(r.failed, r.compared);
    cr_expect_lt(r.compared, 100);
}

/* --- elementwise operations ----------------------------------------------------------------------------- */

Test(local_check, compares_every_entry_of_an_elementwise_operation_at_once) {
    const tg_tensor a = tg_param_normal(tape, TG_SHAPE(70, 30), tg_key_new(3), 1);
    const tg_tensor b = tg_param_normal(tape, TG_SHAPE(30), tg_key_new(4), 1);
    const tg_tensor y = tg_mul(a, b);
    cr_expect_eq(check(y, 0).compared, 2100);
    cr_expect_leq(local.evaluations, 7);
    const tg_local_result r = check(y, 1);
    cr_expect_eq(r.verdict, TG_PASS);
    cr_expect_eq(r.compared, 30);
}

Test(local_check, tells_kinks_from_mistakes) {
    const double values[] = {0, 1e-7, -1e-5, 0.005, 1, -3, 0};
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(7), 7, values);
    const tg_tensor other = tg_from_f64(tape, TG_SHAPE(7), 7, ((double[]){0, 1, 1, 1, 1, -3, 0.5}));
    cr_expect_eq(check(tg_relu(x), 0).verdict, TG_KINK);
    cr_expect_eq(check(tg_relu(x), 0).failed, 0);
    cr_expect_eq(check(tg_leaky_relu(x, 0.1), 0).verdict, TG_KINK);
    cr_expect_eq(check(tg_abs(x), 0).verdict, TG_PASS, "the mean of both sides");
    cr_expect_eq(check(tg_maximum(x, other), 0).verdict, TG_PASS, "the mean of both sides");
    cr_expect_eq(check(tg_max(tg_maximum(x, tg_num(1))), 0).verdict, TG_KINK, "a tie");
    cr_expect_eq(check(tg_square(tg_relu(x)), 0).verdict, TG_PASS, "smooth there");
}

/* |x|, with -1 also where x is 0 and 2 x where it is between -1 and 0. */
TG_MAP_KERNELS_1(bend, (T)fabs((double)x))
static void bend_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor x = c->x[0], left = tg_where(tg_less(x, tg_num(-1)), tg_num(-1), tg_mul(tg_num(2), x));
    dx[0] = tg_mul(dy, tg_where(tg_greater(x, tg_num(0)), tg_num(1), left));
}
static const struct tg_op bend = {.name = "bend",
                                  .kind = TG_MAP,
                                  .n_inputs = 1,
                                  .map_f32 = bend_f32,
                                  .map_f64 = bend_f64,
                                  .backward = bend_backward};

Test(local_check, finds_a_mistake_beside_kinks) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(5), 5, ((double[]){0, -0.3, 0, -2, 1}));
    const tg_local_result r = check(tg_apply(&bend, 1, &x, NULL), 0);
    cr_expect_eq(r.verdict, TG_FAIL);
    cr_expect_eq(r.failed, 1);
    cr_expect_eq(r.entry, 1);
}

/* --- where slopes are hard to know ---------------------------------------------------------------------- */

Test(local_check, resolves_what_is_near_the_end_of_the_domain_or_steep) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(5), 5, ((double[]){1e-6, 0.003, 1, 400, 1e-3}));
    cr_expect_eq(check(tg_log(x), 0).verdict, TG_PASS);
    cr_expect_eq(check(tg_sqrt(x), 0).verdict, TG_PASS);
    cr_expect_eq(check(tg_div(tg_num(1), x), 1).verdict, TG_PASS);
    cr_expect_eq(check(tg_exp(tg_mul(x, tg_num(-50))), 0).verdict, TG_PASS);
    const tg_tensor none = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){-1, 2}));
    cr_expect_eq(check(tg_log(none), 0).verdict, TG_UNRESOLVED, "of what is not a number nothing is known");
}

Test(local_check, takes_the_cotangent_that_it_is_given) {
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, ((double[]){1, 2}));
    const tg_tensor dy = tg_from_f64(tape, TG_SHAPE(2), 2, ((double[]){10, 0}));
    tg_local_entry slope[2];
    cr_assert(tg_local_open(&local, "check.c:1", tg_square(x), &dy, NULL, tg_key_new(1)));
    cr_expect(tg_local_gradient(&local, 0, 2, NULL, slope));
    cr_expect_float_eq(local.inputs[0].backward[0], 20, 0);
    cr_expect_float_eq(slope[0].numeric, 20, 1e-7);
    cr_expect_eq(slope[1].numeric, 0);
    tg_local_close(&local);
}

Test(local_check, sums_parts_to_the_gradient) {
    const tg_tensor a = tg_param_normal(tape, TG_SHAPE(4, 3), tg_key_new(3), 1);
    const tg_tensor b = tg_param_normal(tape, TG_SHAPE(3, 2), tg_key_new(4), 1);
    const tg_tensor nodes[] = {tg_matmul(a, b), tg_mul(tg_matmul(a, b), tg_slice(b, 0, 0, 1, 1))};
    for (int i = 0; i < 2; i++) {
        double parts[4 * 6], sum = 0;
        tg_local_entry slope[6];
        cr_assert(tg_local_open(&local, "check.c:1", nodes[i], NULL, NULL, tg_key_new(1)));
        const int64_t size = local.inputs[1].size;
        cr_expect(tg_local_parts(&local, 1, 0, parts) && tg_local_gradient(&local, 1, size, NULL, slope));
        for (int s = 0; s < 4; s++) sum += parts[s * size + 1];
        cr_expect_float_eq(sum, slope[1].numeric, 1e-8);
        tg_local_close(&local);
    }
}

Test(local_check, leaves_modes_as_they_were_when_a_backward_fails) {
    const tg_tensor x = tg_param_scalar(tape, 1), y = tg_apply(tg_op_find("exp"), 1, &x, NULL);
    static struct tg_op refusing;
    refusing = *tg_op_find("exp");
    refusing.backward = TG_NOT_DIFFERENTIABLE;
    tg_node_at(tape, y.node)->op = &refusing;
    tg_tape_set_nan_check(tape, true);
    const int64_t n_nodes = tg_tape_n_nodes(tape);
    cr_expect_not(tg_local_open(&local, "check.c:1", y, NULL, NULL, tg_key_new(1)));
    tg_local_close(&local);
    EXPECT_ERROR(tape, TG_ERR_GRADIENT, "exp", "no gradient");
    cr_expect_eq(tg_tape_n_nodes(tape), n_nodes);
    cr_expect(tape->nan_check && tape->grad_on && tape->values_on && !tape->place);
}
