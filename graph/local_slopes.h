/* local_slopes.h: the slopes of a node's forward, from moving the inputs of a node that was taken out of its
 * graph.
 *
 * Owns: steps, extrapolation, and the numerical gradient of an input. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_LOCAL_SLOPES_H
#define TAPEGRAD_GRAPH_LOCAL_SLOPES_H

#include "graph/local_check.h"

/* The slope along one entry of an input. */
typedef struct tg_local_entry {
    double numeric, error; /* NaN, infinity: not known */
    double low, high;      /* the slopes on either side, the smaller first */
} tg_local_entry;

/* The steps to try, from large to small; tg_local_start forgets the slopes of those tried so far. */
extern const int tg_local_n_steps;
void tg_local_start(tg_local *l);

/* Moves entries from..to of input k along l->direction by one of the steps, and betters l->slopes. */
bool tg_local_move(tg_local *l, int k, int64_t from, int64_t to, int step);

/* The length of a unit step for entry j: max(1, |x_j|). */
double tg_local_scale(const tg_local *l, int k, int64_t j);

/* Adds the cotangent of element i times its slope along an entry, scale being how far that moved. */
void tg_local_add(const tg_local *l, int64_t i, double scale, tg_local_entry *entry);

/* One step with every entry of an input of an elementwise operation, or with one entry of any. */
bool tg_local_move_all(tg_local *l, int k, int step, tg_local_entry *entries);
bool tg_local_move_one(tg_local *l, int k, int64_t j, int step, tg_local_entry *entry);

/* The numerical gradient of n entries of an input: the given ones, or the first n where entries is NULL. */
bool tg_local_gradient(tg_local *l, int k, int64_t n, const int64_t *entries, tg_local_entry *out);

/* What the elements of the output at each index of one of its axes contribute to the numerical gradient of
 * input k: parts[s * size + j] for index s and entry j. */
bool tg_local_parts(tg_local *l, int k, int axis, double *parts);

#endif
