/* arithmetic.h: several cheap elementwise operations, one after the other, in registers.
 *
 * Owns: a machine with one accumulator, eight vectors wide, and on some CPUs two registers that keep results
 * for later. A block kernel for an addition loads two operands and stores a result; here an operation on the
 * result of the one before loads one operand, and stores nothing that nobody else reads. The bits are those
 * of the kernels. Internal: not installed. */
#ifndef TAPEGRAD_CORE_ARITHMETIC_H
#define TAPEGRAD_CORE_ARITHMETIC_H

#include "core/kernel.h"

/* What a step does with the accumulator a and its operand x: steps 1 to TG_DIVIDE are tg_arithmetic. */
typedef enum tg_accumulator_step {
    TG_STEP_END, /* after the last, without an operand */
    TG_STEP_LOAD = TG_DIVIDE + 1,
    TG_STEP_STORE,
    TG_STEP_SUBTRACT_FROM, /* x - a */
    TG_STEP_DIVIDE_INTO    /* x / a */
} tg_accumulator_step;

/* Where the operand of a step is. */
typedef enum tg_step_operand {
    TG_IN_MEMORY,
    TG_IS_NUMBER, /* one element in memory, which all elements meet */
    TG_IN_B,      /* the registers */
    TG_IN_C,
    TG_NO_OPERAND = TG_IN_MEMORY /* of steps on the accumulator alone */
} tg_step_operand;

/* A step as it is written down. Only TG_IN_MEMORY and the registers can be stored to. */
#define TG_STEP(step, operand) ((step) << 2 | (int)(operand))

/* How many of the registers there are on this CPU: none or both. */
int tg_accumulator_registers(void);

/* Does the steps, up to TG_STEP_END, for n elements. at: in order, the first elements of those operands that
 * are in memory, and the numbers. */
typedef void tg_accumulator_fn(int64_t n, const uint8_t *steps, char *const *at);

/* For f32 or f64 and this CPU. */
tg_accumulator_fn *tg_accumulator_for(tg_dtype dtype);

#endif
