/* nudging_solution.c: exercise 1, solved. */
#include "nudging.h"

#include <math.h>

double slope(function_of_one *f, double x) {
    const double h = 1e-5 * fmax(1, fabs(x));
    return (f(x + h) - f(x - h)) / (2 * h);
}
