/* by_hand.c: exercise 2, your part. */
#include "by_hand.h"

#include <math.h>

derivatives differentiate(double a, double b, double c) {
    derivatives d = {NAN, NAN, NAN, NAN, NAN};
    /* Your part: d.dv is dJ/dv; from it d.du and d.da; from d.du then d.db and d.dc. */
    (void)a, (void)b, (void)c;
    return d;
}
