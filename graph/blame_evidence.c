/* blame_evidence.c: gathering what a mistake may be known by.
 *
 * Owns: numerical gradients of the guilty node's inputs, whole or in a sample, their parts, branches, and the
 * sizes seen in the graph; and how much work each may be. Must not name anything: see mistake.c. */
#include "graph/blame_evidence.h"

#include "graph/branches.h"

#include <math.h>
#include <string.h>

enum {
    MOST_SIZES = 64,
    MOST_OTHERS = 8,
    FEW_ENTRIES = 256,      /* moved one by one: an input of so many is compared whole */
    MOST_ELEMENTS = 1 << 24 /* that forward may compute for a sample, or for parts */
};

typedef struct gathering {
    tg_local *l;
    int64_t n;              /* entries in the arrays */
    const int64_t *entries; /* which; NULL: all */
    double *wrong, *right, *error;
    int64_t sizes[MOST_SIZES];
    tg_mistake_other others[MOST_OTHERS];
    tg_mistake_parts parts[TG_MAX_RANK];
    tg_mistake_evidence evidence;
} gathering;

tg_shape tg_blame_index(tg_shape shape, int64_t element) {
    tg_shape index = {.rank = shape.rank};
    for (int axis = shape.rank; axis-- > 0; element /= shape.dim[axis])
        index.dim[axis] = element % shape.dim[axis];
    return index;
}

static void *room(const tg_local *l, int64_t n, size_t size) {
    void *memory = tg_arena_alloc(&l->tape->scratch, (size_t)n * size, 64);
    if (!memory)
        tg_tape_fail(l->tape, TG_ERR_MEMORY, tg_place(l->node), "%s: out of memory to name its mistake",
                     l->op->name);
    return memory;
}

/* --- sizes ---------------------------------------------------------------------------------------------- */

static void add_size(gathering *g, int64_t size) {
    if (size < 2 || g->evidence.n_sizes == MOST_SIZES) return;
    for (int i = 0; i < g->evidence.n_sizes; i++)
        if (g->sizes[i] == size) return;
    g->sizes[g->evidence.n_sizes++] = size;
}

static void add_sizes_of(gathering *g, const tg_node *node) {
    const tg_array array = tg_node_array(node);
    for (int axis = 0; axis < array.rank; axis++) add_size(g, array.shape[axis]);
    add_size(g, tg_array_size(&array));
}

/* Those of the node first, then those of the others, towards the loss and then towards the parameters. */
static void gather_sizes(gathering *g, const tg_blame_graph *graph) {
    const tg_node *node = tg_node_at(graph->tape, g->l->node.node);
    for (uint32_t k = 0; k < node->n_in; k++)
        add_sizes_of(g, tg_node_at(graph->tape, tg_node_inputs(node)[k]));
    for (uint32_t i = g->l->node.node; i <= graph->high; i++)
        if (tg_blame_marks_of(graph, i) & TG_BLAME_NEEDED) add_sizes_of(g, tg_node_at(graph->tape, i));
    for (uint32_t i = g->l->node.node; i-- > graph->low;)
        if (tg_blame_marks_of(graph, i) & TG_BLAME_NEEDED) add_sizes_of(g, tg_node_at(graph->tape, i));
    g->evidence.sizes = g->sizes;
}

/* --- entries -------------------------------------------------------------------------------------------- */

static bool is_map(const tg_local *l) { return l->op->kind == TG_MAP; }

/* The elements that an evaluation computes and copies. */
static int64_t work_of(const tg_local *l) {
    int64_t work = l->n_out;
    for (int k = 0; k < l->n_in; k++) work += l->inputs[k].size;
    return work;
}

static int64_t entry_of(const gathering *g, int64_t i) { return g->entries ? g->entries[i] : i; }

/* All entries, or as many as the work allows, evenly spread, the worst among them. */
static bool choose_entries(gathering *g, int k, int64_t worst) {
    const int64_t size = g->l->inputs[k].size, affordable = MOST_ELEMENTS / 16 / work_of(g->l);
    g->n = size;
    if (is_map(g->l) || size <= affordable || size <= 4) return true;
    if (size > FEW_ENTRIES) g->n = FEW_ENTRIES;
    if (g->n > affordable) g->n = affordable > 4 ? affordable : 4;
    if (g->n == size) return true;
    int64_t *entries = room(g->l, g->n, sizeof *entries);
    if (!entries) return false;
    for (int64_t i = 0; i < g->n; i++) entries[i] = (worst + i * (size / g->n)) % size;
    g->entries = entries;
    return true;
}

/* The numerical gradient of an input at the chosen entries. */
static double *gather_right(gathering *g, int k, double *error) {
    tg_local_entry *slopes = room(g->l, g->n, sizeof *slopes);
    double *right = room(g->l, g->n, sizeof *right);
    if (!slopes || !right || !tg_local_gradient(g->l, k, g->n, g->entries, slopes)) return NULL;
    for (int64_t i = 0; i < g->n; i++) {
        right[i] = slopes[i].numeric;
        if (error) error[i] = slopes[i].error;
    }
    return right;
}

