/* gradcheck_entry.c: one slope judged: backward's against the numerical one.
 *
 * Owns: what passes, fails, is a kink, or cannot be told. Slopes along a motion are in units of the line;
 * what is reported of an entry is in its own. */
#include "graph/gradcheck_parts.h"

#include <float.h>
#include <math.h>

/* Slopes so small that they move the loss by less than a few hundred of its last digits, or by hardly a part
 * of what curvature does (at a minimum), are as good as 0. */
static double last_digits(const tg_check *c) {
    return 500 * fmax(c->report->noise, DBL_EPSILON * fabs(c->base.value));
}

/* Within 100 tolerances: then what passes agrees to four digits, by the default tolerance. */
static bool is_resolved(const tg_check *c, const tg_judgement *j) {
    const double size = fmax(fabs(j->analytic), fabs(j->numeric));
    if (size == 0) return true; /* what stands still has the slope 0 */
    return j->error <= 100 * j->tolerance || size + j->error <= fmax(last_digits(c), 1e-8 * c->swing);
}

/* At a kink backward may give either slope, or any between: which one is a convention. */
static void judge_kink(const tg_slope_found *found, tg_judgement *j) {
    const double low = fmin(found->left.value, found->right.value);
    const double high = fmax(found->left.value, found->right.value);
    j->left = found->left.value;
    j->right = found->right.value;
    j->jump = found->jump;
    j->numeric = fmin(fmax(j->analytic, low), high); /* the nearest that would be right */
    j->error = fmax(found->left.error, found->right.error);
}

static void judge_found(const tg_check *c, const tg_slope_found *found, double relative, double absolute,
                        tg_judgement *j) {
    j->left = j->right = NAN;
    j->jump = false;
    j->numeric = found->slope.value;
    j->error = found->slope.error;
    if (found->kink) judge_kink(found, j);
    /* What stands still may have been rounded away on the way to a loss of 0, from any number that went into
     * it. */
    if (j->numeric == 0 && c->swing == 0) j->error = fmax(j->error, DBL_EPSILON * c->scale / c->options.step);
    j->tolerance = absolute + relative * fmax(fabs(j->analytic), fabs(j->numeric));
    j->difference = fabs(j->analytic - j->numeric);
    j->allowed = j->tolerance + 2 * j->error;
    if (isnan(j->allowed)) j->allowed = INFINITY;
    if (!isfinite(c->base.value))
        j->verdict = TG_UNRESOLVED;
    else if (!isfinite(j->analytic) || j->difference > j->allowed)
        j->verdict = TG_FAIL;
    else if (!isfinite(j->error) || !is_resolved(c, j))
        j->verdict = TG_UNRESOLVED;
    else
        j->verdict = found->kink ? TG_KINK : TG_PASS;
}

/* A function that turns within the step may look as if its slope were known. So a FAIL is said only when
 * shorter steps say the same, as far as noise lets them tell backward's slope from the other. */
static bool confirm(const tg_check *c, const tg_line_at *f, tg_slope_found *found, tg_judgement *judgement) {
    const tg_judgement first = *judgement;
    double step = found->step;
    for (int times = 0; times < 4; times++) {
        tg_judgement again = first;
        bool left;
        if (!tg_ridders(f, found->side, step /= 16, &found->slope, &left)) return false;
        judge_found(c, found, f->relative, f->absolute, &again);
        if (times > 0 && !(again.allowed < first.difference / 2)) return true;
        if (again.verdict == TG_PASS)
            *judgement = again;
        else if (again.verdict != TG_FAIL ||
                 fabs(again.numeric - first.numeric) > again.allowed + first.allowed)
            judgement->verdict = TG_UNRESOLVED;
        if (judgement->verdict != TG_FAIL) return true;
    }
    return true;
}

