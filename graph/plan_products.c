/* plan_products.c: the products of matrices in a plan.
 *
 * Owns: what is known of a product before it has a place, and the records of those that run at once. Must not
 * know which are put together (plan_fusion.c) or how they are multiplied. */
#include "graph/plan_parts.h"

/* What x, of which there is one element for each element of the products, adds to each of them: true if that
 * is a row, a column or a number. */
static bool plus_of(const tg_planning *p, const tg_product *product, const tg_value *v, const tg_value *x,
                    struct tg_matrix *plus) {
    const tg_array array = tg_value_array(p, x), out = tg_node_array(v->node);
    const int64_t m = product->m, n = product->n, batches = tg_shape_size(product->batch);
    tg_cursor c;
    tg_cursor_over_broadcast(&c, &array, out.rank, out.shape);
    *plus = (struct tg_matrix){array.data, 0, 0};
    if (tg_cursor_is_constant(&c)) return true;
    if (n == 1 && batches == 1) {
        plus->row = c.stride[1];
        return c.rank == 2 && c.size[0] == 1 && plus->row == 1;
    }
    if (c.rank != 2 || c.size[0] != m * batches || c.size[1] != n) return false;
    plus->row = c.stride[0];
    plus->column = c.stride[1];
    return (plus->column == 0 && plus->row == 1 && batches == 1) || (plus->column == 1 && plus->row == 0);
}

/* What sum adds to v, which it reads. */
static const tg_value *other_term(const tg_planning *p, const tg_value *v, const tg_value *sum) {
    return tg_value_input(p, sum, tg_value_input(p, sum, 0) == v);
}

/* The sum, which nobody but it reads v for; NULL: there is none that a product can make. */
static const tg_value *sum_after(const tg_planning *p, const tg_value *v, const tg_product *product) {
    const uint32_t *r = &p->first_reader[tg_value_id(p, v)];
    const tg_array array = tg_node_array(v->node);
    if (v->kept || r[1] - r[0] != 1) return NULL;
    const tg_value *sum = &p->values[p->readers[r[0]]];
    if (sum->node->op->arithmetic != TG_ADD || sum->node->n_in != 2) return NULL;
    const tg_array sums = tg_node_array(sum->node);
    const tg_value *x = other_term(p, v, sum);
    struct tg_matrix plus;
    const bool reads = tg_value_input(p, sum, 0) == v || tg_value_input(p, sum, 1) == v;
    const bool fits = sum->node->dtype == v->node->dtype && x->node->dtype == v->node->dtype &&
                      tg_shape_equal(tg_array_shape(&sums), tg_array_shape(&array));
    return reads && fits && plus_of(p, product, v, x, &plus) ? sum : NULL;
}

bool tg_plan_try_product(const tg_planning *p, const tg_value *v, tg_prepared_product *prepared,
                         const tg_value **sum) {
    const tg_arena_position before = tg_arena_here(&p->tape->scratch);
    tg_call call;
    tg_product product;
    if (!tg_value_call(p, v, &call)) return false;
    v->node->op->product(&call, &product);
    tg_product_prepare(prepared, &product, NULL);
    *sum = tg_product_takes_plus(prepared) ? sum_after(p, v, &product) : NULL;
    tg_arena_rewind(&p->tape->scratch, before);
    return true;
}

/* The product, what it adds, and the chain that follows it. */
static bool make_product(const tg_planning *p, const tg_unit *unit, tg_prepared_product *prepared) {
    const tg_value *v = &p->values[p->members[unit->first]];
    tg_product_end end = {.adds = false};
    tg_product product;
    tg_call call;
    if (!tg_plan_make_call(p, v, &call)) return false;
    v->node->op->product(&call, &product);
    if (unit->adds) {
        const tg_value *sum = &p->values[p->members[unit->first + 1]];
        (void)plus_of(p, &product, v, other_term(p, v, sum), &end.plus);
        product.c = tg_value_array(p, sum).data;
    }
    if (unit->n > tg_unit_first_in_blocks(unit)) {
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
