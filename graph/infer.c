/* infer.c: what an operation may be applied to, and the shape and dtype that come of it.
 *
 * Owns: the check that an operation is complete, the rules of elementwise operations and reductions, and the
 * check of what an operation's own infer says. Must not touch values, nor record. */
#include "graph/infer.h"

void tg_not_differentiable(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    (void)dy, (void)dx;
    tg_fail(c, TG_ERR_GRADIENT, "the operation has no gradient; tg_detach its input if none is wanted");
}

/* What a struct tg_op lacks, or NULL when it is complete. */
static const char *missing(const struct tg_op *op) {
    if (!op->backward)
        return "backward is NULL: an operation without a gradient must say TG_NOT_DIFFERENTIABLE";
    switch (op->kind) {
        case TG_MAP:
            if (op->n_inputs > TG_MAX_MAP_INPUTS) return "an elementwise operation has at most 8 inputs";
            return op->map_f32 && op->map_f64 ? NULL : "an elementwise operation needs map_f32 and map_f64";
        case TG_REDUCE:
            if (op->attr_size < sizeof(tg_reduction))
                return "a reduction's attribute begins with a tg_reduction";
            for (int i = 0; i < 2; i++) {
                const tg_reduction_kernels *kernels = i ? op->reduce_f64 : op->reduce_f32;
                if (!kernels || !kernels->fold || !kernels->merge)
                    return "a reduction needs fold and merge for f32 and f64";
            }
            return NULL;
        case TG_VIEW: return op->infer && op->view ? NULL : "a view needs infer and view";
        case TG_CONTRACT:
        case TG_OTHER:
            return op->infer && (op->forward || op->product)
                       ? NULL
                       : "an operation of this kind needs infer and forward";
    }
    return "its kind is none of tg_op_kind";
}

bool tg_op_is_applicable(tg_tape *tape, const char *where, const struct tg_op *op, int n, const void *attr) {
    const char *lack = op->name ? missing(op) : "name is NULL";
    const char *name = op->name ? op->name : "(unnamed operation)";
    if (!lack && op->attr_size && !attr) lack = "its attribute is missing";
    if (lack)
        tg_tape_fail(tape, TG_ERR_OP, where, "%s: %s", name, lack);
    else if (op->n_inputs >= 0 && n != op->n_inputs)
        tg_tape_fail(tape, TG_ERR_OP, where, "%s: applied to %d inputs, takes %d", name, n, op->n_inputs);
    else if (op->kind == TG_MAP && n > TG_MAX_MAP_INPUTS)
        tg_tape_fail(tape, TG_ERR_OP, where, "%s: applied to %d inputs, takes at most %d", name, n,
                     TG_MAX_MAP_INPUTS);
    else
        return true;
    return false;
}

bool tg_expect_dtype(const tg_call *c, int i, tg_dtype dtype) {
    if (c->in[i].dtype == dtype) return true;
    const bool convertible = tg_dtype_is_value(dtype) && !tg_dtype_is_value(c->in[i].dtype);
    return tg_fail(c, TG_ERR_DTYPE, "input %d is %s and must be %s%s", i, tg_dtype_name(c->in[i].dtype),
                   tg_dtype_name(dtype), convertible ? "; tg_to_value converts it" : "");
}

