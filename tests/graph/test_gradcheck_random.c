/* test_gradcheck_random.c: random networks, right and with a mistake planted: no false alarm, no miss.
 *
 * Owns: how often graph/gradcheck.h's verdicts are wrong, over activations, losses and scales. */
#include "tapegrad.h"

#include <criterion/criterion.h>

typedef struct network {
    uint64_t kind; /* of activations and loss */
    tg_tensor X;
    double scale, offset; /* of the loss */
    double wrong;         /* by how much the gradient of one entry of W1 is too large */
    int64_t entry;
} network;

static tg_tensor activated(tg_tensor x, uint64_t kind) {
    switch (kind) {
        case 0: return tg_tanh(x);
        case 1: return tg_relu(x);
        case 2: return tg_sigmoid(x);
        case 3: return tg_leaky_relu(x, 0.1);
        case 4: return tg_abs(x);
        case 5: return tg_softplus(x);
        case 6: return tg_sin(x);
        default: return tg_maximum(x, tg_square(x));
    }
}

static tg_tensor loss_of(tg_tensor y, uint64_t kind) {
    switch (kind) {
        case 0: return tg_mean(tg_square(y));
        case 1: return tg_max(y);
        default: return tg_mean(tg_max_axes(y, TG_AXES(0), false));
    }
}

static tg_tensor model(tg_tape *tape, const tg_tensor *p, void *context) {
    const network *n = context;
    const tg_tensor extra = tg_zeros(tape, tg_shape_of(p[0]));
    ((double *)tg_data_mut(extra))[n->entry] = n->wrong;
    const tg_tensor W1 = tg_add(p[0], tg_mul(extra, tg_sub(p[0], tg_detach(p[0]))));
    const tg_tensor hidden = activated(tg_add(tg_matmul(W1, n->X), p[1]), n->kind % 8);
    const tg_tensor y = activated(tg_add(tg_matmul(p[2], hidden), p[3]), n->kind / 8 % 8);
    return tg_add(tg_mul(loss_of(y, n->kind / 64 % 3), tg_num(n->scale)), tg_num(n->offset));
}

/* Inputs are as large as W1 is small, so that hidden values are of the order of 1. */
static void check(uint64_t seed, double wrong, int *verdicts) {
    static const double scales[] = {1, 1e-4, 1e4}, sizes[] = {1, 0.01, 100};
    const tg_key key = tg_key_new(seed);
    const double size = sizes[seed / 3 % 3], scale = scales[seed % 3];
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor p[] = {tg_param_normal(tape, TG_SHAPE(5, 4), tg_key_split(key, 0), size),
                           tg_param_normal(tape, TG_SHAPE(5, 1), tg_key_split(key, 1), 1),
                           tg_param_normal(tape, TG_SHAPE(3, 5), tg_key_split(key, 2), 1),
                           tg_param_normal(tape, TG_SHAPE(3, 1), tg_key_split(key, 3), 0.5)};
    network n = {.kind = seed * 79 % 192,
                 .X = tg_param_normal(tape, TG_SHAPE(4, 30), tg_key_split(key, 4), 1 / size),
                 .scale = scale,
                 .offset = seed % 4 == 0 ? 100 * scale : 0,
                 .wrong = wrong,
                 .entry = (int64_t)(seed % 20)};
    const tg_gradcheck_options options = {.no_blame = true};
    tg_gradcheck_report report;
    cr_assert_eq(tg_gradcheck(tape, model, &n, 4, p, &options, &report), TG_OK, "%s", tg_tape_error(tape));
    const tg_verdict verdict = report.results[0].verdicts[n.entry];
    const bool matters = report.results[0].analytics[n.entry] != 0;
    if (wrong == 0)
        cr_expect_neq(report.verdict, TG_FAIL, "seed %d: a right gradient fails", (int)seed);
    else if (matters)
        cr_expect_neq(verdict, TG_PASS, "seed %d: a wrong gradient passes", (int)seed);
    if (wrong == 0 || matters) verdicts[wrong == 0 ? report.verdict : verdict]++;
    tg_gradcheck_report_free(&report);
    tg_tape_free(tape);
}

Test(gradcheck_random, networks_do_not_fail_when_they_are_right_and_do_when_they_are_wrong) {
    int right[4] = {0}, wrong[4] = {0};
    for (uint64_t seed = 0; seed < 192; seed++) {
        check(seed, 0, right);
        check(seed, 1e-3, wrong);
    }
    cr_expect_gt(right[TG_PASS], 170, "%d pass, %d unresolved", right[TG_PASS], right[TG_UNRESOLVED]);
    cr_expect_gt(wrong[TG_FAIL], 10 * wrong[TG_UNRESOLVED], "%d fail, %d unresolved", wrong[TG_FAIL],
                 wrong[TG_UNRESOLVED]);
    cr_log_info("right: %d of 192 pass, %d unresolved; wrong by 0.1%%: %d fail, %d unresolved",
                right[TG_PASS], right[TG_UNRESOLVED], wrong[TG_FAIL], wrong[TG_UNRESOLVED]);
}
