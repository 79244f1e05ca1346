/* gradcheck.c: is the gradient right? Every entry, against finite differences.
 *
 * Owns: the order of a check, what it needs of memory, and the report's life. How the model is recorded,
 * slopes are judged and directions chosen is for the other parts (gradcheck_parts.h). */
#include "graph/gradcheck.h"

#include "graph/gradcheck_parts.h"

#include <math.h>
#include <string.h>

const char *tg_verdict_name(tg_verdict verdict) {
    static const char *const names[] = {"PASS", "FAIL", "KINK", "UNRESOLVED"};
    return (unsigned)verdict < sizeof names / sizeof names[0] ? names[verdict] : "?";
}

static bool out_of_memory(const tg_check *c) {
    tg_tape_fail(c->model.tape, TG_ERR_MEMORY, c->model.where, "gradcheck: out of memory for %lld gradients",
                 (long long)c->n_entries);
    return false;
}

static void set_unchecked(const tg_check *c) {
    for (int k = 0; k < c->model.n; k++) {
        tg_gradcheck_result *result = &c->report->results[k];
        result->covered = 1;
        result->left = result->right = NAN;
        for (int64_t i = 0; i < result->entries; i++) {
            result->numerics[i] = result->allowed[i] = NAN;
            result->verdicts[i] = TG_UNRESOLVED;
        }
    }
}

/* One block for the results and their arrays, the bytes of verdicts at its end. */
static bool open_report(tg_check *c) {
    tg_gradcheck_report *report = c->report;
    const int n = c->model.n;
    for (int k = 0; k < n; k++) c->n_entries += tg_size_at(c->model.where, c->model.params[k]);
    const size_t entries = (size_t)c->n_entries;
    report->bytes = (size_t)n * sizeof *report->results + entries * (3 * sizeof(double) + 1);
    report->results = report->bytes ? tg_memory_new(&report->allocator, report->bytes) : NULL;
    if (!report->bytes) return true;
    if (!report->results) return out_of_memory(c);
    memset(report->results, 0, report->bytes);
    report->n = n;
    double *values = (double *)(report->results + n);
    uint8_t *verdicts = (uint8_t *)(values + 3 * entries);
    for (int k = 0; k < n; k++) {
        tg_gradcheck_result *result = &report->results[k];
        const char *name = tg_name(c->model.params[k]);
        if (name)
            snprintf(result->name, sizeof result->name, "%s", name);
        else
            snprintf(result->name, sizeof result->name, "parameter %d", k);
        result->shape = tg_shape_of_at(c->model.where, c->model.params[k]);
        result->entries = tg_shape_size(result->shape);
        result->analytics = values;
        result->numerics = values + result->entries;
        result->allowed = values + 2 * result->entries;
        result->verdicts = verdicts;
        values += 3 * result->entries;
        verdicts += result->entries;
    }
    set_unchecked(c);
    return true;
}

/* The parameters as they are, and units to move them by. */
static bool open_values(tg_check *c) {
    c->values = tg_arena_alloc(&c->model.tape->scratch, (size_t)c->n_entries * sizeof *c->values, 64);
    c->units = tg_arena_alloc(&c->model.tape->scratch, (size_t)c->n_entries * sizeof *c->units, 64);
    if (!c->values || !c->units) return out_of_memory(c);
    double *values = c->values;
    for (int k = 0; k < c->model.n; k++) {
        const tg_gradcheck_result *result = &c->report->results[k];
        const size_t bytes = (size_t)result->entries * sizeof *values;
        if (bytes) memcpy(values, tg_node_at(c->model.tape, c->model.params[k].node)->data, bytes);
        values += result->entries;
    }
    return true;
}

/* Random numbers in the shape of each parameter, for order 2. */
static bool open_projections(tg_check *c) {
    if (c->options.order != 2) return true;
    c->projections = tg_arena_alloc(&c->model.tape->scratch, (size_t)c->model.n * sizeof *c->projections, 64);
    double *values = tg_arena_alloc(&c->model.tape->scratch, (size_t)c->n_entries * sizeof *values, 64);
    if (!c->projections || !values) return out_of_memory(c);
    tg_random_normal(tg_key_split(c->options.key, UINT64_MAX - 1), c->n_entries, values);
    for (int k = 0; k < c->model.n; k++) {
        const tg_gradcheck_result *result = &c->report->results[k];
        c->projections[k] =
            tg_from_f64_at(c->model.where, c->model.tape, result->shape, result->entries, values);
        values += result->entries;
    }
    return c->model.tape->status == TG_OK;
}

/* --- the check ------------------------------------------------------------------------------------------ */

/* Makes a sentence of where gradients stop. A parameter that moves the loss and gets no gradient has been cut
 * off from it. */
