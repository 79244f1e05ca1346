/* gradcheck.c: is the gradient right? Every entry, against finite differences.
 *
 * Owns: moving one entry of a parameter, judging it, the report and its table. The numerical slope and its
 * error come from ridders.c. */
#include "graph/gradcheck.h"

#include "graph/node.h"
#include "graph/ridders.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct check {
    tg_tape *tape;
    tg_model *model;
    void *context;
    const char *where;
    const tg_tensor *params;
    tg_gradcheck_options options;
    tg_gradcheck_report *report;
    double *entry; /* the one that moves, and its value */
    double value;
} check;

const char *tg_verdict_name(tg_verdict verdict) {
    static const char *const names[] = {"PASS", "FAIL", "KINK", "UNRESOLVED"};
    return (unsigned)verdict < sizeof names / sizeof names[0] ? names[verdict] : "?";
}

/* Records the model once more. *loss is invalid, with an error on the tape, when it gives no loss. */
static bool run_model(const check *c, tg_tensor *loss) {
    *loss = c->model(c->tape, c->params, c->context);
    if (c->tape->status) return false;
    const tg_node *node =
        loss->tape == c->tape ? tg_node_of(c->where, "gradcheck: the model's loss", *loss) : NULL;
    if (!node) {
        tg_tape_fail(c->tape, TG_ERR_HANDLE, c->where,
                     "gradcheck: the model did not return a tensor of its tape");
        return false;
    }
    const tg_array array = tg_node_array(node);
    if (array.dtype == TG_F64 && tg_array_size(&array) == 1) return true;
    char text[TG_TEXT];
    tg_tape_fail(c->tape, TG_ERR_SHAPE, c->where, "gradcheck: the loss must be one number; the model gave %s",
                 tg_node_describe(c->tape, loss->node, sizeof text / 2, text));
    return false;
}

/* The loss with the entry moved; the tape is left as it was. */
static bool loss_at(void *context, double offset, double *value) {
    const check *c = context;
    const tg_mark mark = tg_tape_mark(c->tape);
    *c->entry = c->value + offset;
    tg_tensor loss;
    const bool was = tg_tape_set_grad(c->tape, true); /* the model may differentiate */
    const bool good = run_model(c, &loss);
    tg_tape_set_grad(c->tape, was);
    if (good) *value = tg_item_at(c->where, loss);
    *c->entry = c->value;
    const bool rewound = tg_tape_rewind_at(c->where, c->tape, mark) == TG_OK;
    return good && rewound;
}

/* A difference measured in its tolerance; NaN is worst. */
static double measured(double difference, double tolerance) {
    const double ratio = difference / tolerance;
    return isnan(ratio) ? INFINITY : ratio;
}

/* An entry that fails is worse than any that does not. */
static void keep_worst(tg_gradcheck_result *result, const tg_array *array, int64_t i, double analytic,
                       const tg_slope *slope, double tolerance, bool fails) {
    const double difference = fabs(analytic - slope->value);
    const bool worse = fails != (result->failed > 0) ? fails
                                                     : measured(difference, tolerance) >
                                                           measured(result->difference, result->tolerance);
    if (i > 0 && !worse) return;
    result->worst = (tg_shape){.rank = array->rank};
    for (int axis = array->rank; axis-- > 0; i /= array->shape[axis])
        result->worst.dim[axis] = i % array->shape[axis];
    result->analytic = analytic;
    result->numeric = slope->value;
    result->difference = difference;
    result->error = slope->error;
    result->tolerance = tolerance;
}

/* An entry fails when the two slopes differ by more than the tolerance and the numerical error together; it
 * is unresolved when the numerical error alone is larger than a tolerance would allow. */
