/* missing_m_check.c: checks exercise 16 against nudging. */
#include "missing_m.h"

#include <stdio.h>

#include "exercise_desk.h"

enum { INPUTS = 2, HIDDEN = 4, EXAMPLES = 40 };
#define LAMBDA 0.8

typedef struct examples {
    tg_tensor X, Y;
} examples;

static tg_tensor hidden(const tg_tensor *p, tg_tensor X) { return tg_tanh(tg_add(tg_matmul(p[0], X), p[1])); }

static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    const examples *e = context;
    (void)tape;
    const tg_tensor Z2 = tg_add(tg_matmul(p[2], hidden(p, e->X)), p[3]);
    const tg_tensor squares = tg_add(tg_sum(tg_square(p[0])), tg_sum(tg_square(p[2])));
    return tg_add(tg_binary_cross_entropy_with_logits(Z2, e->Y),
                  tg_mul(tg_num(LAMBDA / (2 * EXAMPLES)), squares));
}

int main(void) {
    exercise_desk desk = desk_open("16. A wrong 1/m", "docs/exercises/16_missing_m/missing_m.c");
    double x[INPUTS * EXAMPLES], y[EXAMPLES];
    const tg_key key = tg_key_new(16);
    tg_random_normal(tg_key_split(key, 0), INPUTS * EXAMPLES, x);
    for (int i = 0; i < EXAMPLES; i++) y[i] = x[i] * x[EXAMPLES + i] > 0;
    desk.sizes[0] = EXAMPLES;
    tg_tape *tape = tg_tape_new(TG_F64);
    examples e = {tg_from_f64(tape, TG_SHAPE(INPUTS, EXAMPLES), INPUTS * EXAMPLES, x),
                  tg_from_f64(tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, y)};
    const tg_tensor p[4] = {
        tg_set_name(tg_param_normal(tape, TG_SHAPE(HIDDEN, INPUTS), tg_key_split(key, 1), 0.7), "W1"),
        tg_set_name(tg_param_normal(tape, TG_SHAPE(HIDDEN, 1), tg_key_split(key, 2), 0.7), "b1"),
        tg_set_name(tg_param_normal(tape, TG_SHAPE(1, HIDDEN), tg_key_split(key, 3), 0.7), "W2"),
        tg_set_name(tg_param_normal(tape, TG_SHAPE(1, 1), tg_key_split(key, 4), 0.7), "b2")};
    const tg_tensor A1 = hidden(p, e.X), A2 = tg_sigmoid(tg_add(tg_matmul(p[2], A1), p[3]));
    const decay_values f = {e.X, e.Y, A1, A2, p[0], p[2], LAMBDA};
    tg_tensor yours[4] = {{0}, {0}, {0}, {0}};
    decay_gradients(&f, yours);
    printf("There are %d examples.\n", EXAMPLES);
    desk_gradients(&desk, tape, cost, &e, 4, p, yours, NULL);
    tg_tape_free(tape);
    return desk_close(&desk);
}
