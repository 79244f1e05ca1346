/* mistake.h: naming the mistake from how a wrong gradient differs from the right one.
 *
 * Owns: the kinds of mistakes and the patterns by which they are known. Knows arrays of numbers and sizes,
 * neither nodes nor operations: what stands around a gradient is brought to it as evidence. */
#ifndef TAPEGRAD_GRAPH_MISTAKE_H
#define TAPEGRAD_GRAPH_MISTAKE_H

#include "core/shape.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_mistake_kind {
    TG_MISTAKE_NONE = 0,    /* no pattern, or one that may be chance */
    TG_MISTAKE_DROPPED,     /* all 0 */
    TG_MISTAKE_SIGN,        /* the right gradient times -1 */
    TG_MISTAKE_FACTOR,      /* the right gradient times one number */
    TG_MISTAKE_TRANSPOSED,  /* the right numbers, with the last two axes exchanged */
    TG_MISTAKE_WRONG_INPUT, /* the right gradient of another input */
    TG_MISTAKE_NOT_SUMMED,  /* the contribution of one index alone of an axis that broadcasting expanded */
    TG_MISTAKE_OVERWRITTEN, /* of several contributions the last (or the first) alone */
    TG_MISTAKE_BRANCH,      /* wrong just where one branch was taken */
    TG_MISTAKE_ROW,         /* wrong at one index of one axis, and right elsewhere */
    TG_MISTAKE_ELEMENT      /* wrong in one element, and right elsewhere */
} tg_mistake_kind;

/* What was found, and in words: "4 times too large: looks like a missing 1/m with m = 4". */
typedef struct tg_mistake {
    tg_mistake_kind kind;
    double factor;   /* FACTOR, SIGN: wrong / right */
    int64_t size;    /* FACTOR: the size of which it, or its inverse, is; 0: of none */
    int input;       /* WRONG_INPUT: whose gradient it is */
    int axis;        /* NOT_SUMMED, OVERWRITTEN: of the output; ROW: of the gradient */
    int64_t index;   /* NOT_SUMMED: on that axis; ROW: on that axis; ELEMENT: in row-major order */
    uint64_t branch; /* BRANCH: the branch that is wrong */
    char text[120];
} tg_mistake;

/* The right gradient of another input; as many entries as the wrong one has. */
typedef struct tg_mistake_other {
    int input;
    const double *right;
} tg_mistake_other;

/* The right gradient in the parts of which it is the sum: part s is what the elements at index s of an axis
 * of the output contribute. */
typedef struct tg_mistake_parts {
    int axis;
    bool broadcast;       /* the gradient lacks the axis, or has it with length 1 */
    int64_t n;            /* parts */
    const double *values; /* n times as many as entries */
} tg_mistake_parts;

/* What is known of a wrong gradient. All but the first three may be left out. */
typedef struct tg_mistake_evidence {
    tg_shape shape;      /* of the gradient */
    const double *wrong; /* row-major */
    const double *right;
    const double *error;  /* estimated, of right */
    bool is_sample;       /* the arrays hold only some of the entries, and say nothing of rows */
    const int64_t *sizes; /* lengths of axes, numbers of elements: what a factor may come of */
    int n_sizes;
    const tg_mistake_other *others;
    int n_others;
    const tg_mistake_parts *parts;
    int n_parts;
    const uint64_t *branch;          /* which branch each entry took: any numbers */
    const char *const *branch_names; /* "where input 0 is negative", by those numbers */
} tg_mistake_evidence;

/* Names the mistake. A pattern is named only where chance would hardly make it: a single entry, which fits
 * any factor, needs one that is a small number or one of the sizes; one row or one branch needs enough right
 * entries beside it. Returns whether there is a name; mistake is TG_MISTAKE_NONE with an empty text
 * otherwise. */
TG_API bool tg_mistake_find(const tg_mistake_evidence *evidence, tg_mistake *mistake);

/* "factor", "sign", ...; static. */
TG_API const char *tg_mistake_name(tg_mistake_kind kind);

#ifdef __cplusplus
}
#endif
#endif
