/* mistake.c: the patterns by which a mistake in a gradient is known.
 *
 * Owns: one function for each pattern, in the order in which they are tried; the first that fits gives the
 * name. Each asks for more agreement than chance would make. Knows numbers only. */
#include "graph/mistake.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The evidence, and what every pattern asks of it. */
typedef struct comparison {
    const tg_mistake_evidence *e;
    int64_t n;
    double largest;  /* of right */
    int64_t wrong;   /* entries that differ */
    int64_t telling; /* entries of right that are neither 0 nor too vague to say anything */
    bool uniform;    /* those entries are all equal: together they say no more than one */
} comparison;

static bool say(tg_mistake *m, tg_mistake_kind kind, const char *format, ...) TG_PRINTF(3, 4);
static bool say(tg_mistake *m, tg_mistake_kind kind, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(m->text, sizeof m->text, format, values);
    va_end(values);
    m->kind = kind;
    return true;
}

/* --- entries -------------------------------------------------------------------------------------------- */

static double error_of(const comparison *c, int64_t j) { return c->e->error ? c->e->error[j] : 0; }

static bool is_vague(const comparison *c, int64_t j) {
    return !isfinite(c->e->right[j]) || !(error_of(c, j) <= 1e-4 * c->largest);
}

/* Whether entry j of the wrong gradient is `value`, which has the error of the right one times `factor`. */
static bool is_value(const comparison *c, int64_t j, double value, double factor) {
    const double wrong = c->e->wrong[j], size = fmax(fabs(wrong), fabs(value));
    const double scale = c->largest * fmax(1, fabs(factor));
    return fabs(wrong - value) <= 1e-6 * size + 1e-9 * scale + 2 * fabs(factor) * error_of(c, j);
}

static bool is_right(const comparison *c, int64_t j) { return is_value(c, j, c->e->right[j], 1); }
static bool is_telling(const comparison *c, int64_t j) {
    return !is_vague(c, j) && fabs(c->e->right[j]) > fmax(1e-6 * c->largest, 1e3 * error_of(c, j));
}

static comparison compare(const tg_mistake_evidence *e) {
    comparison c = {.e = e, .n = tg_shape_size(e->shape), .uniform = true};
    double first = NAN;
    for (int64_t j = 0; j < c.n; j++)
        if (isfinite(e->right[j])) c.largest = fmax(c.largest, fabs(e->right[j]));
    for (int64_t j = 0; j < c.n; j++) {
        c.wrong += !is_vague(&c, j) && !is_right(&c, j);
        if (!is_telling(&c, j)) continue;
        if (!c.telling++) first = e->right[j];
        c.uniform &= fabs(e->right[j] - first) <= 1e-6 * fabs(first);
    }
    return c;
}

/* Whether the wrong gradient is `values`, entry by entry. */
static bool is_array(const comparison *c, const double *values) {
    for (int64_t j = 0; j < c->n; j++)
        if (!is_vague(c, j) && !is_value(c, j, values[j], 1)) return false;
    return true;
}

/* --- all of it times a number --------------------------------------------------------------------------- */

static bool find_dropped(const comparison *c, tg_mistake *m) {
    for (int64_t j = 0; j < c->n; j++)
        if (c->e->wrong[j] != 0) return false;
    return say(m, TG_MISTAKE_DROPPED, "dropped: no gradient is given");
}

/* The number by which all entries are multiplied; false where there is none. */
static bool common_factor(const comparison *c, double *factor) {
    double products = 0, squares = 0;
    for (int64_t j = 0; j < c->n; j++) {
        if (!is_telling(c, j)) continue;
        products += c->e->wrong[j] * c->e->right[j];
        squares += c->e->right[j] * c->e->right[j];
    }
    *factor = products / squares;
    if (!isfinite(*factor) || *factor == 0 || fabs(*factor - 1) < 1e-6) return false;
    for (int64_t j = 0; j < c->n; j++)
        if (!is_vague(c, j) && !is_value(c, j, *factor * c->e->right[j], *factor)) return false;
    return true;
}

static bool is_near(double a, double b) { return fabs(a - b) <= 1e-6 * fabs(b); }

/* The size that the factor, or its inverse, is. */
static int64_t size_of_factor(const comparison *c, double factor) {
    for (int i = 0; i < c->e->n_sizes; i++) {
        const double size = (double)c->e->sizes[i];
        if (size > 1 && (is_near(fabs(factor), size) || is_near(1 / fabs(factor), size)))
            return c->e->sizes[i];
    }
    return 0;
}

