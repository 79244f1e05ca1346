/* ridders.c: a numerical derivative that knows its own error.
 *
 * A fixed step is too large for one function and too small for the next. Here the step shrinks from a large
 * one, the central differences are extrapolated to step zero, and the error of each extrapolation is seen
 * from its neighbours; below that lies the floor of rounding, |f| eps / h, which no extrapolation removes. */
#include "graph/ridders.h"

#include <float.h>
#include <math.h>

enum { ROWS = 18 }; /* from h to h / 300: a kink or the end of the domain may be near */
static const double shrink = 1.4;

/* One central difference and its rounding floor. */
static bool difference(tg_line *line, void *context, double h, double *slope, double *floor_) {
    double up, down;
    if (!line(context, h, &up) || !line(context, -h, &down)) return false;
    *slope = (up - down) / (2 * h);
    *floor_ = (fabs(up) + fabs(down)) * DBL_EPSILON / (2 * h);
    return true;
}

bool tg_ridders(tg_line *line, void *context, double step, tg_slope *slope, int64_t *evaluations) {
    double table[ROWS][ROWS], floor_ = 0, h = step; /* table[k][j]: step h/1.4^k, extrapolated j times */
    *slope = (tg_slope){NAN, INFINITY};
    for (int k = 0; k < ROWS; k++, h /= shrink) {
        if (!difference(line, context, h, &table[k][0], &floor_)) return false;
        *evaluations += 2;
        if (!isfinite(table[k][0])) { /* the step left the domain: the next is smaller */
            for (int j = 1; j <= k; j++) table[k][j] = NAN;
            continue;
        }
        double best = slope->error, factor = shrink * shrink;
        for (int j = 1; j <= k; j++, factor *= shrink * shrink) {
            table[k][j] = (table[k][j - 1] * factor - table[k - 1][j - 1]) / (factor - 1);
            double error = fmax(fabs(table[k][j] - table[k][j - 1]), fabs(table[k][j] - table[k - 1][j - 1]));
            if (!(error + floor_ <= best)) continue; /* also when an earlier row was not finite */
            best = error + floor_;
            *slope = (tg_slope){table[k][j], best};
        }
        /* Known to nine digits, or as well as rounding allows. */
        if (slope->error <= fmax(1e-9 * fabs(slope->value), 8 * floor_)) break;
    }
    return true;
}
