/* reduce_order.h: in which order many elements are made one.
 *
 * Owns: the tree in which all that reduces combines its elements: leaves of 2 KB, sixteen of a level to one
 * of the next. So the error of a sum grows with the logarithm, and parts of 16, 256, ... leaves may be
 * computed anywhere, by any thread, with the same result bit for bit. Internal: not installed. */
#ifndef TAPEGRAD_CORE_REDUCE_ORDER_H
#define TAPEGRAD_CORE_REDUCE_ORDER_H

#include "core/kernel.h"

enum {
    TG_LEAF_BYTES = 2048, /* of a leaf, or of the accumulators of narrow rows */
    TG_TREE_RADIX = 16,
    TG_SHORT_ROW = 16 /* rows of fewer elements are combined column by column */
};

/* A reduction as its combining sees it. */
typedef struct tg_reducer {
    const tg_reduction_kernels *kernels;
    double start;
    size_t element_bytes;
} tg_reducer;

/* Elements that lie side by side and are folded in one call. */
static inline int64_t tg_leaf_elements(size_t element_bytes) {
    return TG_LEAF_BYTES / (int64_t)element_bytes;
}

/* Rows of so many columns, side by side in memory, that are a leaf together: a power of 2. Their accumulators
 * are joined by tg_join_lanes at the end. */
int64_t tg_leaf_rows(int64_t columns, int64_t rows, size_t element_bytes);

/* n accumulators as they begin. */
void tg_fill_start(const tg_reducer *r, int64_t n, void *accumulators);

/* accumulators[i] = the start and the row of elements at x + i stride, for i < rows. A row is a leaf at most,
 * and folded, or its columns are merged, as short rows are if there are several. */
void tg_fold_rows(const tg_reducer *r, int64_t rows, int64_t row, int64_t stride, bool by_columns,
                  void *accumulators, const void *x);

static inline bool tg_rows_are_short(int64_t rows, int64_t row) { return row < TG_SHORT_ROW && rows > 1; }

/* accumulators[0..n) = themselves merged with x, x + stride, ..., one after the other. */
void tg_merge_rows(const tg_reducer *r, int64_t n, void *accumulators, int64_t rows, int64_t stride,
                   const void *x);

/* Joins parts, each a row of accumulators over 16^k leaves (the last may have fewer): the first becomes their
 * combination, the others are used up. */
void tg_join_parts(const tg_reducer *r, int64_t n_parts, int64_t width, void *parts);

/* Joins the accumulators of the rows that were a leaf together: the first row becomes their combination. */
void tg_join_lanes(const tg_reducer *r, int64_t columns, int64_t lanes, void *accumulators);

#endif
