/* blame_print.c: findings in words.
 *
 * Owns: the text of each kind of finding, and printing and freeing a report. Must not look at a tape. */
#include "graph/blame.h"

#include "core/arena.h"

#include <string.h>

static int format_backward(const tg_blame_finding *f, size_t capacity, char *text) {
    char at[TG_SHAPE_TEXT];
    const bool has_name = f->name[0];
    return snprintf(text, capacity, "%s at %s, input %d%s%s%s %s: backward %.6g, numerical %.6g%s%s%s",
                    f->operation, f->place, f->input, has_name ? " '" : "", f->name, has_name ? "'" : "",
                    tg_shape_format(f->element, sizeof at, at), f->backward, f->numerical,
                    f->mistake.text[0] ? " (" : "", f->mistake.text, f->mistake.text[0] ? ")" : "");
}

static int format_forward(const tg_blame_finding *f, size_t capacity, char *text) {
    char at[TG_SHAPE_TEXT];
    return snprintf(
        text, capacity,
        "%s at %s, output %s: forward gave %.6g, and %.6g for the same inputs when run again: it is "
        "not pure, or reads inputs with strides wrongly",
        f->operation, f->place, tg_shape_format(f->element, sizeof at, at), f->backward, f->numerical);
}

static int format_cut(const tg_blame_finding *f, size_t capacity, char *text) {
    if (f->kind == TG_BLAME_BARRIER)
        return snprintf(
            text, capacity,
            "%s at %s: the loss depends on a parameter through it, and no gradient flows there: it is "
            "detached, or was recorded in tg_no_grad",
            f->operation, f->place);
    if (f->kind == TG_BLAME_CONSTANT)
        return snprintf(
            text, capacity,
            "constant made at %s: it has the values of %s: read out of the tape and put back, they "
            "carry no gradient",
            f->place, f->source);
    char number[24];
    snprintf(number, sizeof number, "parameter %d", f->input);
    return snprintf(text, capacity, "%s made at %s does not reach the loss by what is on the tape",
                    f->name[0] ? f->name : number, f->place);
}

size_t tg_blame_format(const tg_blame_finding *finding, size_t capacity, char *text) {
    int n = finding->kind == TG_BLAME_BACKWARD  ? format_backward(finding, capacity, text)
            : finding->kind == TG_BLAME_FORWARD ? format_forward(finding, capacity, text)
                                                : format_cut(finding, capacity, text);
    if (finding->alike > 1) {
        const size_t used = (size_t)n < capacity ? (size_t)n : capacity;
        n += snprintf(text ? text + used : NULL, capacity - used, "; one of %lld there",
                      (long long)finding->alike);
    }
    return (size_t)n;
}

void tg_blame_print(FILE *stream, const tg_blame_report *report) {
    for (int i = 0; i < report->n; i++) {
        char text[1024];
        tg_blame_format(&report->findings[i], sizeof text, text);
        fprintf(stream, "%s\n", text);
    }
    if (!report->n)
        fprintf(stream,
                "every operation between loss and parameters is right; what is wrong lies outside the tape: "
                "values read out, computed with, and put back as constants\n");
    fprintf(stream, "%lld of %lld nodes checked", (long long)report->checked, (long long)report->nodes);
    if (report->unresolved) fprintf(stream, ", %lld of them unresolved", (long long)report->unresolved);
    fprintf(stream, "\n");
}

void tg_blame_report_free(tg_blame_report *report) {
    tg_memory_free(&report->allocator, report->findings, (size_t)report->n * sizeof *report->findings);
    *report = (tg_blame_report){0};
}
