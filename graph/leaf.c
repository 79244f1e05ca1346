/* leaf.c: parameters and inputs: the tensors that no operation made.
 *
 * Owns: making leaves, their gradients' storage, and changing them in place. */
#include "graph/deferred.h"

#include <string.h>

tg_tensor tg_num(double value) {
    tg_tensor number = {tg_number_tape, 0, 0};
    uint32_t bits[2];
    memcpy(bits, &value, sizeof bits);
    number.node = bits[0], number.epoch = bits[1];
    return number;
}

/* A leaf whose values are not yet written; NULL with an error, and nothing on the tape, when it cannot be. */
static tg_node *new_leaf(tg_tape *tape, const char *where, tg_shape shape, tg_dtype dtype) {
    if (!tg_settle(tape)) return NULL;
    const tg_arena_position before = tg_arena_here(&tape->arena);
    const int rank = shape.rank >= 0 && shape.rank <= TG_MAX_RANK ? shape.rank : 0;
    tg_node *node = tg_node_new(tape, where, NULL, dtype, rank);
    if (!node) return NULL;
    tg_leaf *leaf = tg_arena_alloc(&tape->arena, sizeof *leaf, sizeof(void *));
    if (!leaf) tg_tape_fail(tape, TG_ERR_MEMORY, where, "out of memory for a leaf");
    if (!leaf || !tg_node_allocate(tape, where, node, shape, true)) {
        tg_arena_rewind(&tape->arena, before);
        tg_node_drop(tape);
        return NULL;
    }
    *leaf = (tg_leaf){.gradient = TG_NO_NODE, .previous = TG_NO_NODE};
    node->extra.leaf = leaf;
    return node;
}

static void zero(const tg_tape *tape, const tg_leaf *parameter) {
    const tg_node *gradient = tg_node_at(tape, parameter->gradient);
    const tg_array array = tg_node_array(gradient);
    const size_t bytes = (size_t)tg_array_size(&array) * tg_dtype_size(array.dtype);
    if (bytes) memset(gradient->data, 0, bytes);
    gradient->extra.leaf->clear = !gradient->extra.leaf->shared;
}

/* A leaf, with a gradient when it is to be a parameter; TG_NO_NODE, and nothing on the tape, when it cannot
 * be. */
static uint32_t make_leaf(tg_tape *tape, const char *where, tg_shape shape, tg_dtype dtype, bool parameter) {
    const tg_arena_position before = tg_arena_here(&tape->arena);
    tg_node *node = new_leaf(tape, where, shape, dtype);
    if (!node) return TG_NO_NODE;
    const uint32_t i = tape->n_nodes - 1;
    if (!parameter) return i;
    const tg_node *gradient = new_leaf(tape, where, shape, dtype);
    if (!gradient) {
        tg_arena_rewind(&tape->arena, before);
        tg_node_drop(tape);
        return TG_NO_NODE;
    }
    node->extra.leaf->gradient = i + 1;
    node->extra.leaf->previous = tape->last_parameter;
    node->flags |= TG_NODE_REQUIRES_GRAD;
    tape->last_parameter = i;
    zero(tape, node->extra.leaf);
    return i;
}

/* Copies n values of the given type into a node, in row-major order. */
static void fill(const tg_node *node, tg_dtype dtype, const void *values, bool same_everywhere) {
    const tg_array to = tg_node_array(node);
    int64_t strides[TG_MAX_RANK] = {0};
    if (!same_everywhere) tg_strides_contiguous(tg_array_shape(&to), strides);
    const tg_array from = {(void *)(uintptr_t)values, to.shape, strides, to.rank, dtype};
    if (tg_array_size(&to)) tg_array_copy(&to, &from);
}

static tg_tensor leaf_from(tg_tape *tape, const char *where, tg_shape shape, int64_t n, tg_dtype from,
                           const void *values, bool parameter) {
    if (!tape) return (tg_tensor){0};
    const int64_t size = tg_shape_size(shape);
    char text[TG_SHAPE_TEXT];
    if (size >= 0 && n != size) {
        tg_tape_fail(tape, TG_ERR_SHAPE, where,
                     "%lld values do not fill the shape %s, which has %lld elements", (long long)n,
                     tg_shape_format(shape, sizeof text, text), (long long)size);
        return tg_invalid(tape);
    }
    if (size > 0 && !values) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "the values are NULL");
        return tg_invalid(tape);
    }
    const uint32_t i = make_leaf(tape, where, shape, tg_dtype_is_value(from) ? tape->dtype : from, parameter);
    if (i == TG_NO_NODE) return tg_invalid(tape);
    fill(tg_node_at(tape, i), from, values, false);
    return tg_handle(tape, i);
}

static tg_tensor leaf_full(tg_tape *tape, const char *where, tg_shape shape, double value, bool parameter) {
    if (!tape) return (tg_tensor){0};
    const uint32_t i = make_leaf(tape, where, shape, tape->dtype, parameter);
    if (i == TG_NO_NODE) return tg_invalid(tape);
    fill(tg_node_at(tape, i), TG_F64, &value, true);
    return tg_handle(tape, i);
}

