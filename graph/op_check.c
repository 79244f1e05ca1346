/* op_check.c: the checklist of an operation.
 *
 * Owns: the list of checks, what options mean, the report and its print. The checks are in op_check_*.c. */
#include "graph/op_check.h"

#include "graph/op_checks.h"

#include <string.h>

static const struct {
    const char *name, *what, *mend;
    tg_op_check_fn *check;
} checks[] = {
    {"result", "the inputs are accepted; values and gradients are finite",
     "give inputs that the operation takes, and by low and high the domain; else the kernel or backward",
     tg_op_check_result},
    {"precision", "f32 gives what f64 gives",
     "the f32 kernel; constants are written (T)0.5; see options.error", tg_op_check_precision},
    {"strides", "transposed, sliced and expanded views as inputs",
     "read inputs through their strides, or copy them by tg_array_copy first", tg_op_check_strides},
    {"size 0", "dimensions of 0 are refused by infer or give an empty result",
     "infer, loops that take the first element for granted, and shapes in backward", tg_op_check_empty},
    {"rank 0", "scalars are refused by infer or computed", "infer: look at the rank before the last axis",
     tg_op_check_scalar},
    {"broadcasting", "smaller inputs give what they give when written out",
     "infer, which tg_infer_broadcast does for most; and shapes in backward", tg_op_check_broadcast},
    {"neutral", "the neutral number gives the other input, bit for bit",
     "neutral and neutral_inputs of the descriptor", tg_op_check_neutral},
    {"kernels", "runs of any length, also in place, and nothing written beyond",
     "the loop's end, and values carried from one element to the next", tg_op_check_kernels},
    {"arithmetic", "the kernels give what the arithmetic that is declared gives, bit for bit",
     "arithmetic of the descriptor; without it the operation is slower and as good", tg_op_check_arithmetic},
    {"memory", "nothing written beyond the output, to inputs or attribute",
     "the bounds of loops in forward, or offset and strides of view", tg_op_check_bounds},
    {"gradient", "backward against finite differences", "the formula in backward", tg_op_check_first},
    {"second derivative", "backward's own gradient against finite differences",
     "the gradient first, if it failed too; then backward, which must compute with tensor operations, not "
     "with numbers read by tg_item or tg_detach",
     tg_op_check_second},
    {"needs_grad", "each gradient alone is what it is among all",
     "ask tg_needs_grad(c, i) for each dx[i], and for nothing else", tg_op_check_wanted},
    {"repetition", "the same inputs give the same bits", "uninitialised memory, or state kept between calls",
     tg_op_check_repeat},
    {"threads", "1 and 2 threads give the same bits", "state shared between threads, or sums cut by threads",
     tg_op_check_threads},
    {"plan", "a plan gives what the tape gives",
     "forward must compute from c->in and c->attr alone, into c->out alone", tg_op_check_plan},
    {"allocations", "each allocation failing in turn is an error and leaks nothing",
     "test what tg_call_scratch and builders return, and use no other memory", tg_op_check_allocations},
};
enum { N_CHECKS = sizeof checks / sizeof checks[0] };
_Static_assert(N_CHECKS <= TG_OP_CHECK_LINES, "the report has a line for each check");

/* --- options -------------------------------------------------------------------------------------------- */

static tg_status refuse(tg_op_check_report *report, const char *message) {
    tg_op_check_line *line = &report->lines[0];
    *line = (tg_op_check_line){.name = "options",
                               .what = "the options fit the operation",
                               .mend = message,
                               .state = TG_OP_CHECK_FAILED};
    snprintf(line->message, sizeof line->message, "%s", message);
    report->n = report->failed = 1;
    return TG_ERR_VALUE;
}

static const char *misfit(const struct tg_op *op, const tg_op_check_options *o) {
    if (op->attr_size && !o->attr) return "the operation has an attribute, and options.attr is NULL";
    if (o->n < 0 || o->n > TG_OP_CHECK_INPUTS) return "options.n is not in 0..8";
    if (o->n && op->n_inputs >= 0 && o->n != op->n_inputs) return "options.n is not the operation's n_inputs";
    if (o->n && !o->inputs) return "options.inputs is NULL";
    if (op->n_inputs > TG_OP_CHECK_INPUTS || op->n_inputs == 0) return "the operation has not 1 to 8 inputs";
    if (o->low > o->high) return "low is larger than high";
    for (int k = 0; k < o->n; k++) {
        if (o->inputs[k].low > o->inputs[k].high) return "low of an input is larger than high";
        if (tg_shape_size(o->inputs[k].shape) < 0) return "the shape of an input is none";
    }
    return NULL;
}

static tg_trial_input trial_input(const tg_op_check_options *o, const tg_op_input *from) {
    tg_trial_input in = {.dtype = from->dtype == TG_F64 ? TG_F32 : from->dtype,
                         .shape = from->shape,
                         .low = from->low,
                         .high = from->high,
                         .constant = from->constant};
    if (in.low != 0 || in.high != 0) return in;
    in.low = in.dtype == TG_I64 ? 0 : o->low != o->high ? o->low : -2;
    in.high = in.dtype == TG_I64 ? 1 : o->low != o->high ? o->high : 2;
    return in;
}

