/* sigmoid.c: exercise 3, your part. */
#include "sigmoid.h"

void my_sigmoid_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* Your part: dx[0] = ... */
    (void)c, (void)dy, (void)dx;
}