bool tg_check_judge(tg_check *c, double analytic, double relative, double absolute, tg_judgement *judgement) {
    const tg_line_at f = {tg_check_line, c, c->base, c->report->noise, relative, absolute, last_digits(c)};
    const double step = c->options.step;
    tg_slope_found found;
    judgement->analytic = analytic;
    c->swing = 0;
    if (!tg_slope_find(&f, c->start, step, &found)) return false;
    judge_found(c, &found, relative, absolute, judgement);
    if (found.step > 0 && tg_slope_will_do(&f, &found.slope))
        c->start = found.step > step ? found.step : fmin(step, 8 * found.step);
    const bool sure = judgement->verdict != TG_FAIL || found.kink || !isfinite(analytic) || found.step == 0;
    return sure || confirm(c, &f, &found, judgement);
}

/* --- entries -------------------------------------------------------------------------------------------- */

/* How bad a verdict is for the whole: an order of its own. */
static int badness(tg_verdict verdict) {
    static const int order[] = {[TG_PASS] = 0, [TG_KINK] = 1, [TG_UNRESOLVED] = 2, [TG_FAIL] = 3};
    return order[verdict];
}

tg_verdict tg_check_worse(tg_verdict a, tg_verdict b) { return badness(a) >= badness(b) ? a : b; }

/* A difference measured in what is allowed; NaN is worst. */
static double measured(double difference, double allowed) {
    const double ratio = difference / allowed;
    return isnan(ratio) ? INFINITY : ratio;
}

static void keep_worst(tg_gradcheck_result *result, int64_t i, const tg_judgement *j) {
    const bool first = result->checked == 0;
    if (!first && badness(j->verdict) < badness(result->verdict)) return;
    if (!first && j->verdict == result->verdict &&
        measured(j->difference, j->allowed) <=
            measured(result->difference, result->tolerance + 2 * result->error))
        return;
    result->worst = (tg_shape){.rank = result->shape.rank};
    for (int axis = result->shape.rank; axis-- > 0; i /= result->shape.dim[axis])
        result->worst.dim[axis] = i % result->shape.dim[axis];
    result->analytic = j->analytic;
    result->numeric = j->numeric;
    result->left = j->left;
    result->right = j->right;
    result->difference = j->difference;
    result->error = j->error;
    result->tolerance = j->tolerance;
}

void tg_check_begin(tg_check *c, int k) {
    const tg_gradcheck_result *result = &c->report->results[k];
    c->first = 0;
    for (int i = 0; i < k; i++) c->first += c->report->results[i].entries;
    c->largest = 0;
    for (int64_t i = 0; i < result->entries; i++) {
        const double slope = fabs(result->analytics[i]) * tg_check_size(c, c->first + i);
        if (isfinite(slope)) c->largest = fmax(c->largest, slope);
    }
    c->start = c->options.step;
}

bool tg_check_entry(tg_check *c, int k, int64_t i) {
    tg_gradcheck_result *result = &c->report->results[k];
    const tg_motion motion = {.first = c->first + i, .last = c->first + i + 1};
    const double unit = tg_check_size(c, motion.first);
    const double absolute = c->options.absolute > 0 ? c->options.absolute * unit : 1e-10 * c->largest;
    tg_judgement j;
    tg_check_turn(c, motion);
    if (!tg_check_judge(c, result->analytics[i] * unit, c->options.relative, absolute, &j)) return false;
    double *const slopes[] = {&j.numeric, &j.left,      &j.right,  &j.difference,
                              &j.error,   &j.tolerance, &j.allowed};
    for (size_t s = 0; s < sizeof slopes / sizeof *slopes; s++) *slopes[s] /= unit;
    j.analytic = result->analytics[i];
    keep_worst(result, i, &j);
    result->numerics[i] = j.numeric;
    result->allowed[i] = j.allowed;
    result->verdicts[i] = (uint8_t)j.verdict;
    result->checked++;
    result->failed += j.verdict == TG_FAIL;
    result->kinks += j.verdict == TG_KINK;
    result->unresolved += j.verdict == TG_UNRESOLVED;
    result->verdict = tg_check_worse(result->verdict, j.verdict);
    return true;
}

bool tg_check_parameter(tg_check *c, int k) {
    const int64_t entries = c->report->results[k].entries;
    for (int64_t i = 0; i < entries; i++)
        if (!tg_check_entry(c, k, i)) return false;
    return true;
}
