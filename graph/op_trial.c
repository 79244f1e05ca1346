/* op_trial.c: applying an operation to drawn inputs, and reading out what it gave. Owns: see op_trial.h. */
#include "graph/op_trial.h"

#include "graph/branches.h"
#include "graph/plan.h"

#include <math.h>
#include <string.h>

static double *room(const tg_trial *t, int64_t n) {
    double *values = tg_arena_alloc(&t->home->scratch, (size_t)n * sizeof *values, 64);
    if (!values) tg_tape_fail(t->home, TG_ERR_MEMORY, "tg_op_check", "%s: out of memory", t->op->name);
    return values;
}

/* --- inputs --------------------------------------------------------------------------------------------- */

void tg_trial_weights(const tg_trial *t, int of, int64_t n, double *out) {
    tg_random_uniform(tg_key_split(t->key, 100 + (uint64_t)of), n, out);
    for (int64_t i = 0; i < n; i++) out[i] = (float)(out[i] < 0.5 ? 0.5 + 2 * out[i] : 0.5 - 2 * out[i]);
}

bool tg_trial_draw(tg_trial *t) {
    int64_t points = 0, used = 0;
    for (int k = 0; k < t->n; k++) {
        t->in[k].n = tg_shape_size(t->in[k].shape);
        if (!(t->in[k].values = room(t, t->in[k].n))) return false;
        if (t->in[k].dtype == TG_F32) points += t->in[k].n;
    }
    points += points % 2; /* the middle is between two points */
    const tg_arena_position here = tg_arena_here(&t->home->scratch);
    int64_t *order = tg_arena_alloc(&t->home->scratch, (size_t)points * sizeof *order, 64);
    if (!order) return tg_tape_fail(t->home, TG_ERR_MEMORY, "tg_op_check", "out of memory") == TG_OK;
    tg_random_permutation(tg_key_split(t->key, 0), points, order);
    for (int k = 0; k < t->n; k++) {
        tg_trial_input *in = &t->in[k];
        tg_random_uniform(tg_key_split(t->key, (uint64_t)k + 1), in->n, in->values);
        for (int64_t i = 0; i < in->n; i++) {
            const double u = in->values[i];
            if (in->dtype == TG_BOOL)
                in->values[i] = u < 0.5;
            else if (in->dtype == TG_I64)
                in->values[i] = floor(in->low + u * (in->high - in->low + 1));
            else
                in->values[i] = (float)(in->low + (in->high - in->low) / (double)points *
                                                      ((double)order[used++] + 0.5 + 0.2 * (u - 0.5)));
        }
    }
    tg_arena_rewind(&t->home->scratch, here);
    return true;
}

/* --- layouts: a view of a leaf with other strides ------------------------------------------------------- */

typedef struct laid_out_attr {
    tg_shape shape;
    int64_t strides[TG_MAX_RANK], offset;
} laid_out_attr;

static bool laid_out_infer(tg_call *c) {
    c->out_shape = ((const laid_out_attr *)c->attr)->shape;
    return true;
}
static bool laid_out_view(tg_call *c, int64_t *strides) {
    const laid_out_attr *attr = c->attr;
    for (int i = 0; i < attr->shape.rank; i++) strides[i] = attr->strides[i];
    c->out.data = (char *)c->in[0].data + attr->offset * (int64_t)tg_dtype_size(c->in[0].dtype);
    return true;
}
static const struct tg_op laid_out = {.name = "laid_out",
                                      .kind = TG_VIEW,
                                      .n_inputs = 1,
                                      .attr_size = sizeof(laid_out_attr),
                                      .infer = laid_out_infer,
                                      .view = laid_out_view,
                                      .backward = TG_NOT_DIFFERENTIABLE};

/* The strides of a layout, and the elements of memory that it takes. */
static int64_t lay_out(tg_shape shape, tg_layout layout, laid_out_attr *attr) {
    memset(attr, 0, sizeof *attr);
    attr->shape = shape;
    tg_strides_contiguous(shape, attr->strides);
    int64_t size = tg_shape_size(shape), run = 1;
    const int last = shape.rank - 1;
    for (int i = 0; layout == TG_LAYOUT_TRANSPOSED && i < shape.rank; run *= shape.dim[i++])
        attr->strides[i] = run;
    if (layout == TG_LAYOUT_SLICED && size > 0) {
        for (int i = 0; i < last; i++) attr->strides[i] *= 2;
        attr->strides[last] = -2;
        attr->offset = 2 * shape.dim[last] - 1;
        size *= 2;
    }
    for (int i = 0; layout == TG_LAYOUT_EXPANDED && i < shape.rank; i++)
        if (shape.dim[i] > 1) {
            attr->strides[i] = 0;
            break;
        }
    return size;
}

