/* apply.c: applying an operation: check, infer (infer.c), allocate, compute, record.
 *
 * Owns: tg_apply and what it tells operations. Knows kinds of operations, not operations: the four kinds that
 * the library can run by itself are run by core/'s drivers, the rest by the operation's own forward. */
#include "core/map_driver.h"
#include "core/matrix_product.h"
#include "core/number_kernels.h"
#include "core/reduce_driver.h"
#include "graph/deferred.h"
#include "graph/infer.h"

#include <math.h>
#include <string.h>

enum { FEW = 8 };

/* --- inputs --------------------------------------------------------------------------------------------- */

/* The error for a handle that cannot be an input; always gives an invalid handle, of the tape if it can. */
static tg_tensor refuse(tg_tape *tape, const char *where, const struct tg_op *op, int i, tg_tensor x) {
    if (!x.tape) {
        tg_tape_fail(tape, TG_ERR_HANDLE, where,
                     "%s: input %d is not a tensor (a zeroed handle, or made of numbers alone)", op->name, i);
    } else if (x.tape != tape) {
        tg_tape_fail(x.tape, TG_ERR_HANDLE, where, "%s: the inputs are on two tapes", op->name);
        tg_tape_fail(
            tape, TG_ERR_HANDLE, where,
            "%s: the inputs are on two tapes: input %d (made at %s) is on another; copy its values over",
            op->name, i, tg_place(x));
    } else if (x.node != TG_NO_NODE) { /* else it came of an error that the tape already keeps */
        char what[80];
        snprintf(what, sizeof what, "%s: input %d", op->name, i);
        tg_fail_stale(where, what, x);
    } else {
        tg_tape_fail(tape, TG_ERR_HANDLE, where, "%s: input %d is the result of an earlier error", op->name,
                     i);
    }
    return tg_invalid(tape);
}

/* A number takes its dtype from the operands beside it: i64 where all are integers or masks and one is an
 * integer, else the tape's. */
static bool place_numbers(tg_tape *tape, const char *where, const struct tg_op *op, int n, const tg_tensor *x,
                          uint32_t *in) {
    bool any_i64 = false, any_value = false;
    for (int i = 0; i < n; i++) {
        if (tg_is_num(x[i])) continue;
        const tg_dtype beside = (tg_dtype)tg_node_at(tape, in[i])->dtype;
        any_i64 |= beside == TG_I64;
        any_value |= tg_dtype_is_value(beside);
    }
    const tg_dtype dtype = any_i64 && !any_value ? TG_I64 : tape->dtype;
    for (int i = 0; i < n; i++) {
        if (!tg_is_num(x[i])) continue;
        const double value = tg_item_at(where, x[i]);
        if (dtype == TG_I64 && !(value == floor(value) && fabs(value) < 0x1p63)) {
            tg_tape_fail(tape, TG_ERR_DTYPE, where, "%s: the number %g beside i64 is not a whole number",
                         op->name, value);
            return false;
        }
        in[i] = tg_number_node(tape, where, value, dtype);
        if (in[i] == TG_NO_NODE) return false;
    }
    return true;
}

/* --- computing ------------------------------------------------------------------------------------------ */

void *tg_call_scratch(const tg_call *c, size_t bytes) {
    void *memory = tg_arena_alloc(&c->tape->scratch, bytes, 64);
    if (!memory) tg_fail(c, TG_ERR_MEMORY, "out of memory for %zu bytes of scratch", bytes);
    return memory;
}

tg_map_kernel *tg_map_kernel_for(const tg_tape *tape, const struct tg_op *op, int n_in, const tg_array *in) {
    bool any_value = false, any_i64 = false;
    for (int i = 0; i < n_in; i++) {
        any_value |= tg_dtype_is_value(in[i].dtype);
        any_i64 |= in[i].dtype == TG_I64;
    }
    if (any_i64 && !any_value && op->map_i64) return op->map_i64;
    return tape->dtype == TG_F32 ? op->map_f32 : op->map_f64;
}