static bool check_entry(check *c, tg_gradcheck_result *result, const tg_array *array, int64_t i) {
    const double analytic = result->analytics[i];
    c->entry = (double *)array->data + i;
    c->value = *c->entry;
    tg_slope slope;
    const double step = c->options.step * fmax(1, fabs(c->value));
    if (!tg_ridders(loss_at, c, step, &slope, &c->report->evaluations)) return false;
    const double size = fmax(fabs(analytic), fabs(slope.value));
    const double tolerance = c->options.absolute + c->options.relative * size;
    const double difference = fabs(analytic - slope.value), allowed = tolerance + 2 * slope.error;
    const bool fails = !isfinite(analytic) || difference > allowed;
    const bool resolved = isfinite(slope.error) && slope.error <= 100 * tolerance;
    keep_worst(result, array, i, analytic, &slope, tolerance, fails);
    result->numerics[i] = slope.value;
    result->allowed[i] = allowed;
    result->verdicts[i] = fails ? TG_FAIL : resolved ? TG_PASS : TG_UNRESOLVED;
    result->failed += fails;
    result->unresolved += !fails && !resolved;
    return true;
}

static bool check_parameter(check *c, int k) {
    tg_gradcheck_result *result = &c->report->results[k];
    const tg_array array = tg_node_array(tg_node_at(c->tape, c->params[k].node));
    result->tolerance = 1;
    for (int64_t i = 0; i < result->entries; i++)
        if (!check_entry(c, result, &array, i)) return false;
    result->verdict = result->failed ? TG_FAIL : result->unresolved ? TG_UNRESOLVED : TG_PASS;
    return true;
}

static bool are_leaves(const check *c, int n) {
    for (int k = 0; k < n; k++) {
        const tg_node *node =
            c->params[k].tape == c->tape ? tg_node_of(c->where, "gradcheck", c->params[k]) : NULL;
        if (node && !node->op && node->extra.leaf && node->dtype == TG_F64) continue;
        tg_tape_fail(c->tape, TG_ERR_VALUE, c->where,
                     "gradcheck: parameter %d is not an f64 leaf of the tape", k);
        return false;
    }
    return true;
}

/* Backward's own answer, copied out so that the tape can be rewound. */
static bool analytic_gradients(const check *c, int n) {
    const tg_mark mark = tg_tape_mark(c->tape);
    const bool was = tg_tape_set_grad(c->tape, true);
    tg_tensor loss;
    bool good = run_model(c, &loss);
    const tg_arena_position scratch = tg_arena_here(&c->tape->scratch);
    tg_tensor *gradients = good ? tg_arena_alloc(&c->tape->scratch, (size_t)n * sizeof *gradients, 64) : NULL;
    if (good && !gradients) tg_tape_fail(c->tape, TG_ERR_MEMORY, c->where, "gradcheck: out of memory");
    good = gradients && tg_gradients_at(c->where, loss, n, c->params, gradients) == TG_OK;
    if (good) c->report->loss = tg_item_at(c->where, loss);
    for (int k = 0; good && k < n; k++) {
        const tg_gradcheck_result *result = &c->report->results[k];
        good = tg_read_f64_at(c->where, gradients[k], result->entries, result->analytics) == TG_OK;
    }
    tg_arena_rewind(&c->tape->scratch, scratch);
    tg_tape_set_grad(c->tape, was);
    return tg_tape_rewind_at(c->where, c->tape, mark) == TG_OK && good;
}

static void set_defaults(check *c) {
    if (!(c->options.relative > 0)) c->options.relative = 1e-6;
    if (!(c->options.absolute > 0)) c->options.absolute = 1e-9 + 1e-12 * fabs(c->report->loss);
    if (!(c->options.step > 0)) c->options.step = 0.01;
}

