/* inner_product.c: the inner product, and its adjoint, which scales a tensor by a number.
 *
 * Each is the other's gradient, so that the two can be differentiated again and again. */
#include "graph/inner_product.h"

#include "graph/node.h"

/* --- scaled: y = s x, with a number s; dx = dy s, ds = sum dy x ----------------------------------------- */

TG_MAP_KERNELS_2(scaled, x *y)

static void scaled_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx);

static const struct tg_op scaled = {.name = "scaled",
                                    .kind = TG_MAP,
                                    .n_inputs = 2,
                                    .map_f32 = scaled_f32,
                                    .map_f64 = scaled_f64,
                                    .backward = scaled_backward};

static void scaled_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    if (tg_needs_grad(c, 0)) dx[0] = tg_apply_2(c->where, &scaled, dy, c->x[1]);
    if (tg_needs_grad(c, 1)) dx[1] = tg_inner_product(c->where, dy, c->x[0]);
}

/* --- inner product -------------------------------------------------------------------------------------- */

static bool inner_product_infer(tg_call *c) {
    c->out_shape = TG_SCALAR;
    return tg_expect_dtype(c, 0, TG_F64) && tg_expect_dtype(c, 1, TG_F64);
}

/* The products of all elements, then their sum: in order, whatever the number of threads. */
static bool inner_product_forward(const tg_call *c) {
    const int64_t n = tg_array_size(&c->in[0]);
    double sum = 0, *both[2];
    for (int k = 0; k < 2; k++) {
        int64_t strides[TG_MAX_RANK];
        both[k] = tg_call_scratch(c, (size_t)n * sizeof **both);
        if (!both[k]) return false;
        tg_strides_contiguous(tg_array_shape(&c->in[k]), strides);
        const tg_array to = {both[k], c->in[k].shape, strides, c->in[k].rank, TG_F64};
        if (n) tg_array_copy(&to, &c->in[k]);
    }
    for (int64_t i = 0; i < n; i++) sum += both[0][i] * both[1][i];
    *(double *)c->out.data = sum;
    return true;
}

static void inner_product_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    for (int k = 0; k < 2; k++)
        if (tg_needs_grad(c, k)) dx[k] = tg_apply_2(c->where, &scaled, c->x[1 - k], dy);
}

static const struct tg_op inner_product = {.name = "inner_product",
                                           .kind = TG_CONTRACT,
                                           .n_inputs = 2,
                                           .infer = inner_product_infer,
                                           .forward = inner_product_forward,
                                           .backward = inner_product_backward};

tg_tensor tg_inner_product(const char *where, tg_tensor a, tg_tensor b) {
    return tg_apply_2(where, &inner_product, a, b);
}