/* Leaves a result without values. */
static bool leave(tg_node *node) {
    if (node->rank) node->data = TG_NOWHERE;
    return true;
}

static bool compute_view(tg_call *c, tg_node *node) {
    const int64_t size = tg_array_size(&c->out);
    const tg_status before = c->tape->status; /* an older error is no concern of this view */
    if (c->op->view(c, node->rank ? node->here.dims + node->rank : NULL)) { /* a scalar has no strides */
        if (!c->out.data) return tg_fail(c, TG_ERR_OP, "view did not set out.data");
        node->data = c->out.data;
        node->flags |= TG_NODE_VIEW;
        return true;
    }
    if (c->tape->status != before) return false;
    /* No strides express it: copy the elements in row-major order. */
    if (size != tg_array_size(&c->in[0]))
        return tg_fail(c, TG_ERR_OP, "a view that is copied has as many elements as its input");
    const size_t bytes = (size_t)size * tg_dtype_size(c->out.dtype);
    int64_t strides[TG_MAX_RANK];
    tg_strides_contiguous(c->out_shape, node->rank ? node->here.dims + node->rank : strides);
    if (c->tape->deferring) node->flags |= TG_NODE_NO_VALUES; /* of numbers alone perhaps, but large */
    if (node->flags & TG_NODE_NO_VALUES) return leave(node);
    if (node->rank) node->data = tg_arena_alloc(&c->tape->arena, bytes, 64);
    if (!node->data) return tg_fail(c, TG_ERR_MEMORY, "out of memory for a copy of %zu bytes", bytes);
    tg_strides_contiguous(tg_array_shape(&c->in[0]), strides);
    const tg_array to = {node->data, c->in[0].shape, strides, c->in[0].rank, c->in[0].dtype};
    if (size) tg_array_copy(&to, &c->in[0]);
    return true;
}

bool tg_call_forward(const tg_call *c) {
    if (!c->op->product) return c->op->forward(c);
    tg_product product;
    tg_prepared_product prepared;
    c->op->product(c, &product);
    tg_product_prepare(&prepared, &product, NULL);
    void *scratch = prepared.scratch_bytes ? tg_call_scratch(c, prepared.scratch_bytes) : NULL;
    if (prepared.scratch_bytes && !scratch) return false;
    tg_products_run(1, &prepared, scratch);
    return true;
}

static bool compute(tg_call *c, tg_node *node) {
    const struct tg_op *op = c->op;
    c->out = tg_node_array(node);
    if (node->flags & TG_NODE_NO_VALUES && op->kind != TG_VIEW) return leave(node);
    switch (op->kind) {
        case TG_MAP:
            tg_map_run(tg_map_kernel_for(c->tape, op, c->n_in, c->in), c->n_in, c->in, &c->out, c->attr,
                       op->cost);
            return true;
        case TG_REDUCE:
            tg_reduce_run(c->tape->dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64, op->start,
                          ((const tg_reduction *)c->attr)->mask, &c->in[0], &c->out);
            return true;
        case TG_VIEW: return compute_view(c, node);
        case TG_CONTRACT:
        case TG_OTHER: break;
    }
    const tg_arena_position before = tg_arena_here(&c->tape->scratch);
    const bool done = tg_call_forward(c);
    tg_arena_rewind(&c->tape->scratch, before);
    if (!done && !c->tape->status) tg_fail(c, TG_ERR_OP, "forward failed and did not say why");
    return done;
}

/* --- recording ------------------------------------------------------------------------------------------ */

static TG_INLINE void record(tg_tape *tape, tg_node *node, int n, const uint32_t *in, uint8_t flags) {
    node->n_in = (uint32_t)n;
    if (n <= 2) {
        node->in.few[0] = in[0];
        node->in.few[1] = in[n - 1];
    } else {
        memcpy(node->in.many, in, (size_t)n * sizeof *in);
    }
    if (!tape->grad_on)
        node->flags |= TG_NODE_BARRIER;
    else if (tg_dtype_is_value((tg_dtype)node->dtype))
        node->flags |= flags & TG_NODE_REQUIRES_GRAD;
    if (tape->backward_of) node->flags |= TG_NODE_GRADIENT;
}

