/* blame_graph.h: what lies between a loss and its parameters.
 *
 * Owns: which nodes the loss depends on, with and without a gradient, and the paths that carry values but no
 * gradient. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_BLAME_GRAPH_H
#define TAPEGRAD_GRAPH_BLAME_GRAPH_H

#include "graph/blame.h"
#include "graph/node.h"

enum tg_blame_marks {
    TG_BLAME_FROM = 1,    /* a gradient would flow from it to a parameter */
    TG_BLAME_TOUCHED = 2, /* its values depend on a parameter */
    TG_BLAME_TO = 4,      /* a gradient flows to it from the loss */
    TG_BLAME_NEEDED = 8   /* the loss depends on its values */
};

typedef struct tg_blame_graph {
    tg_tape *tape;
    const char *where;
    uint32_t low, high; /* the oldest parameter, the loss */
    uint8_t *marks;     /* of low..high */
    int n;
    const tg_tensor *params;
} tg_blame_graph;

static inline uint8_t tg_blame_marks_of(const tg_blame_graph *g, uint32_t i) {
    return i >= g->low && i <= g->high ? g->marks[i - g->low] : 0;
}

/* Marks every node. In scratch memory of the tape; false, with an error, when memory is out. */
bool tg_blame_graph_open(tg_blame_graph *g, const char *where, tg_tensor loss, int n,
                         const tg_tensor *params);

/* Whether the backward of node i carries a gradient from the loss towards a parameter. */
bool tg_blame_is_between(const tg_blame_graph *g, uint32_t i);

/* Whether node i is where a path from a parameter to the loss loses its gradient: what was recorded there is
 * a constant, and what comes after is not. */
bool tg_blame_is_barrier(const tg_blame_graph *g, uint32_t i);

/* A constant on the way to the loss, and an older node that depends on a parameter and has the same values
 * bit for bit. */
typedef struct tg_blame_constant {
    uint32_t constant, source;
} tg_blame_constant;

/* Finds up to `most` of them, the newest first; *n says how many. False, with an error, when memory is out.
 */
bool tg_blame_find_constants(const tg_blame_graph *g, int most, tg_blame_constant *found, int *n);

#endif
