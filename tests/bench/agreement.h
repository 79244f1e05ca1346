/* agreement.h: whether contestants computed the same.
 *
 * Owns: comparing results, and saying so: a ratio of times means nothing where the results differ. Knows
 * numbers only. */
#ifndef TAPEGRAD_BENCH_AGREEMENT_H
#define TAPEGRAD_BENCH_AGREEMENT_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "tapegrad.h"

/* n values of a dtype, by hand and by the tape. The difference is taken relative to the largest value. */
static inline void agree(const char *what, tg_dtype dtype, int64_t n, const void *by_hand, const void *tape) {
    const double tolerance = dtype == TG_F32 ? 1e-4 : 1e-10;
    double difference = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const double a = dtype == TG_F32 ? (double)((const float *)by_hand)[i] : ((const double *)by_hand)[i];
        const double b = dtype == TG_F32 ? (double)((const float *)tape)[i] : ((const double *)tape)[i];
        const double d = fabs(a - b);
        if (!(d <= difference)) difference = d; /* a NaN stays */
        if (fabs(a) > largest) largest = fabs(a);
    }
    const double relative = largest > 0 ? difference / largest : difference;
    printf(" %s: by hand and tape differ by %.1e at most, of %.2e%s\n", what, difference, largest,
           relative <= tolerance ? "" : ": THEY DISAGREE");
}

static inline void agree_number(const char *what, tg_dtype dtype, double by_hand, double tape) {
    const float both[] = {(float)by_hand, (float)tape};
    if (dtype == TG_F32)
        agree(what, dtype, 1, &both[0], &both[1]);
    else
        agree(what, dtype, 1, &by_hand, &tape);
}

#endif
