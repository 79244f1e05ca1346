/* six_equations_check.c: checks exercise 12 against nudging. */
#include "six_equations.h"

#include "exercise_desk.h"

enum { INPUTS = 2, HIDDEN = 4, EXAMPLES = 40 };

typedef struct examples {
    tg_tensor X, Y;
} examples;

static tg_tensor hidden(const tg_tensor *p, tg_tensor X) { return tg_tanh(tg_add(tg_matmul(p[0], X), p[1])); }

static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    const examples *e = context;
    (void)tape;
    const tg_tensor Z2 = tg_add(tg_matmul(p[2], hidden(p, e->X)), p[3]);
    return tg_binary_cross_entropy_with_logits(Z2, e->Y);
}

/* dW1 and db1 as they come out when the derivative of tanh is left out. */
static bool without_tanh(const forward_values *f, double dW1[HIDDEN * INPUTS], double db1[HIDDEN]) {
    const tg_tensor dZ2 = tg_div(tg_sub(f->A2, f->Y), tg_num(EXAMPLES));
    const tg_tensor dA1 = tg_matmul(tg_transpose(f->W2), dZ2);
    return tg_read_f64(tg_matmul(dA1, tg_transpose(f->X)), HIDDEN * INPUTS, dW1) == TG_OK &&
           tg_read_f64(tg_sum_axes(dA1, TG_AXES(1), true), HIDDEN, db1) == TG_OK;
}

int main(void) {
    exercise_desk desk = desk_open("12. Six equations", "docs/exercises/12_six_equations/six_equations.c");
    double x[INPUTS * EXAMPLES], y[EXAMPLES], dW1[HIDDEN * INPUTS], db1[HIDDEN];
    const tg_key key = tg_key_new(12);
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
    const forward_values f = {e.X, e.Y, A1, A2, p[2]};
    if (!without_tanh(&f, dW1, db1)) return 2;
    const char *const advice = "The derivative of tanh is missing: dZ1 is W2' dZ2 times 1 - A1 * A1.";
    const known_answer for_W1[] = {{dW1, advice}, {NULL, NULL}}, for_b1[] = {{db1, advice}, {NULL, NULL}};
    const known_answer *const known[4] = {for_W1, for_b1, NULL, NULL};
    const gradients g = shallow_gradients(&f);
    const tg_tensor yours[4] = {g.dW1, g.db1, g.dW2, g.db2};
    desk_gradients(&desk, tape, cost, &e, 4, p, yours, known);
    tg_tape_free(tape);
    return desk_close(&desk);
}
