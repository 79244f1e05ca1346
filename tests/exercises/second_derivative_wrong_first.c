/* second_derivative_wrong_first.c: expects: is the first derivative */
#include "second_derivative.h"

tg_tensor second_derivative(tg_tensor y, tg_tensor x) {
    tg_tensor dx, ddx;
    if (tg_gradients(y, 1, &x, &dx) != TG_OK || tg_gradients(y, 1, &x, &ddx) != TG_OK) return (tg_tensor){0};
    return ddx;
}

double newton_step(tg_tensor y, tg_tensor x) {
    tg_tensor dx;
    const tg_tensor ddx = second_derivative(y, x);
    if (tg_gradients(y, 1, &x, &dx) != TG_OK) return 0;
    return tg_item(x) - tg_item(dx) / tg_item(ddx);
}
