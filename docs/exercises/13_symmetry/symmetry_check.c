/* symmetry_check.c: checks exercise 13: trains a small network and looks at its hidden units. */
#include "symmetry.h"

#include <math.h>
#include <stdio.h>

#include "exercise_desk.h"

enum { UNITS = 4, EXAMPLES = 64, STEPS = 3000 };

/* Points in the square from -1 to 1; the label says whether the two coordinates have the same sign. */
static void make_points(tg_tape *tape, tg_tensor *X, tg_tensor *Y) {
    double x[2 * EXAMPLES], y[EXAMPLES];
    tg_random_uniform(tg_key_new(13), 2 * EXAMPLES, x);
    for (int i = 0; i < 2 * EXAMPLES; i++) x[i] = 2 * x[i] - 1;
    for (int i = 0; i < EXAMPLES; i++) y[i] = x[i] * x[EXAMPLES + i] > 0;
    *X = tg_from_f64(tape, TG_SHAPE(2, EXAMPLES), 2 * EXAMPLES, x);
    *Y = tg_from_f64(tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, y);
}

/* What there is to see before and after training. */
typedef struct observation {
    double W1[UNITS * 2], first_gradient, saturation, first_loss, last_loss;
} observation;

static tg_tensor record(const tg_tensor p[4], tg_tensor X, tg_tensor Y, tg_tensor *A1) {
    *A1 = tg_tanh(tg_add(tg_matmul(p[0], X), p[1]));
    return tg_binary_cross_entropy_with_logits(tg_add(tg_matmul(p[2], *A1), p[3]), Y);
}

static bool train(observation *seen) {
    tg_tape *tape = tg_tape_new(TG_F64);
    double W1[UNITS * 2], W2[UNITS];
    begin_weights(tg_key_new(1), W1, W2);
    tg_tensor X, Y, A1;
    make_points(tape, &X, &Y);
    const tg_tensor p[4] = {
        tg_param_f64(tape, TG_SHAPE(UNITS, 2), UNITS * 2, W1), tg_param_zeros(tape, TG_SHAPE(UNITS, 1)),
        tg_param_f64(tape, TG_SHAPE(1, UNITS), UNITS, W2), tg_param_zeros(tape, TG_SHAPE(1, 1))};
    tg_optimizer *optimizer = tg_sgd_new(tape, 4, p, (tg_sgd_options){.learning_rate = 1});
    const tg_mark start = tg_tape_mark(tape);
    bool good = optimizer != NULL;
    for (int step = 0; step < STEPS && good; step++) {
        const tg_tensor loss = record(p, X, Y, &A1);
        good = tg_backward(loss) == TG_OK;
        seen->last_loss = tg_item(loss);
        if (step == 0) {
            seen->first_loss = seen->last_loss;
            seen->saturation = tg_item(tg_mean(tg_abs(A1)));
            seen->first_gradient = tg_item(tg_max(tg_abs(tg_grad(p[0]))));
        }
        good = good && tg_optimizer_step(optimizer) == TG_OK && tg_tape_rewind(tape, start) == TG_OK;
    }
    good = good && tg_read_f64(p[0], UNITS * 2, seen->W1) == TG_OK;
    if (!good) printf("  %s\n", tg_tape_error(tape) ? tg_tape_error(tape) : "out of memory");
    tg_optimizer_free(optimizer);
    tg_tape_free(tape);
    return good;
}

/* Two hidden units that have the same weights after training: their numbers in *i and *j. */
static bool find_twins(const double *W1, int *i, int *j) {
    for (*i = 0; *i < UNITS; ++*i)
        for (*j = *i + 1; *j < UNITS; ++*j)
            if (fabs(W1[2 * *i] - W1[2 * *j]) + fabs(W1[2 * *i + 1] - W1[2 * *j + 1]) < 1e-9) return true;
    return false;
}

int main(void) {
    exercise_desk desk = desk_open("13. Breaking symmetry", "docs/exercises/13_symmetry/symmetry.c");
    observation seen = {0};
    int i, j;
    if (!train(&seen)) return 2;
    printf("After %d steps the loss has gone from %.4f to %.4f.\n", STEPS, seen.first_loss, seen.last_loss);
    if (seen.first_gradient == 0)
        desk_wrong(
            &desk, "the first step",
            "The hidden layer gets no gradient at all: what arrives at W1 is multiplied by W2, which is 0.");
    else if (find_twins(seen.W1, &i, &j))
        desk_wrong(&desk, "the hidden units",
                   "Units %d and %d compute the same: after %d steps their weights are both (%.4f, %.4f). "
                   "They began "
                   "the same, and got the same gradient at every step.",
                   i, j, STEPS, seen.W1[2 * i], seen.W1[2 * i + 1]);
    else if (seen.saturation > 0.95)
        desk_wrong(&desk, "the hidden units",
                   "They are saturated at the start: the mean of |tanh| is %.3f, so that its derivative 1 - "
                   "y² is nearly 0 "
                   "and hardly anything is learned. Begin with smaller weights.",
                   seen.saturation);
    else
        desk_right(&desk, "the four hidden units differ, and get a gradient");
    if (desk.n_wrong == 0) {
        if (seen.last_loss < 0.2)
            desk_right(&desk, "the network has learned");
        else
            desk_wrong(&desk, "learning", "The loss is still %.4f; guessing gives 0.6931.", seen.last_loss);
    }
    return desk_close(&desk);
}
