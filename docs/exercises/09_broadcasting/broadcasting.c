/* broadcasting.c: exercise 9, your part. */
#include "broadcasting.h"

#include <math.h>

void add_bias_backward(int64_t rows, int64_t columns, const double *dY, double *dA, double *db) {
    (void)dY;
    for (int64_t i = 0; i < rows * columns; i++) dA[i] = NAN; /* your part */
    for (int64_t j = 0; j < columns; j++) db[j] = NAN;        /* your part */
}
