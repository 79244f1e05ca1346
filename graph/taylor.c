/* taylor.c: remainders of Taylor polynomials, and how fast they vanish.
 *
 * Owns: the line through the parameters, the derivatives along it, the noise of the loss, rates and verdicts.
 * A rate is only seen where the remainder stands out of rounding, which is therefore measured, not guessed.
 */
#include "graph/taylor.h"

#include "graph/checked_model.h"
#include "graph/node.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LAST = 5 };                             /* rates of which the median is taken */
static const double above_noise = 32;          /* 3% of error: 0.05 of a rate */
static const double slack = 0.1;               /* of a rate */
static const double is_nothing_of_loss = 1e-3; /* of the loss: the most that rounding may hide */
static const double least_rate = 0.5;          /* of a loss that does not jump; a wrong gradient's is 1 */
static const double is_nothing = 1e-9;         /* of the term before it */
static const double close_to_x = 1.0 / (1LL << 36); /* where a smooth function is straight to all digits */

typedef struct line {
    tg_checked_model m;
    int64_t n;                          /* entries of all parameters */
    double *direction, *value, *second; /* second: H d, entry by entry */
    tg_taylor_report *report;
} line;

/* --- the line ------------------------------------------------------------------------------------------- */

static double *values_of(const line *l, int k, int64_t *n) {
    const tg_node *node = tg_node_at(l->m.tape, l->m.params[k].node);
    const tg_array array = tg_node_array(node);
    *n = tg_array_size(&array);
    return array.data;
}

/* The loss at x + h d. */
static bool loss_at(const line *l, double h, double *loss) {
    int64_t n, at = 0;
    for (int k = 0; k < l->m.n; k++, at += n) {
        double *x = values_of(l, k, &n);
        for (int64_t i = 0; i < n; i++) x[i] = l->value[at + i] + h * l->direction[at + i];
    }
    const bool good = tg_checked_model_loss(&l->m, loss);
    at = 0;
    for (int k = 0; k < l->m.n; k++, at += n) {
        double *x = values_of(l, k, &n);
        if (n) memcpy(x, l->value + at, (size_t)n * sizeof *x);
    }
    l->report->evaluations++;
    return good;
}

static bool make_line(line *l, const tg_taylor_options *options) {
    tg_arena *scratch = &l->m.tape->scratch;
    int64_t n;
    for (int k = 0; k < l->m.n; k++) (void)values_of(l, k, &n), l->n += n;
    l->direction = tg_arena_alloc(scratch, (size_t)l->n * sizeof(double), 64);
    l->value = tg_arena_alloc(scratch, (size_t)l->n * sizeof(double), 64);
    l->second = tg_arena_alloc(scratch, (size_t)l->n * sizeof(double), 64);
    if (!l->direction || !l->value || !l->second) {
        tg_tape_fail(l->m.tape, TG_ERR_MEMORY, l->m.where, "taylor_test: out of memory for %lld entries",
                     (long long)l->n);
        return false;
    }
    int64_t at = 0;
    for (int k = 0; k < l->m.n; k++, at += n) {
        const double *x = values_of(l, k, &n);
        if (n) memcpy(l->value + at, x, (size_t)n * sizeof *x);
    }
    if (options->direction) {
        if (l->n) memcpy(l->direction, options->direction, (size_t)l->n * sizeof *l->direction);
        return true;
    }
    double largest = 0;
    tg_random_normal(options->key, l->n, l->direction);
    for (int64_t i = 0; i < l->n; i++) largest = fmax(largest, fabs(l->direction[i]));
    for (int64_t i = 0; i < l->n; i++) l->direction[i] /= largest;
    return true;
}

/* --- derivatives along it ------------------------------------------------------------------------------- */

/* *sum += <d, dx> for gradients dx of all parameters; `values` has room for them. */
static bool add_along(const line *l, const tg_tensor *dx, double *values, double *sum) {
    int64_t n, at = 0;
    for (int k = 0; k < l->m.n; k++, at += n) {
        (void)values_of(l, k, &n);
        if (tg_read_f64_at(l->m.where, dx[k], n, values + at) != TG_OK) return false;
        for (int64_t i = at; i < at + n; i++) *sum += l->direction[i] * values[i];
    }
    return true;
}

/* <d, H d> is the sum over parameters k of <d, the gradient of <d_k, g_k>>. */
static bool add_curvature(const line *l, const tg_tensor *gradients, tg_tensor *dx) {
    int64_t n, at = 0;
    for (int k = 0; k < l->m.n; k++, at += n) {
        (void)values_of(l, k, &n);
        const tg_tensor dy = tg_from_f64_at(l->m.where, l->m.tape, tg_shape_of_at(l->m.where, gradients[k]),
                                            n, l->direction + at);
        if (tg_gradients_from_at(l->m.where, gradients[k], dy, l->m.n, l->m.params, dx) != TG_OK ||
            !add_along(l, dx, l->second, &l->report->curvature))
            return false;
    }
    return true;
}

