/* nudging_wrong_one_side.c: expects: to one side only */
#include "nudging.h"

#include <math.h>

double slope(function_of_one *f, double x) {
    const double h = 1e-5 * fmax(1, fabs(x));
    return (f(x + h) - f(x)) / h;
}
