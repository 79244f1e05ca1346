/* two_paths_wrong_not_cleared.c: expects: begins with what was in dx before */
#include "two_paths.h"

void two_paths_backward(int64_t n, const double *x, double *dx) {
    for (int64_t i = 0; i < n; i++) {
        const double d = 2 * (x[i] * x[i] + 3 * x[i]);
        dx[i] += 2 * x[i] * d;
        dx[i] += 3 * d;
    }
}
