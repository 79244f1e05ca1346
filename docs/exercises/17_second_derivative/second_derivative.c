/* second_derivative.c: exercise 17, your part. */
#include "second_derivative.h"

#include <math.h>

tg_tensor second_derivative(tg_tensor y, tg_tensor x) {
    (void)y, (void)x;
    return (tg_tensor){0}; /* your part */
}

double newton_step(tg_tensor y, tg_tensor x) {
    (void)y, (void)x;
    return NAN; /* your part */
}
