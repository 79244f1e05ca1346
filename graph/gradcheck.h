/* gradcheck.h: comparing backward with finite differences.
 *
 * Owns: tg_gradcheck and its report. Every entry of every parameter is moved up and down, the slope is
 * extrapolated to step 0 (Ridders), and compared entry by entry within a tolerance of its own. */
#ifndef TAPEGRAD_GRAPH_GRADCHECK_H
#define TAPEGRAD_GRAPH_GRADCHECK_H

#include "graph/gradient.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_verdict {
    TG_PASS = 0,
    TG_FAIL,      /* backward and numerical slope differ by more than the tolerance */
    TG_KINK,      /* reserved: the function has a kink within the step */
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
    double absolute; /* tolerance beside it; default 1e-9 + 1e-12 |loss| */
    double step;     /* first step, relative to max(1, |entry|); default 0.01 */
} tg_gradcheck_options;

/* What was found for one parameter. worst is the entry whose difference is largest measured in its tolerance;
 * one that fails is worse than any that does not. The arrays have an element for each entry, in row-major
 * order. */
typedef struct tg_gradcheck_result {
    tg_verdict verdict; /* FAIL if any entry fails, else UNRESOLVED if any is, else PASS */
    char name[64];      /* the tensor's name, or "parameter 2" */
    tg_shape shape;
    int64_t entries;            /* all of them were checked */
    int64_t failed, unresolved; /* entries with this verdict */

    tg_shape worst;           /* index of the worst entry */
    double analytic, numeric; /* its two slopes: backward's, and the extrapolated difference */
    double difference;        /* |analytic - numeric| there */
    double error;             /* estimated error of numeric */
    double tolerance;         /* what was allowed there, beside the error */

    double *analytics, *numerics; /* the two slopes of every entry */
    double *allowed;              /* how far apart they may lie: the tolerance, and the estimated error */
    uint8_t *verdicts;            /* a tg_verdict each */
} tg_gradcheck_result;

typedef struct tg_gradcheck_report {
    tg_verdict verdict; /* FAIL if any fails, else UNRESOLVED if any is, else PASS */
    double loss;        /* at the point */
    int64_t evaluations;
    int n;
    tg_gradcheck_result *results; /* n of them, freed by tg_gradcheck_report_free */
    tg_allocator allocator;
    size_t bytes; /* of results and their arrays, which are one block */
} tg_gradcheck_report;

/* Checks d model / d params at the parameters' present values, on an f64 tape. The parameters are moved and
 * put back bit for bit, their gradients are not touched, and the tape is rewound to where it was. options may
 * be NULL. Returns TG_OK when the check could be made, whatever its verdict. Errors: TG_ERR_DTYPE (f32 tape),
 * whatever the model fails with, TG_ERR_MEMORY; the report is then empty. */
#define tg_gradcheck(...) tg_gradcheck_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_gradcheck_at(const char *where, tg_tape *tape, tg_model *model, void *context,
                                             int n, const tg_tensor *params,
                                             const tg_gradcheck_options *options,
                                             tg_gradcheck_report *report);

/* Prints a table: parameter, entries, worst difference, where and between which values, verdict. */
TG_API void tg_gradcheck_print(FILE *stream, const tg_gradcheck_report *report);

/* Frees what the report owns; a zeroed report is allowed. */
TG_API void tg_gradcheck_report_free(tg_gradcheck_report *report);

#ifdef __cplusplus
}
#endif
#endif