static bool differentiate(const line *l) {
    tg_tape *tape = l->m.tape;
    const tg_mark mark = tg_tape_mark(tape);
    const bool was = tg_tape_set_grad(tape, true);
    const size_t bytes = (size_t)l->m.n * sizeof(tg_tensor);
    tg_tensor *gradients = tg_arena_alloc(&tape->scratch, bytes, 64),
              *dx = tg_arena_alloc(&tape->scratch, bytes, 64);
    tg_tensor loss;
    if (!gradients || !dx) tg_tape_fail(tape, TG_ERR_MEMORY, l->m.where, "taylor_test: out of memory");
    bool good = gradients && dx && tg_checked_model_record(&l->m, &loss) &&
                tg_gradients_at(l->m.where, loss, l->m.n, l->m.params, gradients) == TG_OK &&
                add_along(l, gradients, l->second, &l->report->slope);
    if (good) l->report->loss = tg_item_at(l->m.where, loss);
    l->report->evaluations++;
    if (good && l->report->order == 2) good = add_curvature(l, gradients, dx);
    tg_tape_set_grad(tape, was);
    return tg_tape_rewind_at(l->m.where, tape, mark) == TG_OK && good;
}

/* --- remainders and rates ------------------------------------------------------------------------------- */

/* So close to x only rounding bends the line: of f, and of x + h d. */
static bool measure_noise(const line *l) {
    tg_taylor_report *r = l->report;
    r->noise = DBL_EPSILON * fabs(r->loss);
    for (int i = 1; i <= 4; i++) {
        double up, down;
        if (!loss_at(l, i * close_to_x, &up) || !loss_at(l, -i * close_to_x, &down)) return false;
        const double bend = fabs(up - 2 * r->loss + down);
        if (isfinite(bend)) r->noise = fmax(r->noise, bend);
    }
    return true;
}

/* NaN where the loss was not finite; fmax takes the other side then. */
static double remainder_of(double left_over) { return isfinite(left_over) ? fabs(left_over) : NAN; }

static bool measure_remainders(const line *l, double h) {
    tg_taylor_report *r = l->report;
    const double limit = above_noise * r->noise;
    for (int i = 0; i < TG_TAYLOR_POINTS; i++, h /= 2) {
        tg_taylor_point *p = &r->points[i];
        double up, down;
        if (!loss_at(l, h, &up) || !loss_at(l, -h, &down)) return false;
        *p = (tg_taylor_point){.h = h, .rate = {NAN, NAN}};
        for (int k = 0; k < 2; k++) {
            const double second = k ? h * h / 2 * r->curvature : 0;
            p->remainder[k] = fmax(remainder_of(up - r->loss - h * r->slope - second),
                                   remainder_of(down - r->loss + h * r->slope - second));
            p->used[k] = p->remainder[k] > limit;
            if (i && p->used[k] && p[-1].used[k]) p->rate[k] = log2(p[-1].remainder[k] / p->remainder[k]);
        }
        if (i && !p->used[0]) continue;
        r->right = (up - r->loss) / h;
        r->left = (r->loss - down) / h;
    }
    return true;
}

/* The median of the rates at the smallest steps: one that a zero of the remainder spoils does not matter. */
static double rate_of(const tg_taylor_report *r, int k) {
    double last[LAST];
    int n = 0;
    for (int i = TG_TAYLOR_POINTS; i-- > 0 && n < LAST;) {
        if (isnan(r->points[i].rate[k])) continue;
        int at = n++;
        for (; at > 0 && last[at - 1] > r->points[i].rate[k]; at--) last[at] = last[at - 1];
        last[at] = r->points[i].rate[k];
    }
    return n < 2 ? NAN : n % 2 ? last[n / 2] : (last[n / 2 - 1] + last[n / 2]) / 2;
}

/* Whether the loss bends at x: then the two slopes are still apart at the smallest step, where a smooth
 * function's have met. */
static bool is_kink(const tg_taylor_report *r) {
    const double gap = fabs(r->right - r->left), size = fmax(fabs(r->right), fabs(r->left));
    return gap > 1e-3 * size && r->slope >= fmin(r->left, r->right) - 1e-3 * gap &&
           r->slope <= fmax(r->left, r->right) + 1e-3 * gap;
}

