/* gradcheck_mistake.c: what a gradient that failed looks like as a whole.
 *
 * Owns: what tg_mistake_find is given to compare with. Which operation made the mistake is for blame.c. */
#include "graph/gradcheck_parts.h"

static void add_size(tg_check *c, int64_t size) {
    if (size < 2 || c->n_sizes == TG_CHECK_SIZES) return;
    for (int i = 0; i < c->n_sizes; i++)
        if (c->sizes[i] == size) return;
    c->sizes[c->n_sizes++] = size;
}

static void add_lengths(tg_check *c, const tg_node *node) {
    const tg_array array = tg_node_array(node);
    for (int axis = 0; axis < array.rank; axis++) add_size(c, array.shape[axis]);
}

static void add_elements(tg_check *c, const tg_node *node) {
    const tg_array array = tg_node_array(node);
    add_size(c, tg_array_size(&array));
}

static void add_of_all(tg_check *c, uint32_t first, uint32_t loss, void (*add)(tg_check *, const tg_node *)) {
    for (uint32_t i = first; i <= loss; i++) {
        const tg_node *node = tg_node_at(c->model.tape, i);
        add(c, node);
        for (uint32_t k = 0; k < node->n_in; k++) add(c, tg_node_at(c->model.tape, tg_node_inputs(node)[k]));
    }
}

void tg_check_gather_sizes(tg_check *c, uint32_t first, uint32_t loss) {
    add_of_all(c, first, loss, add_lengths);
    add_of_all(c, first, loss, add_elements);
}

void tg_check_name_mistake(const tg_check *c, int k) {
    tg_gradcheck_result *result = &c->report->results[k];
    const tg_mistake_evidence evidence = {.shape = result->shape,
                                          .wrong = result->analytics,
                                          .right = result->numerics,
                                          .error = result->allowed,
                                          .sizes = c->sizes,
                                          .n_sizes = c->n_sizes};
    tg_mistake_find(&evidence, &result->mistake);
}
