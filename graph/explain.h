/* explain.h: the chain rule in numbers: how dy/dx comes about, path by path.
 *
 * Owns: tg_explain and the paths that it finds. A path leads from y over what y was computed from to x; dy/dx
 * is the sum over all paths of the product of the derivatives along each. */
#ifndef TAPEGRAD_GRAPH_EXPLAIN_H
#define TAPEGRAD_GRAPH_EXPLAIN_H

#include "graph/gradient.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Prints dy/dx as the sum over its paths, the eight largest one by one. With numbers only:
 *
 *     dJ/db = dJ/dv * dv/du * du/db = 3 * 1 * 2 = 6
 *
 * and below it the nodes that it passes, each with operation, line and value. With tensors every path is a
 * table: per node the norm of the cotangent that this path alone brings there, and by what the step from the
 * node above has multiplied it. A node without a name is called by operation and line, mul:42. Long paths are
 * shortened in their middle, and paths left out are counted and summed, in so many words.
 * y must have one element. Leaves the tape as it was. Errors: as tg_gradients; TG_ERR_FILE when the stream
 * fails. */
#define tg_explain(...) tg_explain_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_explain_at(const char *where, FILE *stream, tg_tensor y, tg_tensor x);

/* One node of a path, from y on. */
typedef struct tg_path_step {
    tg_tensor at;
    int input;     /* the input of `at` that the path goes on to; -1 at x */
    double factor; /* of the step to here: d before / d here between numbers, else norm / norm before; y: 1 */
    double norm;   /* of the cotangent that this path alone brings here */
} tg_path_step;

typedef struct tg_path {
    int64_t n; /* y and x included */
    tg_path_step *steps;
    double value; /* x of one element: its term of the sum; else the norm of its term */
    double share; /* <term, dy/dx> / <dy/dx, dy/dx>: over all paths they sum to 1; NaN where dy/dx is 0 */
} tg_path;

typedef struct tg_explanation {
    tg_tensor y, x;
    bool numbers;    /* every node of the paths below has one element: factors are derivatives */
    double gradient; /* dy/dx; its norm when x has more than one element */
    double n_paths;  /* how many there are: exact below 2^53, to 16 digits above; may be infinite */
    int n;           /* how many of them follow */
    tg_path *paths;  /* the largest, in descending order of size */
    double rest;     /* all others together, dy/dx - paths: a number, or its norm */
    tg_allocator allocator;
} tg_explanation;

/* The same as data: the `limit` (0: eight) largest paths, with the handles of their nodes, good until the
 * tape is rewound past them. Between numbers they are the largest of all. With tensors each node hands on the
 * `limit` largest cotangents that reached it: when n_paths is not above the limit these are all paths, and
 * else nearly the largest. Time and memory grow with limit times the nodes between x and y, never with the
 * number of paths. Freed by tg_explanation_free; after an error it is empty. */
#define tg_explain_paths(...) tg_explain_paths_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_explain_paths_at(const char *where, tg_tensor y, tg_tensor x, int limit,
                                                 tg_explanation *explanation);

/* Prints it as tg_explain does. Errors: TG_ERR_HANDLE when the tape was rewound past y, TG_ERR_MEMORY,
 * TG_ERR_FILE. */
#define tg_explanation_print(...) tg_explanation_print_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_explanation_print_at(const char *where, FILE *stream, const tg_explanation *explanation);

/* Frees what it owns; a zeroed one is allowed. */
TG_API void tg_explanation_free(tg_explanation *explanation);

#ifdef __cplusplus
}
#endif
#endif
