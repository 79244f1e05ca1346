/* blame_graph.c: the nodes between a loss and its parameters, and where a path loses its gradient.
 *
 * Owns: two sweeps over the tape, up for what depends on a parameter and down for what the loss depends on,
 * and the search for values that left the tape and came back as constants. Must not run any operation. */
#include "graph/blame_graph.h"

#include <math.h>
#include <string.h>

static bool holds_values(const tg_node *node) { return tg_dtype_is_value((tg_dtype)node->dtype); }
static bool is_barrier(const tg_node *node) { return node->flags & TG_NODE_BARRIER; }

/* From the parameters up. i64 and bool carry nothing: what is computed by comparing is flat. */
static void sweep_up(const tg_blame_graph *g) {
    for (int k = 0; k < g->n; k++)
        if (g->params[k].node <= g->high)
            g->marks[g->params[k].node - g->low] = TG_BLAME_FROM | TG_BLAME_TOUCHED;
    for (uint32_t i = g->low; i <= g->high; i++) {
        const tg_node *node = tg_node_at(g->tape, i);
        if (!node->op || !holds_values(node)) continue;
        const uint8_t mask = is_barrier(node) ? TG_BLAME_TOUCHED : TG_BLAME_FROM | TG_BLAME_TOUCHED;
        const uint32_t *in = tg_node_inputs(node);
        for (uint32_t k = 0; k < node->n_in; k++) g->marks[i - g->low] |= tg_blame_marks_of(g, in[k]) & mask;
    }
}

static void sweep_down(const tg_blame_graph *g) {
    g->marks[g->high - g->low] |= TG_BLAME_TO | TG_BLAME_NEEDED;
    for (uint32_t i = g->high + 1; i-- > g->low;) {
        const tg_node *node = tg_node_at(g->tape, i);
        if (!node->op) continue;
        const uint8_t mask = is_barrier(node) ? TG_BLAME_NEEDED : TG_BLAME_TO | TG_BLAME_NEEDED;
        const uint8_t marks = tg_blame_marks_of(g, i) & mask;
        const uint32_t *in = tg_node_inputs(node);
        for (uint32_t k = 0; k < node->n_in; k++)
            if (in[k] >= g->low && holds_values(tg_node_at(g->tape, in[k])))
                g->marks[in[k] - g->low] |= marks;
    }
}

bool tg_blame_graph_open(tg_blame_graph *g, const char *where, tg_tensor loss, int n,
                         const tg_tensor *params) {
    *g = (tg_blame_graph){
        .tape = loss.tape, .where = where, .low = loss.node, .high = loss.node, .n = n, .params = params};
    for (int k = 0; k < n; k++)
        if (params[k].node < g->low) g->low = params[k].node;
    const size_t size = (size_t)(g->high - g->low) + 1;
    g->marks = tg_arena_alloc(&g->tape->scratch, size, 64);
    if (!g->marks) {
        tg_tape_fail(g->tape, TG_ERR_MEMORY, where, "blame: out of memory for %zu nodes", size);
        return false;
    }
    memset(g->marks, 0, size);
    sweep_up(g);
    sweep_down(g);
    return true;
}

bool tg_blame_is_between(const tg_blame_graph *g, uint32_t i) {
    const tg_node *node = tg_node_at(g->tape, i);
    const uint8_t both = TG_BLAME_FROM | TG_BLAME_TO;
    return node->op && !is_barrier(node) && (tg_blame_marks_of(g, i) & both) == both;
}

bool tg_blame_is_barrier(const tg_blame_graph *g, uint32_t i) {
    const tg_node *node = tg_node_at(g->tape, i);
    const uint8_t both = TG_BLAME_TOUCHED | TG_BLAME_TO;
    return node->op && is_barrier(node) && (tg_blame_marks_of(g, i) & both) == both;
}

/* --- values that came back as constants ----------------------------------------------------------------- */