static bool say_factor(tg_mistake *m, double factor, int64_t size) {
    const bool large = fabs(factor) > 1;
    const double times = large ? fabs(factor) : 1 / fabs(factor);
    const bool is_two = is_near(times, 2);
    char inverse[48] = "";
    if (size)
        snprintf(inverse, sizeof inverse, "%s 1/m with m = %lld", large ? "a missing" : "an extra",
                 (long long)size);
    m->factor = factor;
    m->size = size;
    return say(m, TG_MISTAKE_FACTOR, "%s%.6g times too %s%s%s%s%s", factor < 0 ? "wrong sign, and " : "",
               times, large ? "large" : "small", size || is_two ? ": looks like " : "",
               !is_two ? ""
               : large ? "an extra factor 2"
                       : "a missing factor 2",
               is_two && size ? ", or " : "", inverse);
}

/* A sign, a size of the graph, or 2: known by one entry. */
static bool find_plain_factor(const comparison *c, tg_mistake *m) {
    double factor;
    if (!c->telling || !common_factor(c, &factor)) return false;
    if (is_near(factor, -1)) {
        m->factor = -1;
        return say(m, TG_MISTAKE_SIGN, "wrong sign");
    }
    const int64_t size = size_of_factor(c, factor);
    if (!size && !is_near(fabs(factor), 2) && !is_near(1 / fabs(factor), 2)) return false;
    return say_factor(m, factor, size);
}

/* Any other number: only several different entries show that it is one. */
static bool find_any_factor(const comparison *c, tg_mistake *m) {
    double factor;
    if (c->telling < 2 || c->uniform || !common_factor(c, &factor)) return false;
    return say_factor(m, factor, 0);
}

/* --- the right numbers in the wrong place --------------------------------------------------------------- */

/* Written in the order of the transposed matrix; for a square one that is the transposed matrix. */
static bool find_transposed(const comparison *c, tg_mistake *m) {
    const tg_shape shape = c->e->shape;
    if (shape.rank < 2 || c->e->is_sample) return false;
    const int64_t rows = shape.dim[shape.rank - 2], columns = shape.dim[shape.rank - 1], n = rows * columns;
    if (rows < 2 || columns < 2) return false;
    for (int64_t j = 0; j < c->n; j++) {
        const int64_t at = j % n, from = j - at + at % rows * columns + at / rows;
        if (is_vague(c, j) || is_vague(c, from)) return false;
        if (!is_value(c, j, c->e->right[from], 1)) return false;
    }
    return say(m, TG_MISTAKE_TRANSPOSED, "transposed: the right numbers with the last two axes exchanged");
}

static bool find_wrong_input(const comparison *c, tg_mistake *m) {
    for (int i = 0; i < c->e->n_others; i++) {
        if (!is_array(c, c->e->others[i].right)) continue;
        m->input = c->e->others[i].input;
        return say(m, TG_MISTAKE_WRONG_INPUT, "the gradient of another input: it is that of input %d",
                   m->input);
    }
    return false;
}

/* --- a part of the sum ---------------------------------------------------------------------------------- */

static bool is_something(const comparison *c, double part) { return fabs(part) > 1e-6 * c->largest; }

/* One index alone is there, the same for all entries. A single entry fits one of many parts by chance: then
 * it has to be the first or the last. */
static bool find_not_summed(const comparison *c, const tg_mistake_parts *parts, tg_mistake *m) {
    const int64_t step = c->telling > 1 ? 1 : parts->n - 1;
    if (!parts->broadcast || parts->n < 2 || !c->telling) return false;
    for (int64_t s = 0; s < parts->n; s += step) {
        const double *part = parts->values + s * c->n;
        if (!is_array(c, part)) continue;
        m->axis = parts->axis;
        m->index = s;
        return say(m, TG_MISTAKE_NOT_SUMMED,
                   "not summed over axis %d of the output, along which the input is "
                   "broadcast: index %lld alone",
                   m->axis, (long long)s);
    }
    return false;
}

/* Of each entry's parts that are not 0 the last, or the first. */
static bool find_overwritten(const comparison *c, const tg_mistake_parts *parts, tg_mistake *m) {
    bool last_fits = true, first_fits = true;
    for (int64_t j = 0; j < c->n; j++) {
        double first = 0, last = 0;
        for (int64_t s = 0; s < parts->n; s++) {
            const double part = parts->values[s * c->n + j];
            if (!is_something(c, part)) continue;
            if (first == 0) first = part;
            last = part;
        }
        if (is_vague(c, j)) continue;
        first_fits &= is_value(c, j, first, 1);
        last_fits &= is_value(c, j, last, 1);
    }
    if (!first_fits && !last_fits) return false;
    m->axis = parts->axis;
    return say(m, TG_MISTAKE_OVERWRITTEN,
               "overwritten instead of accumulated: of the contributions along axis "
               "%d of the output only the %s",
               m->axis, last_fits ? "last" : "first");
}

