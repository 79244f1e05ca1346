/* tanh.c: exercise 4, your part. */
#include "tanh.h"

void my_tanh_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* Your part: dx[0] = ... */
    (void)c, (void)dy, (void)dx;
}
