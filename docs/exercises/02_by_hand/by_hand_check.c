/* by_hand_check.c: checks exercise 2 against the tape. */
#include "by_hand.h"

#include <stdio.h>

#include "exercise_desk.h"

static void check_at(exercise_desk *desk, double a, double b, double c) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor leaves[3] = {tg_param_scalar(tape, a), tg_param_scalar(tape, b),
                                 tg_param_scalar(tape, c)};
    const tg_tensor u = tg_mul(leaves[1], leaves[2]), v = tg_add(leaves[0], u), J = tg_mul(tg_num(3), v);
    const tg_tensor xs[5] = {v, u, leaves[0], leaves[1], leaves[2]};
    tg_tensor dxs[5];
    double right[5] = {0};
    if (tg_gradients(J, 5, xs, dxs) == TG_OK)
        for (int i = 0; i < 5; i++) right[i] = tg_item(dxs[i]);
    const derivatives d = differentiate(a, b, c);
    static const char *const names[] = {"dJ/dv", "dJ/du = dJ/dv * dv/du", "dJ/da = dJ/dv * dv/da"};
    const double first[] = {d.dv, d.du, d.da}, yours[] = {d.db, d.dc};
    for (int i = 0; i < 3; i++) desk_number(desk, names[i], first[i], right[i], 1e-12, NULL);
    const double exchanged[] = {right[4], right[3]}, local[] = {c, b};
    const known_answer known[] = {
        {exchanged, "b and c are exchanged: when b grows by 1, u = b c grows by c."},
        {local, "These are du/db and du/dc: the factor dJ/du is missing. What arrives at u is passed on, "
                "times that."},
        {NULL, NULL}};
    desk_compare(desk, "dJ/db = dJ/du * du/db, dJ/dc = dJ/du * du/dc", TG_SHAPE(2), yours, right + 3, 1e-12,
                 known);
    tg_tape_free(tape);
}

int main(void) {
    exercise_desk desk = desk_open("2. The chain rule by hand", "docs/exercises/02_by_hand/by_hand.c");
    printf("At a = 5, b = 3, c = 2:\n");
    check_at(&desk, 5, 3, 2);
    if (desk.n_wrong == 0) {
        printf("At a = -1, b = 0.5, c = 4:\n");
        check_at(&desk, -1, 0.5, 4);
    }
    return desk_close(&desk);
}
