/* by_hand_solution.c: exercise 2, solved. */
#include "by_hand.h"

derivatives differentiate(double a, double b, double c) {
    derivatives d;
    (void)a;
    d.dv = 3;
    d.du = d.dv * 1;
    d.da = d.dv * 1;
    d.db = d.du * c;
    d.dc = d.du * b;
    return d;
}
