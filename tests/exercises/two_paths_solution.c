/* two_paths_solution.c: exercise 15, solved. */
#include "two_paths.h"

void two_paths_backward(int64_t n, const double *x, double *dx) {
    for (int64_t i = 0; i < n; i++) {
        const double u = x[i] * x[i], v = 3 * x[i];
        const double du = 2 * (u + v), dv = 2 * (u + v);
        dx[i] = 2 * x[i] * du;
        dx[i] += 3 * dv;
    }
}