/* Whether the operation accepts the trial's inputs. */
static bool accepts(const tg_trial *t, tg_outcome *o) {
    return tg_trial_run(t, (tg_circumstances){.dtype = TG_F64, .values = true}, o) && o->status == TG_OK;
}

/* Inputs that the author gave, or the first of the usual ones that the operation accepts. */
static bool choose_inputs(tg_op_checker *c, const tg_op_check_options *o) {
    static const tg_shape usual[] = {{2, {3, 4}}, {2, {3, 3}}, {1, {4}}, {0, {0}}};
    tg_trial *t = &c->trial;
    t->n = o->n ? o->n : t->op->n_inputs < 0 ? 2 : t->op->n_inputs;
    for (int k = 0; k < o->n; k++) t->in[k] = trial_input(o, &o->inputs[k]);
    for (size_t i = 0; o->n == 0 && i < sizeof usual / sizeof usual[0]; i++) {
        for (int k = 0; k < t->n; k++) t->in[k] = trial_input(o, &(tg_op_input){.shape = usual[i]});
        if (!tg_trial_draw(t)) return false;
        if (accepts(t, &c->base)) return true;
    }
    if (!tg_trial_draw(t)) return false;
    for (int k = 0; k < o->n; k++)
        for (int64_t i = 0; o->inputs[k].values && i < t->in[k].n; i++)
            t->in[k].values[i] = o->inputs[k].values[i];
    return true;
}

/* --- checking ------------------------------------------------------------------------------------------- */

static bool check_all(tg_op_checker *c, tg_op_check_report *report) {
    for (int i = 0; i < N_CHECKS; i++) {
        tg_op_check_line *line = c->line = &report->lines[report->n++];
        *line = (tg_op_check_line){.name = checks[i].name, .what = checks[i].what, .mend = checks[i].mend};
        const tg_arena_position scratch = tg_arena_here(&c->trial.home->scratch);
        if (i > 0 && c->base.status)
            tg_op_skips(c, "there is no result to look at");
        else if (!checks[i].check(c))
            return false;
        if (i > 0) tg_arena_rewind(&c->trial.home->scratch, scratch); /* the first makes c->base */
        if (line->state == TG_OP_CHECK_SKIPPED && !line->message[0]) line->state = TG_OP_CHECK_PASSED;
        report->passed += line->state == TG_OP_CHECK_PASSED;
        report->failed += line->state == TG_OP_CHECK_FAILED;
        report->skipped += line->state == TG_OP_CHECK_SKIPPED;
    }
    return true;
}

tg_status tg_op_check(const struct tg_op *op, const tg_op_check_options *options,
                      tg_op_check_report *report) {
    static const tg_op_check_options defaults;
    if (!options) options = &defaults;
    *report = (tg_op_check_report){.op = op && op->name ? op->name : "(no name)"};
    if (!op) return refuse(report, "the operation is NULL");
    const char *message = misfit(op, options);
    if (message) return refuse(report, message);
    tg_tape *tapes[3] = {tg_tape_new(TG_F32), tg_tape_new(TG_F64), tg_tape_new(TG_F64)};
    bool done = tapes[0] && tapes[1] && tapes[2];
    if (done) {
        tg_op_checker c = {.error = options->error > 0 ? options->error : 64};
        c.trial = (tg_trial){.home = tapes[2],
                             .tapes = {tapes[0], tapes[1]},
                             .op = op,
                             .attr = options->attr,
                             .key = options->key,
                             .moved = -1};
        done = choose_inputs(&c, options) && check_all(&c, report);
    }
    for (int i = 0; i < 3; i++) tg_tape_free(tapes[i]);
    return done ? TG_OK : TG_ERR_MEMORY;
}

/* --- the report ----------------------------------------------------------------------------------------- */

const char *tg_op_check_state_name(tg_op_check_state state) {
    static const char *const names[] = {"skipped", "passed", "FAILED"};
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "?";
}

void tg_op_check_print(FILE *stream, const tg_op_check_report *report) {
    fprintf(stream, "%s:\n", report->op);
    for (int i = 0; i < report->n; i++) {
        const tg_op_check_line *line = &report->lines[i];
        fprintf(stream, "  %-7s  %-17s  ", tg_op_check_state_name(line->state), line->name);
        switch (line->state) {
            case TG_OP_CHECK_PASSED: fprintf(stream, "%s\n", line->what); break;
            case TG_OP_CHECK_SKIPPED: fprintf(stream, "%s\n", line->message); break;
            case TG_OP_CHECK_FAILED:
                fprintf(stream, "%s\n%30sto mend: %s\n", line->message, "", line->mend);
                break;
        }
    }
    fprintf(stream, "%d passed, %d failed, %d skipped\n", report->passed, report->failed, report->skipped);
}
