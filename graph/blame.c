/* blame.c: which node is guilty?
 *
 * Owns: the order in which the nodes between loss and parameters are checked, and what is found. How one node
 * is checked alone is in local_check.c, how the graph is searched for cuts in blame_graph.c, and what is
 * known of a guilty node in blame_evidence.c. */
#include "graph/blame_evidence.h"

#include <math.h>
#include <string.h>

/* Nodes of one operation and line. */
typedef struct line {
    const struct tg_op *op;
    const char *place;
    int64_t n;     /* nodes */
    int64_t first; /* the newest of them, as a candidate */
    bool guilty;
} line;

typedef struct search {
    tg_blame_graph graph;
    const tg_blame_options *options;
    tg_blame_report *report;
    int64_t n; /* candidates: nodes between, and barriers, the newest first */
    tg_tensor *nodes, *cotangents;
    uint32_t *lines; /* of each candidate, into line_table */
    line *line_table;
    size_t line_mask;
    double largest; /* of all cotangents */
    int most;
    tg_blame_finding *findings; /* room for the most; report->n of them */
} search;

static void *room(const search *s, int64_t n, size_t size) {
    tg_tape *tape = s->graph.tape;
    void *memory = tg_arena_alloc(&tape->scratch, (size_t)n * size, 64);
    if (!memory)
        tg_tape_fail(tape, TG_ERR_MEMORY, s->graph.where, "blame: out of memory for %lld nodes",
                     (long long)n);
    return memory;
}

static bool is_full(const search *s) { return s->report->n >= s->most; }

/* --- candidates ----------------------------------------------------------------------------------------- */

static uint32_t line_of(search *s, const tg_node *node) {
    size_t at =
        ((uintptr_t)node->place * 31 + (uintptr_t)node->op) * 0x9E3779B97F4A7C15U >> 20 & s->line_mask;
    while (s->line_table[at].n &&
           (s->line_table[at].op != node->op || s->line_table[at].place != node->place))
        at = (at + 1) & s->line_mask;
    return (uint32_t)at;
}

static bool list_candidates(search *s) {
    const tg_blame_graph *g = &s->graph;
    size_t lines = 16;
    int64_t n = 0;
    for (uint32_t i = g->low; i <= g->high; i++) n += tg_blame_is_between(g, i) || tg_blame_is_barrier(g, i);
    while (lines < 2 * (size_t)n) lines *= 2;
    s->nodes = room(s, n, sizeof *s->nodes);
    s->cotangents = room(s, n, sizeof *s->cotangents);
    s->lines = room(s, n, sizeof *s->lines);
    s->line_table = room(s, (int64_t)lines, sizeof *s->line_table);
    s->line_mask = lines - 1;
    if (!s->nodes || !s->cotangents || !s->lines || !s->line_table) return false;
    memset(s->line_table, 0, lines * sizeof *s->line_table);
    for (uint32_t i = g->high + 1; i-- > g->low;) {
        const bool between = tg_blame_is_between(g, i);
        if (!between && !tg_blame_is_barrier(g, i)) continue;
        const tg_node *node = tg_node_at(g->tape, i);
        const uint32_t at = line_of(s, node);
        line *l = &s->line_table[at];
        if (!l->n++) l->op = node->op, l->place = node->place, l->first = s->n;
        s->report->nodes += between;
        s->lines[s->n] = at;
        s->nodes[s->n++] = tg_handle(g->tape, i);
    }
    return true;
}

/* The largest entry of a cotangent; NaN where one is. */
static double size_of(const search *s, int64_t c) {
    const tg_array array = tg_node_array(tg_node_at(s->graph.tape, s->cotangents[c].node));
    const double *values = array.data;
    const int64_t n = tg_array_size(&array);
    if (!n || !tg_array_is_contiguous(&array)) return n ? fabs(values[0]) : 0; /* one number, broadcast */
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(values[i])) return NAN;
        largest = fmax(largest, fabs(values[i]));
    }
    return largest;
}

/* --- findings ------------------------------------------------------------------------------------------- */

static tg_blame_finding *add_finding(search *s, tg_blame_kind kind, uint32_t i) {
    tg_tape *tape = s->graph.tape;
    const tg_node *node = tg_node_at(tape, i);
    tg_blame_finding *f = &s->findings[s->report->n++];
    *f = (tg_blame_finding){.kind = kind, .node = tg_handle(tape, i), .alike = 1, .input = -1};
    const char *name = tg_name(f->node);
    snprintf(f->operation, sizeof f->operation, "%s", node->op ? node->op->name : "");
    snprintf(f->place, sizeof f->place, "%s", node->place);
    if (name) snprintf(f->name, sizeof f->name, "%s", name);
    return f;
}

