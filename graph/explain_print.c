/* explain_print.c: paths as text: products of derivatives, and tables of cotangents.
 *
 * Owns: what a node is called, how a long path is shortened, and the layout. Knows nothing of how paths are
 * found. */
#include "graph/explain.h"

#include "graph/node.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a path of more than WHOLE nodes the first and the last END are shown. */
enum { WHOLE = 9, END = 4 };

static int64_t shown_count(const tg_path *path) { return path->n <= WHOLE ? path->n : 2 * END; }
static int64_t shown_step(const tg_path *path, int64_t i) {
    return path->n <= WHOLE || i < END ? i : path->n - 2 * END + i;
}

/* --- names ---------------------------------------------------------------------------------------------- */

typedef struct label {
    uint32_t node;
    char text[64];
} label;

typedef struct labels {
    tg_tape *tape;
    size_t n;
    label *all; /* by node */
    int text_width, op_width, place_width, value_width;
} labels;

static const char *operation_of(const tg_node *node) {
    if (node->op) return node->op->name;
    return node->flags & TG_NODE_REQUIRES_GRAD ? "parameter" : "input";
}

static const char *place_of(const tg_node *node) {
    const char *slash = strrchr(node->place, '/');
    return slash ? slash + 1 : node->place;
}

/* A number's value, a tensor's shape. */
static const char *value_text(const labels *l, uint32_t i, char text[TG_SHAPE_TEXT]) {
    const tg_node *node = tg_node_at(l->tape, i);
    const tg_array array = tg_node_array(node);
    if (tg_array_size(&array) == 1)
        snprintf(text, TG_SHAPE_TEXT, "%.6g", tg_item_at(node->place, tg_handle(l->tape, i)));
    else
        tg_shape_format(tg_array_shape(&array), TG_SHAPE_TEXT, text);
    return text;
}

/* The name, or operation and line: mul:42. */
static void write_label(const labels *l, label *to) {
    const tg_node *node = tg_node_at(l->tape, to->node);
    const char *name = tg_name(tg_handle(l->tape, to->node)), *line = strrchr(node->place, ':');
    if (name)
        snprintf(to->text, sizeof to->text - 8, "%s", name);
    else
        snprintf(to->text, sizeof to->text - 8, "%s%s", operation_of(node), line ? line : "");
}

static int by_node(const void *a, const void *b) {
    const uint32_t x = ((const label *)a)->node, y = ((const label *)b)->node;
    return (x > y) - (x < y);
}
static int by_text(const void *a, const void *b) {
    const int order = strcmp(((const label *)a)->text, ((const label *)b)->text);
    return order ? order : by_node(a, b);
}

/* Nodes that are called alike get numbers in the order of recording: u, u#2, u#3. */
static void number_equals(labels *l) {
    qsort(l->all, l->n, sizeof *l->all, by_text);
    for (size_t first = 0, i = 1; i <= l->n; i++) {
        if (i < l->n && strcmp(l->all[i].text, l->all[first].text) == 0) continue;
        for (size_t k = first + 1; k < i; k++) {
            const size_t length = strlen(l->all[k].text);
            snprintf(l->all[k].text + length, sizeof l->all[k].text - length, "#%zu", k - first + 1);
        }
        first = i;
    }
    qsort(l->all, l->n, sizeof *l->all, by_node);
}

static void widen(int *width, const char *text) {
    const int length = (int)strlen(text);
    if (length > *width) *width = length;
}

