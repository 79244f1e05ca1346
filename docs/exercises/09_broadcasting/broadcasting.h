/* broadcasting.h: what exercise 9 asks for. */
#ifndef EXERCISE_BROADCASTING_H
#define EXERCISE_BROADCASTING_H

#include <stdint.h>

/* Y = A + b, A [rows, columns], b [columns]: dA and db from dY [rows, columns]. */
void add_bias_backward(int64_t rows, int64_t columns, const double *dY, double *dA, double *db);

#endif
