/* test_gradcheck_exercise.c: the check on the three-layer network that many courses check by hand.
 *
 * Owns: the comparison with what such exercises do: one fixed step of 1e-7, and one norm over all entries. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>

/* 4 inputs, layers of 5, 3 and 1 units, 3 examples: 47 parameters. */
typedef struct exercise {
    tg_tape *tape;
    tg_tensor X, Y, params[6];
} exercise;

static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    const exercise *e = context;
    (void)tape;
    const tg_tensor A1 = tg_relu(tg_add(tg_matmul(p[0], e->X), p[1]));
    const tg_tensor A2 = tg_relu(tg_add(tg_matmul(p[2], A1), p[3]));
    return tg_binary_cross_entropy_with_logits(tg_add(tg_matmul(p[4], A2), p[5]), e->Y);
}

static exercise make(uint64_t seed) {
    exercise e = {.tape = tg_tape_new(TG_F64)};
    static const int64_t units[] = {4, 5, 3, 1};
    for (uint64_t layer = 0; layer < 3; layer++) {
        const tg_shape W = TG_SHAPE(units[layer + 1], units[layer]), b = TG_SHAPE(units[layer + 1], 1);
        const tg_key key = tg_key_split(tg_key_new(seed), layer);
        e.params[2 * layer] = tg_param_normal(e.tape, W, tg_key_split(key, 0), 1);
        e.params[2 * layer + 1] = tg_param_normal(e.tape, b, tg_key_split(key, 1), 1);
    }
    e.X = tg_param_normal(e.tape, TG_SHAPE(4, 3), tg_key_new(seed + 1000), 1);
    e.Y = tg_from_f64(e.tape, TG_SHAPE(1, 3), 3, ((double[]){1, 1, 0}));
    return e;
}

static double cost_at(exercise *e, double *x, double value) {
    const double was = *x;
    const tg_mark mark = tg_tape_mark(e->tape);
    *x = value;
    const double loss = tg_item(cost(e->tape, e->params, e));
    *x = was;
    cr_assert_eq(tg_tape_rewind(e->tape, mark), TG_OK);
    return loss;
}

/* |a - b| / (|a| + |b|), of the norms: what exercises call the difference. */
typedef struct norms {
    double a, b, difference;
} norms;

static void add_to(norms *n, double a, double b) {
    n->a += a * a;
    n->b += b * b;
    n->difference += (a - b) * (a - b);
}
static double ratio(norms n) { return sqrt(n.difference) / (sqrt(n.a) + sqrt(n.b)); }

Test(gradcheck_exercise, is_answered_to_eleven_digits_where_a_fixed_step_leaves_seven) {
    double worst = 0, least_fixed = INFINITY;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        exercise e = make(seed);
        tg_gradcheck_report report;
        cr_assert_eq(tg_gradcheck(e.tape, cost, &e, 6, e.params, NULL, &report), TG_OK, "%s",
                     tg_tape_error(e.tape));
        cr_expect_eq(report.verdict, TG_PASS, "seed %d: %s", (int)seed, tg_verdict_name(report.verdict));
        norms ours = {0, 0, 0}, fixed = {0, 0, 0};
        int64_t entries = 0;
        for (int k = 0; k < 6; k++) {
            const tg_gradcheck_result *r = &report.results[k];
            double *x = tg_data_mut(e.params[k]);
            for (int64_t i = 0; i < r->entries; i++) {
                add_to(&ours, r->analytics[i], r->numerics[i]);
                const double up = cost_at(&e, &x[i], x[i] + 1e-7), down = cost_at(&e, &x[i], x[i] - 1e-7);
                add_to(&fixed, r->analytics[i], (up - down) / 2e-7);
            }
            entries += r->entries;
        }
        cr_assert_eq(entries, 47);
        if (ours.a > 0) {
            worst = fmax(worst, ratio(ours));
            least_fixed = fmin(least_fixed, ratio(fixed));
        }
        tg_gradcheck_report_free(&report);
        tg_tape_free(e.tape);
    }
    cr_expect_lt(worst, 1e-10, "%g", worst);
    cr_expect_gt(least_fixed, worst, "%g", least_fixed);
    cr_log_info("norm ratios: ours at most %.2e, with a fixed step at least %.2e", worst, least_fixed);
}
