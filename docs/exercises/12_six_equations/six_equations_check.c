/* six_equations_check.c: checks exercise 12 against nudging. */
#include "six_equations.h"

#include "exercise_desk.h"
#include "exercise_network.h"

/* dW1 and db1 as they come out when the derivative of tanh is left out. */
static bool without_tanh(const forward_values *f, double dW1[HIDDEN * INPUTS], double db1[HIDDEN]) {
    const tg_tensor dZ2 = tg_div(tg_sub(f->A2, f->Y), tg_num(EXAMPLES));
    const tg_tensor dA1 = tg_matmul(tg_transpose(f->W2), dZ2);
    return tg_read_f64(tg_matmul(dA1, tg_transpose(f->X)), HIDDEN * INPUTS, dW1) == TG_OK &&
           tg_read_f64(tg_sum_axes(dA1, TG_AXES(1), true), HIDDEN, db1) == TG_OK;
}

int main(void) {
    exercise_desk desk = desk_open("12. Six equations", "docs/exercises/12_six_equations/six_equations.c");
    double dW1[HIDDEN * INPUTS], db1[HIDDEN];
    exercise_network n = network_open(tg_key_new(12));
    desk.sizes[0] = EXAMPLES;
    const forward_values f = {n.X, n.Y, n.A1, n.A2, n.p[2]};
    if (!without_tanh(&f, dW1, db1)) return 2;
    const char *const advice = "The derivative of tanh is missing: dZ1 is W2' dZ2 times 1 - A1 * A1.";
    const known_answer for_W1[] = {{dW1, advice}, {NULL, NULL}}, for_b1[] = {{db1, advice}, {NULL, NULL}};
    const known_answer *const known[4] = {for_W1, for_b1, NULL, NULL};
    const gradients g = shallow_gradients(&f);
    const tg_tensor yours[4] = {g.dW1, g.db1, g.dW2, g.db2};
    desk_gradients(&desk, n.tape, network_cost, &n, 4, n.p, yours, known);
    tg_tape_free(n.tape);
    return desk_close(&desk);
}