/* Nodes that depend on a parameter, by their size and first telling value. */
typedef struct source_table {
    uint32_t *nodes; /* TG_NO_NODE: free */
    size_t mask;
} source_table;

/* A number that a program would write down says nothing by being equal. */
static bool is_plain(double value) { return value * 1024 == nearbyint(value * 1024); }

/* Where to look for arrays with these values; false where they say nothing. */
static bool place_of(const source_table *table, const tg_array *array, size_t *place) {
    if (array->dtype != TG_F64 || !tg_array_is_contiguous(array)) return false;
    const int64_t n = tg_array_size(array);
    const double *values = array->data;
    int64_t i = 0;
    while (i < n && is_plain(values[i])) i++;
    if (i == n) return false;
    uint64_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    *place = (size_t)((bits ^ (uint64_t)n) * 0x9E3779B97F4A7C15U >> 32) & table->mask;
    return true;
}

/* The node in the table that has these values, from place `at` on; TG_NO_NODE, and in *free the place where
 * it would be. */
static uint32_t find_equal(const tg_blame_graph *g, const source_table *table, size_t at,
                           const tg_array *array, size_t *free) {
    const int64_t n = tg_array_size(array);
    for (; table->nodes[at] != TG_NO_NODE; at = (at + 1) & table->mask) {
        const tg_array other = tg_node_array(tg_node_at(g->tape, table->nodes[at]));
        if (tg_array_size(&other) == n && memcmp(array->data, other.data, (size_t)n * sizeof(double)) == 0)
            break;
    }
    *free = at;
    return table->nodes[at];
}

static bool open_table(const tg_blame_graph *g, source_table *table) {
    size_t size = 16;
    while (size < 2 * ((size_t)(g->high - g->low) + 1)) size *= 2;
    *table = (source_table){tg_arena_alloc(&g->tape->scratch, size * sizeof *table->nodes, 64), size - 1};
    if (!table->nodes) {
        tg_tape_fail(g->tape, TG_ERR_MEMORY, g->where, "blame: out of memory for %zu nodes", size);
        return false;
    }
    for (size_t i = 0; i < size; i++) table->nodes[i] = TG_NO_NODE;
    for (uint32_t i = g->low; i <= g->high; i++) {
        const tg_array array = tg_node_array(tg_node_at(g->tape, i));
        size_t at;
        if (!(tg_blame_marks_of(g, i) & TG_BLAME_TOUCHED) || !place_of(table, &array, &at)) continue;
        if (find_equal(g, table, at, &array, &at) == TG_NO_NODE)
            table->nodes[at] = i; /* else the older one stays */
    }
    return true;
}

/* The oldest node that has the constant's values, if it was there before it. */
static uint32_t source_of(const tg_blame_graph *g, const source_table *table, uint32_t constant) {
    const tg_array array = tg_node_array(tg_node_at(g->tape, constant));
    size_t at;
    if (!place_of(table, &array, &at)) return TG_NO_NODE;
    const uint32_t source = find_equal(g, table, at, &array, &at);
    return source < constant ? source : TG_NO_NODE;
}

bool tg_blame_find_constants(const tg_blame_graph *g, int most, tg_blame_constant *found, int *n) {
    const tg_arena_position scratch = tg_arena_here(&g->tape->scratch);
    source_table table;
    const bool good = open_table(g, &table);
    *n = 0;
    for (uint32_t i = g->high; good && i > g->low && *n < most; i--) {
        const uint8_t marks = tg_blame_marks_of(g, i);
        if (tg_node_at(g->tape, i)->op || (marks & TG_BLAME_TOUCHED) || !(marks & TG_BLAME_TO)) continue;
        const uint32_t source = source_of(g, &table, i);
        if (source != TG_NO_NODE) found[(*n)++] = (tg_blame_constant){i, source};
    }
    tg_arena_rewind(&g->tape->scratch, scratch);
    return good;
}