/* Room in the node for the attribute and for more than two inputs. */
static bool keep_attr_and_inputs(tg_tape *tape, const char *where, const struct tg_op *op, int n,
                                 const void *attr, tg_node *node) {
    if (op->attr_size) {
        node->extra.attr = tg_arena_alloc(&tape->arena, op->attr_size, 16);
        if (node->extra.attr) memcpy(node->extra.attr, attr, op->attr_size);
    }
    if (n > 2) node->in.many = tg_arena_alloc(&tape->arena, (size_t)n * sizeof(uint32_t), sizeof(uint32_t));
    if ((!op->attr_size || node->extra.attr) && (n <= 2 || node->in.many)) return true;
    tg_tape_fail(tape, TG_ERR_MEMORY, where, "%s: out of memory for its attribute and inputs", op->name);
    return false;
}

static bool have_values(const tg_tape *tape, int n, const uint32_t *in) {
    for (int i = 0; i < n; i++)
        if (!tg_node_has_values(tape, tg_node_at(tape, in[i]))) return false;
    return true;
}

/* Whether an operation that is applied while operations are deferred is computed all the same: it makes one
 * element, or a view, of numbers alone. */
static bool is_constant(const tg_call *c, const uint32_t *in) {
    if (c->op->kind != TG_VIEW && tg_shape_size(c->out_shape) != 1) return false;
    for (int i = 0; i < c->n_in; i++)
        if (in[i] < c->tape->deferral->first || tg_node_at(c->tape, in[i])->flags & TG_NODE_NO_VALUES)
            return false;
    return true;
}

/* Any operation on any tensors. */
static tg_tensor apply_arrays(tg_call *c, tg_array *arrays, const uint32_t *in, uint8_t flags) {
    tg_tape *tape = c->tape;
    for (int i = 0; i < c->n_in; i++) arrays[i] = tg_node_array(tg_node_at(tape, in[i]));
    c->in = arrays;
    if (!tg_call_infer(c)) return tg_invalid(tape);
    const tg_arena_position before = tg_arena_here(&tape->arena);
    const uint32_t i = tape->n_nodes;
    tg_node *node = tg_node_new(tape, c->where, c->op, c->out_dtype, c->out_shape.rank);
    if (!node) return tg_invalid(tape);
    const bool computes =
        tape->deferring ? is_constant(c, in) : tape->values_on && have_values(tape, c->n_in, in);
    if (!computes) node->flags = TG_NODE_NO_VALUES;
    bool good = tg_node_allocate(tape, c->where, node, c->out_shape, c->op->kind != TG_VIEW && computes) &&
                keep_attr_and_inputs(tape, c->where, c->op, c->n_in, c->attr, node) && compute(c, node);
    if (good && tape->n_nodes != i + 1)
        good = tg_fail(c, TG_ERR_OP, "forward recorded on the tape; it may only compute c->out");
    if (!good || (tape->nan_check && computes && !tg_check_finite(c, in))) {
        tg_tape_cut(tape, i, before, NULL);
        return tg_invalid(tape);
    }
    record(tape, node, c->n_in, in, flags);
    return tg_handle(tape, i);
}

