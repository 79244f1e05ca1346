/* slope.c: which steps to take for a slope: none across a kink, none too long or too short.
 *
 * Owns: the search for a step, and the slopes on the two sides of a kink. What a slope is worth at a given
 * step is ridders.c's business. */
#include "graph/slope.h"

#include <float.h>
#include <math.h>

static const tg_slope unknown = {NAN, INFINITY};

/* Tries a step; the better slope is kept. */
static bool measure(const tg_line_at *f, tg_side side, double step, tg_slope_found *found, bool *left) {
    tg_slope slope;
    if (!tg_ridders(f, side, step, &slope, left)) return false;
    if (slope.error < found->slope.error) {
        found->slope = slope;
        found->step = step;
        found->side = side;
    }
    return true;
}

/* The first step that stays on the base's piece. */
static bool shorten(const tg_line_at *f, tg_side side, double step, tg_slope_found *found) {
    bool left = true;
    for (; left && step > 8 * TG_KINK_DISTANCE; step /= 8)
        if (!measure(f, side, step, found, &left)) return false;
    return true;
}

/* A kink is near, but not here: so either side has the slope of this piece, and is as long as it is. */
static bool find_beside_kink(const tg_line_at *f, double start, double step, tg_slope_found *found) {
    if (!shorten(f, TG_BOTH_SIDES, start / 8, found)) return false;
    if (tg_slope_will_do(f, &found->slope)) return true;
    return shorten(f, TG_RIGHT, step, found) && shorten(f, TG_LEFT, step, found);
}

static bool is_off(const tg_line_at *f, const tg_sample *sample) {
    return sample->branches != f->base.branches || !isfinite(sample->value);
}

/* Whether two values so near to each other differ by more than the slope between them and noise. */
static bool jumps(const tg_line_at *f, const tg_sample *side, const tg_slope *slope) {
    const double noise = fmax(f->noise, DBL_EPSILON * fabs(f->base.value));
    const double smooth = 2 * TG_KINK_DISTANCE * fabs(slope->value) + 8 * noise;
    return fabs(side->value - f->base.value) > smooth;
}

/* The slope of the piece on one side, seen from just beside the kink. */
static bool find_side(const tg_line_at *f, tg_side side, double step, const tg_sample *beside,
                      tg_slope *slope) {
    tg_line_at piece = *f;
    piece.base = *beside;
    tg_slope_found found = {.slope = unknown};
    if (isfinite(beside->value) && !shorten(&piece, side, step, &found)) return false;
    *slope = found.slope;
    return true;
}

static bool find_at_kink(const tg_line_at *f, double step, const tg_sample *left, const tg_sample *right,
                         tg_slope_found *found) {
    if (!find_side(f, TG_LEFT, step, left, &found->left)) return false;
    if (!find_side(f, TG_RIGHT, step, right, &found->right)) return false;
    found->jump = jumps(f, left, &found->left) || jumps(f, right, &found->right);
    const double apart = fabs(found->left.value - found->right.value);
    const double error = found->left.error + found->right.error;
    const double size = fmax(fabs(found->left.value), fabs(found->right.value));
    found->kink = found->jump || !(apart <= 2 * error + f->absolute + f->relative * size);
    if (!found->kink) /* the pieces meet smoothly: a tie of equals, say */
        found->slope = (tg_slope){(found->left.value + found->right.value) / 2, error};
    return true;
}

/* Other steps than the first, which was not good enough: a longer one against noise, shorter ones for a
 * function that turns within the step. */
static bool find_step(const tg_line_at *f, double start, double step, tg_slope_found *found) {
    const double steps[] = {step, 16 * step, step / 0x1p8, step / 0x1p16, step / 0x1p24};
    for (int i = 0; i < 5 && !tg_slope_will_do(f, &found->slope); i++) {
        const double noise = fmax(f->noise, DBL_EPSILON * fabs(f->base.value)) / step;
        const double wanted = f->absolute + f->relative * fabs(found->slope.value);
        bool left;
        if (steps[i] == start || (steps[i] > step && noise < wanted / 100)) continue;
        if (!measure(f, TG_BOTH_SIDES, steps[i], found, &left)) return false;
    }
    return true;
}

bool tg_slope_find(const tg_line_at *f, double start, double step, tg_slope_found *found) {
    *found = (tg_slope_found){.slope = unknown, .left = unknown, .right = unknown};
    if (!isfinite(f->base.value)) return true;
    bool left_piece;
    if (!measure(f, TG_BOTH_SIDES, start, found, &left_piece)) return false;
    if (!left_piece) return find_step(f, start, step, found);
    tg_sample left, right;
    if (!f->line(f->context, f->base.at - TG_KINK_DISTANCE, &left) ||
        !f->line(f->context, f->base.at + TG_KINK_DISTANCE, &right))
        return false;
    if (is_off(f, &left) || is_off(f, &right)) return find_at_kink(f, step, &left, &right, found);
    return find_beside_kink(f, start, step, found);
}
