/* op_checks.h: the checks that tg_op_check makes, one function for a line of the list.
 *
 * Owns: what they share: the trial, the tolerance, and how a line is filled in. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_OP_CHECKS_H
#define TAPEGRAD_GRAPH_OP_CHECKS_H

#include "graph/op_trial.h"

typedef struct tg_op_checker {
    tg_trial trial;
    tg_outcome base; /* of the trial on an f64 tape, nothing special */
    double error;    /* allowed, in epsilons */
    tg_op_check_line *line;
} tg_op_checker;

/* Fills in its line: fails or skips it, or counts what it has tried; false when memory is out. */
typedef bool tg_op_check_fn(tg_op_checker *c);

/* Both note the first message only, and return false, to leave off with. */
bool tg_op_fails(tg_op_checker *c, const char *format, ...) TG_PRINTF(2, 3);
bool tg_op_skips(tg_op_checker *c, const char *format, ...) TG_PRINTF(2, 3);

/* Whether two arrays of a shape agree within the error times `factor`; fails the line where not. Two NaN and
 * equal infinities agree. */
bool tg_op_agree(tg_op_checker *c, const char *what, const char *of, tg_shape shape, tg_dtype dtype,
                 double factor, const double *got, const double *expected);

/* Whether two outcomes of the same shapes agree in values and gradients; `exactly`: bit for bit. */
bool tg_op_agree_all(tg_op_checker *c, const char *what, tg_dtype dtype, bool exactly, const tg_trial *t,
                     const tg_outcome *got, const tg_outcome *expected);

/* "[1, 2]": where element i of a shape is. */
const char *tg_op_index(tg_shape shape, int64_t i, char text[TG_SHAPE_TEXT]);

/* The trial with about `size` elements in its largest input; false when the operation refuses it. */
bool tg_op_enlarge(const tg_op_checker *c, int64_t size, tg_trial *large);

/* op_check_outcomes.c */
tg_op_check_fn tg_op_check_result, tg_op_check_precision, tg_op_check_strides, tg_op_check_empty,
    tg_op_check_scalar, tg_op_check_broadcast, tg_op_check_neutral, tg_op_check_wanted, tg_op_check_repeat,
    tg_op_check_threads, tg_op_check_plan;
/* op_check_memory.c */
tg_op_check_fn tg_op_check_kernels, tg_op_check_arithmetic, tg_op_check_bounds, tg_op_check_allocations;
/* op_check_slopes.c */
tg_op_check_fn tg_op_check_first, tg_op_check_second;

#endif