static void judge(tg_taylor_report *r, int k) {
    const tg_taylor_point *first = NULL;
    for (int i = TG_TAYLOR_POINTS; i-- > 0;)
        if (!isnan(r->points[i].remainder[k])) first = &r->points[i];
    r->rates[k] = rate_of(r, k);
    r->verdicts[k] = TG_UNRESOLVED;
    if (!first) return;
    const double change = first->h * fabs(r->slope);
    const double term = k == 0 ? change : first->h * first->h / 2 * fabs(r->curvature);
    const double hidden = above_noise * r->noise;
    /* What bends the loss by its own size close to x is no rounding. */
    const bool is_rounding = hidden <= fmax(fmax(change, term), is_nothing_of_loss * fabs(r->loss));
    r->exact[k] = is_rounding && first->remainder[k] <= is_nothing * term + hidden;
    if (r->exact[k] || r->rates[k] >= k + 2 - slack)
        r->verdicts[k] = TG_PASS;
    else if (!(r->rates[k] >= least_rate))
        return; /* no rate, or one that not even a wrong gradient explains */
    else if (is_kink(r))
        r->verdicts[k] = TG_KINK;
    else
        r->verdicts[k] = TG_FAIL;
}

static tg_verdict worse(tg_verdict a, tg_verdict b) {
    static const int rank[] = {[TG_PASS] = 0, [TG_UNRESOLVED] = 1, [TG_KINK] = 2, [TG_FAIL] = 3};
    return rank[a] >= rank[b] ? a : b;
}

tg_status tg_taylor_test_at(const char *where, tg_tape *tape, tg_model *model, void *context, int n,
                            const tg_tensor *params, const tg_taylor_options *options,
                            tg_taylor_report *report) {
    static const tg_taylor_options defaults;
    if (!options) options = &defaults;
    *report = (tg_taylor_report){.order = options->order ? options->order : 1};
    if (!tape) return TG_ERR_HANDLE;
    line l = {.m = {tape, where, "taylor_test", model, context, n, params}, .report = report};
    if (report->order < 1 || report->order > 2)
        return tg_tape_fail(tape, TG_ERR_VALUE, where, "taylor_test: the order is 1 or 2, not %d",
                            report->order);
    if (!tg_checked_model_open(&l.m)) return tape->status;
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    const bool good = make_line(&l, options) && differentiate(&l) && measure_noise(&l) &&
                      measure_remainders(&l, options->step > 0 ? options->step : 0.125);
    tg_arena_rewind(&tape->scratch, scratch);
    if (!good) return tape->status;
    for (int k = 0; k < report->order; k++) {
        judge(report, k);
        report->verdict = worse(report->verdict, report->verdicts[k]);
    }
    return TG_OK;
}

/* --- printing ------------------------------------------------------------------------------------------- */

static void put_conclusion(FILE *stream, const tg_taylor_report *r, int k) {
    fprintf(stream, "%s: ", k ? "second derivative" : "gradient");
    if (r->exact[k])
        fputs("nothing is left over but rounding", stream);
    else if (isnan(r->rates[k]))
        fputs("rounding hides the rate", stream);
    else
        fprintf(stream, "rate %.2f, %d.00 when right", r->rates[k], k + 2);
    if (!r->exact[k] && r->rates[k] < least_rate)
        fputs("; the loss jumps, or turns within the smallest step", stream);
    if (r->verdicts[k] == TG_KINK)
        fprintf(stream, "; the loss bends here, from slope %.6g to %.6g, backward gives %.6g", r->left,
                r->right, r->slope);
    fprintf(stream, ": %s\n", tg_verdict_name(r->verdicts[k]));
}

/* h, and remainder and rate of either order; what is not used is blank. */
static void put_point(FILE *stream, const tg_taylor_point *p, int order) {
    char row[96];
    int n = snprintf(row, sizeof row, "%10.3g", p->h);
    for (int k = 0; k < order; k++) {
        char left[24] = "", rate[24] = "";
        if (p->used[k]) snprintf(left, sizeof left, "%.3e", p->remainder[k]);
        if (!isnan(p->rate[k])) snprintf(rate, sizeof rate, "%.2f", p->rate[k]);
        n += snprintf(row + n, sizeof row - (size_t)n, "  %12s  %5s", left, rate);
    }
    while (row[n - 1] == ' ') n--;
    fprintf(stream, "%.*s\n", n, row);
}

void tg_taylor_print(FILE *stream, const tg_taylor_report *r) {
    int outside = 0, drowned = 0;
    fprintf(stream, "%10s", "h");
    for (int k = 0; k < r->order; k++) fprintf(stream, "  order %d left   rate", k + 1);
    fputc('\n', stream);
    for (int i = 0; i < TG_TAYLOR_POINTS; i++) {
        const tg_taylor_point *p = &r->points[i];
        const bool is_outside = isnan(p->remainder[0]), any = p->used[0] || (r->order == 2 && p->used[1]);
        outside += is_outside;
        drowned += !is_outside && !any;
        if (any) put_point(stream, p, r->order);
    }
    if (outside) fprintf(stream, "not finite: %d of %d steps, left out\n", outside, TG_TAYLOR_POINTS);
    if (drowned)
        fprintf(stream, "not told from rounding (%.1e in the loss): %d of %d steps, left out\n", r->noise,
                drowned, TG_TAYLOR_POINTS);
    for (int k = 0; k < r->order; k++) put_conclusion(stream, r, k);
}