/* Any operation: the checks, numbers, and errors in full. in and arrays hold n each. */
static tg_tensor apply_any(tg_tape *tape, const char *where, const struct tg_op *op, int n,
                           const tg_tensor *x, const void *attr, uint32_t *in, tg_array *arrays) {
    bool numbers = false;
    uint8_t flags = 0;
    if (!tg_op_is_applicable(tape, where, op, n, attr)) return tg_invalid(tape);
    for (int i = 0; i < n; i++) {
        if (tg_is_num(x[i])) {
            numbers = true;
            continue;
        }
        if (x[i].tape != tape || !tg_is_living(x[i])) return refuse(tape, where, op, i, x[i]);
        in[i] = x[i].node;
        flags |= tg_node_at(tape, in[i])->flags;
    }
    if (numbers && !place_numbers(tape, where, op, n, x, in)) return tg_invalid(tape);
    tg_call call = {.op = op, .tape = tape, .where = where, .n_in = n, .attr = attr};
    return apply_arrays(&call, arrays, in, flags);
}

static TG_NOINLINE tg_tensor apply_few(tg_tape *tape, const char *where, const struct tg_op *op, int n,
                                       const tg_tensor *x, const void *attr) {
    uint32_t in[FEW];
    tg_array arrays[FEW];
    return apply_any(tape, where, op, n, x, attr, in, arrays);
}

static TG_NOINLINE tg_tensor apply_many(tg_tape *tape, const char *where, const struct tg_op *op, int n,
                                        const tg_tensor *x, const void *attr) {
    tg_tensor result = tg_invalid(tape);
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    uint32_t *in = tg_arena_alloc(&tape->scratch, (size_t)n * sizeof *in, 64);
    tg_array *arrays = tg_arena_alloc(&tape->scratch, (size_t)n * sizeof *arrays, 64);
    if (in && arrays)
        result = apply_any(tape, where, op, n, x, attr, in, arrays);
    else
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "%s: out of memory for %d inputs", op->name, n);
    tg_arena_rewind(&tape->scratch, before);
    return result;
}

/* Whether this is a complete elementwise operation without rules of its own, so that on scalars its kernel is
 * all there is to do. */
static TG_INLINE bool is_plain(const tg_tape *tape, const struct tg_op *op, int n) {
    return op->kind == TG_MAP && !op->infer && (n == op->n_inputs || op->n_inputs < 0) && n > 0 && n <= FEW &&
           op->backward && op->map_f32 && op->map_f64 && op->name && !tape->nan_check && tape->values_on;
}

/* The node of a number; TG_NO_NODE where x is none, or memory is out. */
static TG_NOINLINE uint32_t node_of_number(tg_tape *tape, const char *where, tg_tensor x) {
    return tg_is_num(x) ? tg_number_node(tape, where, tg_item(x), tape->dtype) : TG_NO_NODE;
}

/* A plain operation on scalars: no shapes, no arrays, hardly any memory but the node. A zeroed handle where
 * it is not so simple; nothing is recorded then. The handle is returned in registers: one that is written to
 * memory in parts and read back whole stalls whatever is recorded next. */
static TG_INLINE tg_tensor apply_scalars(tg_tape *tape, const char *where, const struct tg_op *op, int n,
                                         const tg_tensor *x, const void *attr) {
    uint32_t in[FEW];
    const void *from[FEW];
    uint8_t flags = 0;
    if (op->attr_size && !attr) return (tg_tensor){0};
    _Pragma("GCC unroll 2") for (int i = 0; i < n; i++) {
        in[i] = x[i].node;
        if (TG_UNLIKELY(x[i].tape != tape || !tg_is_living((tg_tensor){tape, x[i].node, x[i].epoch}))) {
            in[i] = node_of_number(tape, where, x[i]);
            if (in[i] == TG_NO_NODE) return (tg_tensor){0};
        }
        const tg_node *node = tg_node_at(tape, in[i]);
        if (node->rank != 0 || node->dtype != (uint8_t)tape->dtype) return (tg_tensor){0};
        flags |= node->flags;
        from[i] = node->data;
    }
    if (TG_UNLIKELY(flags & TG_NODE_NO_VALUES)) return (tg_tensor){0};
    const uint32_t i = tape->n_nodes;
    tg_node *node = tg_node_new(tape, where, op, tape->dtype, 0);
    if (TG_UNLIKELY(!node)) return tg_invalid(tape);
    if (op->attr_size || n > 2) {
        const tg_arena_position before = tg_arena_here(&tape->arena);
        if (!keep_attr_and_inputs(tape, where, op, n, attr, node)) {
            tg_node_drop(tape);
            tg_arena_rewind(&tape->arena, before);
            return tg_invalid(tape);
        }
    }
    tg_map_kernel *kernel = tg_number_kernel(tape->dtype, op->arithmetic, n);
    if (!kernel) kernel = tape->dtype == TG_F32 ? op->map_f32 : op->map_f64;
    kernel(1, &node->here, from, attr);
    record(tape, node, n, in, flags);
    return (tg_tensor){tape, i, (uint32_t)node->epoch};
}

