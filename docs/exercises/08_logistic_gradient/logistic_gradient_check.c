/* logistic_gradient_check.c: checks exercise 8 against nudging. */
#include "logistic_gradient.h"

#include "exercise_desk.h"

enum { FEATURES = 3, EXAMPLES = 40 };

typedef struct examples {
    tg_tensor X, Y;
} examples;

static tg_tensor logits(const tg_tensor *p, const examples *e) {
    return tg_add(tg_matmul(tg_transpose(p[0]), e->X), p[1]);
}

static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    const examples *e = context;
    (void)tape;
    return tg_binary_cross_entropy_with_logits(logits(p, e), e->Y);
}

int main(void) {
    exercise_desk desk = desk_open("8. Logistic regression without a loop",
                                   "docs/exercises/08_logistic_gradient/logistic_gradient.c");
    double x[FEATURES * EXAMPLES], y[EXAMPLES];
    const double w[FEATURES] = {0.5, -0.3, 0.8};
    tg_random_normal(tg_key_new(8), FEATURES * EXAMPLES, x);
    for (int i = 0; i < EXAMPLES; i++) y[i] = x[i] + x[EXAMPLES + i] > 0;
    desk.sizes[0] = EXAMPLES;
    tg_tape *tape = tg_tape_new(TG_F64);
    examples e = {tg_from_f64(tape, TG_SHAPE(FEATURES, EXAMPLES), FEATURES * EXAMPLES, x),
                  tg_from_f64(tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, y)};
    const tg_tensor p[2] = {tg_set_name(tg_param_f64(tape, TG_SHAPE(FEATURES, 1), FEATURES, w), "w"),
                            tg_set_name(tg_param_scalar(tape, 0.1), "b")};
    tg_tensor yours[2] = {{0}, {0}};
    logistic_gradients(e.X, e.Y, tg_sigmoid(logits(p, &e)), &yours[0], &yours[1]);
    desk_gradients(&desk, tape, cost, &e, 2, p, yours, NULL);
    tg_tape_free(tape);
    return desk_close(&desk);
}
