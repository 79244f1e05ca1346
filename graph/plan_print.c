/* plan_print.c: a plan as text.
 *
 * Owns: tg_plan_print, and how steps and quantities are written in every table of them. */
#include "graph/plan_parts.h"

#include <string.h>

const char *tg_step_name(const tg_step *step) {
    static const char *const names[] = {
        [TG_STEP_KERNELS] = "kernels", [TG_STEP_CHAIN] = "fused", [TG_STEP_REDUCE] = "reduce",
        [TG_STEP_PRODUCT] = "product", [TG_STEP_CALL] = "call",   [TG_STEP_COPY] = "copy"};
    return step->kind == TG_STEP_PRODUCT && step->as.products.n > 1 ? "products" : names[step->kind];
}

char *tg_quantity(double x, char text[TG_QUANTITY_TEXT]) {
    static const char units[] = " kMGTPE";
    int unit = 0;
    for (; x >= 999.5 && unit < 6; x /= 1000) unit++;
    if (unit == 0 && x == (double)(int)x)
        snprintf(text, TG_QUANTITY_TEXT, "%.0f", x);
    else
        snprintf(text, TG_QUANTITY_TEXT, unit ? "%#.3g %c" : "%#.3g", x, units[unit]);
    char *end = strstr(text, ". "); /* "123. k" */
    if (end) memmove(end, end + 1, strlen(end));
    return text;
}

static void print_operations(FILE *stream, const tg_step *step) {
    enum { MOST = 12 }; /* names of a long step that are printed */
    for (uint32_t k = 0; k < step->n_ops && k < MOST; k++)
        fprintf(stream, "%s%s", k ? " " : "", step->ops[k]->name);
    if (step->n_ops > MOST) fprintf(stream, " ... (%lu operations)", (unsigned long)step->n_ops);
}

static char *shape_of(const tg_step *step, char text[TG_SHAPE_TEXT]) {
    return tg_shape_format(tg_array_shape(&step->shown), TG_SHAPE_TEXT, text);
}

tg_step_widths tg_step_widths_of(const tg_plan *plan) {
    tg_step_widths w = {.place = (int)strlen("line"), .shape = (int)strlen("result")};
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        char text[TG_SHAPE_TEXT];
        const int place = (int)strlen(plan->steps[i].place),
                  shape = (int)strlen(shape_of(&plan->steps[i], text));
        if (place > w.place) w.place = place;
        if (shape > w.shape) w.shape = shape;
    }
    return w;
}

void tg_print_step_heading(FILE *stream, tg_step_widths w) {
    fprintf(stream, "  %-8s %-*s  %-*s  %s\n", "kind", w.shape, "result", w.place, "line", "operations");
}

void tg_print_step_text(FILE *stream, tg_step_widths w, const tg_step *step) {
    char shape[TG_SHAPE_TEXT];
    fprintf(stream, "  %-8s %-*s  %-*s  ", tg_step_name(step), w.shape, shape_of(step, shape), w.place,
            step->place);
    print_operations(stream, step);
    fprintf(stream, "\n");
}

static void print_work(FILE *stream, const tg_work *work) {
    char flops[TG_QUANTITY_TEXT], bytes[TG_QUANTITY_TEXT];
    fprintf(stream, "  %8s  %8s", tg_quantity(work->flops, flops), tg_quantity(work->bytes, bytes));
}

tg_status tg_plan_print(FILE *stream, const tg_plan *plan) {
    if (!plan) return TG_ERR_HANDLE;
    const tg_plan_counts *c = &plan->counts;
    const tg_step_widths widths = tg_step_widths_of(plan);
    fprintf(stream, "plan made at %s: %lu step%s\n", plan->place, (unsigned long)plan->n_steps,
            plan->n_steps == 1 ? "" : "s");
    fprintf(stream, "%5s  %8s  %8s", "step", "flops", "bytes");
    tg_print_step_heading(stream, widths);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        fprintf(stream, "%5lu", (unsigned long)i);
        print_work(stream, &plan->steps[i].work);
        tg_print_step_text(stream, widths, &plan->steps[i]);
    }
    fprintf(stream, "%5s", "all");
    print_work(stream, &plan->work);
    fprintf(stream, "\n%lu operations recorded, %lu not needed, %lu folded, %lu merged, %lu without effect\n",
            (unsigned long)c->recorded, (unsigned long)(c->recorded - c->needed), (unsigned long)c->folded,
            (unsigned long)c->merged, (unsigned long)c->left_out);
    fprintf(stream, "slab of %zu bytes for intermediate results of %zu\n", c->slab_bytes, c->all_bytes);
    return ferror(stream) ? TG_ERR_FILE : TG_OK;
}
