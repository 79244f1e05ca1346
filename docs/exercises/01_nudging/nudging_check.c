/* nudging_check.c: checks exercise 1: slopes of a square and of sine, and which error a wrong one has. */
#include "nudging.h"

#include <math.h>

#include "exercise_desk.h"

static double square(double x) { return x * x; }

/* Whether the slope is off by as much as a step to one side is: half the second derivative times the step,
 * for a step that was taken from where the function was called. */
static double called_at[64];
static int n_calls;

static double watched_square(double x) {
    if (n_calls < 64) called_at[n_calls++] = x;
    return x * x;
}

static void explain(exercise_desk *desk, double x, double yours) {
    double least = x, most = x;
    n_calls = 0;
    slope(watched_square, x);
    for (int i = 0; i < n_calls; i++) least = fmin(least, called_at[i]), most = fmax(most, called_at[i]);
    const double up = most - x, down = x - least, factor = yours / (2 * x);
    if (n_calls == 0)
        desk_wrong(desk, "nudging", "slope never calls f. Nudge x, and see how f changes.");
    else if (isnan(yours))
        desk_wrong(desk, "a number", "slope gives NaN at x = %g: was something divided by 0?", x);
    else if (up > 1e-12 * fabs(x) && down > 1e-12 * fabs(x) && fabs(factor - 2) < 1e-3)
        desk_wrong(desk, "the distance",
                   "At x = %g the slope is 2 times what it should be: the two points lie 2 h apart, not h.",
                   x);
    else if (fmin(up, down) == 0 && fmax(up, down) > 1e-12)
        desk_wrong(desk, "nudging to both sides",
                   "f was called at x and %g beside it, to one side only: the slope is off by %.2g. To both "
                   "sides the "
                   "errors cancel.",
                   fmax(up, down), yours - 2 * x);
    else if (fmax(up, down) < 1e-7 * fmax(1, fabs(x)))
        desk_wrong(
            desk, "a good step",
            "At x = %g the step is %.2g. f(x + h) and f(x - h) agree in nearly all digits; what is left is "
            "rounding, and the slope is off by %.2g. Take a larger step, and let it grow with x.",
            x, fmax(up, down), yours - 2 * x);
    else
        desk_wrong(desk, "a good step", "At x = %g the slope is %.9g and should be %.9g; the step was %.2g.",
                   x, yours, 2 * x, fmax(up, down));
}

int main(void) {
    exercise_desk desk = desk_open("1. A derivative by nudging", "docs/exercises/01_nudging/nudging.c");
    const double xs[] = {3, -2, 0.001, 0.5, 1e6, -1e3};
    bool good = true;
    for (int i = 0; i < 6 && good; i++) {
        const double yours = slope(square, xs[i]);
        good = fabs(yours - 2 * xs[i]) <= 1e-6 * fmax(fabs(2 * xs[i]), 1e-3);
        if (!good) explain(&desk, xs[i], yours);
    }
    if (good) desk_right(&desk, "the slope of x * x at 3, -2, 0.001, 0.5, a million and -1000");
    for (int i = 0; i < 4 && good; i++) {
        const double x = xs[i], yours = slope(sin, x);
        good = fabs(yours - cos(x)) <= 1e-6;
        if (!good)
            desk_wrong(&desk, "the slope of sine",
                       "At x = %g the slope is %.9g and should be %.9g. x * x was right, where nudging to "
                       "both sides is "
                       "exact for any step: here the step is too large.",
                       x, yours, cos(x));
    }
    if (good) desk_right(&desk, "the slope of sine at 3, -2, 0.001 and 0.5");
    return desk_close(&desk);
}
