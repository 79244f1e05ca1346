/* test_rewriting.c: what expressions give where the tape may rewrite them, far from 0 and near it.
 *
 * Owns: values, first and second derivatives of the rewritten, and that they are those of the written where
 * both can be computed. When nothing is rewritten is in tests/graph/test_rewrite.c. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>

static tg_tensor log_sigmoid(tg_tensor x) { return tg_log(tg_sigmoid(x)); }
static tg_tensor log_complement(tg_tensor x) { return tg_log(tg_sub(tg_num(1), tg_sigmoid(x))); }
static tg_tensor complement(tg_tensor x) { return tg_sub(tg_num(1), tg_sigmoid(x)); }
static tg_tensor log_softmax(tg_tensor x) { return tg_log(tg_softmax(x, 0)); }
static tg_tensor log1p_exp(tg_tensor x) { return tg_log1p(tg_exp(x)); }
static tg_tensor sqrt_square(tg_tensor x) { return tg_sqrt(tg_square(x)); }

typedef tg_tensor function(tg_tensor x);
typedef struct derivatives {
    double y[2], dx[2], ddx[2];
} derivatives;

/* f at two numbers: values, the gradient of their sum weighted 1 and 2, and that of the gradient's square. */
static derivatives differentiate(function *f, bool rewriting, const double *at) {
    tg_tape *tape = tg_tape_new(TG_F64);
    (void)tg_tape_set_rewriting(tape, rewriting);
    const tg_tensor x = tg_param_f64(tape, TG_SHAPE(2), 2, at), y = f(x);
    const tg_tensor weights = tg_from_f64(tape, TG_SHAPE(2), 2, (double[]){1, 2});
    tg_tensor dx, ddx;
    derivatives d;
    cr_assert_eq(tg_gradients_from(y, weights, 1, &x, &dx), TG_OK, "%s", tg_tape_error(tape));
    cr_assert_eq(tg_gradients(tg_sum(tg_square(dx)), 1, &x, &ddx), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_read_f64(y, 2, d.y), TG_OK);
    cr_expect_eq(tg_read_f64(dx, 2, d.dx), TG_OK);
    cr_expect_eq(tg_read_f64(ddx, 2, d.ddx), TG_OK);
    tg_tape_free(tape);
    return d;
}

Test(rewriting, gives_what_was_written_where_that_can_be_computed) {
    function *const all[] = {log_sigmoid, log_complement, complement, log_softmax, log1p_exp, sqrt_square};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const double at[] = {-1.5, 2.25};
        const derivatives a = differentiate(all[i], false, at), b = differentiate(all[i], true, at);
        for (int k = 0; k < 2; k++) {
            cr_expect_float_eq(a.y[k], b.y[k], 1e-14, "%zu: %g, %g", i, a.y[k], b.y[k]);
            cr_expect_float_eq(a.dx[k], b.dx[k], 1e-14, "%zu: %g, %g", i, a.dx[k], b.dx[k]);
            cr_expect_float_eq(a.ddx[k], b.ddx[k], 1e-14, "%zu: %g, %g", i, a.ddx[k], b.ddx[k]);
        }
    }
}

static void expect(function *f, const double *at, const double *y, const double *dx) {
    const derivatives d = differentiate(f, true, at);
    for (int k = 0; k < 2; k++) {
        cr_expect(fabs(d.y[k] - y[k]) <= 1e-15 * fabs(y[k]), "y = %g, not %g", d.y[k], y[k]);
        cr_expect(fabs(d.dx[k] - dx[k]) <= 1e-15 * fabs(dx[k]), "dx = %g, not %g", d.dx[k], dx[k]);
        cr_expect(isfinite(d.ddx[k]));
    }
}

Test(rewriting, keeps_values_and_gradients_where_the_written_form_has_none) {
    const double far[] = {-1000, 1000}, origin[] = {0, -1e200};
    cr_expect(isnan(differentiate(log_sigmoid, false, far).dx[0]), "which is what it is for");
    expect(log_sigmoid, far, (double[]){-1000, 0}, (double[]){1, 0});
    expect(log_complement, far, (double[]){0, -1000}, (double[]){0, -2});
    expect(complement, (double[]){50, 60}, (double[]){exp(-50), exp(-60)},
           (double[]){-exp(-50), -2 * exp(-60)});
    expect(log_softmax, far, (double[]){-2000, 0}, (double[]){1, -1});
    expect(log1p_exp, far, (double[]){0, 1000}, (double[]){0, 2});
    expect(sqrt_square, origin, (double[]){0, 1e200}, (double[]){0, -2});
}

/* The loss of logistic regression as it stands in books. */
Test(rewriting, the_cross_entropy_of_the_books_is_that_of_the_logits) {
    tg_tape *tape = tg_tape_new(TG_F64);
    (void)tg_tape_set_rewriting(tape, true);
    const tg_tensor z = tg_param_f64(tape, TG_SHAPE(4), 4, (double[]){-800, -3, 3, 800});
    const tg_tensor y = tg_from_f64(tape, TG_SHAPE(4), 4, (double[]){1, 0, 1, 0}), a = tg_sigmoid(z),
                    one = tg_num(1);
    const tg_tensor terms = tg_add(tg_mul(y, tg_log(a)), tg_mul(tg_sub(one, y), tg_log(tg_sub(one, a))));
    const tg_tensor losses[2] = {tg_neg(tg_mean(terms)), tg_binary_cross_entropy_with_logits(z, y)};
    tg_tensor dz[2];
    for (int i = 0; i < 2; i++) cr_assert_eq(tg_gradients(losses[i], 1, &z, &dz[i]), TG_OK);
    cr_expect_float_eq(tg_item(losses[0]), tg_item(losses[1]), 1e-12);
    for (int i = 0; i < 4; i++)
        cr_expect_float_eq(tg_value(dz[0], TG_SHAPE(i)), tg_value(dz[1], TG_SHAPE(i)), 1e-15);
    tg_tape_free(tape);
}
