/* csv_table.c: a table of numbers from a file of comma-separated values.
 *
 * Owns: reading the file, cutting it into lines and fields, and the messages that name file, line and
 * column. Must not know what the columns mean. */
#include "models/csv_table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/number_text.h"
#include "models/tape_memory.h"

/* What of a field is shown in a message. */
#define SHOWN 40

/* The file in memory, followed by a 0, and where reading stands. */
typedef struct reader {
    tg_tape *tape;
    const char *path;
    char *text;
    int64_t length, capacity;
    int64_t line; /* the number of the line at hand, from 1 */
} reader;

/* One field, without the spaces and quotes around it. */
typedef struct field {
    const char *text;
    int64_t length;
    bool quoted, broken; /* broken: a quote that does not end, or text behind it */
} field;

/* --- the file ------------------------------------------------------------------------------------------- */

static tg_status fail_file(const reader *r, const char *what) {
    return tg_tape_fail(r->tape, TG_ERR_FILE, r->path, "%s", what);
}

/* The allocator cannot resize, so the text moves each time the room doubles. */
static bool grow(reader *r) {
    const int64_t capacity = r->capacity > 0 ? 2 * r->capacity : 1 << 16;
    char *text = tg_tape_memory_new(r->tape, capacity, 1);
    if (!text) return false;
    if (r->length > 0) memcpy(text, r->text, (size_t)r->length);
    tg_tape_memory_free(tg_tape_allocator(r->tape), r->text, r->capacity, 1);
    r->text = text;
    r->capacity = capacity;
    return true;
}

/* Reads all of the stream; the last byte of the room stays 0 and ends the text. */
static tg_status read_stream(reader *r, FILE *stream) {
    size_t got = 1;
    while (got > 0) {
        if (r->capacity - r->length < 2 && !grow(r)) return TG_ERR_MEMORY;
        got = fread(r->text + r->length, 1, (size_t)(r->capacity - r->length - 1), stream);
        r->length += (int64_t)got;
    }
    if (ferror(stream)) return fail_file(r, strerror(errno));
    if (memchr(r->text, 0, (size_t)r->length)) return fail_file(r, "holds a zero byte: not a text file");
    return TG_OK;
}

/* --- lines and fields ----------------------------------------------------------------------------------- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static const char *line_end(const char *at) {
    const char *end = strchr(at, '\n');
    return end ? end : at + strlen(at);
}

/* Cuts blank lines off the end of the text, and the byte order mark off its beginning. */
static const char *trim_text(reader *r) {
    while (r->length > 0 && (is_space(r->text[r->length - 1]) || r->text[r->length - 1] == '\n')) {
        r->text[--r->length] = 0;
    }
    return strncmp(r->text, "\xEF\xBB\xBF", 3) == 0 ? r->text + 3 : r->text;
}

/* Reads the field at `at` and returns where the next begins, NULL when it was the last of its line. */
static const char *next_field(const char *at, const char *end, field *f) {
    while (at < end && is_space(*at)) at++;
    *f = (field){.text = at};
    if (at < end && *at == '"') {
        f->quoted = true;
        f->text = ++at;
        while (at < end && (*at != '"' || (at + 1 < end && at[1] == '"'))) at += *at == '"' ? 2 : 1;
        f->length = at - f->text;
        f->broken = at == end;
        if (at < end) at++;
        while (at < end && is_space(*at)) at++;
        if (at < end && *at != ',') f->broken = true;
        while (at < end && *at != ',') at++;
    } else {
        while (at < end && *at != ',') at++;
        f->length = at - f->text;
    }
    while (f->length > 0 && is_space(f->text[f->length - 1])) f->length--;
    return at < end ? at + 1 : NULL;
}

static int64_t count_fields(const char *line) {
    const char *end = line_end(line);
    int64_t n = 0;
    for (field f; line; n++) line = next_field(line, end, &f);
    return n;
}

static int64_t count_lines(const char *text) {
    int64_t n = 1;
    while ((text = strchr(text, '\n'))) text++, n++;
    return n;
}

/* Whether the field is a decimal number; *out may be infinite when it is too large. Only the characters of
 * decimal numbers are let through to strtod, which would also take "nan", "inf" and hexadecimal. */
static bool parse_number(const field *f, double *out) {
    if (f->length == 0 || f->broken) return false;
    for (int64_t i = 0; i < f->length; i++) {
        if (!strchr("0123456789+-.eE", f->text[i])) return false;
    }
    char *end;
    *out = strtod(f->text, &end);
    return end == f->text + f->length;
}

/* --- messages ------------------------------------------------------------------------------------------- */

/* "cells.csv:17: column 4 'radius_mean'what". Column is counted from 0 here and from 1 in the message. */
static tg_status fail_field(const reader *r, const tg_csv_table *table, int64_t column, const char *what) {
    char place[512], name[SHOWN + 8] = "";
    snprintf(place, sizeof place, "%s:%lld", r->path, (long long)r->line);
    if (table->names && column < table->n_columns) {
        snprintf(name, sizeof name, " '%.*s'", SHOWN, table->names[column]);
    }
    return tg_tape_fail(r->tape, TG_ERR_FILE, place, "column %lld%s%s", (long long)column + 1, name, what);
}

