/* slope.h: the slope of a function that may have kinks, jumps and an end of its domain. Internal: not
 * installed.
 */
#ifndef TAPEGRAD_GRAPH_SLOPE_H
#define TAPEGRAD_GRAPH_SLOPE_H

#include "graph/ridders.h"

typedef struct tg_slope_found {
    tg_slope slope;       /* unknown at a kink */
    bool kink;            /* at the point itself: then the slopes on either side say all that can be said */
    bool jump;            /* the function's value jumps there */
    tg_slope left, right; /* of a kink */
    double step;          /* from which the slope was found, */
    tg_side side;         /* and to which side */
} tg_slope_found;

/* Nearer than this to a kink, in the line's unit, is at the kink. */
#define TG_KINK_DISTANCE 1e-10

/* The slope at the base of f, first tried from `start`, then from `step` and, while it is not known well
 * enough, from shorter and longer ones. Steps that cross a kink are shortened until they do not; where that
 * leaves too much noise, the slope is taken from the side that is free. False when the line stopped. */
bool tg_slope_find(const tg_line_at *f, double start, double step, tg_slope_found *found);

#endif
