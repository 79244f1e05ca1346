/* local_check.c: is the backward of one node right?
 *
 * Owns: the verdict on an entry, and which entries are looked at: all, or those to which a search through
 * random projections leads. */
#include "graph/local_check.h"

#include "graph/local_slopes.h"

#include <math.h>

enum {
    FEW = 16,           /* inputs of so many entries are compared entry by entry */
    MOST_FAILED = 16,   /* of a large input: then the search has seen enough */
    MOST_COMPARED = 256 /* of a large input, kinks and all */
};

typedef struct judge {
    tg_local *l;
    int k;
    tg_local_tolerance tolerance;
    double largest; /* of the gradient, by backward and by differences */
    tg_local_result *result;
} judge;

/* --- one entry ------------------------------------------------------------------------------------------ */

static double allowed(const judge *j, double analytic, const tg_local_entry *entry) {
    const double size = fmax(fabs(analytic), fabs(entry->numeric));
    return j->tolerance.relative * size + j->tolerance.absolute * fmax(j->largest, size);
}

/* The slopes of the two sides differ by more than rounding and curvature would make them, and backward gives
 * one of them or what lies between. */
static bool is_kink(double analytic, const tg_local_entry *entry) {
    const double gap = entry->high - entry->low;
    const double size = fmax(fabs(entry->high), fabs(entry->low));
    return gap > 1e-3 * size && analytic >= entry->low - 1e-3 * gap && analytic <= entry->high + 1e-3 * gap;
}

static tg_verdict judge_entry(const judge *j, double analytic, const tg_local_entry *entry) {
    if (!isfinite(entry->numeric) || !isfinite(entry->error)) return TG_UNRESOLVED;
    if (!isfinite(analytic)) return TG_FAIL;
    const double tolerance = allowed(j, analytic, entry);
    if (fabs(analytic - entry->numeric) > tolerance + 2 * entry->error)
        return is_kink(analytic, entry) ? TG_KINK : TG_FAIL;
    return entry->error <= 100 * tolerance ? TG_PASS : TG_UNRESOLVED;
}

/* Worse verdicts count more: FAIL before UNRESOLVED before KINK before PASS. */
static int severity(tg_verdict verdict) {
    return verdict == TG_FAIL ? 3 : verdict == TG_UNRESOLVED ? 2 : verdict == TG_KINK ? 1 : 0;
}

/* How far an entry is off, in tolerances; NaN is worst. */
static double distance(double analytic, double numeric, double tolerance) {
    const double ratio = fabs(analytic - numeric) / tolerance;
    return isnan(ratio) ? INFINITY : ratio;
}

static void count_entry(const judge *j, int64_t i, const tg_local_entry *entry) {
    tg_local_result *r = j->result;
    const double analytic = j->l->inputs[j->k].backward[i], tolerance = allowed(j, analytic, entry);
    const tg_verdict verdict = judge_entry(j, analytic, entry);
    const int change = severity(verdict) - severity(r->verdict);
    const bool worse = change > 0 || (change == 0 && distance(analytic, entry->numeric, tolerance) >
                                                         distance(r->analytic, r->numeric, r->tolerance));
    r->failed += verdict == TG_FAIL;
    if (change > 0) r->verdict = verdict;
    if (r->compared++ && !worse) return;
    r->entry = i;
    r->analytic = analytic;
    r->numeric = entry->numeric;
    r->error = entry->error;
    r->tolerance = tolerance;
}

static void note_size(judge *j, const tg_local_entry *entry) {
    if (isfinite(entry->numeric)) j->largest = fmax(j->largest, fabs(entry->numeric));
}

static bool agrees(const judge *j, int64_t i, const tg_local_entry *entry) {
    return judge_entry(j, j->l->inputs[j->k].backward[i], entry) == TG_PASS;
}

static bool check_one(judge *j, int64_t i) {
    tg_local_entry entry;
    tg_local_start(j->l);
    for (int step = 0; step < tg_local_n_steps; step++) {
        if (!tg_local_move_one(j->l, j->k, i, step, &entry)) return false;
        note_size(j, &entry);
        if (agrees(j, i, &entry)) break;
    }
    count_entry(j, i, &entry);
    return true;
}

/* --- elementwise: all entries at once ------------------------------------------------------------------- */

