/* array_format.c: arrays as text, as NumPy's str() writes them.
 *
 * Owns: the choice between positional and scientific notation, alignment, line breaks and "...". The rules
 * are those of numpy/_core/arrayprint.py by default, before 2.3 (which writes float32 in scientific notation
 * from 1e6 on). Must not know of tapes. */
#include "core/array.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    THRESHOLD = 1000, /* more elements are summarized, */
    EDGE_ITEMS = 3,   /* to so many at either end of each axis */
    LINE_WIDTH = 75,
    PRECISION = 8,
    MOST_DIGITS = 17, /* enough to tell any two doubles apart */
    WORD = 64         /* room for one element */
};

/* Text of which only what fits is written. Spaces wait until something follows, so that none end a line. */
struct text {
    char *to;
    size_t capacity, length, spaces;
};

static void put(struct text *text, char c) {
    if (text->length + 1 < text->capacity) text->to[text->length] = c;
    text->length++;
}

static void put_word(struct text *text, const char *word) {
    for (; *word != '\0'; word++) {
        if (*word == ' ') {
            text->spaces++;
            continue;
        }
        for (; text->spaces > 0; text->spaces--) put(text, ' ');
        put(text, *word);
    }
}

static void put_line(struct text *text, int n_newlines, int indent) {
    text->spaces = 0;
    for (int i = 0; i < n_newlines; i++) put(text, '\n');
    text->spaces = (size_t)indent;
}

/* A finite number in decimal: digit[0].digit[1]digit[2]... * 10^exponent, without trailing zeros. */
struct decimal {
    bool negative;
    char digit[24];
    int n_digits, exponent;
};

/* x rounded to n_digits, but at least 1 and at most MOST_DIGITS. */
static struct decimal rounded(double x, int n_digits) {
    n_digits = n_digits < 1 ? 1 : n_digits > MOST_DIGITS ? MOST_DIGITS : n_digits;
    struct decimal d = {.negative = signbit(x)};
    char text[WORD];
    snprintf(text, sizeof text, "%.*e", n_digits - 1, fabs(x));
    const char *c = text;
    for (; *c != 'e'; c++) {
        if (*c >= '0' && *c <= '9') d.digit[d.n_digits++] = *c; /* the point may be a comma */
    }
    d.exponent = atoi(c + 1);
    while (d.n_digits > 1 && d.digit[d.n_digits - 1] == '0') d.n_digits--;
    return d;
}

static bool reads_back(const char *text, double x, tg_dtype dtype) {
    return dtype == TG_F32 ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x;
}

/* The shortest decimal that reads back as x, but rounded to max_digits where that is longer. */
static struct decimal shortest(double x, tg_dtype dtype, int max_digits) {
    char text[WORD];
    for (int n = 1; n < max_digits; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, x);
        if (reads_back(text, x, dtype)) return rounded(x, n);
    }
    return rounded(x, max_digits);
}

/* How all elements of an array are written. */
struct style {
    tg_dtype dtype;
    bool scientific;
    int left, right;     /* characters before and after the point; left is all there is without one */
    int exponent_digits; /* at least 2 */
};

static int max(int a, int b) { return a > b ? a : b; }

static int exponent_digits(struct decimal d) { return abs(d.exponent) >= 100 ? 3 : 2; }

/* As many digits as positional notation shows: all before the point, and at most PRECISION after it. */
static struct decimal positional_decimal(double x, tg_dtype dtype) {
    struct decimal d = shortest(x, dtype, MOST_DIGITS);
    int fraction = d.n_digits - 1 - d.exponent;
    if (fraction >= 0 && fraction <= PRECISION) return d;
    return rounded(x, d.exponent + 1 + (fraction < 0 ? 0 : PRECISION));
}

static void append(char *word, int *length, char c) {
    if (*length < WORD - 1) word[(*length)++] = c;
    word[*length] = '\0';
}

/* "[-]digits.digits", with at least min_fraction digits behind the point. */
static int write_positional(struct decimal d, int min_fraction, char *word) {
    int length = 0;
    int last = max(d.n_digits - 1 - d.exponent, min_fraction);
    if (d.negative) append(word, &length, '-');
    for (int place = max(d.exponent, 0); place >= -last; place--) {
        int i = d.exponent - place;
        append(word, &length, i >= 0 && i < d.n_digits ? d.digit[i] : '0');
        if (place == 0) append(word, &length, '.');
    }
    return length;
}