bool tg_infer_broadcast(tg_call *c) {
    char text[2][TG_SHAPE_TEXT];
    tg_shape shape = tg_array_shape(&c->in[0]);
    for (int i = 1; i < c->n_in; i++) {
        const tg_shape next = tg_array_shape(&c->in[i]);
        if (!tg_shape_broadcast(shape, next, &shape))
            return tg_fail(c, TG_ERR_SHAPE, "shapes do not broadcast: %s and %s",
                           tg_shape_format(shape, sizeof text[0], text[0]),
                           tg_shape_format(next, sizeof text[1], text[1]));
    }
    c->out_shape = shape;
    if (c->tape->broadcast == TG_BROADCAST_NUMPY || c->tape->backward_of) return true;
    int expanded = 0, of = 0;
    for (int i = 0; i < c->n_in; i++) {
        const tg_shape in = tg_array_shape(&c->in[i]);
        of += in.rank > 0;
        expanded += in.rank > 0 && tg_shape_size(in) != tg_shape_size(shape);
    }
    if (of < 2 || expanded < of) return true;
    tg_shape_format(tg_array_shape(&c->in[0]), sizeof text[0], text[0]);
    tg_shape_format(tg_array_shape(&c->in[c->n_in - 1]), sizeof text[1], text[1]);
    static const char message[] =
        "broadcasting expands every operand: %s with %s; reshape one, or say it with tg_expand";
    if (c->tape->broadcast == TG_BROADCAST_STRICT) return tg_fail(c, TG_ERR_SHAPE, message, text[0], text[1]);
    tg_warn(c, message, text[0], text[1]);
    return true;
}

static bool infer_map(tg_call *c) {
    for (int i = 0; i < c->n_in; i++)
        if (!tg_expect_dtype(c, i, c->tape->dtype)) return false;
    return tg_infer_broadcast(c);
}

static bool infer_reduction(tg_call *c) {
    const tg_reduction *reduction = c->attr;
    const tg_shape shape = tg_array_shape(&c->in[0]);
    if (!tg_expect_dtype(c, 0, c->tape->dtype)) return false;
    if (reduction->mask >> shape.rank)
        return tg_fail(c, TG_ERR_SHAPE, "an axis to reduce is out of range for rank %d", shape.rank);
    c->out_shape = tg_shape_reduced(shape, reduction->mask, reduction->keepdims);
    if (c->op->has_identity || tg_shape_size(shape) > 0 || tg_shape_size(c->out_shape) == 0) return true;
    char text[TG_SHAPE_TEXT];
    return tg_fail(c, TG_ERR_SHAPE, "a reduction over nothing has no value: %s has an axis of 0 elements",
                   tg_shape_format(shape, sizeof text, text));
}

/* What an operation's own infer gives must fit what the library then does with it. */
static bool check_inferred(const tg_call *c) {
    if (!tg_dtype_size(c->out_dtype)) return tg_fail(c, TG_ERR_OP, "infer gave no dtype");
    const int64_t size = tg_shape_size(c->out_shape);
    if (size < 0) return true; /* refused with its reason where memory is found for it */
    bool fits = true;
    tg_shape both;
    for (int i = 0; c->op->kind == TG_MAP && i < c->n_in; i++)
        fits &= tg_shape_broadcast(tg_array_shape(&c->in[i]), c->out_shape, &both) &&
                tg_shape_equal(both, c->out_shape);
    if (c->op->kind == TG_REDUCE)
        fits = size == tg_shape_size(tg_shape_reduced(tg_array_shape(&c->in[0]),
                                                      ((const tg_reduction *)c->attr)->mask, false));
    if (!fits) return tg_fail(c, TG_ERR_OP, "infer gave a shape that does not follow from the inputs");
    if ((c->op->kind == TG_VIEW || c->op->kind == TG_REDUCE) && c->out_dtype != c->in[0].dtype)
        return tg_fail(c, TG_ERR_OP, "infer gave the dtype %s to what is made of %s",
                       tg_dtype_name(c->out_dtype), tg_dtype_name(c->in[0].dtype));
    if (c->op->kind == TG_REDUCE) return tg_expect_dtype(c, 0, c->tape->dtype);
    return true;
}

bool tg_call_infer(tg_call *c) {
    const struct tg_op *op = c->op;
    c->out_dtype = op->kind == TG_VIEW ? c->in[0].dtype : c->tape->dtype;
    if (!op->infer) return op->kind == TG_MAP ? infer_map(c) : infer_reduction(c);
    if (op->infer(c)) return check_inferred(c);
    if (!c->tape->status) tg_fail(c, TG_ERR_OP, "infer failed and did not say why");
    return false;
}
