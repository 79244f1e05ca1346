/* drawing.c: the recorded graph as Graphviz DOT.
 *
 * Owns: which nodes y was recorded from, and how a node looks. Drawing itself is Graphviz's. */
#include "graph/drawing.h"

#include "graph/deferred.h"

#include <errno.h>
#include <string.h>

/* Text inside a DOT string: quotes and backslashes escaped. */
static void put_escaped(FILE *file, const char *text) {
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', file);
        if (*text == '\n')
            fputs("\\n", file);
        else
            fputc(*text, file);
    }
}

enum { TINY = 8, VALUE_TEXT = 400 };

static void put_value(FILE *file, const char *label, const tg_tape *tape, uint32_t i) {
    const tg_node *node = tg_node_at(tape, i);
    const tg_array array = tg_node_array(node);
    if (tg_array_size(&array) > TINY || !tg_node_has_values(tape, node)) return;
    char text[VALUE_TEXT];
    if (array.rank == 0) { /* 3, and not 3.0 as arrays are printed */
        const tg_tensor scalar = tg_handle((tg_tape *)(uintptr_t)tape, i);
        snprintf(text, sizeof text, "%.6g", tg_item_at(node->place, scalar));
    } else if (tg_array_format(&array, sizeof text, text) >= sizeof text) {
        return;
    }
    fprintf(file, "\\n%s", label);
    put_escaped(file, text);
}

/* Which mark a node has; -1: none. */
static int mark_of(const tg_tape *tape, uint32_t i, const tg_draw_options *options) {
    for (int k = 0; k < options->n_marks; k++) {
        const tg_tensor x = options->marked[k];
        if (x.node == i && x.tape == tape && tg_is_living(x)) return k;
    }
    return -1;
}

/* A mark, broken into lines that are not much wider than the other ones of a box. */
static void put_mark(FILE *file, const char *text) {
    enum { WIDE = 34 };
    int column = 0;
    fputs("\\n", file);
    for (; *text; text++, column++) {
        if (*text == ' ' && column >= WIDE && text[-1] != ',') { /* not within [0, 22] */
            fputs("\\n", file);
            column = -1;
            continue;
        }
        put_escaped(file, (const char[]){*text, 0});
    }
}

static void put_node(FILE *file, const tg_tape *tape, uint32_t i, const tg_draw_options *options,
                     bool is_result) {
    const tg_node *node = tg_node_at(tape, i);
    const tg_array array = tg_node_array(node);
    const char *name = tg_name(tg_handle((tg_tape *)(uintptr_t)tape, i));
    const bool parameter = !node->op && (node->flags & TG_NODE_REQUIRES_GRAD);
    const int mark = mark_of(tape, i, options);
    const char *color = mark >= 0   ? "#e34a33\", fontcolor=\"white\", penwidth=\"3\", color=\"#7f0000"
                        : is_result ? "#fdd0a2"
                        : parameter ? "#c7e9c0"
                        : node->op  ? "#deebf7"
                                    : "#eeeeee";
    char shape[TG_SHAPE_TEXT];
    fprintf(file, "  n%lu [fillcolor=\"%s\", label=\"", (unsigned long)i, color);
    if (name) put_escaped(file, name);
    if (name && node->op) fputs(" = ", file);
    if (node->op)
        put_escaped(file, node->op->name);
    else if (!name)
        fputs(parameter ? "parameter" : array.rank ? "input" : "number", file);
    if (array.rank) fprintf(file, "  %s", tg_shape_format(tg_array_shape(&array), sizeof shape, shape));
    if (!options->no_values) put_value(file, "value ", tape, i);
    for (int k = 0; k < options->n_gradients; k++) {
        const tg_tensor x = options->of[k], dx = options->gradients[k];
        if (x.node == i && x.tape == tape && tg_is_living(x) && dx.tape == tape && tg_is_living(dx))
            put_value(file, "gradient ", tape, dx.node);
    }
    if (!options->no_places && node->op) {
        fputs("\\n", file);
        const char *slash = strrchr(node->place, '/');
        put_escaped(file, slash ? slash + 1 : node->place);
    }
    if (mark >= 0 && options->marks) put_mark(file, options->marks[mark]);
    fputs("\"];\n", file);
}

