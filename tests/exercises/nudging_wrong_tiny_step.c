/* nudging_wrong_tiny_step.c: expects: rounding */
#include "nudging.h"

double slope(function_of_one *f, double x) {
    const double h = 1e-14;
    return (f(x + h) - f(x - h)) / (2 * h);
}
