/* matmul.c: exercise 10, your part. */
#include "matmul.h"

void my_matmul_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    /* Your part: dx[0] = ..., dx[1] = ... */
    (void)c, (void)dy, (void)dx;
}