/* Marks y and all that it was recorded from: inputs are older, so one loop backwards suffices. */
static uint8_t *reachable(tg_tape *tape, uint32_t y) {
    uint8_t *seen = tg_arena_alloc(&tape->scratch, (size_t)y + 1, 1);
    if (!seen) return NULL;
    memset(seen, 0, (size_t)y + 1);
    seen[y] = 1;
    for (uint32_t i = y + 1; i-- > 0;) {
        const tg_node *node = tg_node_at(tape, i);
        for (uint32_t k = 0; seen[i] && k < node->n_in; k++) seen[tg_node_inputs(node)[k]] = 1;
    }
    return seen;
}

/* The canonical order: depth first from y, inputs left to right, with a stack of our own (no recursion). */
static uint32_t *canonical_order(tg_tape *tape, uint32_t y, uint8_t *seen, size_t *count) {
    size_t n = 0, edges = 1;
    for (uint32_t i = 0; i <= y; i++) {
        n += seen[i];
        if (seen[i]) edges += tg_node_at(tape, i)->n_in;
    }
    uint32_t *order = tg_arena_alloc(&tape->scratch, n * sizeof *order, sizeof *order);
    uint32_t *stack = tg_arena_alloc(&tape->scratch, edges * sizeof *stack, sizeof *stack);
    if (!order || !stack) return NULL;
    size_t top = 0;
    *count = 0;
    stack[top++] = y;
    while (top > 0) {
        const uint32_t i = stack[--top];
        if (seen[i] != 1) continue;
        seen[i] = 2;
        order[(*count)++] = i;
        const tg_node *node = tg_node_at(tape, i);
        for (uint32_t k = node->n_in; k-- > 0;) stack[top++] = tg_node_inputs(node)[k];
    }
    return order;
}

static void put_graph(FILE *file, const tg_tape *tape, uint32_t y, const uint32_t *order, size_t count,
                      const tg_draw_options *options) {
    fputs("digraph tapegrad {\n  rankdir=LR;\n", file);
    if (options->title) {
        fputs("  labelloc=t; fontname=\"Helvetica\"; label=\"", file);
        put_escaped(file, options->title);
        fputs("\";\n", file);
    }
    fputs("  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11];\n"
          "  edge [color=\"#555555\"];\n",
          file);
    for (size_t k = 0; k < count; k++) put_node(file, tape, order[k], options, order[k] == y);
    for (size_t k = 0; k < count; k++) {
        const tg_node *node = tg_node_at(tape, order[k]);
        for (uint32_t i = 0; i < node->n_in; i++)
            fprintf(file, "  n%lu -> n%lu;\n", (unsigned long)tg_node_inputs(node)[i],
                    (unsigned long)order[k]);
    }
    fputs("}\n", file);
}

tg_status tg_draw_at(const char *where, const char *path, tg_tensor y, const tg_draw_options *options) {
    if (!y.tape || tg_is_num(y)) return TG_ERR_HANDLE;
    tg_tape *tape = y.tape;
    static const tg_draw_options defaults;
    if (!tg_node_of(where, "draw", y) || !tg_settle(tape)) return tape->status;
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    size_t count = 0;
    uint8_t *seen = reachable(tape, y.node);
    const uint32_t *order = seen ? canonical_order(tape, y.node, seen, &count) : NULL;
    tg_status status = TG_OK;
    if (!order) status = tg_tape_fail(tape, TG_ERR_MEMORY, where, "draw: out of memory");
    FILE *file = order && path ? fopen(path, "w") : NULL;
    if (order && !file)
        status = tg_tape_fail(tape, TG_ERR_FILE, where, "draw: cannot write %s: %s", path ? path : "(NULL)",
                              path ? strerror(errno) : "there is no path");
    if (file) {
        put_graph(file, tape, y.node, order, count, options ? options : &defaults);
        const bool written = !ferror(file);
        if (fclose(file) != 0 || !written)
            status =
                tg_tape_fail(tape, TG_ERR_FILE, where, "draw: writing %s failed: %s", path, strerror(errno));
    }
    tg_arena_rewind(&tape->scratch, before);
    return status;
}
