/* two_paths_wrong_square.c: expects: x x uses x twice */
#include "two_paths.h"

void two_paths_backward(int64_t n, const double *x, double *dx) {
    for (int64_t i = 0; i < n; i++) {
        const double d = 2 * (x[i] * x[i] + 3 * x[i]);
        dx[i] = x[i] * d + 3 * d;
    }
}
