/* op_check_memory.c: an operation writes its output and nothing else, and survives when memory is out.
 *
 * Owns: guards around what kernels and forward write to, and the allocator that fails. */
#include <string.h>

#include "core/number_kernels.h"
#include "core/reduce_driver.h"
#include "graph/op_checks.h"

enum { GUARD = 256, RUN = 300, LONGEST = 70 };

/* --- guards --------------------------------------------------------------------------------------------- */

/* Memory for n elements between two guards. */
typedef struct guarded {
    unsigned char *before, *here;
    size_t bytes;
} guarded;

static bool guard(tg_op_checker *c, int64_t n, tg_dtype dtype, guarded *g) {
    g->bytes = (size_t)n * tg_dtype_size(dtype);
    g->before = tg_arena_alloc(&c->trial.home->scratch, g->bytes + 2 * GUARD, 64);
    if (!g->before) return false;
    g->here = g->before + GUARD;
    memset(g->before, 0xA5, g->bytes + 2 * GUARD);
    return true;
}

static bool is_whole(const unsigned char *guard_) {
    for (int i = 0; i < GUARD; i++)
        if (guard_[i] != 0xA5) return false;
    return true;
}

/* Whether nothing was written around the first `bytes` of it; fails the line where something was. */
static bool is_guarded(tg_op_checker *c, const char *what, const guarded *g, size_t bytes) {
    c->line->tried++;
    if (!is_whole(g->before)) return tg_op_fails(c, "%s: writes in front of the output", what);
    if (!is_whole(g->here + bytes)) return tg_op_fails(c, "%s: writes behind the output", what);
    return true;
}

/* --- elementwise kernels -------------------------------------------------------------------------------- */

typedef struct kernel_run {
    tg_map_kernel *kernel;
    int n;
    guarded in[TG_OP_CHECK_INPUTS]; /* RUN elements each */
    size_t size[TG_OP_CHECK_INPUTS], out_size;
    tg_dtype dtype, in_dtype[TG_OP_CHECK_INPUTS], out_dtype; /* the tape's, ... */
    const void *attr;
} kernel_run;

static void run_kernel(const kernel_run *r, int64_t from, int64_t n, void *out) {
    const void *in[TG_OP_CHECK_INPUTS];
    for (int k = 0; k < r->n; k++) in[k] = r->in[k].here + (size_t)from * r->size[k];
    r->kernel(n, out, in, r->attr);
}

/* Runs of every short length, from every place in a vector, give what one long run gave. */
static bool compare_lengths(tg_op_checker *c, const kernel_run *r, const unsigned char *whole) {
    guarded out;
    char what[60];
    if (!guard(c, LONGEST, TG_F64, &out)) return false;
    for (int64_t n = 0; n <= LONGEST; n++) {
        const int64_t from = n % 7;
        const size_t bytes = (size_t)n * r->out_size;
        memset(out.here, 0xA5, out.bytes);
        run_kernel(r, from, n, out.here);
        snprintf(what, sizeof what, "a run of %lld elements", (long long)n);
        if (!is_guarded(c, what, &out, bytes)) return true;
        if (memcmp(out.here, whole + (size_t)from * r->out_size, bytes) != 0)
            return tg_op_fails(c, "%s gives other bits than one of %d", what, RUN), true;
    }
    return true;
}

/* Output over input k, where the sizes allow it. */
static bool compare_in_place(tg_op_checker *c, const kernel_run *r, int k, const unsigned char *whole) {
    kernel_run in_place = *r;
    if (!guard(c, RUN, TG_F64, &in_place.in[k])) return false;
    memcpy(in_place.in[k].here, r->in[k].here, RUN * r->size[k]);
    run_kernel(&in_place, 0, RUN, in_place.in[k].here);
    c->line->tried++;
    if (memcmp(in_place.in[k].here, whole, RUN * r->out_size) != 0)
        tg_op_fails(c, "written over input %d it gives other bits", k);
    return true;
}

