/* broadcasting_check.c: checks exercise 9 against the tape. */
#include "broadcasting.h"

#include <stdio.h>

#include "exercise_desk.h"

enum { ROWS = 5, COLUMNS = 3, N = ROWS * COLUMNS };

/* The tape's gradients of sum(dY (A + b)). */
static bool measure(const double *dY, double *dA, double *db) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor A = tg_param_zeros(tape, TG_SHAPE(ROWS, COLUMNS)),
                    b = tg_param_zeros(tape, TG_SHAPE(COLUMNS));
    const tg_tensor weights = tg_from_f64(tape, TG_SHAPE(ROWS, COLUMNS), N, dY);
    const bool good = tg_backward(tg_sum(tg_mul(weights, tg_add(A, b)))) == TG_OK &&
                      tg_read_f64(tg_grad(A), N, dA) == TG_OK &&
                      tg_read_f64(tg_grad(b), COLUMNS, db) == TG_OK;
    tg_tape_free(tape);
    return good;
}

int main(void) {
    exercise_desk desk =
        desk_open("9. What broadcasting does backward", "docs/exercises/09_broadcasting/broadcasting.c");
    double dY[N], dA[N], db[COLUMNS], yours_A[N], yours_b[COLUMNS], mean[COLUMNS];
    tg_random_normal(tg_key_new(9), N, dY);
    if (!measure(dY, dA, db)) return 2;
    for (int i = 0; i < N; i++) yours_A[i] = 0;
    for (int j = 0; j < COLUMNS; j++) yours_b[j] = 100, mean[j] = db[j] / ROWS;
    add_bias_backward(ROWS, COLUMNS, dY, yours_A, yours_b);
    double from_before[COLUMNS];
    for (int j = 0; j < COLUMNS; j++) from_before[j] = db[j] + 100;
    const known_answer known[] = {
        {dY + N - COLUMNS,
         "This is the last row of dY: each row has overwritten what the one before it had brought. They "
         "add up: += in place of =."},
        {dY, "This is the first row of dY. b went into every row of Y, and all of them bring something back: "
             "sum them."},
        {mean, "This is 1/5 of what it should be, and there are 5 rows: a mean, where a sum has to be."},
        {from_before, "This begins with what was in db before. Set it to 0 first."},
        {NULL, NULL}};
    desk_compare(&desk, "dA", TG_SHAPE(ROWS, COLUMNS), yours_A, dA, 1e-12, NULL);
    desk_compare(&desk, "db", TG_SHAPE(COLUMNS), yours_b, db, 1e-12, known);
    return desk_close(&desk);
}
