/* op_check_outcomes.c: the same application in two ways must give the same: f32 and f64, strides, plans,
 * threads.
 *
 * Owns: the checks that compare outcomes, and the comparison. Knows nothing of how a trial is run. */
#include "core/threads.h"
#include "graph/op_checks.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

static const tg_circumstances usual = {.dtype = TG_F64};

/* --- messages and comparisons --------------------------------------------------------------------------- */

static bool note(tg_op_checker *c, tg_op_check_state state, const char *format, va_list values) {
    if (c->line->message[0]) return false;
    vsnprintf(c->line->message, sizeof c->line->message, format, values);
    c->line->state = state;
    return false;
}

bool tg_op_fails(tg_op_checker *c, const char *format, ...) {
    va_list values;
    va_start(values, format);
    note(c, TG_OP_CHECK_FAILED, format, values);
    va_end(values);
    return false;
}

bool tg_op_skips(tg_op_checker *c, const char *format, ...) {
    va_list values;
    va_start(values, format);
    note(c, TG_OP_CHECK_SKIPPED, format, values);
    va_end(values);
    return false;
}

const char *tg_op_index(tg_shape shape, int64_t i, char text[TG_SHAPE_TEXT]) {
    tg_shape index = {.rank = shape.rank};
    for (int axis = shape.rank; axis-- > 0; i /= shape.dim[axis]) index.dim[axis] = i % shape.dim[axis];
    return tg_shape_format(index, TG_SHAPE_TEXT, text);
}

