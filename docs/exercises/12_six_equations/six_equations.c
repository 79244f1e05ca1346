/* six_equations.c: exercise 12, your part. */
#include "six_equations.h"

gradients shallow_gradients(const forward_values *f) {
    gradients g = {0};
    const double m = (double)tg_dim(f->X, 1);
    /* Your part: dZ2, g.dW2, g.db2, dZ1, g.dW1, g.db1. */
    (void)m;
    return g;
}
