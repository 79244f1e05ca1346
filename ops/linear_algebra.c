/* linear_algebra.c: products of matrices.
 *
 * Owns: which axes are rows, columns and batches, and the gradients. What multiplies takes strides
 * as they are, so that neither a transposed view nor a broadcast batch is ever copied here. */
#include "ops/linear_algebra.h"

#include "ops/axes.h"
#include "ops/descriptors.h"
#include "ops/views.h"

/* --- matmul: C = A B; dA = dC B^T, dB = A^T dC ---------------------------------------------------------- */

/* The shapes of a call as NumPy reads them: a vector on the left is a row, on the right a column. */
struct product {
    int64_t m, k, k_right, n;
    tg_shape batch_left, batch_right, batch;
    bool is_row, is_column;
};

static tg_shape leading(tg_shape shape, int n) {
    shape.rank = shape.rank > n ? shape.rank - n : 0;
    return shape;
}

static struct product product_of(tg_shape a, tg_shape b) {
    const bool is_row = a.rank == 1, is_column = b.rank == 1;
    return (struct product){
        .m = is_row ? 1 : a.dim[a.rank - 2],
        .k = a.dim[a.rank - 1],
        .k_right = is_column ? b.dim[0] : b.dim[b.rank - 2],
        .n = is_column ? 1 : b.dim[b.rank - 1],
        .batch_left = leading(a, 2),
        .batch_right = leading(b, 2),
        .is_row = is_row,
        .is_column = is_column,
    };
}

/* What to do about inner dimensions that differ, or "". */
static const char *hint(const struct product *p) {
    if (!p->is_column && p->k == p->n) return "; they would fit with the second transposed (tg_transpose)";
    if (!p->is_row && p->m == p->k_right) return "; they would fit with the first transposed (tg_transpose)";
    return "";
}

static bool refuse_shapes(const tg_call *c, const char *what, const char *more) {
    char left[TG_SHAPE_TEXT], right[TG_SHAPE_TEXT];
    return tg_fail(c, TG_ERR_SHAPE, "%s: %s x %s%s", what,
                   tg_shape_format(tg_array_shape(&c->in[0]), sizeof left, left),
                   tg_shape_format(tg_array_shape(&c->in[1]), sizeof right, right), more);
}

static bool matmul_infer(tg_call *c) {
    const tg_shape a = tg_array_shape(&c->in[0]), b = tg_array_shape(&c->in[1]);
    if (!tg_expect_dtype(c, 0, tg_tape_dtype(c->tape)) || !tg_expect_dtype(c, 1, tg_tape_dtype(c->tape)))
        return false;
    if (a.rank == 0 || b.rank == 0)
        return refuse_shapes(c, "a scalar has no rows or columns", "; tg_mul scales");
    struct product p = product_of(a, b);
    if (p.k != p.k_right) return refuse_shapes(c, "inner dimensions differ", hint(&p));
    if (!tg_shape_broadcast(p.batch_left, p.batch_right, &p.batch))
        return refuse_shapes(c, "batch dimensions do not broadcast", "");
    c->out_shape = p.batch;
    if (!p.is_row) c->out_shape.dim[c->out_shape.rank++] = p.m;
    if (!p.is_column) c->out_shape.dim[c->out_shape.rank++] = p.n;
    return true;
}

/* The batch axes are those of the product, with strides of 0 where the operand lacks one or has 1 of it. A
 * vector has one of rows and columns, and so a stride for one. */
static tg_matrices matrices_of(const tg_array *x, tg_shape batch, bool is_column) {
    const int added = batch.rank - (x->rank > 2 ? x->rank - 2 : 0);
    const int64_t last = x->strides[x->rank - 1], before = x->rank == 1 ? 1 : x->strides[x->rank - 2];
    const bool turned = x->rank == 1 && is_column;
    tg_matrices to = {.data = x->data, .row = turned ? last : before, .column = turned ? before : last};
    for (int i = added; i < batch.rank; i++)
        to.batch[i] = x->shape[i - added] == 1 ? 0 : x->strides[i - added];
    return to;
}

static void matmul_product(const tg_call *c, tg_product *product) {
    struct product p = product_of(tg_array_shape(&c->in[0]), tg_array_shape(&c->in[1]));
    tg_shape_broadcast(p.batch_left, p.batch_right, &p.batch);
    *product = (tg_product){.dtype = c->out.dtype,
                            .m = p.m,
                            .n = p.n,
                            .k = p.k,
                            .batch = p.batch,
                            .a = matrices_of(&c->in[0], p.batch, false),
                            .b = matrices_of(&c->in[1], p.batch, true),
                            .c = c->out.data};
}

/* A batch of matrices as one tall one. */
static tg_tensor stacked(tg_tensor x) {
    const tg_shape shape = tg_shape_of(x);
    return tg_reshape(x, TG_SHAPE(tg_shape_size(leading(shape, 1)), shape.dim[shape.rank - 1]));
}

/* Vectors are made matrices first and what belongs to them vectors again. The library sums a gradient over
 * the batches that were broadcast; where one matrix B served a whole batch, the product over stacked rows is
 * that sum. */
static void matmul_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    tg_tensor a = c->x[0], b = c->x[1];
    const bool is_row = tg_shape_of(a).rank == 1, is_column = tg_shape_of(b).rank == 1;
    if (is_column) b = tg_unsqueeze(b, -1), dy = tg_unsqueeze(dy, -1);
    if (is_row) a = tg_unsqueeze(a, 0), dy = tg_unsqueeze(dy, -2);
    if (tg_needs_grad(c, 0)) {
        const tg_tensor da = tg_matmul(dy, tg_transpose(b));
        dx[0] = is_row ? tg_squeeze(da, TG_AXES(-2)) : da;
    }
    if (tg_needs_grad(c, 1)) {
        const bool stack = tg_shape_of(b).rank == 2 && tg_shape_of(a).rank > 2;
        const tg_tensor db = tg_matmul(tg_transpose(stack ? stacked(a) : a), stack ? stacked(dy) : dy);
        dx[1] = is_column ? tg_squeeze(db, TG_AXES(-1)) : db;
    }
}

const struct tg_op tg_op_matmul = {
    .name = "matmul",
    .kind = TG_CONTRACT,
    .n_inputs = 2,
    .cost = TG_COSTLY,
    .infer = matmul_infer,
    .product = matmul_product,
    .backward = matmul_backward,
};

tg_tensor tg_matmul_at(const char *where, tg_tensor a, tg_tensor b) {
    return tg_apply_2(where, &tg_op_matmul, a, b);
}
