/* softmax_loss_check.c: checks exercise 11 against nudging. */
#include "softmax_loss.h"

#include "exercise_desk.h"

enum { ROWS = 5, CLASSES = 3, N = ROWS * CLASSES };

static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    (void)tape;
    const tg_tensor Y = *(const tg_tensor *)context;
    return tg_neg(tg_div(tg_sum(tg_mul(Y, tg_log_softmax(p[0], 1))), tg_num(ROWS)));
}

int main(void) {
    exercise_desk desk =
        desk_open("11. Softmax and cross entropy", "docs/exercises/11_softmax_loss/softmax_loss.c");
    double z[N], y[N] = {0}, probability[N], by_size[N], own_class[N], negated[N];
    tg_random_normal(tg_key_new(11), N, z);
    for (int i = 0; i < ROWS; i++) y[CLASSES * i + i % CLASSES] = 1;
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor Y = tg_from_f64(tape, TG_SHAPE(ROWS, CLASSES), N, y);
    const tg_tensor Z = tg_set_name(tg_param_f64(tape, TG_SHAPE(ROWS, CLASSES), N, z), "Z");
    const tg_tensor P = tg_softmax(Z, 1);
    if (tg_read_f64(P, N, probability) != TG_OK) return 2;
    for (int i = 0; i < N; i++) {
        const double right = (probability[i] - y[i]) / ROWS;
        by_size[i] = right / CLASSES;
        own_class[i] = y[i] * right;
        negated[i] = -right;
    }
    const known_answer answers[] = {{by_size, "This is divided by the number of elements. The mean has one "
                                              "term for each row, not one for each element."},
                                    {own_class, "This moves only the scores of the right class. The "
                                                "probabilities of a row add up to 1, so every score "
                                                "of the row matters."},
                                    {negated, "wrong sign: this is Y - P."},
                                    {NULL, NULL}};
    const known_answer *const known = answers;
    const tg_tensor yours = softmax_cross_entropy_dZ(P, Y);
    desk_gradients(&desk, tape, cost, &Y, 1, &Z, &yours, &known);
    tg_tape_free(tape);
    return desk_close(&desk);
}
