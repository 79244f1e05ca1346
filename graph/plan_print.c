/* plan_print.c: a plan as text.
 *
 * Owns: tg_plan_print. */
#include "graph/plan_parts.h"

static void print_step(FILE *stream, uint32_t i, const tg_step *step) {
    static const char *const kinds[] = {[TG_STEP_KERNELS] = "kernels",
                                        [TG_STEP_CHAIN] = "fused",
                                        [TG_STEP_REDUCE] = "reduce",
                                        [TG_STEP_CALL] = "call",
                                        [TG_STEP_COPY] = "copy"};
    enum { MOST = 12 }; /* names of a long step that are printed */
    char shape[TG_SHAPE_TEXT];
    tg_shape_format(tg_array_shape(&step->shown), sizeof shape, shape);
    fprintf(stream, "%5lu  %-8s %-14s %s ", (unsigned long)i, kinds[step->kind], shape, step->place);
    for (uint32_t k = 0; k < step->n_ops && k < MOST; k++) fprintf(stream, " %s", step->ops[k]->name);
    if (step->n_ops > MOST) fprintf(stream, " ... (%lu operations)", (unsigned long)step->n_ops);
    fprintf(stream, "\n");
}

tg_status tg_plan_print(FILE *stream, const tg_plan *plan) {
    if (!plan) return TG_ERR_HANDLE;
    const tg_plan_counts *c = &plan->counts;
    fprintf(stream, "plan made at %s: %lu step%s\n", plan->place, (unsigned long)plan->n_steps,
            plan->n_steps == 1 ? "" : "s");
    for (uint32_t i = 0; i < plan->n_steps; i++) print_step(stream, i, &plan->steps[i]);
    fprintf(stream, "%lu operations recorded, %lu not needed, %lu folded, %lu merged, %lu without effect\n",
            (unsigned long)c->recorded, (unsigned long)(c->recorded - c->needed), (unsigned long)c->folded,
            (unsigned long)c->merged, (unsigned long)c->left_out);
    fprintf(stream, "slab of %zu bytes for intermediate results of %zu\n", c->slab_bytes, c->all_bytes);
    return ferror(stream) ? TG_ERR_FILE : TG_OK;
}