/* "[-]digit.digitse+exponent", without a point when fraction is negative. */
static int write_scientific(struct decimal d, int fraction, int n_exponent, char *word) {
    int length = 0;
    if (d.negative) append(word, &length, '-');
    append(word, &length, d.digit[0]);
    if (fraction >= 0) append(word, &length, '.');
    for (int i = 1; i <= fraction; i++) append(word, &length, i < d.n_digits ? d.digit[i] : '0');
    return length + snprintf(word + length, (size_t)(WORD - length), "e%c%0*d", d.exponent < 0 ? '-' : '+',
                             n_exponent, abs(d.exponent));
}

/* What the choice of a style for floating-point numbers depends on. */
struct measure {
    double largest, smallest; /* of the finite ones that are not 0; 0 when there are none */
    int special;              /* width of nan, inf and -inf */
    struct style positional, scientific;
};

static void measure_value(struct measure *m, double x, tg_dtype dtype) {
    char word[WORD];
    if (!isfinite(x)) {
        m->special = max(m->special, x < 0 ? 4 : 3);
        return;
    }
    const double size = fabs(x);
    if (size > m->largest) m->largest = size;
    if (size > 0 && (m->smallest == 0 || size < m->smallest)) m->smallest = size;
    int length = 0;
    struct decimal d = positional_decimal(x, dtype);
    if (size < 1e16) length = write_positional(d, 0, word);
    int fraction = max(d.n_digits - 1 - d.exponent, 0);
    m->positional.left = max(m->positional.left, length - 1 - fraction);
    m->positional.right = max(m->positional.right, fraction);
    d = shortest(x, dtype, 1 + PRECISION);
    m->scientific.left = max(m->scientific.left, d.negative ? 2 : 1);
    m->scientific.right = max(m->scientific.right, d.n_digits - 1);
    m->scientific.exponent_digits = max(m->scientific.exponent_digits, exponent_digits(d));
}

static int behind_point(const struct style *style) {
    return style->right + (style->scientific ? 2 + style->exponent_digits : 0);
}

static struct style choose_style(struct measure *m, tg_dtype dtype) {
    const double least = dtype == TG_F32 ? (double)1e-4F : 1e-4;
    bool scientific =
        m->largest >= 1e8 || (m->smallest > 0 && (m->smallest < least || m->largest / m->smallest > 1000));
    struct style style = scientific ? m->scientific : m->positional;
    style.dtype = dtype;
    style.scientific = scientific;
    style.left = max(style.left, m->special - 1 - behind_point(&style));
    return style;
}

static void pad_to(int width, int length, char *word) {
    if (length >= width) return;
    memmove(word + width - length, word, (size_t)length + 1);
    memset(word, ' ', (size_t)(width - length));
}

