/* cursor.h: reads and writes the elements of a strided array in row-major order, a block at a time.
 *
 * Owns: the collapsing of axes, and the one loop nest over strides: the drivers, copies and printing all go
 * through it. Must not know element types, only their size. Internal: not installed. */
#ifndef TAPEGRAD_CORE_CURSOR_H
#define TAPEGRAD_CORE_CURSOR_H

#include "core/array.h"

/* At least two axes, so that the innermost two can be moved as one piece. Sizes are at least 1. */
typedef struct tg_cursor {
    char *data;
    size_t element_bytes;
    int64_t offset; /* of the next element, in elements */
    int rank;
    int64_t size[TG_MAX_RANK], stride[TG_MAX_RANK], index[TG_MAX_RANK];
} tg_cursor;

/* Begins a cursor without axes; they are then added from the outermost, and joined with the one before where
 * the two are one run. No size may be 0. */
void tg_cursor_open(tg_cursor *cursor, void *data, size_t element_bytes);
void tg_cursor_add_axis(tg_cursor *cursor, int64_t size, int64_t stride);
/* Ends the adding of axes: the cursor stands at the first element. */
void tg_cursor_start(tg_cursor *cursor);

/* A started cursor over all elements of an array, or of what it is when broadcast to the given shape. */
void tg_cursor_over(tg_cursor *cursor, const tg_array *array);
void tg_cursor_over_broadcast(tg_cursor *cursor, const tg_array *array, int rank, const int64_t *shape);

/* Whether all elements are one and the same in memory. */
bool tg_cursor_is_constant(const tg_cursor *cursor);

/* Goes to an element, counted in row-major order. */
void tg_cursor_seek(tg_cursor *cursor, int64_t element);

/* Copies the next n elements into the buffer, or the buffer into them, and goes on behind them. */
void tg_cursor_read(tg_cursor *cursor, int64_t n, void *buffer);
void tg_cursor_write(tg_cursor *cursor, int64_t n, const void *buffer);

/* How many elements are left on the innermost axis. */
int64_t tg_cursor_left(const tg_cursor *cursor);

/* How many of the elements from here on lie side by side in memory (0: the innermost stride is not 1). */
int64_t tg_cursor_run(const tg_cursor *cursor);

/* Goes on by n <= tg_cursor_left elements; the offset (in elements), or the address, of where it was. */
int64_t tg_cursor_skip(tg_cursor *cursor, int64_t n);
void *tg_cursor_take(tg_cursor *cursor, int64_t n);

#endif