static bool gather_entries(gathering *g, int k, int64_t worst) {
    const tg_array array = tg_node_array(tg_node_at(g->l->tape, g->l->x[k].node));
    if (!choose_entries(g, k, worst)) return false;
    g->wrong = room(g->l, g->n, sizeof *g->wrong);
    g->error = room(g->l, g->n, sizeof *g->error);
    if (!g->wrong || !g->error || !(g->right = gather_right(g, k, g->error))) return false;
    for (int64_t i = 0; i < g->n; i++) g->wrong[i] = g->l->inputs[k].backward[entry_of(g, i)];
    g->evidence.shape = g->entries ? TG_SHAPE(g->n) : tg_array_shape(&array);
    g->evidence.is_sample = g->entries;
    g->evidence.wrong = g->wrong;
    g->evidence.right = g->right;
    g->evidence.error = g->error;
    return true;
}

/* --- what stands beside it ------------------------------------------------------------------------------ */

static bool gather_others(gathering *g, int k) {
    for (int i = 0; i < g->l->n_in && g->evidence.n_others < MOST_OTHERS; i++) {
        if (i == k || !g->l->inputs[i].moved || g->l->inputs[i].size != g->l->inputs[k].size) continue;
        const double *right = gather_right(g, i, NULL);
        if (!right) return false;
        g->others[g->evidence.n_others++] = (tg_mistake_other){i, right};
    }
    g->evidence.others = g->others;
    return true;
}

static bool is_broadcast_along(const tg_local *l, int k, int axis) {
    const tg_array array = tg_node_array(tg_node_at(l->tape, l->x[k].node));
    const int in = axis - l->shape.rank + array.rank;
    return in < 0 || array.shape[in] == 1;
}

static bool gather_parts(gathering *g, int k) {
    const int64_t size = g->l->inputs[k].size;
    for (int axis = 0; axis < g->l->shape.rank && !g->entries; axis++) {
        const int64_t length = g->l->shape.dim[axis];
        const bool broadcast = is_broadcast_along(g->l, k, axis);
        if (length < 2 || size * length > MOST_ELEMENTS) continue;
        if (is_map(g->l) ? !broadcast : size * work_of(g->l) > MOST_ELEMENTS / 16) continue;
        double *values = room(g->l, size * length, sizeof *values);
        if (!values || !tg_local_parts(g->l, k, axis, values)) return false;
        g->parts[g->evidence.n_parts++] = (tg_mistake_parts){axis, broadcast, length, values};
    }
    g->evidence.parts = g->parts;
    return true;
}

/* Most functions with branches have them by the sign of an input. */
static void take_signs(const gathering *g, int k, uint64_t *branch) {
    for (int64_t i = 0; i < g->n; i++) {
        const double x = g->l->inputs[k].point[entry_of(g, i)];
        branch[i] = x < 0 ? 1 : x > 0 ? 2 : 0;
    }
}

/* What the operation itself tells, where that has an element for each entry. */
static bool take_told_branches(const gathering *g, int k, uint64_t *branch, bool *told) {
    const int64_t size = g->l->inputs[k].size;
    tg_tensor pattern;
    *told = false;
    if (!tg_node_branch(g->l->node, &pattern)) return false;
    if (!pattern.tape || tg_size_at(tg_place(g->l->node), pattern) != size) return true;
    double *values = room(g->l, size, sizeof *values);
    if (!values || tg_read_f64_at(tg_place(g->l->node), pattern, size, values) != TG_OK) return false;
    for (int64_t i = 0; i < g->n; i++) memcpy(&branch[i], &values[entry_of(g, i)], sizeof *branch);
    *told = true;
    return true;
}

/* With the signs first, which can be named. */
static bool find_with_branches(gathering *g, int k, tg_mistake *mistake) {
    static const char *const names[] = {"where the input is 0", "where the input is negative",
                                        "where the input is positive"};
    bool told;
    uint64_t *branch = room(g->l, g->n, sizeof *branch);
    if (!branch) return false;
    take_signs(g, k, branch);
    g->evidence.branch = branch;
    g->evidence.branch_names = names;
    if (tg_mistake_find(&g->evidence, mistake)) return true;
    if (!take_told_branches(g, k, branch, &told)) return false;
    g->evidence.branch_names = NULL;
    if (told) (void)tg_mistake_find(&g->evidence, mistake);
    return true;
}

bool tg_blame_name_mistake(const tg_blame_graph *graph, tg_local *l, int k, int64_t worst,
                           tg_mistake *mistake) {
    gathering g = {.l = l};
    const tg_arena_position scratch = tg_arena_here(&l->tape->scratch);
    *mistake = (tg_mistake){0};
    gather_sizes(&g, graph);
    const bool good = gather_entries(&g, k, worst) && gather_others(&g, k) && gather_parts(&g, k) &&
                      find_with_branches(&g, k, mistake);
    tg_arena_rewind(&l->tape->scratch, scratch);
    return good;
}