static void write_value(const struct style *style, double x, char *word) {
    int length, after = behind_point(style); /* characters after the point */
    if (!isfinite(x)) {
        length = snprintf(word, WORD, "%s", isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
    } else if (style->scientific) {
        struct decimal d = rounded(x, style->right + 1);
        length = write_scientific(d, style->right, style->exponent_digits, word);
    } else {
        struct decimal d = positional_decimal(x, style->dtype);
        length = write_positional(d, 0, word);
        /* The points are aligned, and what is missing behind is filled with spaces. */
        for (int i = max(d.n_digits - 1 - d.exponent, 0); i < after; i++) append(word, &length, ' ');
    }
    pad_to(style->left + 1 + after, length, word);
}

static double value_at(const tg_array *array, int64_t offset) {
    return array->dtype == TG_F32 ? (double)((const float *)array->data)[offset]
                                  : ((const double *)array->data)[offset];
}

static int write_other(const tg_array *array, int64_t offset, char *word) {
    if (array->dtype == TG_I64)
        return snprintf(word, WORD, "%" PRId64, ((const int64_t *)array->data)[offset]);
    return snprintf(word, WORD, "%s", ((const bool *)array->data)[offset] ? "True" : "False");
}

/* The elements that are shown: an axis has slots, one of which may stand for what is left out. */
struct shown {
    const tg_array *array;
    bool summarizes;
    int64_t slot[TG_MAX_RANK];
};

static bool cuts(const struct shown *s, int axis) {
    return s->summarizes && s->array->shape[axis] > 2 * EDGE_ITEMS;
}

static int64_t n_slots(const struct shown *s, int axis) {
    return cuts(s, axis) ? 2 * EDGE_ITEMS + 1 : s->array->shape[axis];
}

static bool is_gap(const struct shown *s, int axis) { return cuts(s, axis) && s->slot[axis] == EDGE_ITEMS; }

static int64_t shown_offset(const struct shown *s) {
    int64_t offset = 0;
    for (int i = 0; i < s->array->rank; i++) {
        bool from_end = cuts(s, i) && s->slot[i] > EDGE_ITEMS;
        int64_t index = from_end ? s->array->shape[i] - n_slots(s, i) + s->slot[i] : s->slot[i];
        offset += index * s->array->strides[i];
    }
    return offset;
}

/* Goes on to the next element; false behind the last one, when all slots are 0 again. */
static bool next_shown(struct shown *s) {
    for (int i = s->array->rank - 1; i >= 0; i--) {
        s->slot[i]++;
        if (is_gap(s, i)) s->slot[i]++;
        if (s->slot[i] < n_slots(s, i)) return true;
        s->slot[i] = 0;
    }
    return false;
}

static struct style measure_all(struct shown *s) {
    const tg_array *array = s->array;
    if (tg_dtype_is_value(array->dtype)) {
        struct measure m = {.scientific.scientific = true};
        do measure_value(&m, value_at(array, shown_offset(s)), array->dtype);
        while (next_shown(s));
        return choose_style(&m, array->dtype);
    }
    struct style style = {.dtype = array->dtype};
    char word[WORD];
    /* NumPy aligns True with False even where there is no False. */
    if (array->dtype == TG_BOOL)
        style.left = 5;
    else
        do style.left = max(style.left, write_other(array, shown_offset(s), word));
        while (next_shown(s));
    return style;
}

static void write_element(const struct style *style, const tg_array *array, int64_t offset, char *word) {
    if (tg_dtype_is_value(array->dtype))
        write_value(style, value_at(array, offset), word);
    else
        pad_to(style->left, write_other(array, offset, word), word);
}

/* A number alone: the shortest that reads back the same. */
static void write_scalar(const tg_array *array, char *word) {
    if (!tg_dtype_is_value(array->dtype)) {
        write_other(array, 0, word);
        return;
    }
    const double x = value_at(array, 0), size = fabs(x);
    struct style style = {.dtype = array->dtype};
    if (!isfinite(x)) {
        write_value(&style, x, word);
    } else if (size == 0 || (size >= 1e-4 && size < 1e16)) {
        write_positional(shortest(x, array->dtype, MOST_DIGITS), 1, word);
    } else {
        struct decimal d = shortest(x, array->dtype, MOST_DIGITS);
        write_scientific(d, d.n_digits > 1 ? d.n_digits - 1 : -1, exponent_digits(d), word);
    }
}

/* One word of the innermost axis, on a new line where it would not fit. */
static void put_in_line(struct text *text, const char *word, int rank, int *column) {
    int width = (int)strlen(word);
    if (*column > rank && *column + width > LINE_WIDTH - rank) {
        put_line(text, 1, rank);
        *column = rank;
    }
    put_word(text, word);
    *column += width + 1;
}

static void put_all(struct text *text, struct shown *s, const struct style *style) {
    const int rank = s->array->rank;
    char word[WORD];
    int axis = 0, column = rank;
    put_word(text, "[");
    while (axis >= 0) {
        if (s->slot[axis] == n_slots(s, axis)) {
            put_word(text, "]");
            s->slot[axis] = 0;
            if (--axis >= 0) s->slot[axis]++;
            continue;
        }
        if (s->slot[axis] > 0 && axis == rank - 1)
            put_word(text, " ");
        else if (s->slot[axis] > 0)
            put_line(text, rank - 1 - axis, axis + 1);
        if (axis < rank - 1 && !is_gap(s, axis)) {
            put_word(text, "[");
            axis++;
            column = rank;
            continue;
        }
        if (is_gap(s, axis))
            snprintf(word, sizeof word, "...");
        else
            write_element(style, s->array, shown_offset(s), word);
        if (axis == rank - 1)
            put_in_line(text, word, rank, &column);
        else
            put_word(text, word);
        s->slot[axis]++;
    }
}

size_t tg_array_format(const tg_array *array, size_t capacity, char *to) {
    struct text text = {to, capacity, 0, 0};
    const int64_t size = tg_array_size(array);
    char word[WORD];
    if (size == 0) {
        put_word(&text, "[]");
    } else if (array->rank == 0) {
        write_scalar(array, word);
        put_word(&text, word);
    } else {
        struct shown shown = {.array = array, .summarizes = size > THRESHOLD};
        struct style style = measure_all(&shown);
        put_all(&text, &shown, &style);
    }
    if (capacity > 0) to[text.length < capacity ? text.length : capacity - 1] = '\0';
    return text.length;
}
