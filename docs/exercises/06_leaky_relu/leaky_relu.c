/* leaky_relu.c: exercise 6, your part. */
#include "leaky_relu.h"

void my_leaky_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* Your part: dx[0] = ... */
    (void)c, (void)dy, (void)dx;
}