/* For more than two inputs: the loops over them would take registers from the others'. */
static TG_NOINLINE tg_tensor apply_more_scalars(tg_tape *tape, const char *where, const struct tg_op *op,
                                                int n, const tg_tensor *x, const void *attr) {
    return apply_scalars(tape, where, op, n, x, attr);
}

tg_tensor tg_apply_at(const char *where, const struct tg_op *op, int n, const tg_tensor *x,
                      const void *attr) {
    tg_tape *tape = NULL;
    for (int i = 0; i < n && !tape; i++)
        if (!tg_is_num(x[i])) tape = x[i].tape;
    if (TG_UNLIKELY(!tape)) return (tg_tensor){0};
    if (tape->place) where = tape->place;
    if (TG_UNLIKELY(!op)) {
        tg_tape_fail(tape, TG_ERR_OP, where, "apply: the operation is NULL");
        return tg_invalid(tape);
    }
    if (TG_UNLIKELY(tape->rewriting)) {
        const tg_tensor rewritten = tg_rewrite(tape, where, op, n, x, attr);
        if (rewritten.tape) return rewritten;
    }
    if (is_plain(tape, op, n)) { /* n as a constant, so that the compiler unrolls the loops over inputs */
        const tg_tensor y = n == 2   ? apply_scalars(tape, where, op, 2, x, attr)
                            : n == 1 ? apply_scalars(tape, where, op, 1, x, attr)
                                     : apply_more_scalars(tape, where, op, n, x, attr);
        if (TG_LIKELY(y.tape != NULL)) return y;
    }
    return n <= FEW ? apply_few(tape, where, op, n, x, attr) : apply_many(tape, where, op, n, x, attr);
}

/* --- what was deferred ---------------------------------------------------------------------------------- */

bool tg_node_compute(tg_tape *tape, uint32_t i) {
    tg_node *node = tg_node_at(tape, i);
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    tg_array *in = tg_arena_alloc(&tape->scratch, node->n_in * sizeof *in, 64);
    tg_call call = {.op = node->op,
                    .tape = tape,
                    .where = node->place,
                    .n_in = (int)node->n_in,
                    .in = in,
                    .attr = node->op->attr_size ? node->extra.attr : NULL,
                    .out_dtype = (tg_dtype)node->dtype};
    const tg_array shaped = tg_node_array(node);
    call.out_shape = tg_array_shape(&shaped);
    if (!have_values(tape, call.n_in, tg_node_inputs(node))) return true; /* nor will it have any */
    node->flags &= (uint8_t) ~(TG_NODE_VIEW | TG_NODE_NO_VALUES);
    bool good = in != NULL;
    if (!good) tg_fail(&call, TG_ERR_MEMORY, "out of memory for %d inputs", call.n_in);
    for (uint32_t k = 0; good && k < node->n_in; k++)
        in[k] = tg_node_array(tg_node_at(tape, tg_node_inputs(node)[k]));
    if (node->op->kind == TG_VIEW)
        node->data = node->rank ? NULL : &node->here;
    else
        good = good && tg_node_allocate(tape, node->place, node, call.out_shape, true);
    good = good && compute(&call, node);
    tg_arena_rewind(&tape->scratch, before);
    return good;
}
