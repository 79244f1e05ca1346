/* taylor.h: is the gradient right along a line? What a Taylor polynomial leaves over says so by how fast it
 * vanishes.
 *
 * Owns: tg_taylor_test and its report. Cheaper than tg_gradcheck, which looks at every entry: some sixty
 * evaluations, however many parameters there are. */
#ifndef TAPEGRAD_GRAPH_TAYLOR_H
#define TAPEGRAD_GRAPH_TAYLOR_H

#include "graph/gradcheck.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
typedef struct tg_taylor_options {
    int order;               /* 1, the gradient, is the default; 2: the second derivative too */
    const double *direction; /* entries of all parameters one after the other; NULL: random, the largest 1 */
    tg_key key;              /* for the random one */
    double step;             /* the largest h; default 0.125 */
} tg_taylor_options;

#define TG_TAYLOR_POINTS 24

/* Index 0 is order 1, index 1 order 2. */
typedef struct tg_taylor_point {
    double h;
    double remainder[2]; /* |f(x + h d) - f - h <g, d>|, less h^2/2 <d, H d>; the larger of those for h and
                            -h, NaN: f is finite at neither */
    double rate[2];      /* log2 of the remainder at 2h over that at h; NaN where one of them is not used */
    bool used[2];        /* the remainder stands out of the rounding of f */
} tg_taylor_point;

typedef struct tg_taylor_report {
    tg_verdict verdict; /* FAIL if any of both is, else KINK, else UNRESOLVED, else PASS */
    int order;
    double loss, slope, curvature; /* f(x), <g, d>, and <d, H d> for order 2 */
    double noise; /* of f, measured close to x; remainders below 32 times this are not used */
    tg_verdict verdicts[2];
    double rates[2]; /* the median of the last five: order + 1 when right, 1 when the gradient is wrong; NaN
                        when there are fewer than two */
    bool exact[2];   /* the polynomial leaves nothing over but rounding */
    double left, right; /* slopes of f on either side of x, by the smallest h used */
    int64_t evaluations;
    tg_taylor_point points[TG_TAYLOR_POINTS]; /* h halves from one to the next */
} tg_taylor_report;

/* Follows the loss from the parameters' present values x along x + h d. A right gradient leaves a remainder
 * that falls with h^2: halving h divides it by 4, the rate is 2.00. A wrong one leaves a part that falls with
 * h, and the rate goes towards 1. With the second derivative the rate is 3, and 2 if that alone is wrong.
 * PASS within 0.1 of that; KINK when the loss itself bends at x and <g, d> is between its slopes on either
 * side; UNRESOLVED when rounding leaves too few remainders to see a rate, or the rate is under 0.5, since the
 * loss jumps.
 * Parameters, gradients and tape are left as they were. options may be NULL. Returns TG_OK when the test
 * could be made, whatever its verdict. Errors: as tg_gradcheck; TG_ERR_VALUE for another order. */
#define tg_taylor_test(...) tg_taylor_test_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_taylor_test_at(const char *where, tg_tape *tape, tg_model *model,
                                               void *context, int n, const tg_tensor *params,
                                               const tg_taylor_options *options, tg_taylor_report *report);

/* Prints a table of h, remainders and rates, what was left out and why, and the verdict. */
TG_API void tg_taylor_print(FILE *stream, const tg_taylor_report *report);

#ifdef __cplusplus
}
#endif
#endif
