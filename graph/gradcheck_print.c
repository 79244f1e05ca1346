/* gradcheck_print.c: a report of the gradient check as text.
 *
 * Owns: the table, the sentences below it, and when there are colours. Must not judge. */
#include "graph/gradcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Colours only where a person reads them: on a terminal, unless NO_COLOR forbids it (no-color.org: any value
 * but the empty one). */
static bool has_colours(FILE *stream) {
    const int descriptor = fileno(stream);
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return descriptor >= 0 && isatty(descriptor) && !(no_color && *no_color) && term &&
           strcmp(term, "dumb") != 0;
}

static void print_verdict(FILE *stream, tg_verdict verdict, bool colours) {
    static const char *const codes[] = {"32", "31", "33", "35"}; /* in the order of tg_verdict */
    if (colours && (unsigned)verdict < sizeof codes / sizeof *codes)
        fprintf(stream, "\033[%sm%s\033[0m\n", codes[verdict], tg_verdict_name(verdict));
    else
        fprintf(stream, "%s\n", tg_verdict_name(verdict));
}

/* Of a model with which nothing can be compared. */
static bool is_unseen(const tg_gradcheck_result *r) { return r->checked == 0 && r->seen == INFINITY; }

static void print_table(FILE *stream, const tg_gradcheck_report *report) {
    const bool colours = has_colours(stream);
    int width = 9;
    for (int k = 0; k < report->n; k++) {
        const int length = (int)strlen(report->results[k].name);
        if (length > width) width = length;
    }
    fprintf(stream, "%-*s  %8s  %16s  %-12s  %13s  %13s  %s\n", width, "parameter", "entries",
            "worst difference", "at", report->given ? "given" : "backward", "numerical", "verdict");
    for (int k = 0; k < report->n; k++) {
        const tg_gradcheck_result *r = &report->results[k];
        char at[TG_SHAPE_TEXT];
        tg_shape_format(r->worst, sizeof at, at);
        if (is_unseen(r))
            fprintf(stream, "%-*s  %8lld  %16s  %-12s  %13s  %13s  ", width, r->name, (long long)r->entries,
                    "-", "-", "-", "-");
        else
            fprintf(stream, "%-*s  %8lld  %16.2e  %-12s  %13.6g  %13.6g  ", width, r->name,
                    (long long)r->entries, r->difference, at, r->analytic, r->numeric);
        print_verdict(stream, r->verdict, colours);
    }
}

/* What the table has no column for. */
static void print_notes(FILE *stream, const tg_gradcheck_result *r, bool named) {
    char at[TG_SHAPE_TEXT];
    tg_shape_format(r->worst, sizeof at, at);
    if (r->failed && r->failed < r->checked)
        fprintf(stream, "%s: %lld of %lld entries fail\n", r->name, (long long)r->failed,
                (long long)r->checked);
    if (r->kinks)
        fprintf(stream, "%s: %lld of %lld entries are at a kink\n", r->name, (long long)r->kinks,
                (long long)r->checked);
    if (r->left < r->right || r->left > r->right)
        fprintf(stream, "%s at %s: the slope is %.6g on the left and %.6g on the right\n", r->name, at,
                r->left, r->right);
    if (r->unresolved)
        fprintf(stream, "%s: %lld of %lld slopes are not known well enough; at %s the error is about %.1e\n",
                r->name, (long long)r->unresolved, (long long)r->checked, at, r->error);
    if (*r->note) fprintf(stream, "%s\n", r->note);
    if (named && r->mistake.kind) fprintf(stream, "%s: %s\n", r->name, r->mistake.text);
}

static void print_coverage(FILE *stream, const tg_gradcheck_report *report) {
    bool any = false;
    for (int k = 0; k < report->n; k++) {
        const tg_gradcheck_result *r = &report->results[k];
        if (r->checked == r->entries || is_unseen(r)) continue;
        any = true;
        fprintf(stream,
                "%s: an error in one entry is seen from %.1e on, one of 1%% in %.4g%% of %lld entries\n",
                r->name, r->seen, floor(r->covered * 1e4) / 100, (long long)r->entries);
    }
    if (any)
        fprintf(
            stream,
            "errors in several entries can cancel: in all of %d random directions with a chance of 2^-%d\n",
            report->directions, report->directions);
}

void tg_gradcheck_print(FILE *stream, const tg_gradcheck_report *report) {
    print_table(stream, report);
    for (int k = 0; k < report->n; k++) print_notes(stream, &report->results[k], report->given);
    if (report->fast) print_coverage(stream, report);
    if (*report->note) fprintf(stream, "%s\n", report->note);
    if (report->blame.n)
        tg_blame_print(stream, &report->blame);
    else if (report->blame.nodes)
        fprintf(stream,
                "no operation is wrong by itself (%lld of %lld checked): values read out of the tape and put "
                "back\n"
                "as constants, or branches whose kinks cancel\n",
                (long long)report->blame.checked, (long long)report->blame.nodes);
}