static bool check_map(judge *j) {
    tg_local *l = j->l;
    const int64_t n = l->inputs[j->k].size;
    const tg_arena_position scratch = tg_arena_here(&l->tape->scratch);
    tg_local_entry *entries = tg_arena_alloc(&l->tape->scratch, (size_t)n * sizeof *entries, 64);
    if (!entries) {
        tg_tape_fail(l->tape, TG_ERR_MEMORY, tg_place(l->node), "%s: out of memory to check it alone",
                     l->op->name);
        return false;
    }
    tg_local_start(l);
    bool good = true;
    for (int step = 0, done = false; good && !done && step < tg_local_n_steps; step++) {
        good = tg_local_move_all(l, j->k, step, entries);
        int64_t agreed = 0;
        for (int64_t i = 0; good && i < n; i++) note_size(j, &entries[i]);
        while (good && agreed < n && agrees(j, agreed, &entries[agreed])) agreed++;
        done = agreed == n;
    }
    for (int64_t i = 0; good && i < n; i++) count_entry(j, i, &entries[i]);
    tg_arena_rewind(&l->tape->scratch, scratch);
    return good;
}

/* --- any operation: projections ------------------------------------------------------------------------- */

/* Random weights, so that entries with a small gradient count as much as those with a large one. */
static void draw_direction(judge *j, tg_key key) {
    tg_local *l = j->l;
    const tg_local_input *input = &l->inputs[j->k];
    double largest = 0;
    tg_local_draw(key, input->size, l->direction);
    for (int64_t i = 0; i < input->size; i++) {
        const double size = isfinite(input->backward[i]) ? fabs(input->backward[i]) : j->largest;
        if (j->largest > 0) l->direction[i] *= j->largest / (size + 1e-4 * j->largest);
        largest = fmax(largest, fabs(l->direction[i]));
    }
    for (int64_t i = 0; i < input->size; i++) l->direction[i] *= tg_local_scale(l, j->k, i) / largest;
}

/* Whether the slope of entries from..to along the direction is what backward says. */
static bool check_projection(judge *j, int64_t from, int64_t to, bool *agree) {
    tg_local *l = j->l;
    const double *backward = l->inputs[j->k].backward;
    double analytic = 0, squares = 0;
    for (int64_t i = from; i < to; i++) {
        const double term = backward[i] * l->direction[i];
        analytic += term;
        squares += term * term;
    }
    *agree = false;
    tg_local_start(l);
    for (int step = 0; step < tg_local_n_steps && !*agree && isfinite(analytic); step++) {
        tg_local_entry along = {0};
        if (!tg_local_move(l, j->k, from, to, step)) return false;
        for (int64_t i = 0; i < l->n_out; i++) tg_local_add(l, i, 1, &along);
        const double size = fmax(sqrt(squares), fabs(along.numeric)), tolerance = 1e-7 * size;
        *agree =
            fabs(analytic - along.numeric) <= tolerance + 2 * along.error && along.error <= 10 * tolerance;
    }
    return true;
}

/* From the whole to its halves wherever a projection differs; a list of ranges takes the place of recursion.
 */
static bool search(judge *j) {
    struct {
        int64_t from, to;
    } todo[130] = {{0, j->l->inputs[j->k].size}};
    int n = 1;
    while (n > 0 && j->result->failed < MOST_FAILED && j->result->compared < MOST_COMPARED) {
        const int64_t from = todo[n - 1].from, to = todo[n - 1].to, middle = from + (to - from) / 2;
        n--;
        if (to - from == 1) {
            const double direction = j->l->direction[from];
            if (!check_one(j, from)) return false;
            j->l->direction[from] = direction;
            continue;
        }
        bool agree;
        if (!check_projection(j, from, to, &agree)) return false;
        if (agree) continue;
        todo[n].from = middle, todo[n++].to = to;
        todo[n].from = from, todo[n++].to = middle;
    }
    if (n > 0 && severity(j->result->verdict) < severity(TG_UNRESOLVED)) j->result->verdict = TG_UNRESOLVED;
    return true;
}

bool tg_local_check(tg_local *l, int k, tg_local_tolerance tolerance, tg_key key, tg_local_result *result) {
    const tg_local_input *input = &l->inputs[k];
    if (!(tolerance.relative > 0)) tolerance.relative = 1e-6;
    if (!(tolerance.absolute > 0)) tolerance.absolute = 1e-9;
    *result = (tg_local_result){.tolerance = 1};
    judge j = {.l = l, .k = k, .tolerance = tolerance, .result = result};
    for (int64_t i = 0; i < input->size; i++)
        if (isfinite(input->backward[i])) j.largest = fmax(j.largest, fabs(input->backward[i]));
    if (l->op->kind == TG_MAP && input->size > 1) return check_map(&j);
    if (input->size > FEW) {
        draw_direction(&j, key);
        return search(&j);
    }
    for (int64_t i = 0; i < input->size; i++)
        if (!check_one(&j, i)) return false;
    return true;
}
