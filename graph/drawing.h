/* drawing.h: the recorded graph as a picture's text (Graphviz DOT). */
#ifndef TAPEGRAD_GRAPH_DRAWING_H
#define TAPEGRAD_GRAPH_DRAWING_H

#include "graph/gradient.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
typedef struct tg_draw_options {
    const char *title;
    int n_gradients; /* gradients to show: pairs of a tensor and its gradient, as tg_gradients gives them */
    const tg_tensor *of, *gradients;
    bool no_values; /* leave values out */
    bool no_places; /* leave source lines out */
    int n_marks;    /* nodes to mark in red, each with a line of text (marks may be NULL: without) */
    const tg_tensor *marked;
    const char *const *marks;
} tg_draw_options;

/* Writes the graph that y was recorded from to a file: one box a node with name, operation, shape, value (of
 * scalars and tiny tensors), gradient and source line; parameters, inputs and results in different colours.
 * The order is canonical: from y, inputs left to right. Errors: TG_ERR_FILE, TG_ERR_HANDLE. */
#define tg_draw(...) tg_draw_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_draw_at(const char *where, const char *path, tg_tensor y,
                                        const tg_draw_options *options);

#ifdef __cplusplus
}
#endif
#endif