static bool is_equal(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

bool tg_op_agree(tg_op_checker *c, const char *what, const char *of, tg_shape shape, tg_dtype dtype,
                 double factor, const double *got, const double *expected) {
    const int64_t n = tg_shape_size(shape);
    const double error = factor * c->error * (dtype == TG_F32 ? (double)FLT_EPSILON : DBL_EPSILON);
    char text[TG_SHAPE_TEXT];
    for (int64_t i = 0; i < n; i++) {
        c->line->tried++;
        if (is_equal(got[i], expected[i])) continue;
        const double difference = fabs(got[i] - expected[i]);
        if (isfinite(expected[i]) && difference <= error * fmax(1, fabs(expected[i]))) continue;
        return tg_op_fails(c, "%s: %s %s is %.9g and must be %.9g", what, of, tg_op_index(shape, i, text),
                           got[i], expected[i]);
    }
    return true;
}

bool tg_op_agree_all(tg_op_checker *c, const char *what, tg_dtype dtype, bool exactly, const tg_trial *t,
                     const tg_outcome *got, const tg_outcome *expected) {
    char text[2][TG_SHAPE_TEXT], of[40];
    if (got->status) return tg_op_fails(c, "%s: %s", what, got->error);
    if (expected->status) return tg_op_fails(c, "%s: %s", what, expected->error);
    if (!tg_shape_equal(got->shape, expected->shape))
        return tg_op_fails(c, "%s: the result is %s and must be %s", what,
                           tg_shape_format(got->shape, sizeof text[0], text[0]),
                           tg_shape_format(expected->shape, sizeof text[1], text[1]));
    const double factor = exactly ? 0 : 1;
    if (!tg_op_agree(c, what, "element", got->shape, dtype, factor, got->y, expected->y)) return false;
    for (int k = 0; k < t->n; k++) {
        if (!got->dx[k] || !expected->dx[k]) continue;
        snprintf(of, sizeof of, "the gradient of input %d at", k);
        if (!tg_op_agree(c, what, of, t->in[k].shape, dtype, 8 * factor, got->dx[k], expected->dx[k]))
            return false;
    }
    return true;
}

/* Both runs of a trial, compared. */
static bool compare_runs(tg_op_checker *c, const char *what, bool exactly, const tg_trial *t,
                         tg_circumstances a, const tg_trial *u, tg_circumstances b) {
    tg_outcome got, expected;
    if (!tg_trial_run(t, a, &got) || !tg_trial_run(u, b, &expected)) return false;
    tg_op_agree_all(c, what, a.dtype == TG_F32 || b.dtype == TG_F32 ? TG_F32 : TG_F64, exactly, t, &got,
                    &expected);
    return true;
}

/* --- the result ----------------------------------------------------------------------------------------- */

static bool is_finite(tg_op_checker *c, const char *of, tg_shape shape, const double *values) {
    char text[TG_SHAPE_TEXT];
    for (int64_t i = 0, n = tg_shape_size(shape); i < n; i++) {
        c->line->tried++;
        if (!isfinite(values[i]))
            return tg_op_fails(c, "%s %s is %g, with values of %g to %g as input 0", of,
                               tg_op_index(shape, i, text), values[i], c->trial.in[0].low,
                               c->trial.in[0].high);
    }
    return true;
}

bool tg_op_check_result(tg_op_checker *c) {
    const tg_trial *t = &c->trial;
    char of[40];
    if (!tg_trial_run(t, usual, &c->base)) return false;
    const tg_outcome *o = &c->base;
    if (o->status) return tg_op_fails(c, "%s", o->error), true;
    if (tg_trial_has_empty_input(t)) return true; /* what follows from nothing may be infinite */
    bool good = is_finite(c, "element", o->shape, o->y);
    for (int k = 0; good && k < t->n; k++) {
        snprintf(of, sizeof of, "the gradient of input %d at", k);
        if (o->dx[k]) good = is_finite(c, of, t->in[k].shape, o->dx[k]);
    }
    return true;
}

bool tg_op_check_precision(tg_op_checker *c) {
    return compare_runs(c, "on an f32 tape", false, &c->trial, (tg_circumstances){.dtype = TG_F32}, &c->trial,
                        usual);
}

/* --- shapes and strides --------------------------------------------------------------------------------- */

/* Copies what lies at index 0 of the first axis longer than 1 along that axis, for a view with stride 0. */
static bool flatten(const tg_trial *t, tg_trial *flat) {
    *flat = *t;
    if (!tg_trial_draw(flat)) return false;
    for (int k = 0; k < t->n; k++) {
        const tg_trial_input *in = &flat->in[k];
        int64_t inner = in->n;
        int axis = 0;
        for (; axis < in->shape.rank && in->shape.dim[axis] <= 1; axis++) continue;
        for (int i = 0; i <= axis && i < in->shape.rank && in->n; i++) inner /= in->shape.dim[i];
        for (int64_t i = 0; i < in->n; i++)
            in->values[i] = axis < in->shape.rank ? t->in[k].values[i % inner] : t->in[k].values[i];
    }
    return true;
}

bool tg_op_check_strides(tg_op_checker *c) {
    static const char *const names[] = {NULL, "transposed inputs", "sliced inputs", "expanded inputs"};
    tg_trial flat;
    if (!flatten(&c->trial, &flat)) return false;
    for (int layout = TG_LAYOUT_TRANSPOSED; layout < TG_N_LAYOUTS; layout++) {
        const tg_trial *t = layout == TG_LAYOUT_EXPANDED ? &flat : &c->trial;
        for (int f64 = 0; f64 < 2; f64++) {
            const tg_dtype dtype = f64 ? TG_F64 : TG_F32;
            const tg_circumstances strided = {.dtype = dtype, .layout = (tg_layout)layout};
            if (!compare_runs(c, names[layout], false, t, strided, t, (tg_circumstances){.dtype = dtype}))
                return false;
        }
    }
    return true;
}

static bool is_backward(const tg_outcome *o) { return strstr(o->error, "(in the backward of") != NULL; }

/* The operation may refuse other shapes, in so many words and not in its backward. */
static bool accept_or_refuse(tg_op_checker *c, const char *what, tg_trial *t) {
    tg_outcome o;
    if (!tg_trial_draw(t) || !tg_trial_run(t, usual, &o)) return false;
    c->line->tried++;
    if (o.status == TG_ERR_OP || is_backward(&o)) tg_op_fails(c, "%s: %s", what, o.error);
    return true;
}

bool tg_op_check_empty(tg_op_checker *c) {
    for (int k = 0; k < c->trial.n; k++) {
        for (int axis = 0; axis < c->trial.in[k].shape.rank; axis++) {
            const int64_t length = c->trial.in[k].shape.dim[axis];
            tg_trial t = c->trial; /* wherever that length stands, so that inner dimensions still agree */
            for (int j = 0; j < t.n; j++)
                for (int i = 0; i < t.in[j].shape.rank; i++)
                    if (t.in[j].shape.dim[i] == length) t.in[j].shape.dim[i] = 0;
            char what[60];
            snprintf(what, sizeof what, "dimensions of %lld made 0", (long long)length);
            if (!accept_or_refuse(c, what, &t)) return false;
        }
    }
    if (c->line->tried == 0) tg_op_skips(c, "the inputs have no dimensions");
    return true;
}

bool tg_op_check_scalar(tg_op_checker *c) {
    tg_trial t = c->trial;
    for (int k = 0; k < t.n; k++) t.in[k].shape.rank = 0;
    return accept_or_refuse(c, "inputs of rank 0", &t);
}

/* --- broadcasting --------------------------------------------------------------------------------------- */

/* The element of a smaller shape under element i of a larger one. */
static int64_t element_under(tg_shape smaller, tg_shape larger, int64_t i) {
    int64_t at = 0, stride = 1;
    for (int axis = larger.rank - 1, k = smaller.rank - 1; k >= 0; axis--, k--) {
        if (smaller.dim[k] != 1) at += i % larger.dim[axis] * stride;
        i /= larger.dim[axis];
        stride *= smaller.dim[k];
    }
    return at;
}

/* Input k in a smaller shape, against the same values written out. */
static bool compare_broadcast(tg_op_checker *c, int k, tg_shape smaller) {
    tg_trial small = c->trial, written = c->trial;
    tg_outcome got, expected;
    char what[TG_SHAPE_TEXT + 40], text[TG_SHAPE_TEXT], of[60];
    small.in[k].shape = smaller;
    if (!tg_trial_draw(&small)) return false;
    for (int j = 0; j < small.n; j++)
        if (j != k) written.in[j] = small.in[j];
    tg_trial_input *in = &written.in[k];
    in->values = tg_arena_alloc(&c->trial.home->scratch, (size_t)in->n * sizeof(double), 64);
    double *sum = tg_arena_alloc(&c->trial.home->scratch, (size_t)small.in[k].n * sizeof(double), 64);
    if (!in->values || !sum) return false;
    for (int64_t i = 0; i < in->n; i++)
        in->values[i] = small.in[k].values[element_under(smaller, in->shape, i)];
    if (!tg_trial_run(&small, usual, &got) || !tg_trial_run(&written, usual, &expected)) return false;
    snprintf(what, sizeof what, "input %d as %s", k, tg_shape_format(smaller, sizeof text, text));
    if (got.status == TG_ERR_SHAPE && c->trial.op->infer && !is_backward(&got)) return true; /* refused */
    if (got.status == TG_OK && got.dx[k] && expected.dx[k]) {
        for (int64_t i = 0; i < small.in[k].n; i++) sum[i] = 0;
        for (int64_t i = 0; i < in->n; i++) sum[element_under(smaller, in->shape, i)] += expected.dx[k][i];
        snprintf(of, sizeof of, "the gradient of input %d at", k);
        if (tg_shape_equal(got.shape, expected.shape) &&
            !tg_op_agree(c, what, of, smaller, TG_F64, 8, got.dx[k], sum))
            return true;
        got.dx[k] = NULL;
    }
    tg_op_agree_all(c, what, TG_F64, false, &written, &got, &expected);
    return true;
}

bool tg_op_check_broadcast(tg_op_checker *c) {
    if (c->trial.op->kind != TG_MAP) return tg_op_skips(c, "the operation is not elementwise"), true;
    if (c->trial.n < 2) return tg_op_skips(c, "the operation has one input"), true;
    for (int k = 0; k < c->trial.n; k++) {
        const tg_shape shape = c->trial.in[k].shape;
        bool others = false; /* some other input must bring the axes that this one lacks */
        for (int j = 0; j < c->trial.n; j++)
            others |= j != k && tg_shape_equal(c->trial.in[j].shape, c->base.shape);
        if (!others || !tg_shape_equal(shape, c->base.shape)) continue;
        for (int axis = 0; axis < shape.rank; axis++) {
            tg_shape one = shape, shorter = {.rank = shape.rank - axis - 1};
            one.dim[axis] = 1;
            for (int i = 0; i < shorter.rank; i++) shorter.dim[i] = shape.dim[i + axis + 1];
            if (!compare_broadcast(c, k, one) || !compare_broadcast(c, k, shorter)) return false;
        }
    }
    if (c->line->tried == 0) tg_op_skips(c, "no input has the result's shape and axes to broadcast");
    return true;
}

bool tg_op_check_neutral(tg_op_checker *c) {
    const struct tg_op *op = c->trial.op;
    if (op->kind != TG_MAP || !op->neutral_inputs) return tg_op_skips(c, "none is declared"), true;
    for (int k = 0; k < 2 && c->trial.n == 2; k++) {
        tg_trial t = c->trial;
        tg_outcome o;
        if (!(op->neutral_inputs >> k & 1) || !tg_shape_equal(t.in[1 - k].shape, c->base.shape)) continue;
        if (!tg_trial_draw(&t)) return false;
        for (int64_t i = 0; i < t.in[k].n; i++) t.in[k].values[i] = op->neutral;
        if (!tg_trial_run(&t, usual, &o)) return false;
        if (o.status) return tg_op_fails(c, "%s", o.error), true;
        tg_op_agree(c, k ? "neutral input 1" : "neutral input 0", "element", o.shape, TG_F64, 0, o.y,
                    t.in[1 - k].values);
    }
    if (c->line->tried == 0) tg_op_skips(c, "no input has the result's shape");
    return true;
}

/* --- gradients that are wanted -------------------------------------------------------------------------- */

bool tg_op_check_wanted(tg_op_checker *c) {
    const tg_trial *t = &c->trial;
    int inputs = 0, as_many = 0;
    if (!c->base.differentiable) return tg_op_skips(c, "the result has no gradient"), true;
    for (int k = 0; k < t->n; k++) inputs += c->base.dx[k] != NULL;
    if (inputs < 2) return tg_op_skips(c, "there is only one gradient to want"), true;
    for (int k = 0; k < t->n; k++) {
        if (!c->base.dx[k]) continue;
        tg_outcome alone;
        char what[60];
        snprintf(what, sizeof what, "wanted alone, input %d", k);
        if (!tg_trial_run(t, (tg_circumstances){.dtype = TG_F64, .wanted = 1U << k}, &alone)) return false;
        tg_op_agree_all(c, what, TG_F64, false, t, &alone, &c->base);
        as_many += alone.nodes >= c->base.nodes;
    }
    if (as_many == inputs && c->base.nodes > 1)
        tg_op_fails(c, "backward records %lld operations for one gradient as for all %d",
                    (long long)c->base.nodes, inputs);
    return true;
}

/* --- again, with threads, in a plan --------------------------------------------------------------------- */

bool tg_op_check_repeat(tg_op_checker *c) {
    return compare_runs(c, "a second time", true, &c->trial, usual, &c->trial, usual) &&
           compare_runs(c, "a second time, f32", true, &c->trial, (tg_circumstances){.dtype = TG_F32},
                        &c->trial, (tg_circumstances){.dtype = TG_F32});
}

/* The product of the different lengths of all inputs' axes: no result is larger, if each axis of it is one of
 * theirs, nor does a contraction take more steps. */
static double extent(const tg_trial *t) {
    int64_t lengths[TG_OP_CHECK_INPUTS * TG_MAX_RANK + 1];
    int n = 0;
    double product = 1;
    for (int k = 0; k < t->n; k++)
        for (int i = 0; i < t->in[k].shape.rank; i++) {
            if (t->in[k].shape.dim[i] == 0) continue;
            const int64_t length = lengths[n] = t->in[k].shape.dim[i];
            int at = 0;
            while (lengths[at] != length) at++;
            if (at == n) product *= (double)length, n++;
        }
    return product;
}

static void scale(const tg_trial *t, int64_t factor, tg_trial *large) {
    for (int k = 0; k < t->n; k++)
        for (int i = 0; i < t->in[k].shape.rank; i++) {
            const int64_t length = t->in[k].shape.dim[i];
            large->in[k].shape.dim[i] = length > 1 ? length * factor : length;
        }
}

bool tg_op_enlarge(const tg_op_checker *c, int64_t size, tg_trial *large) {
    *large = c->trial;
    double most = 0;
    for (int64_t factor = 2; most < (double)size && factor < 2 * size; factor++) {
        most = 0;
        scale(&c->trial, factor, large);
        for (int k = 0; k < large->n; k++) most = fmax(most, (double)tg_shape_size(large->in[k].shape));
        double result = 1;
        for (int i = 0; i < c->base.shape.rank; i++)
            result *= (double)(c->base.shape.dim[i] > 1 ? c->base.shape.dim[i] * factor : 1);
        if (extent(large) > 32 * (double)size || result > 4 * (double)size) break;
    }
    tg_outcome o;
    return most > 0 && tg_trial_draw(large) &&
           tg_trial_run(large, (tg_circumstances){.dtype = TG_F64, .values = true}, &o) && o.status == TG_OK;
}

bool tg_op_check_threads(tg_op_checker *c) {
    tg_trial large;
    if (!tg_op_enlarge(c, 40000, &large)) {
        if (c->trial.home->status) return false;
        return tg_op_skips(c, "the operation refuses larger inputs of these proportions"), true;
    }
    tg_outcome one, two;
    const int before = tg_thread_limit(1);
    bool good = tg_trial_run(&large, usual, &one);
    tg_thread_limit(2);
    good = good && tg_trial_run(&large, usual, &two);
    tg_thread_limit(before);
    if (good) tg_op_agree_all(c, "with 2 threads", TG_F64, true, &large, &two, &one);
    return good;
}

bool tg_op_check_plan(tg_op_checker *c) {
    for (int f64 = 0; f64 < 2; f64++) {
        const tg_dtype dtype = f64 ? TG_F64 : TG_F32;
        if (!compare_runs(c, f64 ? "in a plan" : "in a plan, f32", false, &c->trial,
                          (tg_circumstances){.dtype = dtype, .plan = true}, &c->trial,
                          (tg_circumstances){.dtype = dtype}))
            return false;
    }
    return true;
}
