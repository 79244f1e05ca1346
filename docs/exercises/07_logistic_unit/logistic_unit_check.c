/* logistic_unit_check.c: checks exercise 7 against the tape. */
#include "logistic_unit.h"

#include <math.h>
#include <stdio.h>

#include "exercise_desk.h"

enum { N = 6 };

static const double zs[N] = {-3, -0.5, 0, 0.7, 2, 4}, labels[N] = {0, 1, 0, 1, 0, 1};

/* What the tape says at each z: dL/da, da/dz, dL/dz. */
static bool measure(double right[3][N], double a[N]) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor z = tg_param_f64(tape, TG_SHAPE(N), N, zs), y = tg_from_f64(tape, TG_SHAPE(N), N, labels);
    const tg_tensor A = tg_sigmoid(z), other = tg_sub(tg_num(1), A);
    const tg_tensor loss =
        tg_neg(tg_sum(tg_add(tg_mul(y, tg_log(A)), tg_mul(tg_sub(tg_num(1), y), tg_log(other)))));
    const tg_tensor xs[2] = {A, z};
    tg_tensor by_loss[2], by_a;
    bool good = tg_gradients(loss, 2, xs, by_loss) == TG_OK && tg_gradients(tg_sum(A), 1, &z, &by_a) == TG_OK;
    good = good && tg_read_f64(by_loss[0], N, right[0]) == TG_OK && tg_read_f64(by_a, N, right[1]) == TG_OK &&
           tg_read_f64(by_loss[1], N, right[2]) == TG_OK && tg_read_f64(A, N, a) == TG_OK;
    tg_tape_free(tape);
    return good;
}

int main(void) {
    exercise_desk desk = desk_open("7. One logistic unit", "docs/exercises/07_logistic_unit/logistic_unit.c");
    double right[3][N], a[N], yours[3][N], negated[N];
    if (!measure(right, a)) return 2;
    for (int i = 0; i < N; i++) {
        yours[0][i] = loss_by_a(a[i], labels[i]);
        yours[1][i] = a_by_z(a[i]);
        yours[2][i] = loss_by_z(a[i], labels[i]);
        negated[i] = -right[2][i];
    }
    const known_answer known[] = {
        {negated,
         "wrong sign: this is y - a. Where y = 1 and a is less, z has to grow for the loss to fall: so dL/dz "
         "is negative there, a - y."},
        {a, "This is a. The label is missing."},
        {NULL, NULL}};
    desk_compare(&desk, "dL/da", TG_SHAPE(N), yours[0], right[0], 1e-9, NULL);
    desk_compare(&desk, "da/dz", TG_SHAPE(N), yours[1], right[1], 1e-9, NULL);
    if (desk_compare(&desk, "dL/dz", TG_SHAPE(N), yours[2], right[2], 1e-9, known)) {
        if (loss_by_z(1, 1) == 0 && loss_by_z(0, 0) == 0 && loss_by_z(1, 0) == 1)
            desk_right(&desk, "dL/dz where a is 0 or 1");
        else
            desk_wrong(&desk, "dL/dz where a is 0 or 1",
                       "At a = 1, y = 1 it gives %g and should be 0: it must not divide. Multiply dL/da and "
                       "da/dz on "
                       "paper, and see what cancels.",
                       loss_by_z(1, 1));
    }
    return desk_close(&desk);
}
