/* arithmetic_by_hand.h: what tests of arithmetic compare with: C's own, in double.
 *
 * Owns: the special values and the table of kinds. One operation of two floats, computed in double and
 * rounded, is that of floats. */
#ifndef TAPEGRAD_TESTS_ARITHMETIC_BY_HAND_H
#define TAPEGRAD_TESTS_ARITHMETIC_BY_HAND_H

#include "core/kernel.h"

#include <math.h>

enum { N_SPECIAL = 12 };
static const double special[N_SPECIAL] = {0,   -0.0,  1, -1,   INFINITY, -INFINITY,
                                          NAN, 1e-40, 3, -0.1, 1e300,    7.5};

static inline double arithmetic_by_hand(tg_arithmetic arithmetic, double a, double b) {
    switch (arithmetic) {
        case TG_COPY: return a;
        case TG_NEGATE: return -a;
        case TG_SQUARE: return a * a;
        case TG_ROOT: return sqrt(a);
        case TG_RECTIFY: return a <= 0 ? 0 : a;
        case TG_ADD: return a + b;
        case TG_SUBTRACT: return a - b;
        case TG_MULTIPLY: return a * b;
        case TG_DIVIDE: return a / b;
        case TG_NO_ARITHMETIC: break;
    }
    return NAN;
}

#endif