/* One block for the results and their arrays, the bytes of verdicts at its end. */
static bool open_report(const check *c, int n) {
    tg_gradcheck_report *report = c->report;
    size_t entries = 0;
    for (int k = 0; k < n; k++) entries += (size_t)tg_size_at(c->where, c->params[k]);
    report->bytes = (size_t)n * sizeof *report->results + entries * (3 * sizeof(double) + 1);
    report->results = report->bytes ? tg_memory_new(&report->allocator, report->bytes) : NULL;
    if (!report->bytes) return true;
    if (!report->results) {
        tg_tape_fail(c->tape, TG_ERR_MEMORY, c->where, "gradcheck: out of memory for %zu gradients", entries);
        return false;
    }
    memset(report->results, 0, report->bytes);
    report->n = n;
    double *values = (double *)(report->results + n);
    uint8_t *verdicts = (uint8_t *)(values + 3 * entries);
    for (int k = 0; k < n; k++) {
        tg_gradcheck_result *result = &report->results[k];
        const char *name = tg_name(c->params[k]);
        if (name)
            snprintf(result->name, sizeof result->name, "%s", name);
        else
            snprintf(result->name, sizeof result->name, "parameter %d", k);
        result->shape = tg_shape_of_at(c->where, c->params[k]);
        result->entries = tg_shape_size(result->shape);
        result->analytics = values;
        result->numerics = values + result->entries;
        result->allowed = values + 2 * result->entries;
        result->verdicts = verdicts;
        values += 3 * result->entries;
        verdicts += result->entries;
    }
    return true;
}

static tg_status check_all(check *c, int n) {
    tg_gradcheck_report *report = c->report;
    if (!open_report(c, n) || !analytic_gradients(c, n)) return c->tape->status;
    set_defaults(c);
    for (int k = 0; k < n; k++) {
        if (!check_parameter(c, k)) return c->tape->status;
        const tg_verdict verdict = report->results[k].verdict;
        if (verdict == TG_FAIL || (verdict != TG_PASS && report->verdict == TG_PASS))
            report->verdict = verdict;
    }
    return TG_OK;
}

tg_status tg_gradcheck_at(const char *where, tg_tape *tape, tg_model *model, void *context, int n,
                          const tg_tensor *params, const tg_gradcheck_options *options,
                          tg_gradcheck_report *report) {
    *report = (tg_gradcheck_report){0};
    if (!tape || tape->status) return tape ? tape->status : TG_ERR_HANDLE;
    report->allocator = tape->allocator;
    check c = {
        .tape = tape, .model = model, .context = context, .where = where, .params = params, .report = report};
    if (options) c.options = *options;
    if (tape->dtype != TG_F64)
        return tg_tape_fail(
            tape, TG_ERR_DTYPE, where,
            "gradcheck: the tape is f32, whose rounding hides small mistakes; check the model on an "
            "f64 tape");
    if (n < 0 || !model)
        return tg_tape_fail(tape, TG_ERR_VALUE, where, "gradcheck: %d parameters, and a model that is %s", n,
                            model ? "given" : "NULL");
    if (!are_leaves(&c, n)) return tape->status;
    const tg_status status = check_all(&c, n);
    if (status) tg_gradcheck_report_free(report);
    return status;
}

void tg_gradcheck_report_free(tg_gradcheck_report *report) {
    tg_memory_free(&report->allocator, report->results, report->bytes);
    *report = (tg_gradcheck_report){0};
}

void tg_gradcheck_print(FILE *stream, const tg_gradcheck_report *report) {
    int width = 9;
    for (int k = 0; k < report->n; k++) {
        const int length = (int)strlen(report->results[k].name);
        if (length > width) width = length;
    }
    fprintf(stream, "%-*s  %8s  %16s  %-12s  %13s  %13s  %s\n", width, "parameter", "entries",
            "worst difference", "at", "backward", "numerical", "verdict");
    for (int k = 0; k < report->n; k++) {
        const tg_gradcheck_result *r = &report->results[k];
        char at[TG_SHAPE_TEXT];
        tg_shape_format(r->worst, sizeof at, at);
        fprintf(stream, "%-*s  %8lld  %16.2e  %-12s  %13.6g  %13.6g  %s\n", width, r->name,
                (long long)r->entries, r->difference, at, r->analytic, r->numeric,
                tg_verdict_name(r->verdict));
    }
}
