/* plan_assigns.c: results that are written straight into the leaves which they are assigned to.
 *
 * Owns: the choice of them: an update then has nothing to copy. Must not know how results are computed. */
#include "graph/plan_parts.h"

/* Whether member i of the unit may write to the leaf in place of the assign that is its member k: nobody
 * reads the leaf as it was in between, nor the result when the leaf has changed again. */
static bool can_write(const tg_planning *p, const tg_unit *unit, uint32_t i, uint32_t k, uint32_t leaf) {
    for (uint32_t j = i + 1; j < unit->n; j++) {
        const tg_value *v = &p->values[p->members[unit->first + j]];
        if (j > k && v->root == leaf) return false;
        for (uint32_t in = 0; in < v->node->n_in && j < k; in++)
            if (tg_value_input(p, v, in)->root == leaf) return false;
    }
    return true;
}

/* The position in the unit of the result that the assign, its member k, may find written; k: there is none.
 */
static uint32_t find_writer(const tg_planning *p, uint32_t u, uint32_t k, const tg_value *assign) {
    const tg_unit *unit = &p->units[u];
    const tg_value *x = tg_value_input(p, assign, 1);
    if (x->root != tg_value_id(p, x) || x->unit != u || x->node->op->kind != TG_MAP || x->kept) return k;
    if (x->last_unit != u || x->into != TG_NONE || tg_value_size(x) != unit->form.n) return k;
    uint32_t i = k;
    while (&p->values[p->members[unit->first + i]] != x) i--;
    return can_write(p, unit, i, k, assign->root) ? i : k;
}

void tg_plan_write_through(tg_planning *p) {
    for (uint32_t u = 0; u < p->n_units; u++) {
        const tg_unit *unit = &p->units[u];
        for (uint32_t k = 1; k < unit->n; k++) {
            tg_value *assign = &p->values[p->members[unit->first + k]];
            if (assign->node->op != &tg_assign_op) continue;
            const uint32_t i = find_writer(p, u, k, assign);
            if (i == k) continue;
            tg_value *x = &p->values[p->members[unit->first + i]];
            x->in_memory = assign->done = true;
            x->into = assign->root;
        }
    }
}
