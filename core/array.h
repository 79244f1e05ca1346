/* array.h: numbers in memory: what kernels see.
 *
 * Owns: tg_array (a view of memory: it owns nothing), contiguity, strided copies with conversion, and
 * printing. Must not know of tapes. */
#ifndef TAPEGRAD_CORE_ARRAY_H
#define TAPEGRAD_CORE_ARRAY_H

#include "core/dtype.h"
#include "core/shape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Element [i0, i1, ...] is at data + sizeof(element) * (i0 * strides[0] + i1 * strides[1] + ...). Strides
 * are in elements and may be 0 (broadcast) or negative (reversed). For a size of 0 data may be anything. */
typedef struct tg_array {
    void *data;
    const int64_t *shape;   /* rank entries */
    const int64_t *strides; /* rank entries, in elements */
    int rank;
    tg_dtype dtype;
} tg_array;

/* The number of elements (the shape of an existing array cannot overflow). */
TG_API int64_t tg_array_size(const tg_array *array);

/* The shape by value. */
TG_API tg_shape tg_array_shape(const tg_array *array);

/* Whether elements lie in row-major order without gaps (axes of size 1 may have any stride). */
TG_API bool tg_array_is_contiguous(const tg_array *array);

/* Row-major strides of a shape, in elements. */
TG_API void tg_strides_contiguous(tg_shape shape, int64_t *strides);

/* Copies src into dst element by element, converting the element type: to bool as x != 0, to i64 by
 * truncation (NaN becomes 0, and values out of range the nearest end). The shapes must be equal; src's
 * strides may be anything; the two must not overlap unless they are the same array. */
TG_API void tg_array_copy(const tg_array *dst, const tg_array *src);

/* Writes the array as NumPy's str() does: aligned, with at most 8 digits behind the point (a number alone in
 * full), lines of at most 75 characters, and "..." for the middle of each axis when it has more than 1000
 * elements. Returns the length that the whole text has, as snprintf does; text may be NULL when capacity is
 * 0. */
TG_API size_t tg_array_format(const tg_array *array, size_t capacity, char *text);

#ifdef __cplusplus
}
#endif
#endif