/* Labels of y, x and all nodes that are shown; false when memory is out. */
static bool make_labels(labels *l, const tg_explanation *e) {
    size_t most = 2;
    for (int k = 0; k < e->n; k++) most += (size_t)shown_count(&e->paths[k]);
    l->all = tg_arena_alloc(&l->tape->scratch, most * sizeof *l->all, 64);
    if (!l->all) return false;
    l->all[l->n++].node = e->y.node;
    l->all[l->n++].node = e->x.node;
    for (int k = 0; k < e->n; k++)
        for (int64_t i = 0; i < shown_count(&e->paths[k]); i++)
            l->all[l->n++].node = e->paths[k].steps[shown_step(&e->paths[k], i)].at.node;
    qsort(l->all, l->n, sizeof *l->all, by_node);
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (i == 0 || l->all[i].node != l->all[n - 1].node) l->all[n++] = l->all[i];
    l->n = n;
    for (size_t i = 0; i < n; i++) write_label(l, &l->all[i]);
    number_equals(l);
    char text[TG_SHAPE_TEXT];
    for (size_t i = 0; i < n; i++) {
        const tg_node *node = tg_node_at(l->tape, l->all[i].node);
        widen(&l->text_width, l->all[i].text);
        widen(&l->op_width, operation_of(node));
        widen(&l->place_width, place_of(node));
        widen(&l->value_width, value_text(l, l->all[i].node, text));
    }
    return true;
}

static const char *label_of(const labels *l, tg_tensor x) {
    const label key = {.node = x.node};
    return ((const label *)bsearch(&key, l->all, l->n, sizeof key, by_node))->text;
}

/* dJ/dW1, d(mul:7)/db: names that are not one word are put in brackets. */
static void put_differential(FILE *stream, const labels *l, tg_tensor x) {
    const char *text = label_of(l, x);
    fprintf(stream, strpbrk(text, ":# +-*/()") ? "d(%s)" : "d%s", text);
}
static void put_derivative(FILE *stream, const labels *l, tg_tensor y, tg_tensor x) {
    put_differential(stream, l, y);
    fputc('/', stream);
    put_differential(stream, l, x);
}

/* --- products ------------------------------------------------------------------------------------------- */

/* An operation that takes one tensor twice has two derivatives by it. */
static void put_factor_name(FILE *stream, const labels *l, const tg_path_step *from, const tg_path_step *to) {
    const tg_node *node = tg_node_at(l->tape, from->at.node);
    int uses = 0;
    for (uint32_t k = 0; k < node->n_in; k++) uses += tg_node_inputs(node)[k] == to->at.node;
    put_derivative(stream, l, from->at, to->at);
    if (uses > 1) fprintf(stream, " (input %d)", from->input);
}

static void put_number(FILE *stream, double value) {
    fprintf(stream, signbit(value) ? "(%.6g)" : "%.6g", value);
}

/* dJ/dv * dv/du * du/db = 3 * 1 * 2 = 6 */
static void put_product(FILE *stream, const labels *l, const tg_path *path) {
    const int64_t n = shown_count(path);
    for (int numbers = 0; numbers < 2; numbers++) {
        for (int64_t i = 1; i < n; i++) {
            const int64_t before = shown_step(path, i - 1), here = shown_step(path, i);
            double factor = 1;
            for (int64_t k = before + 1; k <= here; k++) factor *= path->steps[k].factor;
            if (i > 1) fputs(" * ", stream);
            if (numbers)
                put_number(stream, factor);
            else if (here == before + 1)
                put_factor_name(stream, l, &path->steps[before], &path->steps[here]);
            else
                fprintf(stream, "[%lld factors]", (long long)(here - before));
        }
        if (n > 1) fputs(" = ", stream);
    }
    fprintf(stream, "%.6g\n", path->value);
}

/* --- tables --------------------------------------------------------------------------------------------- */

/* A node with its operation, line, and value or shape. */
static void put_node(FILE *stream, const labels *l, tg_tensor x) {
    const tg_node *node = tg_node_at(l->tape, x.node);
    char text[TG_SHAPE_TEXT];
    fprintf(stream, "  %-*s  %-*s  %-*s  %*s", l->text_width, label_of(l, x), l->op_width, operation_of(node),
            l->place_width, place_of(node), l->value_width, value_text(l, x.node, text));
}

/* The nodes that products name, y first. */
static void put_legend(FILE *stream, const labels *l) {
    for (size_t i = l->n; i-- > 0;) {
        put_node(stream, l, tg_handle(l->tape, l->all[i].node));
        fputc('\n', stream);
    }
}

