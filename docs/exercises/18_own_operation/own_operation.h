/* own_operation.h: what exercise 18 asks for. */
#ifndef EXERCISE_OWN_OPERATION_H
#define EXERCISE_OWN_OPERATION_H

#include <tapegrad.h>

/* y = x / (1 + |x|), element by element. */
extern const struct tg_op softsign;

#endif
