/* broadcasting_wrong_mean.c: expects: 1/5 */
#include "broadcasting.h"

void add_bias_backward(int64_t rows, int64_t columns, const double *dY, double *dA, double *db) {
    for (int64_t j = 0; j < columns; j++) db[j] = 0;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            dA[i * columns + j] = dY[i * columns + j];
            db[j] += dY[i * columns + j] / (double)rows;
        }
    }
}
