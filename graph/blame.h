/* blame.h: which operation has the wrong backward, at which line, in which element.
 *
 * Owns: tg_blame and its report. Every node between a recorded loss and its parameters is checked alone, its
 * own backward against differences of its own forward. What no single node shows, a parameter that is cut off
 * from the loss, is looked for in the graph. Knows operations only as struct tg_op. */
#ifndef TAPEGRAD_GRAPH_BLAME_H
#define TAPEGRAD_GRAPH_BLAME_H

#include "graph/gradient.h"
#include "graph/mistake.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_blame_kind {
    TG_BLAME_BACKWARD,  /* backward differs from the slope of forward */
    TG_BLAME_FORWARD,   /* forward, run again on the same inputs, gives something else */
    TG_BLAME_BARRIER,   /* the loss depends on a parameter through tg_detach or tg_no_grad */
    TG_BLAME_CONSTANT,  /* a constant on the way to the loss has the values that another node computed */
    TG_BLAME_UNREACHED, /* the loss does not depend on the parameter by what is on the tape */
} tg_blame_kind;

/* One thing that is wrong. Element and values are those of the entry that differs most. */
typedef struct tg_blame_finding {
    tg_blame_kind kind;
    tg_tensor node;     /* guilty; of UNREACHED the parameter; dead once the tape is rewound past it */
    char operation[64]; /* its name; of a leaf "" */
    char place[96];     /* its line, "net.c:41" */
    int64_t alike;      /* how many nodes of the graph are of this operation and line */

    int input;          /* BACKWARD: whose gradient is wrong; CONSTANT: -1 */
    char name[64];      /* the input's or the parameter's name; "" when it has none */
    tg_shape element;   /* of the input; FORWARD: of the output */
    int64_t failed;     /* wrong entries among those compared one by one */
    int64_t compared;   /* entries compared one by one; the others were compared in sums */
    double backward;    /* what backward gives there for the cotangent that the loss gives the node; for a
                           random one where that is 0 in all elements, or not finite in one */
    double numerical;   /* what it must give; FORWARD: first and second value of forward */
    double error;       /* estimated, of numerical */
    char source[160];   /* CONSTANT: who computed the values, "tanh at net.c:41" */
    tg_mistake mistake; /* BACKWARD */
} tg_blame_finding;

/* Zero means the default. */
typedef struct tg_blame_options {
    double relative; /* tolerance relative to the larger of the two values; default 1e-6 */
    double absolute; /* tolerance beside it, relative to the largest entry of the gradient; default 1e-9 */
    int findings;    /* stop when there are as many; default 16 */
} tg_blame_options;

typedef struct tg_blame_report {
    int n;
    tg_blame_finding *findings; /* n of them: wrong operations, then what cuts parameters off; freed by
                                   tg_blame_report_free */
    int64_t nodes;              /* with a gradient to give, between loss and parameters */
    int64_t checked;            /* of them; fewer only when the limit of findings was reached, or when another
                                   node of the same operation and line had been found wrong */
    int64_t unresolved;         /* whose slope could not be known well enough */
    int64_t evaluations;        /* of single operations */
    tg_allocator allocator;
} tg_blame_report;

/* Checks the nodes between a recorded loss (one element, on an f64 tape) and the parameters (any tensors of
 * the tape). First one node of each operation and line, then the others; a line found wrong is not looked at
 * again. The tape is left as it was. options may be NULL. Returns TG_OK when the check could be made,
 * whatever it found; 0 findings mean that every backward on the way is right. Errors: as tg_gradients;
 * TG_ERR_DTYPE (f32 tape), TG_ERR_MEMORY; the report is then empty. */
#define tg_blame(...) tg_blame_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_blame_at(const char *where, tg_tape *tape, tg_tensor loss, int n,
                                         const tg_tensor *params, const tg_blame_options *options,
                                         tg_blame_report *report);

/* One finding in words, without a newline: "tanh at net.c:41, input 0 [2,7]: backward 0.31, numerical 0.52
 * (wrong sign)". Returns the length of the whole text, as snprintf does. */
TG_API size_t tg_blame_format(const tg_blame_finding *finding, size_t capacity, char *text);

/* Prints a line for each finding, and one that says what was checked. */
TG_API void tg_blame_print(FILE *stream, const tg_blame_report *report);

/* Frees what the report owns; a zeroed report is allowed. */
TG_API void tg_blame_report_free(tg_blame_report *report);

#ifdef __cplusplus
}
#endif
#endif
