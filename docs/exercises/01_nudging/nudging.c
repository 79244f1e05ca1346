/* nudging.c: exercise 1, your part. */
#include "nudging.h"

#include <math.h>

double slope(function_of_one *f, double x) {
    /* Your part: nudge x to both sides, and divide. */
    (void)f, (void)x;
    return NAN;
}
