/* plan_products.c: the products of matrices in a plan.
 *
 * Owns: what is known of a product before it has a place, and the records of those that run at once. Must not
 * know which are put together (plan_fusion.c) or how they are multiplied. */
#include "graph/plan_parts.h"

bool tg_plan_try_product(const tg_planning *p, const tg_value *v, tg_prepared_product *prepared) {
    const tg_arena_position before = tg_arena_here(&p->tape->scratch);
    tg_call call;
    tg_product product;
    if (!tg_value_call(p, v, &call)) return false;
    v->node->op->product(&call, &product);
    tg_product_prepare(prepared, &product, NULL);
    tg_arena_rewind(&p->tape->scratch, before);
    return true;
}

/* The product, and the chain that follows it. */
static bool make_product(const tg_planning *p, const tg_unit *unit, tg_prepared_product *prepared) {
    const tg_value *v = &p->values[p->members[unit->first]];
    tg_product_end end = {false, NULL, NULL};
    tg_product product;
    tg_call call;
    if (!tg_plan_make_call(p, v, &call)) return false;
    v->node->op->product(&call, &product);
    if (unit->n > 1) {
        tg_chain *chain = tg_planning_memory(p, 1, sizeof *chain);
        if (!chain || !tg_plan_make_chain(p, unit, chain)) return false;
        end.done = tg_chain_run_panel;
        end.context = chain;
    }
    tg_product_prepare(prepared, &product, &end);
    return true;
}

bool tg_plan_make_products(const tg_planning *p, const tg_unit *units, tg_step *step) {
    tg_prepared_product *all = tg_planning_memory(p, units->at_once, sizeof *all);
    if (!all) return false;
    step->as.products.n = units->at_once;
    step->as.products.all = all;
    step->as.products.scratch_bytes = 0;
    for (uint32_t i = 0; i < units->at_once; i++) {
        if (!make_product(p, &units[i], &all[i])) return false;
        step->as.products.scratch_bytes += all[i].scratch_bytes;
    }
    return true;
}