static tg_tensor leaf(tg_tape *tape, tg_dtype dtype, tg_shape shape, int64_t n, const double *from,
                      double *scratch) {
    static const char where[] = "tg_op_check";
    if (dtype == TG_I64) {
        for (int64_t i = 0; i < n; i++) ((int64_t *)scratch)[i] = (int64_t)(isnan(from[i]) ? 0 : from[i]);
        return tg_from_i64_at(where, tape, shape, n, (const int64_t *)scratch);
    }
    if (dtype == TG_BOOL) {
        for (int64_t i = 0; i < n; i++) ((bool *)scratch)[i] = from[i] != 0;
        return tg_from_bool_at(where, tape, shape, n, (const bool *)scratch);
    }
    return tg_from_f64_at(where, tape, shape, n, from);
}

/* Input k on the tape; scratch has room for twice its elements two times. */
static tg_tensor make_input(const tg_trial *t, int k, tg_layout layout, tg_tape *tape, double *scratch) {
    const tg_trial_input *in = &t->in[k];
    laid_out_attr attr;
    const int64_t size = lay_out(in->shape, in->shape.rank ? layout : TG_LAYOUT_PLAIN, &attr);
    double *stored = scratch + 2 * in->n;
    for (int64_t i = 0; i < size; i++) stored[i] = NAN; /* none of the operation's business */
    for (int64_t i = 0; i < in->n; i++) {
        int64_t at = attr.offset, rest = i;
        for (int axis = in->shape.rank; axis-- > 0; rest /= in->shape.dim[axis])
            at += rest % in->shape.dim[axis] * attr.strides[axis];
        stored[at] = in->values[i] + (t->moved == k && t->entry == i ? t->by : 0);
    }
    if (layout == TG_LAYOUT_PLAIN || in->shape.rank == 0)
        return leaf(tape, in->dtype, in->shape, size, stored, scratch);
    const tg_tensor memory = leaf(tape, in->dtype, TG_SHAPE(size), size, stored, scratch);
    return tg_apply_1("tg_op_check", &laid_out, memory, &attr);
}

tg_tensor tg_trial_apply(const tg_trial *t, tg_layout layout, tg_tape *tape, tg_tensor *x) {
    int64_t most = 1;
    for (int k = 0; k < t->n; k++)
        if (t->in[k].n > most) most = t->in[k].n;
    double *scratch = room(t, 4 * most);
    if (!scratch) return tg_invalid(tape);
    for (int k = 0; k < t->n; k++) x[k] = make_input(t, k, layout, tape, scratch);
    return tg_apply_at("tg_op_check", t->op, t->n, x, t->attr);
}

/* --- recording ------------------------------------------------------------------------------------------ */

typedef struct recording {
    const tg_trial *t;
    tg_circumstances c;
    tg_tape *tape;
    double *scratch;
    tg_tensor x[TG_OP_CHECK_INPUTS], y;
    tg_tensor w, xs[TG_OP_CHECK_INPUTS + 1], dx[TG_OP_CHECK_INPUTS]; /* of the n wanted inputs; then w */
    int n, which[TG_OP_CHECK_INPUTS];
} recording;

static tg_tensor weights(const recording *r, int of, tg_shape shape) {
    const int64_t n = tg_shape_size(shape);
    tg_trial_weights(r->t, of, n, r->scratch);
    if (of == r->t->n && r->t->moved == of) r->scratch[r->t->entry] += r->t->by;
    return tg_from_f64_at("tg_op_check", r->tape, shape, n, r->scratch);
}

