/* second_derivative_check.c: checks exercise 17 on functions whose second derivative is known. */
#include "second_derivative.h"

#include <math.h>
#include <stdio.h>

#include "exercise_desk.h"

/* x^4 - 3 x^2 + x, its derivatives, and where the nearest minimum to 2 lies: the largest root of 4 x^3 - 6 x
 * + 1. */
static tg_tensor valley(tg_tensor x) {
    return tg_add(tg_sub(tg_square(tg_square(x)), tg_mul(tg_num(3), tg_square(x))), x);
}
static double valley_slope(double x) { return 4 * x * x * x - 6 * x + 1; }
static double valley_bend(double x) { return 12 * x * x - 6; }

static bool check_second(exercise_desk *desk) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const double at[3] = {-1, 0.25, 2};
    double yours[3], right[3], first[3], square[3];
    for (int i = 0; i < 3; i++) {
        const tg_tensor x = tg_param_scalar(tape, at[i]), result = second_derivative(valley(x), x);
        yours[i] = tg_is_valid(result) ? tg_item(result) : NAN;
        right[i] = valley_bend(at[i]);
        first[i] = valley_slope(at[i]);
        square[i] = first[i] * first[i];
    }
    const known_answer known[] = {
        {first, "This is the first derivative. The second time, differentiate dx in the place of y."},
        {square,
         "This is the square of the first derivative. d²y/dx² is written so, and is something else: the "
         "derivative of dx."},
        {NULL, NULL}};
    bool good = desk_compare(desk, "y'' of x^4 - 3 x^2 + x at -1, 0.25 and 2", TG_SHAPE(3), yours, right,
                             1e-9, known);
    if (tg_tape_error(tape)) good = desk_wrong(desk, "no error on the tape", "%s", tg_tape_error(tape));
    tg_tape_free(tape);
    return good;
}

static void check_newton(exercise_desk *desk) {
    tg_tape *tape = tg_tape_new(TG_F64);
    double at = 2;
    for (int step = 0; step < 8 && isfinite(at); step++) {
        const tg_tensor x = tg_param_scalar(tape, at);
        const double next = newton_step(valley(x), x), change = next - at;
        const double wanted = -valley_slope(at) / valley_bend(at);
        if (step == 0 && fabs(change + wanted) < 1e-9 * fabs(wanted)) {
            desk_wrong(desk, "a step of Newton's method",
                       "From x = %g it goes to %g. The slope there is %g, and the minimum lies at 1.13: it "
                       "goes away from "
                       "it. The step is subtracted.",
                       at, next, valley_slope(at));
            tg_tape_free(tape);
            return;
        }
        at = next;
    }
    if (fabs(valley_slope(at)) < 1e-9)
        desk_right(desk, "Newton's method: from 2 to the minimum in 8 steps");
    else
        desk_wrong(desk, "Newton's method",
                   "After 8 steps from 2 it is at %.6g, where the slope is %.3g and not 0.", at,
                   valley_slope(at));
    tg_tape_free(tape);
}

int main(void) {
    exercise_desk desk =
        desk_open("17. A second derivative", "docs/exercises/17_second_derivative/second_derivative.c");
    if (check_second(&desk)) check_newton(&desk);
    return desk_close(&desk);
}
