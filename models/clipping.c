/* clipping.c: keeping gradients small, by value and by their common norm.
 *
 * Owns: the formulas, which are those of PyTorch's clip_grad_value_ and clip_grad_norm_. */
#include "models/clipping.h"

#include <math.h>

#include "ops/elementwise.h"
#include "ops/reduction.h"

/* What is recorded here bears the caller's line. */
#undef TG_HERE
#define TG_HERE where

tg_tensor tg_global_norm_at(const char *where, int n, const tg_tensor *xs) {
    tg_tensor total = {0};
    for (int i = 0; i < n; i++) {
        const tg_tensor squares = tg_sum(tg_square(xs[i]));
        total = i > 0 ? tg_add(total, squares) : squares;
    }
    return tg_sqrt(total);
}

static bool is_bound(double x) { return x >= 0 && isfinite(x); }

tg_status tg_clip_gradients_at(const char *where, int n, const tg_tensor *dxs, tg_clipping clipping,
                               tg_tensor *clipped) {
    tg_tape *tape = n > 0 ? dxs[0].tape : NULL;
    if (!is_bound(clipping.value) || !is_bound(clipping.norm))
        return tg_tape_fail(tape, TG_ERR_VALUE, where,
                            "clip: the bounds of value and norm must be numbers, at least 0, not %g and %g",
                            clipping.value, clipping.norm);
    for (int i = 0; i < n; i++) {
        clipped[i] = dxs[i];
        if (clipping.value > 0)
            clipped[i] = tg_maximum(tg_minimum(clipped[i], tg_num(clipping.value)), tg_num(-clipping.value));
    }
    if (clipping.norm > 0 && n > 0) {
        const tg_tensor norm = tg_add(tg_global_norm(n, clipped), tg_num(1e-6));
        const tg_tensor scale = tg_minimum(tg_div(tg_num(clipping.norm), norm), tg_num(1));
        for (int i = 0; i < n; i++) clipped[i] = tg_mul(clipped[i], scale);
    }
    return tape ? tg_tape_status(tape) : TG_OK;
}