tg_tensor tg_from_f64_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n, const double *values) {
    return leaf_from(tape, where, shape, n, TG_F64, values, false);
}
tg_tensor tg_from_f32_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n, const float *values) {
    return leaf_from(tape, where, shape, n, TG_F32, values, false);
}
tg_tensor tg_from_i64_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n, const int64_t *values) {
    return leaf_from(tape, where, shape, n, TG_I64, values, false);
}
tg_tensor tg_from_bool_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n, const bool *values) {
    return leaf_from(tape, where, shape, n, TG_BOOL, values, false);
}
tg_tensor tg_param_f64_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n, const double *values) {
    return leaf_from(tape, where, shape, n, TG_F64, values, true);
}
tg_tensor tg_param_f32_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n, const float *values) {
    return leaf_from(tape, where, shape, n, TG_F32, values, true);
}
tg_tensor tg_full_at(const char *where, tg_tape *tape, tg_shape shape, double value) {
    return leaf_full(tape, where, shape, value, false);
}
tg_tensor tg_scalar_at(const char *where, tg_tape *tape, double value) {
    return leaf_full(tape, where, TG_SCALAR, value, false);
}
tg_tensor tg_zeros_at(const char *where, tg_tape *tape, tg_shape shape) {
    return leaf_full(tape, where, shape, 0, false);
}
tg_tensor tg_ones_at(const char *where, tg_tape *tape, tg_shape shape) {
    return leaf_full(tape, where, shape, 1, false);
}
tg_tensor tg_param_zeros_at(const char *where, tg_tape *tape, tg_shape shape) {
    return leaf_full(tape, where, shape, 0, true);
}
tg_tensor tg_param_scalar_at(const char *where, tg_tape *tape, double value) {
    return leaf_full(tape, where, TG_SCALAR, value, true);
}

tg_tensor tg_param_normal_at(const char *where, tg_tape *tape, tg_shape shape, tg_key key, double deviation) {
    const tg_tensor p = tg_param_zeros_at(where, tape, shape);
    const tg_node *node = tg_node_of(where, "param_normal", p);
    if (!node) return p;
    const tg_array array = tg_node_array(node);
    const int64_t n = tg_array_size(&array);
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    double *values = tg_arena_alloc(&tape->scratch, (size_t)n * sizeof *values, 64);
    if (!values) {
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "param_normal: out of memory for %lld random numbers",
                     (long long)n);
        return tg_invalid(tape);
    }
    tg_random_normal(key, n, values);
    for (int64_t i = 0; i < n; i++) values[i] *= deviation;
    fill(node, TG_F64, values, false);
    tg_arena_rewind(&tape->scratch, before);
    return p;
}

/* --- changing leaves in place --------------------------------------------------------------------------- */

tg_node *tg_leaf_node(const char *where, const char *what, tg_tensor x) {
    tg_node *node = tg_node_of(where, what, x);
    if (!node || !tg_settle(x.tape)) return NULL;
    if (node->op) {
        tg_tape_fail(x.tape, TG_ERR_VALUE, where,
                     "%s: only leaves can be changed in place; this is the result of %s at %s", what,
                     node->op->name, node->place);
        return NULL;
    }
    if (!node->extra.leaf) { /* a tg_num shared between its users */
        tg_tape_fail(x.tape, TG_ERR_VALUE, where, "%s: a number cannot be changed in place", what);
        return NULL;
    }
    return node;
}

tg_node *tg_leaf_changing(const char *where, const char *what, tg_tensor x) {
    tg_node *node = tg_leaf_node(where, what, x);
    if (node) tg_leaf_change(x.tape, node->extra.leaf, where);
    return node;
}

static tg_status overwrite(const char *where, tg_tensor x, int64_t n, tg_dtype from, const void *values) {
    if (!x.tape || tg_is_num(x)) return TG_ERR_HANDLE;
    const tg_node *node = tg_node_of(where, "write", x);
    if (!node) return tg_tape_status(x.tape);
    const tg_array array = tg_node_array(node);
    char text[TG_TEXT];
    if (n != tg_array_size(&array))
        return tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "write: %lld values do not fill %s of %lld elements",
                            (long long)n, tg_node_describe(x.tape, x.node, sizeof text, text),
                            (long long)tg_array_size(&array));
    if (n && !values) return tg_tape_fail(x.tape, TG_ERR_VALUE, where, "write: the values are NULL");
    if (!tg_leaf_changing(where, "write", x)) return tg_tape_status(x.tape);
    fill(node, from, values, false);
    return TG_OK;
}

tg_status tg_write_f64_at(const char *where, tg_tensor x, int64_t n, const double *values) {
    return overwrite(where, x, n, TG_F64, values);
}
tg_status tg_write_f32_at(const char *where, tg_tensor x, int64_t n, const float *values) {
    return overwrite(where, x, n, TG_F32, values);
}
tg_status tg_write_i64_at(const char *where, tg_tensor x, int64_t n, const int64_t *values) {
    return overwrite(where, x, n, TG_I64, values);
}
tg_status tg_write_bool_at(const char *where, tg_tensor x, int64_t n, const bool *values) {
    return overwrite(where, x, n, TG_BOOL, values);
}

void *tg_data_mut_at(const char *where, tg_tensor x) {
    const tg_node *node = tg_leaf_changing(where, "data_mut", x);
    if (!node) return NULL;
    node->extra.leaf->shared = true;
    return node->data;
}

void tg_leaf_clear(const char *where, const tg_tape *tape, const tg_leaf *parameter) {
    tg_leaf *gradient = tg_node_at(tape, parameter->gradient)->extra.leaf;
    if (gradient->clear) return;
    tg_leaf_change(tape, gradient, where);
    zero(tape, parameter);
}

uint32_t tg_leaf_under(const tg_tape *tape, uint32_t i) {
    const tg_node *node = tg_node_at(tape, i);
    while (node->op && (node->flags & TG_NODE_VIEW)) {
        i = tg_node_inputs(node)[0];
        node = tg_node_at(tape, i);
    }
    return node->op ? TG_NO_NODE : i;
}
