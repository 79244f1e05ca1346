/* test_inner_product.c: the inner product and its derivatives.
 *
 * Owns: the promises of graph/inner_product.h. */
#include "graph/inner_product.h"

#include "tapegrad.h"
#include "tests/graph/expect_error.h"

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }

TestSuite(inner_product, .init = open_tape, .fini = close_tape);

Test(inner_product, is_the_sum_of_products_in_any_layout) {
    const tg_tensor a = tg_from_f64(tape, TG_SHAPE(2, 3), 6, ((double[]){1, 2, 3, 4, 5, 6}));
    const tg_tensor b = tg_from_f64(tape, TG_SHAPE(3, 2), 6, ((double[]){1, 10, 100, 1000, 1e4, 1e5}));
    cr_expect_eq(tg_item(tg_inner_product(TG_HERE, a, tg_transpose(b))), 1 + 200 + 3e4 + 40 + 5e3 + 6e5);
    cr_expect_eq(tg_item(tg_inner_product(TG_HERE, tg_scalar(tape, 3), tg_scalar(tape, 5))), 15);
    const tg_tensor none = tg_zeros(tape, TG_SHAPE(0, 3));
    cr_expect_eq(tg_item(tg_inner_product(TG_HERE, none, none)), 0);
    cr_expect_null(tg_tape_error(tape));
}

static tg_tensor cubed(tg_tape *on, const tg_tensor *p, void *context) {
    (void)on, (void)context;
    const tg_tensor ab = tg_inner_product(TG_HERE, p[0], p[1]);
    return tg_mul(tg_square(ab), tg_inner_product(TG_HERE, p[0], tg_exp(p[1])));
}

Test(inner_product, is_differentiated_again_and_again) {
    const tg_tensor p[] = {tg_param_normal(tape, TG_SHAPE(2, 3), tg_key_new(1), 1),
                           tg_param_normal(tape, TG_SHAPE(2, 3), tg_key_new(2), 1)};
    for (int order = 1; order <= 2; order++) {
        const tg_gradcheck_options options = {.order = order};
        tg_gradcheck_report report;
        cr_assert_eq(tg_gradcheck(tape, cubed, NULL, 2, p, &options, &report), TG_OK, "%s",
                     tg_tape_error(tape));
        cr_expect_eq(report.verdict, TG_PASS, "order %d: %s", order, tg_verdict_name(report.verdict));
        tg_gradcheck_report_free(&report);
    }
}
