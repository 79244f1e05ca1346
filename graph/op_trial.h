/* op_trial.h: one application of an operation, under given circumstances, and what came of it.
 *
 * Owns: drawing inputs, laying them out in memory, recording, and reading everything out as doubles. Must not
 * judge: op_check.c and its parts do. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_OP_TRIAL_H
#define TAPEGRAD_GRAPH_OP_TRIAL_H

#include "graph/node.h"
#include "graph/op_check.h"

typedef struct tg_trial_input {
    tg_dtype dtype; /* TG_F32: that of the tape */
    tg_shape shape;
    int64_t n;
    double low, high;
    bool constant;
    double *values; /* row-major; exact in f32 */
} tg_trial_input;

/* What the operation is applied to. Copies share values. */
typedef struct tg_trial {
    tg_tape *home;     /* all memory is its scratch */
    tg_tape *tapes[2]; /* f32 and f64, used again and again */
    const struct tg_op *op;
    const void *attr;
    tg_key key;
    int n;
    tg_trial_input in[TG_OP_CHECK_INPUTS];

    int moved; /* an input of which one entry is moved; n: the cotangent; -1: none */
    int64_t entry;
    double by;
} tg_trial;

typedef enum tg_layout {
    TG_LAYOUT_PLAIN,      /* contiguous */
    TG_LAYOUT_TRANSPOSED, /* axes in reverse order in memory */
    TG_LAYOUT_SLICED,     /* every second element of the last axis, backwards; NaN between */
    TG_LAYOUT_EXPANDED,   /* stride 0 along the first axis that is longer than 1 */
    TG_N_LAYOUTS
} tg_layout;

typedef struct tg_circumstances {
    tg_dtype dtype; /* of the tape */
    tg_layout layout;
    unsigned wanted;               /* bit k: the gradient of input k; 0: of all that hold values */
    bool values;                   /* no gradients */
    bool second;                   /* the second derivative as well */
    bool branches;                 /* which the operation took */
    bool plan;                     /* values and gradients by a plan */
    const tg_allocator *allocator; /* NULL: a tape that is there already */
} tg_circumstances;

/* Arrays are in home's scratch, row-major. */
typedef struct tg_outcome {
    tg_status status;
    char error[TG_TEXT];
    tg_shape shape;
    tg_dtype dtype;
    int64_t n;
    double *y;
    bool differentiable;            /* the result has gradients */
    double *dx[TG_OP_CHECK_INPUTS]; /* of <w, y>; NULL where none was asked for */
    /* second: of <v, dx> by the inputs, and by w */
    double *second[TG_OP_CHECK_INPUTS + 1];
    int64_t nodes; /* that backward recorded */
    uint64_t branches;
} tg_outcome;

/* Draws the values of input k anew, for its present shape: evenly spaced points of low..high in random order,
 * so that no two tie and none is near the middle. False when home is out of memory. */
bool tg_trial_draw(tg_trial *t);

/* Applies the operation and reads out what is asked for. An error of the operation is in the outcome; false
 * when home is out of memory. */
bool tg_trial_run(const tg_trial *t, tg_circumstances c, tg_outcome *o);

/* Applies the operation on the given tape, to inputs x that it makes; what it gives is invalid, with an error
 * on the tape, when it is refused. */
tg_tensor tg_trial_apply(const tg_trial *t, tg_layout layout, tg_tape *tape, tg_tensor *x);

/* The cotangent of dx[of], or of y where that is n: numbers of 0.5 to 1.5, of either sign. */
void tg_trial_weights(const tg_trial *t, int of, int64_t n, double *out);

static inline bool tg_trial_has_empty_input(const tg_trial *t) {
    for (int k = 0; k < t->n; k++)
        if (t->in[k].n == 0) return true;
    return false;
}

static inline bool tg_trial_has_gradient(const tg_trial *t, int k) {
    return t->in[k].dtype == TG_F32 && !t->in[k].constant;
}

#endif
