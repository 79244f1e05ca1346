/* axes.c: axes as callers give them: resolved, or refused with a message that names them.
 *
 * Must not know which operations there are. */
#include "ops/axes.h"

#include "ops/views.h"

#include <string.h>

bool tg_resolve_axes(tg_tape *tape, const char *where, const char *name, tg_axes axes, tg_shape shape,
                     unsigned *mask) {
    char text[TG_SHAPE_TEXT];
    tg_shape_format(shape, sizeof text, text);
    *mask = 0;
    if (axes.n < 0 || axes.n > TG_MAX_RANK) {
        tg_tape_fail(tape, TG_ERR_SHAPE, where, "%s: %d axes, at most %d can be given", name, axes.n,
                     TG_MAX_RANK);
        return false;
    }
    for (int i = 0; i < axes.n; i++) {
        const int axis = tg_axis_normalize(axes.axis[i], shape.rank);
        if (axis < 0) {
            tg_tape_fail(tape, TG_ERR_SHAPE, where, "%s: axis %d is out of range for rank %d, shape %s", name,
                         axes.axis[i], shape.rank, text);
            return false;
        }
        if (*mask & 1u << axis) {
            tg_tape_fail(tape, TG_ERR_SHAPE, where, "%s: axis %d is given twice, rank %d, shape %s", name,
                         axes.axis[i], shape.rank, text);
            return false;
        }
        *mask |= 1u << axis;
    }
    return true;
}

int tg_resolve_axis(tg_tape *tape, const char *where, const char *name, int axis, tg_shape shape) {
    unsigned mask;
    const tg_axes one = {1, {axis}};
    return tg_resolve_axes(tape, where, name, one, shape, &mask) ? tg_axis_normalize(axis, shape.rank) : -1;
}

bool tg_reduce_some(const char *where, const char *name, tg_tensor x, tg_axes axes, bool keepdims,
                    tg_reduction *over) {
    memset(over, 0, sizeof *over); /* padding too: the bytes of attributes are compared */
    over->keepdims = keepdims;
    if (!tg_is_valid(x)) return true;
    return tg_resolve_axes(x.tape, where, name, axes, tg_shape_of_at(where, x), &over->mask);
}

tg_reduction tg_reduce_all(const char *where, tg_tensor x) {
    const int rank = tg_is_valid(x) ? tg_shape_of_at(where, x).rank : 0;
    tg_reduction over;
    memset(&over, 0, sizeof over);
    over.mask = (1u << rank) - 1;
    return over;
}

tg_tensor tg_keep_axes(const tg_call *c, tg_tensor reduced) {
    const tg_reduction *over = c->attr;
    if (over->keepdims || over->mask == 0) return reduced;
    return tg_reshape(reduced, tg_shape_reduced(tg_shape_of(c->x[0]), over->mask, true));
}
