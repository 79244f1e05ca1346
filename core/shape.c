/* shape.c: shapes, axes and the arithmetic on them.
 *
 * Owns: broadcasting, axis rules, and the one product of dimensions that is checked for overflow. Must not
 * know of memory or values. */
#include "core/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_valid_rank(tg_shape shape) { return shape.rank >= 0 && shape.rank <= TG_MAX_RANK; }

int64_t tg_shape_size(tg_shape shape) {
    if (!has_valid_rank(shape)) return -1;
    int64_t product = 1;
    bool empty = false;
    for (int i = 0; i < shape.rank; i++) {
        if (shape.dim[i] < 0) return -1;
        /* Without the zeros, so that strides and partial products of an empty shape fit as well. */
        if (shape.dim[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, shape.dim[i], &product))
            return -1;
    }
    return empty ? 0 : product;
}

bool tg_shape_equal(tg_shape a, tg_shape b) {
    if (a.rank != b.rank || !has_valid_rank(a)) return false;
    for (int i = 0; i < a.rank; i++) {
        if (a.dim[i] != b.dim[i]) return false;
    }
    return true;
}

bool tg_shape_broadcast(tg_shape a, tg_shape b, tg_shape *out) {
    if (!has_valid_rank(a) || !has_valid_rank(b)) return false;
    tg_shape result = {a.rank > b.rank ? a.rank : b.rank, {0}};
    for (int i = 1; i <= result.rank; i++) {
        int64_t da = i <= a.rank ? a.dim[a.rank - i] : 1;
        int64_t db = i <= b.rank ? b.dim[b.rank - i] : 1;
        if (da != db && da != 1 && db != 1) return false;
        result.dim[result.rank - i] = da == 1 ? db : da;
    }
    *out = result;
    return true;
}

char *tg_shape_format(tg_shape shape, size_t capacity, char *text) {
    char all[TG_SHAPE_TEXT];
    int length = 0;
    if (!has_valid_rank(shape)) {
        snprintf(all, sizeof all, "[rank %d]", shape.rank);
    } else {
        all[length++] = '[';
        for (int i = 0; i < shape.rank; i++) {
            length += snprintf(all + length, sizeof all - (size_t)length, i > 0 ? ", %" PRId64 : "%" PRId64,
                               shape.dim[i]);
        }
        snprintf(all + length, sizeof all - (size_t)length, "]");
    }
    if (capacity > 0) snprintf(text, capacity, "%s", all);
    return text;
}

int tg_axis_normalize(int axis, int rank) {
    if (axis < -rank || axis >= rank) return -1;
    return axis < 0 ? axis + rank : axis;
}

int tg_axes_mask(tg_axes axes, int rank) {
    if (axes.n < 0 || axes.n > TG_MAX_RANK) return -1;
    int mask = 0;
    for (int i = 0; i < axes.n; i++) {
        int axis = tg_axis_normalize(axes.axis[i], rank);
        if (axis < 0) return -1;
        if (mask >> axis & 1) return -2;
        mask |= 1 << axis;
    }
    return mask;
}

tg_shape tg_shape_reduced(tg_shape shape, unsigned mask, bool keepdims) {
    tg_shape out = {0, {0}};
    for (int i = 0; i < shape.rank; i++) {
        if (!(mask >> i & 1))
            out.dim[out.rank++] = shape.dim[i];
        else if (keepdims)
            out.dim[out.rank++] = 1;
    }
    return out;
}

void tg_shape_copy(tg_shape *to, tg_shape from) {
    memset(to, 0, sizeof *to);
    to->rank = from.rank;
    for (int i = 0; i < from.rank && i < TG_MAX_RANK; i++) to->dim[i] = from.dim[i];
}
