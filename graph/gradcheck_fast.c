/* gradcheck_fast.c: a gradient checked along random directions, and how much that can miss.
 *
 * Along a direction all entries of a parameter move at once, each up or down, and the slope is the sum of
 * theirs with these signs. So an error in one entry shows in full in every direction, among the rounding of
 * all. Of errors in several, however many, at least one half of all directions show as much as the largest of
 * them: turning its sign moves the sum by twice the error. */
#include "graph/gradcheck_parts.h"

#include <math.h>

/* As many entries are checked one by one, and parameters with no more are checked in full. */
enum { SINGLE = 16 };

/* Backward's slope along the check's motion, and the root of the sum of squares of its parts. */
static double along(const tg_check *c, double *norm) {
    double sum = 0, squares = 0;
    int64_t begin = 0;
    for (int k = 0; k < c->model.n; k++) {
        const tg_gradcheck_result *result = &c->report->results[k];
        for (int64_t i = 0; i < result->entries; i++) {
            const int64_t e = begin + i;
            if (e < c->motion.first || e >= c->motion.last) continue;
            const double part = result->analytics[i] * c->units[e];
            sum += part;
            squares += part * part;
        }
        begin += result->entries;
    }
    *norm = sqrt(squares);
    return sum;
}

static bool judge_motion(tg_check *c, tg_motion motion, tg_judgement *judgement) {
    double norm;
    tg_check_turn(c, motion);
    const double analytic = along(c, &norm);
    return tg_check_judge(c, analytic, 0, c->options.absolute + c->options.relative * norm, judgement);
}

/* An entry to blame for a direction that failed: of two halves the worse one, again and again. */
static bool find_wrong_entry(tg_check *c, int k, tg_motion motion) {
    while (motion.last - motion.first > 1) {
        const int64_t middle = motion.first + (motion.last - motion.first) / 2;
        tg_motion half[2] = {motion, motion};
        half[0].last = half[1].first = middle;
        tg_judgement judged[2];
        for (int i = 0; i < 2; i++)
            if (!judge_motion(c, half[i], &judged[i])) return false;
        motion = half[judged[1].difference / judged[1].allowed > judged[0].difference / judged[0].allowed];
    }
    return tg_check_entry(c, k, motion.first - c->first);
}

static bool is_checked(const tg_gradcheck_result *result, int64_t i) { return !isnan(result->allowed[i]); }

/* Whether an error of 1% of an entry is larger than what directions show for sure. */
static bool is_seen(const tg_check *c, const tg_gradcheck_result *result, int64_t i) {
    return 0.01 * fabs(result->analytics[i]) * tg_check_size(c, c->first + i) >= result->seen;
}

/* One by one, what directions would not show: the entries that are small beside the others, spread evenly;
 * where there are none, any. */
static bool check_some(tg_check *c, int k) {
    tg_gradcheck_result *result = &c->report->results[k];
    int64_t small = 0, passed = 0, covered = 0;
    for (int64_t i = 0; i < result->entries; i++)
        small += result->analytics[i] != 0 && !is_seen(c, result, i);
    const int64_t of = small ? small : result->entries;
    for (int64_t i = 0; i < result->entries; i++) {
        if (small && (result->analytics[i] == 0 || is_seen(c, result, i))) continue;
        if (passed++ * SINGLE % of < SINGLE && !is_checked(result, i) && !tg_check_entry(c, k, i))
            return false;
    }
    for (int64_t i = 0; i < result->entries; i++)
        covered += result->analytics[i] == 0 || is_checked(result, i) || is_seen(c, result, i);
    result->covered = (double)covered / (double)result->entries;
    return true;
}

/* What a direction that did not pass has shown; a parameter that is not reached has its own note. */
static void say_of_direction(tg_gradcheck_result *result, const tg_judgement *j) {
    const size_t room = sizeof result->note;
    if (!result->reaches) return;
    if (j->verdict == TG_FAIL)
        snprintf(result->note, room,
                 "along a random direction the slope of %s is %.9g by backward and %.9g numerically",
                 result->name, j->analytic, j->numeric);
    else if (j->verdict == TG_UNRESOLVED)
        snprintf(result->note, room, "along a random direction the slope of %s is known to %.1e only",
                 result->name, j->error);
    else if (j->verdict == TG_KINK)
        snprintf(
            result->note, room,
            "along a random direction %s is at a kink: the slope is %.6g on one side and %.6g on the other",
            result->name, j->left, j->right);
}

bool tg_check_parameter_fast(tg_check *c, int k) {
    tg_gradcheck_result *result = &c->report->results[k];
    if (result->entries <= SINGLE) return tg_check_parameter(c, k);
    tg_verdict verdict = TG_PASS;
    for (int d = 0; d < c->report->directions; d++) {
        const tg_motion motion = {c->first, c->first + result->entries, true,
                                  tg_key_split(c->options.key, (uint64_t)(1 + d))};
        tg_judgement j;
        if (!judge_motion(c, motion, &j)) return false;
        verdict = tg_check_worse(verdict, j.verdict);
        const double hidden = j.verdict == TG_KINK ? fabs(j.left - j.right) : 0;
        result->seen = fmax(result->seen, j.allowed + hidden);
        say_of_direction(result, &j);
        if (j.verdict != TG_FAIL) continue;
        if (!find_wrong_entry(c, k, motion)) return false;
        break;
    }
    result->verdict = tg_check_worse(result->verdict, verdict);
    return check_some(c, k);
}

bool tg_check_together(tg_check *c) {
    const tg_motion motion = {0, c->n_entries, true, tg_key_split(c->options.key, UINT64_MAX)};
    tg_judgement j;
    c->start = c->options.step;
    if (!judge_motion(c, motion, &j)) return false;
    tg_gradcheck_report *report = c->report;
    if (j.verdict == TG_FAIL && report->verdict != TG_FAIL)
        snprintf(report->note, sizeof report->note,
                 "with all parameters moved at random the slope of the loss is %.9g by backward and %.9g "
                 "numerically, though every parameter alone is right",
                 j.analytic, j.numeric);
    report->verdict = tg_check_worse(report->verdict, j.verdict);
    return true;
}
