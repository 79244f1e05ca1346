/* logistic_gradient_wrong_mean.c: expects: missing 1/m */
#include "logistic_gradient.h"

void logistic_gradients(tg_tensor X, tg_tensor Y, tg_tensor A, tg_tensor *dw, tg_tensor *db) {
    const tg_tensor dZ = tg_sub(A, Y);
    *dw = tg_matmul(X, tg_transpose(dZ));
    *db = tg_sum(dZ);
}
