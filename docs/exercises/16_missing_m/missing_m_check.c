/* missing_m_check.c: checks exercise 16 against nudging. */
#include "missing_m.h"

#include <stdio.h>

#include "exercise_desk.h"
#include "exercise_network.h"

#define LAMBDA 0.8

static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    const tg_tensor squares = tg_add(tg_sum(tg_square(p[0])), tg_sum(tg_square(p[2])));
    return tg_add(network_cost(tape, p, context), tg_mul(tg_num(LAMBDA / (2 * EXAMPLES)), squares));
}

int main(void) {
    exercise_desk desk = desk_open("16. A wrong 1/m", "docs/exercises/16_missing_m/missing_m.c");
    exercise_network n = network_open(tg_key_new(16));
    desk.sizes[0] = EXAMPLES;
    const decay_values f = {n.X, n.Y, n.A1, n.A2, n.p[0], n.p[2], LAMBDA};
    tg_tensor yours[4] = {{0}, {0}, {0}, {0}};
    decay_gradients(&f, yours);
    printf("There are %d examples.\n", EXAMPLES);
    desk_gradients(&desk, n.tape, cost, &n, 4, n.p, yours, NULL);
    tg_tape_free(n.tape);
    return desk_close(&desk);
}
