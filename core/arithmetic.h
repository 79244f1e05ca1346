/* arithmetic.h: several cheap elementwise operations, one after the other, in registers.
 *
 * Owns: a machine with one accumulator, eight vectors wide. A block kernel for an addition loads two operands
 * and stores a result; here an operation on the result of the one before loads one operand, and stores
 * nothing that nobody else reads. The bits are those of the kernels. Internal: not installed. */
#ifndef TAPEGRAD_CORE_ARITHMETIC_H
#define TAPEGRAD_CORE_ARITHMETIC_H

#include "core/kernel.h"

/* What a step does with the accumulator a and its operand x: steps 1 to TG_DIVIDE are tg_arithmetic. */
typedef enum tg_accumulator_step {
    TG_STEP_LOAD = TG_DIVIDE + 1,
    TG_STEP_STORE,
    TG_STEP_SUBTRACT_FROM, /* x - a */
    TG_STEP_DIVIDE_INTO    /* x / a */
} tg_accumulator_step;

enum { TG_ACCUMULATOR_STEPS = 24 }; /* the most at once */

/* Does the steps for n elements; at[k]: the first element of step k's operand. */
typedef void tg_accumulator_fn(int64_t n, int n_steps, const uint8_t *steps, char *const *at);

/* For f32 or f64 and this CPU. */
tg_accumulator_fn *tg_accumulator_for(tg_dtype dtype);

#endif