static void put_table(FILE *stream, const labels *l, const tg_path *path) {
    fprintf(stream, "  %-*s  %-*s  %-*s  %*s  %11s  %11s\n", l->text_width, "node", l->op_width, "operation",
            l->place_width, "line", l->value_width, "shape", "cotangent", "times");
    for (int64_t i = 0; i < shown_count(path); i++) {
        const int64_t k = shown_step(path, i), before = i ? shown_step(path, i - 1) : -1;
        if (k > before + 1) fprintf(stream, "  ... %lld more nodes\n", (long long)(k - before - 1));
        put_node(stream, l, path->steps[k].at);
        fprintf(stream, "  %11.5g", path->steps[k].norm);
        if (i) fprintf(stream, "  %11.5g", path->steps[k].factor);
        fputc('\n', stream);
    }
}

/* --- all of it ------------------------------------------------------------------------------------------ */

/* 1,048,576; beyond 2^53 not every digit is known. */
static void put_count(FILE *stream, double count) {
    char digits[32];
    if (count >= 0x1p53) {
        fprintf(stream, isinf(count) ? "more than 1e308" : "about %.6g", count);
        return;
    }
    const int n = snprintf(digits, sizeof digits, "%.0f", count);
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) fputc(',', stream);
        fputc(digits[i], stream);
    }
}

static void put_paths(FILE *stream, const labels *l, const tg_explanation *e, bool x_is_number) {
    const bool one = e->n_paths == 1;
    put_derivative(stream, l, e->y, e->x);
    if (e->numbers && one) {
        fputs(" = ", stream);
    } else {
        fprintf(stream, x_is_number ? " = %.6g, " : ": norm %.6g, ", e->gradient);
        fputs(one ? "by one path" : "the sum over ", stream);
        if (!one) put_count(stream, e->n_paths);
        fputs(one ? ":\n" : " paths:\n", stream);
    }
    for (int k = 0; k < e->n; k++) {
        if (e->numbers) {
            fputs(one ? "" : "  ", stream);
            put_product(stream, l, &e->paths[k]);
            continue;
        }
        if (!one) {
            fprintf(stream, x_is_number ? "path %d: %.6g" : "path %d: norm %.6g", k + 1, e->paths[k].value);
            fprintf(stream, isnan(e->paths[k].share) ? "\n" : ", %.1f%% of the gradient\n",
                    100 * e->paths[k].share);
        }
        put_table(stream, l, &e->paths[k]);
    }
    if (e->n_paths > e->n) {
        fputs(e->numbers ? "  and " : "and ", stream);
        put_count(stream, e->n_paths - e->n);
        fprintf(stream, x_is_number ? " more, together %.6g\n" : " more, together of norm %.6g\n", e->rest);
    }
    if (e->numbers) put_legend(stream, l);
}

tg_status tg_explanation_print_at(const char *where, FILE *stream, const tg_explanation *e) {
    if (!e->y.tape) return TG_ERR_HANDLE;
    tg_tape *tape = e->y.tape;
    const tg_node *y = tg_node_of(where, "explain", e->y), *x = tg_node_of(where, "explain", e->x);
    if (!y || !x) return tape->status;
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    labels l = {.tape = tape, .op_width = 9, .text_width = 4, .place_width = 4, .value_width = 5};
    tg_status status = TG_OK;
    if (make_labels(&l, e)) {
        const tg_array array = tg_node_array(x);
        if (e->n_paths > 0) {
            put_paths(stream, &l, e, tg_array_size(&array) == 1);
        } else {
            put_derivative(stream, &l, e->y, e->x);
            fprintf(stream, " = 0: no path leads from %s to %s\n", label_of(&l, e->y), label_of(&l, e->x));
        }
        if (ferror(stream))
            status = tg_tape_fail(tape, TG_ERR_FILE, where, "explain: writing failed: %s", strerror(errno));
    } else {
        status = tg_tape_fail(tape, TG_ERR_MEMORY, where, "explain: out of memory");
    }
    tg_arena_rewind(&tape->scratch, scratch);
    return status;
}

tg_status tg_explain_at(const char *where, FILE *stream, tg_tensor y, tg_tensor x) {
    tg_explanation explanation;
    tg_status status = tg_explain_paths_at(where, y, x, 0, &explanation);
    if (status == TG_OK) status = tg_explanation_print_at(where, stream, &explanation);
    tg_explanation_free(&explanation);
    return status;
}
