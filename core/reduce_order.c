/* reduce_order.c: in which order many elements are made one.
 *
 * Owns: short rows, rows merged one after the other, and the joining of partial results. Must not know of
 * axes, strides of arrays or threads. */
#include "core/reduce_order.h"

#include <string.h>

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t tg_leaf_rows(int64_t columns, int64_t rows, size_t element_bytes) {
    int64_t lanes = 1;
    while (2 * lanes <= min(tg_leaf_elements(element_bytes) / columns, rows)) lanes *= 2;
    return lanes;
}

void tg_fill_start(const tg_reducer *r, int64_t n, void *accumulators) {
    if (r->element_bytes == sizeof(float)) {
        float *to = accumulators;
        for (int64_t i = 0; i < n; i++) to[i] = (float)r->start;
    } else {
        double *to = accumulators;
        for (int64_t i = 0; i < n; i++) to[i] = r->start;
    }
}

/* to[i] = from[i stride], for elements of 4 or 8 bytes. */
static void gather(size_t element_bytes, int64_t n, void *to, const void *from, int64_t stride) {
    char *y = to;
    const char *x = from;
    if (element_bytes == 4) {
        for (int64_t i = 0; i < n; i++) memcpy(y + i * 4, x + i * stride * 4, 4);
    } else {
        for (int64_t i = 0; i < n; i++) memcpy(y + i * 8, x + i * stride * 8, 8);
    }
}

void tg_fold_rows(const tg_reducer *r, int64_t rows, int64_t row, int64_t stride, bool by_columns,
                  void *accumulators, const void *x) {
    _Alignas(64) char column[TG_LEAF_BYTES];
    const int64_t bytes = (int64_t)r->element_bytes;
    char *to = accumulators;
    const char *from = x;
    tg_fill_start(r, rows, to);
    if (!by_columns) {
        for (int64_t i = 0; i < rows; i++) r->kernels->fold(row, to + i * bytes, from + i * stride * bytes);
        return;
    }
    for (int64_t first = 0, n; first < rows; first += n) {
        n = min(rows - first, tg_leaf_elements(r->element_bytes));
        for (int64_t j = 0; j < row; j++) {
            gather(r->element_bytes, n, column, from + (first * stride + j) * bytes, stride);
            r->kernels->merge(n, to + first * bytes, column);
        }
    }
}

void tg_merge_rows(const tg_reducer *r, int64_t n, void *accumulators, int64_t rows, int64_t stride,
                   const void *x) {
    if (r->kernels->merge_rows) {
        r->kernels->merge_rows(n, accumulators, rows, stride, x);
        return;
    }
    const char *from = x;
    for (int64_t i = 0; i < rows; i++)
        r->kernels->merge(n, accumulators, from + i * stride * (int64_t)r->element_bytes);
}

void tg_join_parts(const tg_reducer *r, int64_t n_parts, int64_t width, void *parts) {
    const int64_t bytes = width * (int64_t)r->element_bytes;
    char *part = parts;
    for (int64_t step = 1; step < n_parts; step *= TG_TREE_RADIX)
        for (int64_t first = 0; first < n_parts; first += step * TG_TREE_RADIX) {
            const int64_t end = min(n_parts, first + step * TG_TREE_RADIX);
            for (int64_t i = first + step; i < end; i += step)
                r->kernels->merge(width, part + first * bytes, part + i * bytes);
        }
}

void tg_join_lanes(const tg_reducer *r, int64_t columns, int64_t lanes, void *accumulators) {
    for (int64_t half = columns * lanes / 2; half >= columns; half /= 2)
        r->kernels->merge(half, accumulators, (char *)accumulators + half * (int64_t)r->element_bytes);
}
