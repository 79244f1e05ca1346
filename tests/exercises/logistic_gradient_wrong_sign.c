/* logistic_gradient_wrong_sign.c: expects: wrong sign */
#include "logistic_gradient.h"

void logistic_gradients(tg_tensor X, tg_tensor Y, tg_tensor A, tg_tensor *dw, tg_tensor *db) {
    const tg_tensor dZ = tg_div(tg_sub(Y, A), tg_num((double)tg_dim(X, 1)));
    *dw = tg_matmul(X, tg_transpose(dZ));
    *db = tg_sum(dZ);
}
