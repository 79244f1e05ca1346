/* relu.c: exercise 5, your part. */
#include "relu.h"

void my_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* Your part: dx[0] = ... */
    (void)c, (void)dy, (void)dx;
}
