/* own_operation_check.c: checks exercise 18: its values, and what tg_op_check asks of any operation. */
#include "own_operation.h"

#include <math.h>
#include <stdio.h>

#include "exercise_desk.h"

enum { N = 5 };

static bool check_values(exercise_desk *desk) {
    const double x[N] = {-3, -0.5, 0, 0.25, 7};
    double yours[N], right[N];
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor y = tg_apply_1("check", &softsign, tg_from_f64(tape, TG_SHAPE(N), N, x), NULL);
    for (int i = 0; i < N; i++) right[i] = x[i] / (1 + fabs(x[i]));
    const bool good = tg_read_f64(y, N, yours) == TG_OK
                          ? desk_compare(desk, "the values at -3, -0.5, 0, 0.25 and 7", TG_SHAPE(N), yours,
                                         right, 1e-12, NULL)
                          : desk_wrong(desk, "the values", "%s", tg_tape_error(tape));
    tg_tape_free(tape);
    return good;
}

int main(void) {
    exercise_desk desk =
        desk_open("18. An operation of one's own", "docs/exercises/18_own_operation/own_operation.c");
    if (!check_values(&desk)) return desk_close(&desk);
    tg_op_check_report report;
    const tg_status status = tg_op_check(&softsign, NULL, &report);
    printf("\n");
    tg_op_check_print(stdout, &report);
    printf("\n");
    if (status == TG_OK && report.failed == 0)
        desk_right(&desk, "everything that tg_op_check asks");
    else
        desk_wrong(&desk, "what tg_op_check asks", "The list above says what differs, and what to look at.");
    return desk_close(&desk);
}
