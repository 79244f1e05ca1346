/* kink.h: what exercise 14 asks for. */
#ifndef EXERCISE_KINK_H
#define EXERCISE_KINK_H

#include <tapegrad.h>

/* y = max(0, 1 - z): dx[0] from dy and c->x[0], which is z. */
void my_hinge_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx);

#endif
