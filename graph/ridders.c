/* ridders.c: a numerical derivative that knows its own error.
 *
 * A fixed step is too large for one function and too small for the next. Here the step shrinks from a large
 * one, the differences are extrapolated to step zero, and the error of each extrapolation is seen from its
 * neighbours; below that lies the floor of noise over step, which no extrapolation removes: it adds to it. */
#include "graph/ridders.h"

#include <float.h>
#include <math.h>

enum { ROWS = 18 };

/* One difference and the noise in it. */
static bool difference(const tg_line_at *f, tg_side side, double h, double *slope, double *noise,
                       bool *left) {
    tg_sample to, from = f->base;
    if (!f->line(f->context, f->base.at + (side == TG_LEFT ? -h : h), &to)) return false;
    *left = to.branches != f->base.branches || !isfinite(to.value);
    if (!*left && side == TG_BOTH_SIDES) {
        if (!f->line(f->context, f->base.at - h, &from)) return false;
        *left = from.branches != f->base.branches || !isfinite(from.value);
    }
    const double width = to.at - from.at;
    *slope = (to.value - from.value) / width;
    *noise = 2 * fmax(f->noise, DBL_EPSILON * fmax(fabs(to.value), fabs(from.value))) / fabs(width);
    *left |= width == 0;
    return true;
}

/* Errors of central differences are a series in h^2, which falls fast enough at a ratio of 1.4; one-sided
 * ones are a series in h, and shrink by 2, or noise would grow too much by extrapolation. */
bool tg_ridders(const tg_line_at *f, tg_side side, double step, tg_slope *slope, bool *left) {
    const double shrink = side == TG_BOTH_SIDES ? 1.4 : 2;
    const double ratio = side == TG_BOTH_SIDES ? shrink * shrink : shrink;
    double table[ROWS][ROWS]; /* [k][j]: step h / shrink^k, extrapolated j times */
    double h = step, noise = 0;
    *slope = (tg_slope){NAN, INFINITY};
    for (int k = 0; k < ROWS; k++, h /= shrink) {
        if (!difference(f, side, h, &table[k][0], &noise, left)) return false;
        if (*left) {
            *slope = (tg_slope){NAN, INFINITY};
            return true;
        }
        double factor = ratio, gain = 1;
        for (int j = 1; j <= k; j++, factor *= ratio) {
            table[k][j] = (table[k][j - 1] * factor - table[k - 1][j - 1]) / (factor - 1);
            gain *= (factor + 1) / (factor - 1);
            const double error =
                fmax(fabs(table[k][j] - table[k][j - 1]), fabs(table[k][j] - table[k - 1][j - 1])) +
                noise * gain;
            if (error <= slope->error) *slope = (tg_slope){table[k][j], error};
        }
        const double enough = 1e-3 * (f->absolute + f->relative * fabs(slope->value));
        if (slope->error <= fmax(enough, 4 * noise)) break; /* a shorter step has more noise than that */
    }
    return true;
}