static void add_forward(search *s, const tg_local *l, int64_t element) {
    tg_blame_finding *f = add_finding(s, TG_BLAME_FORWARD, l->node.node);
    f->element = tg_blame_index(l->shape, element);
    f->backward = l->recorded[element];
    f->numerical = l->at_point[element];
    f->failed = f->compared = l->n_out;
}

static bool add_backward(search *s, tg_local *l, int k, const tg_local_result *r) {
    tg_blame_finding *f = add_finding(s, TG_BLAME_BACKWARD, l->node.node);
    const tg_tensor input = tg_handle(l->tape, tg_node_inputs(tg_node_at(l->tape, l->node.node))[k]);
    const tg_array array = tg_node_array(tg_node_at(l->tape, input.node));
    const char *name = tg_name(input);
    snprintf(f->name, sizeof f->name, "%s", name ? name : "");
    f->input = k;
    f->element = tg_blame_index(tg_array_shape(&array), r->entry);
    f->failed = r->failed;
    f->compared = r->compared;
    f->backward = r->analytic;
    f->numerical = r->numeric;
    f->error = r->error;
    return tg_blame_name_mistake(&s->graph, l, k, r->entry, &f->mistake);
}

/* --- one node ------------------------------------------------------------------------------------------- */

static bool check_inputs(search *s, tg_local *l, tg_key key, bool *guilty) {
    const tg_local_tolerance tolerance = {s->options->relative, s->options->absolute};
    tg_verdict worst = TG_PASS;
    for (int k = 0; k < l->n_in && !is_full(s); k++) {
        tg_local_result result;
        if (!l->inputs[k].backward) continue;
        if (!tg_local_check(l, k, tolerance, tg_key_split(key, (uint64_t)k + 1), &result)) return false;
        if (result.verdict == TG_UNRESOLVED) worst = TG_UNRESOLVED;
        if (result.verdict != TG_FAIL) continue;
        *guilty = true;
        if (!add_backward(s, l, k, &result)) return false;
    }
    s->report->unresolved += worst == TG_UNRESOLVED;
    return true;
}

static bool check_node(search *s, int64_t c, bool *guilty) {
    tg_tape *tape = s->graph.tape;
    const tg_node *node = tg_node_at(tape, s->nodes[c].node);
    const uint32_t *in = tg_node_inputs(node);
    const tg_key key = tg_key_split(tg_key_new(0), (uint64_t)c);
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    bool *needs = room(s, node->n_in, sizeof *needs);
    if (!needs) return false;
    for (uint32_t k = 0; k < node->n_in; k++) needs[k] = tg_blame_marks_of(&s->graph, in[k]) & TG_BLAME_FROM;
    tg_local l;
    int64_t element;
    bool good = tg_local_open(&l, s->graph.where, s->nodes[c], &s->cotangents[c], needs, key);
    if (good && !tg_local_repeats(&l, &element)) {
        *guilty = true;
        add_forward(s, &l, element);
    } else if (good) {
        good = check_inputs(s, &l, key, guilty);
    }
    s->report->checked++;
    s->report->evaluations += l.evaluations;
    tg_local_close(&l);
    tg_arena_rewind(&tape->scratch, scratch);
    return good;
}

/* One node of each line first: a mistake sits in an operation, and shows at its first node; then the others,
 * since it may show at some values only. */
static bool check_nodes(search *s) {
    for (int others = 0; others < 2; others++)
        for (int64_t c = 0; c < s->n && !is_full(s); c++) {
            line *l = &s->line_table[s->lines[c]];
            if ((l->first != c) != others || l->guilty) continue;
            if (!tg_blame_is_between(&s->graph, s->nodes[c].node)) continue;
            const int before = s->report->n;
            if (!check_node(s, c, &l->guilty)) return false;
            for (int i = before; i < s->report->n; i++) s->findings[i].alike = l->n;
        }
    return true;
}

/* --- cuts ----------------------------------------------------------------------------------------------- */

/* A barrier that the loss does not depend on to first order does no harm: the largest element that a stable
 * softmax subtracts. */
static void find_barriers(search *s) {
    for (int64_t c = 0; c < s->n && !is_full(s); c++) {
        const uint32_t i = s->nodes[c].node;
        line *l = &s->line_table[s->lines[c]];
        if (l->guilty || !tg_blame_is_barrier(&s->graph, i) || size_of(s, c) <= 1e-12 * s->largest) continue;
        l->guilty = true;
        add_finding(s, TG_BLAME_BARRIER, i)->alike = l->n;
    }
}

