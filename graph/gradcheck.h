/* gradcheck.h: comparing backward with finite differences.
 *
 * Owns: tg_gradcheck, its verdicts and its report. Every entry of every parameter is moved up and down, the
 * slope is extrapolated to step 0 (Ridders), and judged within a tolerance of its own.
 * docs/gradient_checking.md says how. */
#ifndef TAPEGRAD_GRAPH_GRADCHECK_H
#define TAPEGRAD_GRAPH_GRADCHECK_H

#include "graph/blame.h"
#include "graph/gradient.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_verdict {
    TG_PASS = 0,
    TG_FAIL,      /* backward and numerical slope differ by more than the tolerance */
    TG_KINK,      /* no derivative here: backward's lies between the two one-sided slopes */
    TG_UNRESOLVED /* the numerical slope itself is not known well enough to judge */
} tg_verdict;

/* "PASS", "FAIL", "KINK", "UNRESOLVED". Static. */
TG_API const char *tg_verdict_name(tg_verdict verdict);

/* A model: records the loss (one element) of the parameters on the tape. Called many times; it must give the
 * same value for the same parameters. */
typedef tg_tensor tg_model(tg_tape *tape, const tg_tensor *params, void *context);

/* Zero means the default. */
typedef struct tg_gradcheck_options {
    double relative; /* tolerance relative to the larger of the two slopes; default 1e-6 */
    double absolute; /* tolerance beside it; default 1e-10 of the largest entry of the parameter's gradient */
    double step;     /* first step, relative to max(1, |entry|); default 0.01 */
    int order;       /* 1 (default): the gradient. 2: the gradient of a random projection of the gradient */
    bool fast;       /* random directions instead of every entry; the report says what they can miss */
    int directions;  /* of fast, for each parameter; default 8 */
    tg_key key;      /* of directions and projections; any will do, zeros too */
    /* n arrays in row-major order: gradients made in another way, by hand say, which are checked in place of
     * backward's (order 1). NULL: backward's. One of them may be NULL only where there are no entries. */
    const double *const *gradients;
    bool no_blame; /* on FAIL, do not look for the operation that is guilty */
} tg_gradcheck_options;

/* What was found for one parameter. worst is the entry that shows the verdict best: of those with the verdict
 * of the parameter the one whose difference is largest, measured in what was allowed. The arrays have an
 * element for each entry, in row-major order; of one that fast mode did not look at alone, numerics and
 * allowed are NaN and the verdict is TG_UNRESOLVED. */
typedef struct tg_gradcheck_result {
    tg_verdict
        verdict;   /* FAIL if any entry fails, else UNRESOLVED if any is, else KINK if any is, else PASS */
    char name[64]; /* the tensor's name, or "parameter 2" */
    tg_shape shape;
    int64_t entries;
    int64_t checked;                   /* entries looked at one by one: all, but in fast mode */
    int64_t failed, kinks, unresolved; /* of them */
    bool reaches;                      /* whether gradients can flow from the loss to this parameter at all */
    char note[320];                    /* what else is to be said, in words; "" when nothing is */
    tg_mistake mistake; /* FAIL: what the wrong gradient as a whole looks like; not in fast mode */

    tg_shape worst;           /* index of the worst entry */
    double analytic, numeric; /* its two slopes: backward's, and the extrapolated difference */
    double left, right;       /* of a KINK: the slopes on either side, numeric being the nearest to analytic
                                 that lies between them; NaN otherwise */
    double difference;        /* |analytic - numeric| there */
    double error;             /* estimated error of numeric */
    double tolerance;         /* what was allowed there, beside twice the error */

    double *analytics, *numerics; /* the two slopes of every entry */
    double *allowed;              /* how far apart they may lie: tolerance and twice the error */
    uint8_t *verdicts;            /* a tg_verdict each */

    double seen;    /* fast: an error in a single entry is seen for certain when, times max(1, |entry|), it is
                       larger than this; infinite where nothing could be compared */
    double covered; /* the part of the entries in which an error of 1% would be seen; 1 but in fast mode, and
                       0 where nothing could be compared */
} tg_gradcheck_result;

typedef struct tg_gradcheck_report {
    tg_verdict verdict; /* FAIL if any parameter fails, else UNRESOLVED, else KINK, else PASS */
    double loss;        /* at the point; of order 2 the projection of the gradient */
    double noise;       /* by how much the loss is off, as measured around the point; 0: by rounding alone */
    int64_t evaluations;
    int order;
    bool fast, given; /* given: the gradients were not backward's */
    int directions;   /* fast: for each parameter */
    char note[512];   /* what concerns the whole: a loss that is NaN or not deterministic, say; else "" */
    int n;
    tg_gradcheck_result *results; /* n of them, freed by tg_gradcheck_report_free */
    tg_blame_report blame;        /* on FAIL: which operations are guilty; else empty */
    tg_allocator allocator;
    size_t bytes; /* of results and their arrays, which are one block */
} tg_gradcheck_report;

/* Checks d model / d params at the parameters' present values, on an f64 tape. The parameters are moved and
 * put back bit for bit, their gradients are not touched, and the tape is rewound to where it was. options may
 * be NULL. Returns TG_OK when the check could be made, whatever its verdict. Errors: TG_ERR_DTYPE (f32 tape),
 * TG_ERR_VALUE (options), whatever the model fails with, TG_ERR_MEMORY; the report is then empty. */
#define tg_gradcheck(...) tg_gradcheck_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_gradcheck_at(const char *where, tg_tape *tape, tg_model *model, void *context,
                                             int n, const tg_tensor *params,
                                             const tg_gradcheck_options *options,
                                             tg_gradcheck_report *report);

/* Prints a table: parameter, entries, worst difference, where and between which values, verdict; below it,
 * what is to be said in words. Verdicts have colours on a terminal, unless NO_COLOR is set. */
TG_API void tg_gradcheck_print(FILE *stream, const tg_gradcheck_report *report);

/* Frees what the report owns; a zeroed report is allowed. */
TG_API void tg_gradcheck_report_free(tg_gradcheck_report *report);

#ifdef __cplusplus
}
#endif
#endif
