/* ridders.h: the slope of a function of one variable by extrapolation to step zero. Internal: not installed.
 */
#ifndef TAPEGRAD_GRAPH_RIDDERS_H
#define TAPEGRAD_GRAPH_RIDDERS_H

#include "core/status.h"

/* f(x + offset) into *value; false stops everything. */
typedef bool tg_line(void *context, double offset, double *value);

typedef struct tg_slope {
    double value; /* f'(x) */
    double error; /* estimated: of the extrapolation, and of rounding in f */
} tg_slope;

/* Central differences with steps h, h/1.4, h/1.4^2, ... and Neville's extrapolation to step 0; stops when the
 * error no longer falls (C. J. F. Ridders, Advances in Engineering Software 4 (1982) 75-76). Counts
 * evaluations. False when the line stopped. */
bool tg_ridders(tg_line *line, void *context, double step, tg_slope *slope, int64_t *evaluations);

#endif
