/* plane.h: labelled points of a plane, and a model's probability over it: what a decision boundary is drawn
 * from.
 *
 * Owns: the grid, and the plane in which a boundary in many dimensions is seen edge-on. */
#ifndef TAPEGRAD_MODELS_PLANE_H
#define TAPEGRAD_MODELS_PLANE_H

#include "models/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The grid has side * side points: row r, column c is at x_min + c / (side - 1) (x_max - x_min), y likewise
 * by r, and probability[r * side + c] is that of label 1. */
typedef struct tg_plane {
    tg_dataset points; /* two features */
    int side;
    double x_min, x_max, y_min, y_max;
    double *probability;
    tg_allocator allocator;
} tg_plane;

/* Records the logits [1, n] of points X [2, n]. */
typedef tg_tensor tg_plane_logits(tg_tensor X, void *context);

/* The plane of the points and of a grid a little larger than they are. Leaves nothing on the tape. Errors:
 * TG_ERR_SHAPE for points that have not two features, or none; what logits fails with; TG_ERR_MEMORY. */
#define tg_plane_new(...) tg_plane_new_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_plane_new_at(const char *where, tg_tape *tape, const tg_dataset *points,
                                             tg_plane_logits *logits, void *context, tg_plane *plane);

/* The plane of the logistic regression w, b. With two features it is theirs. With any other number the
 * boundary is seen edge-on: x is the signed distance from it, (w . x + b) / |w|, and y the direction along
 * the boundary in which the points vary most. */
#define tg_plane_of_logistic(...) tg_plane_of_logistic_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_plane_of_logistic_at(const char *where, tg_tape *tape, const tg_dataset *data,
                                                     tg_tensor w, tg_tensor b, tg_plane *plane);

/* Frees what the plane owns and zeroes it; a zeroed plane is allowed. */
TG_API void tg_plane_free(tg_plane *plane);

#ifdef __cplusplus
}
#endif
#endif