static bool find_part(const comparison *c, tg_mistake *m) {
    for (int i = 0; i < c->e->n_parts; i++)
        if (find_not_summed(c, &c->e->parts[i], m)) return true;
    for (int i = 0; i < c->e->n_parts; i++)
        if (find_overwritten(c, &c->e->parts[i], m)) return true;
    return false;
}

/* --- wrong in places ------------------------------------------------------------------------------------ */

/* Whether entries with neither gradient say nothing of where it is wrong. */
static bool is_blank(const comparison *c, int64_t j) {
    return is_vague(c, j) || (!is_something(c, c->e->right[j]) && is_right(c, j));
}

/* Whether k of n are seldom those by chance: one choice of a million. */
static bool is_rare(int64_t k, int64_t n) {
    double choices = 1;
    for (int64_t i = 1; i <= k && choices < 1e6; i++) choices *= (double)(n - k + i) / (double)i;
    return choices >= 1e6;
}

/* Wrong where the branch is this one and nowhere else. With few entries that is chance, unless the wrong ones
 * have a factor, or 0, in common. */
static bool fits_branch(const comparison *c, uint64_t branch) {
    int64_t here = 0, all = 0;
    double ratio = NAN;
    bool common = true;
    for (int64_t j = 0; j < c->n; j++) {
        if (is_blank(c, j)) continue;
        const bool inside = c->e->branch[j] == branch;
        if (inside == is_right(c, j)) return false;
        all++;
        if (!inside) continue;
        const double next = c->e->wrong[j] / c->e->right[j];
        common &= !here++ || fabs(next - ratio) <= 1e-6 * fabs(next);
        ratio = next;
    }
    return here >= 2 && all - here >= 2 && (common || is_rare(here, all));
}

static bool find_branch(const comparison *c, tg_mistake *m) {
    for (int64_t j = 0; c->e->branch && j < c->n; j++) {
        if (is_blank(c, j) || is_right(c, j)) continue;
        if (!fits_branch(c, c->e->branch[j])) return false; /* the branch of the first wrong entry or none */
        m->branch = c->e->branch[j];
        return say(m, TG_MISTAKE_BRANCH, "wrong everywhere %s, and nowhere else",
                   c->e->branch_names ? c->e->branch_names[m->branch] : "in one branch");
    }
    return false;
}

static bool find_element(const comparison *c, tg_mistake *m) {
    if (c->wrong != 1 || c->telling < 3 || c->e->is_sample) return false;
    while (is_vague(c, m->index) || is_right(c, m->index)) m->index++;
    return say(m, TG_MISTAKE_ELEMENT, "wrong in this element only");
}

static bool find_row(const comparison *c, tg_mistake *m) {
    int64_t stride = c->n;
    for (int axis = 0; axis < c->e->shape.rank && !c->e->is_sample; axis++) {
        const int64_t length = c->e->shape.dim[axis];
        int64_t wrong = 0, index = -1;
        bool one = true;
        stride /= length;
        for (int64_t j = 0; j < c->n; j++) {
            if (is_vague(c, j) || is_right(c, j)) continue;
            one &= !wrong++ || j / stride % length == index;
            index = j / stride % length;
        }
        if (!one || length < 3 || wrong < 2 || wrong < c->n / length) continue;
        m->axis = axis;
        m->index = index;
        return say(m, TG_MISTAKE_ROW, "wrong at index %lld of axis %d only", (long long)index, axis);
    }
    return false;
}

/* --- all of them ---------------------------------------------------------------------------------------- */

bool tg_mistake_find(const tg_mistake_evidence *evidence, tg_mistake *mistake) {
    *mistake = (tg_mistake){0};
    const comparison c = compare(evidence);
    if (!c.wrong) return false;
    return find_dropped(&c, mistake) || find_plain_factor(&c, mistake) || find_transposed(&c, mistake) ||
           find_wrong_input(&c, mistake) || find_part(&c, mistake) || find_any_factor(&c, mistake) ||
           find_branch(&c, mistake) || find_element(&c, mistake) || find_row(&c, mistake);
}

const char *tg_mistake_name(tg_mistake_kind kind) {
    static const char *const names[] = {"none",       "dropped",     "sign",       "factor",
                                        "transposed", "wrong input", "not summed", "overwritten",
                                        "branch",     "row",         "element"};
    return (unsigned)kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}
