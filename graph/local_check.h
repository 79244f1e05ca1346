/* local_check.h: one node checked alone: its own backward against differences of its own forward.
 *
 * Owns: a node taken out of its graph (copies of its inputs that can be moved, its backward's answer), and
 * the verdict on each input. Knows operations only as struct tg_op. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_LOCAL_CHECK_H
#define TAPEGRAD_GRAPH_LOCAL_CHECK_H

#include "graph/gradcheck.h"
#include "graph/node.h"

/* The slopes of every element of the output along one line through the inputs. */
typedef struct tg_local_slopes {
    double *value, *error; /* by the steps tried so far, the best of them; NaN and infinity at first */
    double *left, *right;  /* on either side, by the smallest step */
} tg_local_slopes;

/* One input of the node. */
typedef struct tg_local_input {
    int64_t size;     /* elements */
    double *moved;    /* the copy that forward reads, row-major; NULL: it is i64 or bool */
    double *point;    /* its values when nothing is moved */
    double *backward; /* what backward gives, 0 where it gives nothing; NULL: not needed */
} tg_local_input;

typedef struct tg_local {
    tg_tape *tape;
    const struct tg_op *op;
    tg_tensor node; /* the one that is checked */
    int n_in;
    tg_tensor *x; /* what forward is given: copies of the value inputs, the others as they are */
    tg_local_input *inputs;
    tg_shape shape; /* of the output */
    int64_t n_out;
    double *recorded, *at_point; /* the output as the tape has it, and as forward gives it again */
    double *cotangent;           /* never all 0, always finite */
    double *up, *down, *quotient[3], *direction;
    tg_local_slopes slopes;
    int64_t evaluations;

    tg_mark mark; /* to leave everything as it was */
    tg_arena_position scratch;
    bool grad_on, values_on, nan_check, rewriting;
    tg_broadcast broadcast;
} tg_local;

/* What may differ: relative to the entry, and relative to the gradient's largest entry. 0: 1e-6, 1e-9. */
typedef struct tg_local_tolerance {
    double relative, absolute;
} tg_local_tolerance;

typedef struct tg_local_result {
    tg_verdict verdict;
    int64_t compared;                /* entries one by one; the others in sums with random weights */
    int64_t failed;                  /* of those compared */
    int64_t entry;                   /* the worst, in row-major order */
    double analytic, numeric, error; /* there */
    double tolerance;
} tg_local_result;

/* Takes a computed node of an f64 tape out of its graph: copies its value inputs, runs its backward on the
 * recorded ones for those with needs[k] (NULL: all), and its forward on the copies. The cotangent is dy, or
 * random from the key where dy is NULL, zero, or not finite. Whatever it returns tg_local_close has to
 * follow; false: an error is on the tape. Between the two the tape must not be used. */
bool tg_local_open(tg_local *l, const char *where, tg_tensor node, const tg_tensor *dy, const bool *needs,
                   tg_key key);
void tg_local_close(tg_local *l);

/* n random weights in 0.5..1.5 of either sign: none is small, so that each matters. */
void tg_local_draw(tg_key key, int64_t n, double *out);

/* Runs forward on what inputs[].moved hold now; out has n_out elements. */
bool tg_local_evaluate(tg_local *l, double *out);

/* Whether forward gave the same again; else the element, in row-major order, where it differs most. */
bool tg_local_repeats(const tg_local *l, int64_t *element);

/* The verdict on one input. Elementwise operations show every entry at once. Otherwise small inputs are
 * compared entry by entry; of large ones first a random projection, weighted so that small entries count as
 * much as large, and where that differs its halves, down to the entries. A slope that differs and is not the
 * same on both sides is a kink: TG_KINK when backward lies between the two. */
bool tg_local_check(tg_local *l, int k, tg_local_tolerance tolerance, tg_key key, tg_local_result *result);

#endif
