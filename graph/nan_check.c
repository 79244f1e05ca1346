/* nan_check.c: finding the first operation that gives a NaN or an infinity.
 *
 * Owns: the scan of a fresh result and its report. Off unless tg_tape_set_nan_check turned it on. */
#include "graph/node.h"

#include <math.h>

static double value_at(const tg_array *array, int64_t i) {
    return array->dtype == TG_F32 ? (double)((const float *)array->data)[i]
                                  : ((const double *)array->data)[i];
}

bool tg_check_finite(const tg_call *c, const uint32_t *in) {
    const tg_array *out = &c->out;
    if (!tg_dtype_is_value(out->dtype) || c->op->kind == TG_VIEW) return true;
    const int64_t n = tg_array_size(out);
    int64_t i = 0;
    while (i < n && isfinite(value_at(out, i))) i++;
    if (i == n) return true;
    tg_shape index = {.rank = out->rank};
    int64_t rest = i;
    for (int axis = out->rank; axis-- > 0; rest /= out->shape[axis])
        index.dim[axis] = rest % out->shape[axis];
    char operands[300] = "", text[200], at[TG_SHAPE_TEXT];
    size_t used = 0;
    for (int k = 0; k < c->n_in && k < 2; k++) {
        tg_node_describe(c->tape, in[k], sizeof text, text);
        if (used < sizeof operands)
            used += (size_t)snprintf(operands + used, sizeof operands - used, "%s%s", k ? ", " : "", text);
    }
    return tg_fail(c, TG_ERR_NAN, "the result is %g at %s; operands: %s%s", value_at(out, i),
                   tg_shape_format(index, sizeof at, at), operands, c->n_in > 2 ? ", ..." : "");
}
