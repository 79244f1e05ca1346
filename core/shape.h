/* shape.h: shapes, axes and the arithmetic on them.
 *
 * Owns: tg_shape, tg_axes, broadcasting, axis rules, products of dimensions that cannot overflow unseen.
 * Must not know of memory or values. */
#ifndef TAPEGRAD_CORE_SHAPE_H
#define TAPEGRAD_CORE_SHAPE_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TG_MAX_RANK 8

/* A shape, by value. Rank 0 is a scalar; any dimension may be 0. Dimensions past the rank are ignored. */
typedef struct tg_shape {
    int rank;
    int64_t dim[TG_MAX_RANK];
} tg_shape;

/* A list of axes, by value. Negative axes count from the end, as in NumPy. */
typedef struct tg_axes {
    int n;
    int axis[TG_MAX_RANK];
} tg_axes;

/* TG_SHAPE(3, 4) is the shape of a 3x4 matrix, TG_SCALAR that of a number, TG_AXES(0, -1) the first and
 * the last axis. All three are expressions. */
#ifdef __cplusplus
} /* extern "C" */
template <class... D> inline tg_shape tg_shape_make(D... dims) {
    return tg_shape{static_cast<int>(sizeof...(dims)), {static_cast<int64_t>(dims)...}};
}
template <class... A> inline tg_axes tg_axes_make(A... axes) {
    return tg_axes{static_cast<int>(sizeof...(axes)), {static_cast<int>(axes)...}};
}
#define TG_SHAPE(...) tg_shape_make(__VA_ARGS__)
#define TG_AXES(...) tg_axes_make(__VA_ARGS__)
#define TG_SCALAR tg_shape_make()
extern "C" {
#else
#define TG_SHAPE(...) ((tg_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#define TG_AXES(...) ((tg_axes){(int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), {__VA_ARGS__}})
#define TG_SCALAR ((tg_shape){0, {0}})
#endif

/* The number of elements, 1 for a scalar. Returns -1 when a dimension is negative, the rank is not in
 * 0..8, or the product (taken without its zeros) does not fit in int64_t. */
TG_API int64_t tg_shape_size(tg_shape shape);

/* Same rank and same dimensions. */
TG_API bool tg_shape_equal(tg_shape a, tg_shape b);

/* NumPy broadcasting: aligned at the last axis, dimensions must be equal or one of them 1. Returns false,
 * with *out untouched, when they do not fit. */
TG_API bool tg_shape_broadcast(tg_shape a, tg_shape b, tg_shape *out);

/* Writes "[2, 3]" into text (always terminated when capacity > 0) and returns text. */
TG_API char *tg_shape_format(tg_shape shape, size_t capacity, char *text);
#define TG_SHAPE_TEXT 200 /* a capacity that is always enough */

/* Turns axis in -rank..rank-1 into 0..rank-1; returns -1 when it is out of range. */
TG_API int tg_axis_normalize(int axis, int rank);

/* Turns a list of axes into a bit mask; returns -1 for an axis out of range, -2 for one given twice. */
TG_API int tg_axes_mask(tg_axes axes, int rank);

/* The same shape with every byte defined, for the attribute of an operation. */
TG_API void tg_shape_copy(tg_shape *to, tg_shape from);

/* The shape after reducing the axes in mask: dropped, or kept as 1. */
TG_API tg_shape tg_shape_reduced(tg_shape shape, unsigned mask, bool keepdims);

#ifdef __cplusplus
}
#endif
#endif