static bool record(recording *r, tg_outcome *o) {
    const tg_trial *t = r->t;
    r->y = tg_trial_apply(t, r->c.layout, r->tape, r->x);
    if (!tg_is_valid(r->y)) return false;
    const tg_array array = tg_node_array(tg_node_at(r->tape, r->y.node));
    o->shape = tg_array_shape(&array);
    o->dtype = array.dtype;
    o->n = tg_array_size(&array);
    for (int k = 0; k < t->n; k++) {
        if (!tg_trial_has_gradient(t, k) || (r->c.wanted && !(r->c.wanted >> k & 1))) continue;
        r->which[r->n] = k;
        r->xs[r->n++] = r->x[k];
    }
    o->differentiable = t->op->backward != TG_NOT_DIFFERENTIABLE && tg_dtype_is_value(o->dtype) && r->n > 0;
    if (!o->differentiable || r->c.values) return true;
    if (!(r->scratch = room(t, o->n))) return false;
    r->xs[r->n] = r->w = weights(r, t->n, o->shape);
    const int64_t before = tg_tape_n_nodes(r->tape);
    const bool good = tg_gradients_from_at("tg_op_check", r->y, r->w, r->n, r->xs, r->dx) == TG_OK;
    o->nodes = tg_tape_n_nodes(r->tape) - before;
    return good && (!r->c.branches || tg_branches_hash("tg_op_check", r->y, 0, &o->branches));
}

static bool read_out(const recording *r, tg_tensor x, double **out) {
    const int64_t n = tg_size_at("tg_op_check", x);
    if (!tg_is_valid(x) || !(*out = room(r->t, n))) return false;
    return tg_read_f64_at("tg_op_check", x, n, *out) == TG_OK;
}

/* By the inputs and by w, summed over the gradients. */
static bool read_second(recording *r, tg_outcome *o) {
    tg_tensor ddx[TG_OP_CHECK_INPUTS + 1];
    for (int i = 0; i < r->n; i++) {
        const int64_t size = r->t->in[r->which[i]].n;
        if (!(r->scratch = room(r->t, size))) return false;
        const tg_tensor v = weights(r, r->which[i], r->t->in[r->which[i]].shape);
        if (tg_gradients_from_at("tg_op_check", r->dx[i], v, r->n + 1, r->xs, ddx) != TG_OK) return false;
        for (int k = 0; k <= r->n; k++) {
            double *part, **sum = &o->second[k < r->n ? r->which[k] : r->t->n];
            if (!read_out(r, ddx[k], &part)) return false;
            const int64_t n = k < r->n ? r->t->in[r->which[k]].n : o->n;
            for (int64_t j = 0; *sum && j < n; j++) part[j] += (*sum)[j];
            *sum = part;
        }
    }
    return true;
}

static bool run_plan(recording *r, bool gradients) {
    tg_tensor outputs[TG_OP_CHECK_INPUTS + 1] = {r->y};
    for (int i = 0; i < r->n; i++) outputs[i + 1] = r->dx[i];
    tg_plan *plan = tg_plan_new_at("tg_op_check", r->tape, gradients ? r->n + 1 : 1, outputs);
    bool good = plan != NULL;
    for (int turn = 0; good && turn < 2; turn++) good = tg_plan_run_at("tg_op_check", plan) == TG_OK;
    tg_plan_free(plan);
    return good;
}

static bool run(recording *r, tg_outcome *o) {
    if (!record(r, o)) return false;
    const bool gradients = o->differentiable && !r->c.values;
    if (r->c.plan && !run_plan(r, gradients)) return false;
    if (!read_out(r, r->y, &o->y)) return false;
    for (int i = 0; gradients && i < r->n; i++)
        if (!read_out(r, r->dx[i], &o->dx[r->which[i]])) return false;
    return !gradients || !r->c.second || read_second(r, o);
}

bool tg_trial_run(const tg_trial *t, tg_circumstances c, tg_outcome *o) {
    *o = (tg_outcome){0};
    recording r = {.t = t, .c = c};
    r.tape = c.allocator ? tg_tape_new_with(c.dtype, *c.allocator) : t->tapes[c.dtype == TG_F64];
    if (!r.tape) {
        o->status = TG_ERR_MEMORY;
        return true;
    }
    const tg_mark start = tg_tape_mark(r.tape);
    run(&r, o);
    o->status = r.tape->status;
    snprintf(o->error, sizeof o->error, "%s", r.tape->status ? tg_tape_error(r.tape) : "");
    if (c.allocator) {
        tg_tape_free(r.tape);
    } else {
        tg_tape_clear_error(r.tape);
        (void)tg_tape_rewind_at("tg_op_check", r.tape, start);
    }
    return t->home->status == TG_OK;
}
