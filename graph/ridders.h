/* ridders.h: the slope of a function of one variable by extrapolation to step zero. Internal: not installed.
 */
#ifndef TAPEGRAD_GRAPH_RIDDERS_H
#define TAPEGRAD_GRAPH_RIDDERS_H

#include "core/status.h"

/* A function at x + at: the offset as it could be represented, the value, and a number that is the same
 * wherever the function is made of the same smooth piece. */
typedef struct tg_sample {
    double at, value;
    uint64_t branches;
} tg_sample;

/* The sample at x + offset; false stops everything. */
typedef bool tg_line(void *context, double offset, tg_sample *sample);

/* A function around a point, how far its values are off, and how well its slope must be known: to within
 * absolute + relative |slope|, or that it is smaller than what is negligible. */
typedef struct tg_line_at {
    tg_line *line;
    void *context;
    tg_sample base; /* the point: differences are taken around it, or from it to one side */
    double noise;   /* of a value; never taken as less than its rounding */
    double relative, absolute, negligible;
} tg_line_at;

typedef struct tg_slope {
    double value;
    double error; /* estimated: of the extrapolation, and of noise in the values; infinite when unknown */
} tg_slope;

typedef enum tg_side { TG_LEFT = -1, TG_BOTH_SIDES = 0, TG_RIGHT = 1 } tg_side;

/* Differences with steps that shrink from `step`, and Neville's extrapolation to step 0 (C. J. F. Ridders,
 * Advances in Engineering Software 4 (1982) 75-76); central ones, or to one side of the base. Stops when the
 * slope is known a thousand times better than it must be, or as well as noise allows. *left becomes true, and
 * the slope unknown, when a step leaves the base's smooth piece, or the domain. False when the line stopped.
 */
bool tg_ridders(const tg_line_at *f, tg_side side, double step, tg_slope *slope, bool *left);

/* Whether it is known well enough. */
static inline bool tg_slope_will_do(const tg_line_at *f, const tg_slope *slope) {
    const double size = slope->value < 0 ? -slope->value : slope->value;
    return slope->error <= f->absolute + f->relative * size || size + slope->error <= f->negligible;
}

#endif
