/* exercise_network.c: the network of exercises 12 and 16. */
#include "exercise_network.h"

static tg_tensor hidden(const tg_tensor *p, tg_tensor X) { return tg_tanh(tg_add(tg_matmul(p[0], X), p[1])); }

static tg_tensor logits(const tg_tensor *p, tg_tensor A1) { return tg_add(tg_matmul(p[2], A1), p[3]); }

tg_tensor network_cost(tg_tape *tape, const tg_tensor *p, void *context) {
    const exercise_network *network = context;
    (void)tape;
    return tg_binary_cross_entropy_with_logits(logits(p, hidden(p, network->X)), network->Y);
}

exercise_network network_open(tg_key key) {
    static const char *const names[4] = {"W1", "b1", "W2", "b2"};
    const tg_shape shapes[4] = {TG_SHAPE(HIDDEN, INPUTS), TG_SHAPE(HIDDEN, 1), TG_SHAPE(1, HIDDEN),
                                TG_SHAPE(1, 1)};
    double x[INPUTS * EXAMPLES], y[EXAMPLES];
    tg_random_normal(tg_key_split(key, 0), INPUTS * EXAMPLES, x);
    for (int i = 0; i < EXAMPLES; i++) y[i] = x[i] * x[EXAMPLES + i] > 0;
    exercise_network n = {.tape = tg_tape_new(TG_F64)};
    n.X = tg_from_f64(n.tape, TG_SHAPE(INPUTS, EXAMPLES), INPUTS * EXAMPLES, x);
    n.Y = tg_from_f64(n.tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, y);
    for (int i = 0; i < 4; i++)
        n.p[i] = tg_set_name(tg_param_normal(n.tape, shapes[i], tg_key_split(key, (uint64_t)(1 + i)), 0.7),
                             names[i]);
    n.A1 = hidden(n.p, n.X);
    n.A2 = tg_sigmoid(logits(n.p, n.A1));
    return n;
}