static tg_status fail_number(const reader *r, const tg_csv_table *table, int64_t column, const field *f,
                             double value) {
    char shown[SHOWN + 1], what[SHOWN + 64];
    int n = 0;
    for (; n < SHOWN && n < f->length; n++) {
        shown[n] = (unsigned char)f->text[n] < ' ' || f->text[n] == 127 ? '?' : f->text[n];
    }
    shown[n] = 0;
    if (f->broken)
        snprintf(what, sizeof what, ": \"%s: the quotes do not end with the field", shown);
    else if (f->length == 0)
        snprintf(what, sizeof what, " is empty");
    else if (isinf(value))
        snprintf(what, sizeof what, ": '%s' is too large for a double", shown);
    else
        snprintf(what, sizeof what, ": '%s' is not a number", shown);
    return fail_field(r, table, column, what);
}

static tg_status fail_count(const reader *r, const tg_csv_table *table, int64_t n) {
    char what[128];
    snprintf(what, sizeof what, " is %s: this line has %lld fields, the first line %lld",
             n < table->n_columns ? "missing" : "one too many", (long long)n, (long long)table->n_columns);
    return fail_field(r, table, n < table->n_columns ? n : table->n_columns, what);
}

/* --- header and rows ------------------------------------------------------------------------------------ */

static bool is_header(const char *line) {
    const char *end = line_end(line);
    double value;
    for (field f; line;) {
        line = next_field(line, end, &f);
        if (parse_number(&f, &value)) return false;
    }
    return true;
}

/* One block holds the pointers and, behind them, the names; in a name "" stands for one quote. */
static tg_status read_names(const reader *r, const char *line, tg_csv_table *table) {
    const char *end = line_end(line);
    const int64_t bytes =
        table->n_columns * (int64_t)sizeof(char *) + (int64_t)(end - line) + table->n_columns;
    char **names = tg_tape_memory_new(r->tape, bytes, 1);
    if (!names) return TG_ERR_MEMORY;
    table->names = names;
    table->names_bytes = bytes;
    char *to = (char *)(names + table->n_columns);
    for (int64_t j = 0; j < table->n_columns; j++) {
        field f;
        line = next_field(line, end, &f);
        names[j] = to;
        for (int64_t i = 0; i < f.length; i++) {
            *to++ = f.text[i];
            if (f.quoted && f.text[i] == '"') i++;
        }
        *to++ = 0;
        if (f.broken) return fail_number(r, table, j, &f, 0);
    }
    return TG_OK;
}

static tg_status read_row(const reader *r, const char *line, const tg_csv_table *table, double *row) {
    const char *end = line_end(line), *at = line;
    int64_t n = 0;
    for (; at && n < table->n_columns; n++) {
        field f;
        at = next_field(at, end, &f);
        double value = 0;
        if (!parse_number(&f, &value) || isinf(value)) return fail_number(r, table, n, &f, value);
        row[n] = value;
    }
    if (at || n < table->n_columns) return fail_count(r, table, count_fields(line));
    return TG_OK;
}

static tg_status read_table(reader *r, tg_csv_table *table) {
    const char *at = trim_text(r);
    if (!*at) return fail_file(r, "is empty");
    int64_t n_lines = count_lines(at);
    r->line = 1;
    table->n_columns = count_fields(at);
    if (is_header(at)) {
        const tg_status status = read_names(r, at, table);
        if (status != TG_OK) return status;
        at = line_end(at);
        if (!*at) return fail_file(r, "has a header and no rows");
        at++, r->line++, n_lines--;
    }
    table->first_line = r->line;
    if (__builtin_mul_overflow(n_lines, table->n_columns, &table->capacity)) table->capacity = -1;
    table->values = tg_tape_memory_new(r->tape, table->capacity, sizeof(double));
    if (!table->values) return TG_ERR_MEMORY;
    for (; table->n_rows < n_lines; table->n_rows++, r->line++) {
        const tg_status status = read_row(r, at, table, table->values + table->n_rows * table->n_columns);
        if (status != TG_OK) return status;
        at = line_end(at) + 1;
    }
    return TG_OK;
}

tg_status tg_csv_read(tg_tape *tape, const char *path, tg_csv_table *table) {
    *table = (tg_csv_table){.allocator = tg_tape_allocator(tape)};
    if (tg_tape_error(tape)) return tg_tape_status(tape);
    reader r = {.tape = tape, .path = path};
    FILE *stream = fopen(path, "rb");
    if (!stream) return fail_file(&r, strerror(errno));
    tg_status status = read_stream(&r, stream);
    fclose(stream);
    if (status == TG_OK) {
        const tg_number_text text = tg_number_text_begin();
        status = read_table(&r, table);
        tg_number_text_end(text);
    }
    tg_tape_memory_free(table->allocator, r.text, r.capacity, 1);
    if (status != TG_OK) tg_csv_free(table);
    return status;
}

void tg_csv_free(tg_csv_table *table) {
    tg_tape_memory_free(table->allocator, table->values, table->capacity, sizeof(double));
    tg_tape_memory_free(table->allocator, table->names, table->names_bytes, 1);
    *table = (tg_csv_table){0};
}