static bool find_constants(search *s) {
    tg_tape *tape = s->graph.tape;
    const int most = s->most - s->report->n;
    tg_blame_constant *found = room(s, most, sizeof *found);
    int n;
    if (!found || !tg_blame_find_constants(&s->graph, most, found, &n)) return false;
    for (int i = 0; i < n; i++) {
        const tg_node *source = tg_node_at(tape, found[i].source);
        tg_blame_finding *f = add_finding(s, TG_BLAME_CONSTANT, found[i].constant);
        char text[sizeof f->source / 2];
        tg_node_describe(tape, found[i].source, sizeof text, text);
        snprintf(f->source, sizeof f->source, "%s at %s", text, source->place);
    }
    return true;
}

static void find_unreached(search *s) {
    for (int k = 0; k < s->graph.n && !is_full(s); k++) {
        const uint32_t i = s->graph.params[k].node;
        if (tg_blame_marks_of(&s->graph, i) & TG_BLAME_NEEDED) continue;
        add_finding(s, TG_BLAME_UNREACHED, i)->input = k;
    }
}

/* --- all of it ------------------------------------------------------------------------------------------ */

static bool run(search *s, tg_tensor loss) {
    if (!list_candidates(s)) return false;
    if (tg_gradients_at(s->graph.where, loss, (int)s->n, s->nodes, s->cotangents) != TG_OK) return false;
    for (int64_t c = 0; c < s->n; c++) s->largest = fmax(s->largest, size_of(s, c));
    if (!check_nodes(s)) return false;
    find_barriers(s);
    if (!s->report->n && !find_constants(s)) return false;
    find_unreached(s);
    return true;
}

/* The findings, as many as there are, in memory of their own. */
static bool hand_over(search *s) {
    tg_blame_report *report = s->report;
    const size_t bytes = (size_t)report->n * sizeof *report->findings;
    if (!report->n) return true;
    report->findings = tg_memory_new(&report->allocator, bytes);
    if (report->findings)
        memcpy(report->findings, s->findings, bytes);
    else
        tg_tape_fail(s->graph.tape, TG_ERR_MEMORY, s->graph.where, "blame: out of memory for %d findings",
                     report->n);
    return report->findings;
}

static tg_status check_arguments(const char *where, tg_tape *tape, tg_tensor loss, int n,
                                 const tg_tensor *params) {
    if (tape->dtype != TG_F64)
        return tg_tape_fail(
            tape, TG_ERR_DTYPE, where,
            "blame: the tape is f32, whose rounding hides small mistakes; check on an f64 tape");
    if (loss.tape != tape || tg_size_at(where, loss) != 1)
        return tg_tape_fail(tape, TG_ERR_SHAPE, where, "blame: the loss must be one number on the tape");
    if (tg_dtype_of_at(where, loss) != TG_F64)
        return tg_tape_fail(tape, TG_ERR_DTYPE, where, "blame: the loss must be f64");
    if (!tg_node_with_values(where, "blame: the loss", loss)) return tape->status;
    for (int k = 0; k < n; k++)
        if (params[k].tape != tape || !tg_is_living(params[k]) ||
            tg_node_at(tape, params[k].node)->dtype != TG_F64)
            return tg_tape_fail(tape, TG_ERR_VALUE, where,
                                "blame: parameter %d is not an f64 tensor of the tape", k);
    return TG_OK;
}

tg_status tg_blame_at(const char *where, tg_tape *tape, tg_tensor loss, int n, const tg_tensor *params,
                      const tg_blame_options *options, tg_blame_report *report) {
    static const tg_blame_options defaults = {0};
    *report = (tg_blame_report){0};
    if (!tape || tape->status) return tape ? tape->status : TG_ERR_HANDLE;
    const tg_status status = check_arguments(where, tape, loss, n, params);
    if (status) return status;
    report->allocator = tape->allocator;
    search s = {.options = options ? options : &defaults, .report = report};
    s.most = s.options->findings > 0 ? s.options->findings : 16;
    const tg_arena_position scratch = tg_arena_here(&tape->scratch), nodes = tg_arena_here(&tape->arena);
    const uint32_t n_nodes = tape->n_nodes;
    bool good = tg_blame_graph_open(&s.graph, where, loss, n, params);
    s.findings = room(&s, s.most, sizeof *s.findings);
    good = good && s.findings && run(&s, loss);
    if (good) good = hand_over(&s);
    tg_arena_rewind(&tape->scratch, scratch);
    tg_tape_cut(tape, n_nodes, nodes, NULL);
    if (good) return TG_OK;
    *report = (tg_blame_report){0};
    return tape->status;
}