/* Calls `check` with a run of RUN elements and its result; false when memory is out. */
static bool with_kernel(tg_op_checker *c, tg_dtype dtype,
                        bool (*check)(tg_op_checker *c, const kernel_run *r, const guarded *whole)) {
    const tg_trial *t = &c->trial;
    tg_tensor x[TG_OP_CHECK_INPUTS];
    tg_array arrays[TG_OP_CHECK_INPUTS];
    kernel_run r = {.n = t->n, .attr = t->attr, .dtype = dtype};
    tg_tape *tape = tg_tape_new(dtype);
    if (!tape) return false;
    const tg_tensor y = tg_trial_apply(t, TG_LAYOUT_PLAIN, tape, x);
    bool good = tg_is_valid(y);
    r.out_dtype = good ? (tg_dtype)tg_node_at(tape, y.node)->dtype : dtype;
    r.out_size = tg_dtype_size(r.out_dtype);
    for (int k = 0; good && k < t->n; k++) {
        arrays[k] = tg_node_array(tg_node_at(tape, x[k].node));
        r.in_dtype[k] = arrays[k].dtype;
        r.size[k] = tg_dtype_size(arrays[k].dtype);
        good = guard(c, RUN, arrays[k].dtype, &r.in[k]);
        for (int64_t i = 0; good && i < RUN && t->in[k].n; i++)
            memcpy(r.in[k].here + (size_t)i * r.size[k],
                   (const char *)arrays[k].data + (size_t)(i % t->in[k].n) * r.size[k], r.size[k]);
    }
    guarded whole;
    good = good && guard(c, RUN, TG_F64, &whole);
    if (good) {
        r.kernel = tg_map_kernel_for(tape, t->op, t->n, arrays);
        run_kernel(&r, 0, RUN, whole.here);
        good = check(c, &r, &whole);
    }
    tg_tape_free(tape);
    return good;
}

static bool check_run(tg_op_checker *c, const kernel_run *r, const guarded *whole) {
    if (!is_guarded(c, "a run of 300 elements", whole, RUN * r->out_size)) return true;
    bool good = compare_lengths(c, r, whole->here);
    for (int k = 0; good && k < r->n; k++)
        if (r->in_dtype[k] == r->out_dtype) good = compare_in_place(c, r, k, whole->here);
    return good;
}

/* Each element of the run against the arithmetic on numbers that may take the kernel's place. */
static bool check_arithmetic(tg_op_checker *c, const kernel_run *r, const guarded *whole) {
    const tg_arithmetic declared = c->trial.op->arithmetic;
    tg_map_kernel *number = tg_number_kernel(r->dtype, declared, r->n);
    bool values = r->out_dtype == r->dtype;
    for (int k = 0; k < r->n; k++) values &= r->in_dtype[k] == r->dtype;
    if (!values) return tg_op_skips(c, "these inputs or results are no values"), true;
    if (!number && !(declared == TG_ADD && r->n > 2))
        return tg_op_fails(c, "the arithmetic that is declared takes not %d inputs", r->n), true;
    for (int64_t i = 0; number && i < RUN; i++) {
        const void *in[TG_OP_CHECK_INPUTS];
        double y;
        for (int k = 0; k < r->n; k++) in[k] = r->in[k].here + (size_t)i * r->size[k];
        number(1, &y, in, r->attr);
        c->line->tried++;
        if (memcmp(&y, whole->here + (size_t)i * r->out_size, r->out_size) != 0)
            return tg_op_fails(c, "the kernel gives another result"), true;
    }
    return true;
}

bool tg_op_check_kernels(tg_op_checker *c) {
    if (c->trial.op->kind != TG_MAP) return tg_op_skips(c, "the operation is not elementwise"), true;
    if (tg_trial_has_empty_input(&c->trial)) return tg_op_skips(c, "an input is empty"), true;
    return with_kernel(c, TG_F32, check_run) && with_kernel(c, TG_F64, check_run);
}

bool tg_op_check_arithmetic(tg_op_checker *c) {
    const struct tg_op *op = c->trial.op;
    if (op->kind != TG_MAP || !op->arithmetic) return tg_op_skips(c, "none is declared"), true;
    if (tg_trial_has_empty_input(&c->trial)) return tg_op_skips(c, "an input is empty"), true;
    return with_kernel(c, TG_F32, check_arithmetic) && with_kernel(c, TG_F64, check_arithmetic);
}

/* --- forward, reductions, views ------------------------------------------------------------------------- */

/* A view must show elements of its input only. */
static void check_view(tg_op_checker *c, const tg_array *in, const tg_array *out) {
    const char *low = out->data, *high = out->data, *from = in->data;
    const int64_t size = (int64_t)tg_dtype_size(out->dtype);
    c->line->tried++;
    if (tg_array_size(out) == 0) return;
    for (int i = 0; i < out->rank; i++) {
        const int64_t far = (out->shape[i] - 1) * out->strides[i] * size;
        if (far < 0) low += far;
        if (far > 0) high += far;
    }
    if (low < from || high + size > from + tg_array_size(in) * size)
        tg_op_fails(c, "the view shows memory outside of its input");
}