static void explain_unreached(int order, tg_gradcheck_result *result) {
    const char *loss = order == 2 ? "gradient" : "loss";
    char stop[160];
    if (result->reaches) return;
    snprintf(stop, sizeof stop, "%.159s", result->note);
    if (result->verdict == TG_FAIL)
        snprintf(result->note, sizeof result->note, "%s moves the %s, but no gradient reaches it: %s",
                 result->name, loss, *stop ? stop : "its values were read, and not recorded");
    else
        snprintf(result->note, sizeof result->note, "%s does not reach the %s%s%s", result->name, loss,
                 *stop ? ": " : "", stop);
}

static bool check_parameters(tg_check *c) {
    tg_gradcheck_report *report = c->report;
    for (int k = 0; k < c->model.n; k++) {
        tg_gradcheck_result *result = &report->results[k];
        tg_check_begin(c, k);
        if (!(c->options.fast ? tg_check_parameter_fast(c, k) : tg_check_parameter(c, k))) return false;
        explain_unreached(c->options.order, result);
        if (result->verdict == TG_FAIL && !c->options.fast) tg_check_name_mistake(c, k);
        report->verdict = tg_check_worse(report->verdict, result->verdict);
    }
    if (c->options.fast && c->model.n > 1 && !tg_check_together(c)) return false;
    return report->verdict != TG_FAIL || c->options.no_blame || report->given || tg_check_blame(c);
}

static bool check_all(tg_check *c) {
    bool usable;
    if (!open_report(c) || !open_values(c) || !open_projections(c) || !tg_check_point(c, &usable))
        return false;
    if (usable) return check_parameters(c);
    c->report->verdict = TG_UNRESOLVED;
    for (int k = 0; k < c->model.n; k++) {
        c->report->results[k].verdict = TG_UNRESOLVED;
        c->report->results[k].seen = INFINITY;
        c->report->results[k].covered = 0;
    }
    return true;
}

static bool set_options(tg_check *c, const tg_gradcheck_options *options) {
    if (options) c->options = *options;
    tg_gradcheck_options *o = &c->options;
    if (o->order < 0 || o->order > 2 || o->directions < 0) {
        tg_tape_fail(c->model.tape, TG_ERR_VALUE, c->model.where,
                     "gradcheck: order %d, %d directions; the order is 1 or 2, and 0 stands for the default",
                     o->order, o->directions);
        return false;
    }
    if (o->gradients && o->order == 2) {
        tg_tape_fail(c->model.tape, TG_ERR_VALUE, c->model.where,
                     "gradcheck: gradients of one's own are of order 1; leave options.order 0");
        return false;
    }
    if (!(o->relative >= 0 && o->absolute >= 0 && o->step >= 0)) {
        tg_tape_fail(
            c->model.tape, TG_ERR_VALUE, c->model.where,
            "gradcheck: relative %g, absolute %g, step %g; none may be negative or NaN, and 0 stands "
            "for the default",
            o->relative, o->absolute, o->step);
        return false;
    }
    for (int k = 0; o->gradients && k < c->model.n; k++)
        if (!o->gradients[k] && tg_size_at(c->model.where, c->model.params[k])) {
            tg_tape_fail(c->model.tape, TG_ERR_VALUE, c->model.where,
                         "gradcheck: options.gradients[%d] is NULL; all %d parameters need a gradient", k,
                         c->model.n);
            return false;
        }
    if (o->relative == 0) o->relative = 1e-6;
    if (o->step == 0) o->step = 0.01;
    if (!o->order) o->order = 1;
    if (!o->directions) o->directions = 8;
    c->report->order = o->order;
    c->report->fast = o->fast;
    c->report->given = o->gradients != NULL;
    c->report->directions = o->fast ? o->directions : 0;
    return true;
}

tg_status tg_gradcheck_at(const char *where, tg_tape *tape, tg_model *model, void *context, int n,
                          const tg_tensor *params, const tg_gradcheck_options *options,
                          tg_gradcheck_report *report) {
    *report = (tg_gradcheck_report){0};
    if (!tape || tape->status) return tape ? tape->status : TG_ERR_HANDLE;
    report->allocator = tape->allocator;
    tg_check c = {.model = {tape, where, "gradcheck", model, context, n, params}, .report = report};
    if (!tg_checked_model_open(&c.model) || !set_options(&c, options)) return tape->status;
    const tg_mark mark = tg_tape_mark(tape);
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    bool good = check_all(&c);
    tg_arena_rewind(&tape->scratch, scratch);
    good &= tg_tape_rewind_at(where, tape, mark) == TG_OK;
    if (!good) tg_gradcheck_report_free(report);
    return good ? TG_OK : tape->status;
}

void tg_gradcheck_report_free(tg_gradcheck_report *report) {
    tg_blame_report_free(&report->blame);
    tg_memory_free(&report->allocator, report->results, report->bytes);
    *report = (tg_gradcheck_report){0};
}
