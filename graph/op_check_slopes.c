/* op_check_slopes.c: first and second derivatives of an operation against finite differences.
 *
 * Owns: the two functions that are differentiated, <w, y> and the sum of <v, dx>, and which entry is moved.
 * Slopes come from ridders.c; a step over a kink is seen from the branches, and shortened. */
#include "graph/mistake.h"
#include "graph/op_checks.h"
#include "graph/ridders.h"

#include <math.h>

typedef struct curve {
    tg_op_checker *c;
    tg_trial trial; /* with the entry that moves */
    bool second;
    double *weights[TG_OP_CHECK_INPUTS + 1];
} curve;

/* <w, y>, or the sum of <v, dx>. */
static bool value_at(void *context, double offset, tg_sample *sample) {
    curve *f = context;
    const tg_arena_position scratch = tg_arena_here(&f->trial.home->scratch);
    const bool branches = f->trial.op->branch != NULL;
    const tg_circumstances circumstances = {
        .dtype = TG_F64, .values = !f->second && !branches, .branches = branches};
    tg_outcome o;
    f->trial.by = offset;
    if (!tg_trial_run(&f->trial, circumstances, &o)) return false;
    long double sum = 0;
    if (o.status) {
        tg_op_fails(f->c, "%s", o.error);
    } else if (f->second) {
        for (int k = 0; k < f->trial.n; k++)
            for (int64_t i = 0; o.dx[k] && i < f->trial.in[k].n; i++)
                sum += (long double)f->weights[k][i] * o.dx[k][i];
    } else {
        for (int64_t i = 0; i < o.n; i++) sum += (long double)f->weights[f->trial.n][i] * o.y[i];
    }
    *sample = (tg_sample){offset, (double)sum, branches ? o.branches : 0};
    tg_arena_rewind(&f->trial.home->scratch, scratch);
    return o.status == TG_OK;
}

/* A step that leaves most other points of the grid where they are. */
static double first_step(const tg_trial *t, int k) {
    int64_t points = 1;
    for (int j = 0; j < t->n; j++)
        if (tg_trial_has_gradient(t, j)) points += t->in[j].n;
    return k == t->n ? 0.02 : fmin(0.02, 0.2 * (t->in[k].high - t->in[k].low) / (double)points);
}

/* The slope along the entry that moves; the step is shortened until no branch changes. *left: none is short
 * enough. */
static bool slope_of(curve *f, double step, tg_slope *slope, bool *left) {
    tg_line_at line = {.line = value_at, .context = f, .relative = 1e-7, .absolute = 1e-8};
    if (!value_at(f, 0, &line.base)) return false;
    for (int attempt = 0; attempt < 4; attempt++, step /= 16) {
        *left = false;
        if (!tg_ridders(&line, TG_BOTH_SIDES, step, slope, left)) return false;
        if (!*left) break;
    }
    return true;
}

/* What a wrong gradient looks like, as a sentence; "" where it is like nothing in particular. */
static const char *name_mistake(curve *f, int k, tg_shape shape, const double *wrong, tg_mistake *mistake) {
    tg_arena *scratch = &f->trial.home->scratch;
    const int64_t n = tg_shape_size(shape);
    double *right = tg_arena_alloc(scratch, (size_t)n * sizeof *right, 64);
    double *error = tg_arena_alloc(scratch, (size_t)n * sizeof *error, 64);
    *mistake = (tg_mistake){0};
    if (!right || !error) return "";
    for (int64_t i = 0; i < n; i++) {
        tg_slope slope;
        bool left;
        f->trial.entry = i;
        if (!slope_of(f, first_step(&f->trial, k), &slope, &left)) return "";
        right[i] = slope.value;
        error[i] = slope.error;
    }
    tg_mistake_find(&(tg_mistake_evidence){.shape = shape, .wrong = wrong, .right = right, .error = error},
                    mistake);
    return mistake->text;
}

/* Compares the derivatives of f by the entries of input k (n: the cotangent). True when the line may go on.
 */
static bool compare_slopes(curve *f, int k, tg_shape shape, const double *derivatives) {
    tg_op_checker *c = f->c;
    char text[TG_SHAPE_TEXT], of[40] = "by the cotangent";
    if (k < f->trial.n) snprintf(of, sizeof of, "%s input %d", f->second ? "by" : "of", k);
    f->trial.moved = k;
    for (int64_t i = 0, n = tg_shape_size(shape); i < n; i++) {
        tg_slope slope;
        bool left;
        f->trial.entry = i;
        if (!slope_of(f, first_step(&f->trial, k), &slope, &left)) return false;
        if (left && f->trial.op->branch) continue; /* it is at a kink: any slope between is right */
        c->line->tried++;
        const double scale = fmax(1, fabs(slope.value));
        if (!(slope.error < 1e-5 * scale))
            return tg_op_fails(c,
                               "%s at %s: differences do not converge, %.6g +- %.1g; is there a kink, and no "
                               "branch, or an end of the domain?",
                               of, tg_op_index(shape, i, text), slope.value, slope.error);
        if (fabs(derivatives[i] - slope.value) <= 1e-8 * scale + 4 * slope.error) continue;
        tg_mistake mistake;
        const char *name = f->second ? "" : name_mistake(f, k, shape, derivatives, &mistake);
        return tg_op_fails(c, "%s at %s: backward gives %.9g, differences %.9g%s%s", of,
                           tg_op_index(shape, i, text), derivatives[i], slope.value, name[0] ? "; " : "",
                           name);
    }
    return true;
}

static bool check(tg_op_checker *c, bool second) {
    const tg_trial *t = &c->trial;
    if (t->op->backward == TG_NOT_DIFFERENTIABLE)
        return tg_op_skips(c, "the operation says TG_NOT_DIFFERENTIABLE"), true;
    if (!c->base.differentiable) return tg_op_skips(c, "the result has no gradient"), true;
    tg_outcome o;
    const tg_circumstances circumstances = {
        .dtype = TG_F64, .second = second, .branches = t->op->branch != NULL};
    if (!tg_trial_run(t, circumstances, &o)) return false;
    if (o.status) return tg_op_fails(c, "%s", o.error), true;
    c->base.branches = o.branches;
    curve f = {.c = c, .trial = *t, .second = second};
    for (int k = 0; k <= t->n; k++) {
        const int64_t n = k < t->n ? t->in[k].n : o.n;
        f.weights[k] = tg_arena_alloc(&t->home->scratch, (size_t)n * sizeof(double), 64);
        if (!f.weights[k]) return false;
        tg_trial_weights(t, k, n, f.weights[k]);
    }
    for (int k = 0; k <= t->n; k++) {
        const double *derivatives = second ? o.second[k] : k < t->n ? o.dx[k] : NULL;
        if (derivatives && !compare_slopes(&f, k, k < t->n ? t->in[k].shape : o.shape, derivatives)) break;
    }
    return t->home->status == TG_OK;
}

bool tg_op_check_first(tg_op_checker *c) { return check(c, false); }
bool tg_op_check_second(tg_op_checker *c) { return check(c, true); }