/* Computes into guarded memory what the operation itself is handed. */
static bool compute_guarded(tg_op_checker *c, tg_tape *tape, const tg_array *in, const tg_array *out) {
    const struct tg_op *op = c->trial.op;
    guarded g;
    const int64_t n = tg_array_size(out);
    if (!guard(c, n, out->dtype, &g)) return false;
    tg_call call = {.op = op,
                    .tape = tape,
                    .where = "tg_op_check",
                    .n_in = c->trial.n,
                    .in = in,
                    .attr = c->trial.attr,
                    .out_shape = tg_array_shape(out),
                    .out_dtype = out->dtype,
                    .out = *out};
    call.out.data = g.here;
    if (op->kind == TG_REDUCE)
        tg_reduce_run(tape->dtype == TG_F32 ? op->reduce_f32 : op->reduce_f64, op->start,
                      ((const tg_reduction *)call.attr)->mask, in, &call.out);
    else if (op->forward && !op->forward(&call))
        return tg_op_fails(c, "forward fails the second time: %s", tg_tape_error(tape)), true;
    if (is_guarded(c, "forward", &g, g.bytes) && (op->kind == TG_REDUCE || op->forward) &&
        memcmp(g.here, out->data, g.bytes) != 0)
        tg_op_fails(c, "into other memory forward gives other bits");
    return true;
}

/* The inputs, which the trial also has as doubles. */
static bool check_inputs(tg_op_checker *c, const tg_tensor *x) {
    for (int k = 0; k < c->trial.n; k++, c->line->tried++) {
        const tg_trial_input *in = &c->trial.in[k];
        double *values = tg_arena_alloc(&c->trial.home->scratch, (size_t)in->n * sizeof *values, 64);
        if (!values || tg_read_f64_at("tg_op_check", x[k], in->n, values) != TG_OK) return false;
        if (in->n && memcmp(values, in->values, (size_t)in->n * sizeof *values) != 0)
            return tg_op_fails(c, "input %d is changed", k), true;
    }
    return true;
}

static bool check_writes(tg_op_checker *c, tg_tape *tape) {
    const tg_trial *t = &c->trial;
    tg_tensor x[TG_OP_CHECK_INPUTS];
    tg_array in[TG_OP_CHECK_INPUTS];
    const size_t attr_size = t->op->attr_size;
    void *attr = tg_arena_alloc(&t->home->scratch, attr_size, 64);
    if (!attr) return false;
    if (attr_size) memcpy(attr, t->attr, attr_size);
    const tg_tensor y = tg_trial_apply(t, TG_LAYOUT_PLAIN, tape, x);
    if (!tg_is_valid(y)) return tg_op_fails(c, "%s", tg_tape_error(tape)), true;
    if (!check_inputs(c, x)) return false;
    const tg_array out = tg_node_array(tg_node_at(tape, y.node));
    for (int k = 0; k < t->n; k++) in[k] = tg_node_array(tg_node_at(tape, x[k].node));
    if (tg_node_at(tape, y.node)->flags & TG_NODE_VIEW)
        check_view(c, &in[0], &out);
    else if (t->op->kind != TG_MAP && t->op->kind != TG_VIEW && !compute_guarded(c, tape, in, &out))
        return false;
    if (attr_size && memcmp(attr, t->attr, attr_size) != 0) tg_op_fails(c, "the attribute is changed");
    return true;
}

bool tg_op_check_bounds(tg_op_checker *c) {
    for (int f64 = 0; f64 < 2; f64++) {
        tg_tape *tape = tg_tape_new(f64 ? TG_F64 : TG_F32);
        const bool good = tape && check_writes(c, tape);
        tg_tape_free(tape);
        if (!good) return false;
    }
    return true;
}

/* --- memory that runs out ------------------------------------------------------------------------------- */

typedef struct failing {
    tg_allocator under;
    long calls, fail_at, failed, blocks;
} failing;

static void *failing_call(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    failing *f = context;
    if (new_bytes == 0) {
        f->blocks -= ptr != NULL;
        return f->under.call(f->under.context, ptr, old_bytes, 0);
    }
    if (f->calls++ == f->fail_at) {
        f->failed++;
        return NULL;
    }
    void *memory = f->under.call(f->under.context, ptr, old_bytes, new_bytes);
    f->blocks += memory != NULL;
    return memory;
}

bool tg_op_check_allocations(tg_op_checker *c) {
    tg_trial large; /* so large that results and scratch have allocations of their own */
    if (!tg_op_enlarge(c, 8000, &large)) large = c->trial;
    failing f = {.under = tg_allocator_default()};
    for (bool done = false; !done && !c->trial.home->status; f.fail_at++) {
        const tg_arena_position scratch = tg_arena_here(&c->trial.home->scratch);
        const tg_allocator allocator = {failing_call, &f};
        tg_outcome o;
        f.calls = f.failed = 0;
        if (!tg_trial_run(&large, (tg_circumstances){.dtype = TG_F64, .allocator = &allocator}, &o))
            return false;
        done = f.failed == 0;
        c->line->tried++;
        if (!done && o.status != TG_ERR_MEMORY)
            return tg_op_fails(c, "allocation %ld fails and the tape says: %s", f.fail_at,
                               o.status ? o.error : "all is well"),
                   true;
        if (f.blocks) return tg_op_fails(c, "when allocation %ld fails memory leaks", f.fail_at), true;
        tg_arena_rewind(&c->trial.home->scratch, scratch);
    }
    return !c->trial.home->status;
}
