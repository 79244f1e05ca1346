/* csv_table.h: a table of numbers from a file of comma-separated values.
 *
 * Owns: reading, checking and the messages that name file, line and column. Must not know what the columns
 * mean. */
#ifndef TAPEGRAD_MODELS_CSV_TABLE_H
#define TAPEGRAD_MODELS_CSV_TABLE_H

#include "graph/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Row i, column j is values[i * n_columns + j]. */
typedef struct tg_csv_table {
    int64_t n_rows, n_columns;
    double *values;
    char **names;       /* n_columns of them, or NULL when the file has no header */
    int64_t first_line; /* the line of the file on which row 0 stands: row i is on line first_line + i */
    int64_t capacity, names_bytes;
    tg_allocator allocator;
} tg_csv_table;

/* Reads a file of numbers, one row a line, fields separated by commas. The first line is a header when none
 * of its fields is a number. Numbers are decimal ("-1.5e3") with a point in every locale; spaces around
 * fields, double quotes around names and numbers, CRLF, a byte order mark and blank lines at the end are
 * allowed.
 *
 * Memory comes from the tape's allocator; free the table with tg_csv_free, before or after the tape's own end
 * as long as the allocator lives. Nothing is recorded on the tape: it carries the error. Errors: TG_ERR_FILE
 * with a message like "cells.csv:17: column 4 'radius_mean': 'abc' is not a number" for a file that cannot be
 * read or is empty, a field that is empty, no number or too large for a double, and a row that has fewer or
 * more fields than the first; TG_ERR_MEMORY. The table is then zeroed. */
TG_API TG_MUST_USE tg_status tg_csv_read(tg_tape *tape, const char *path, tg_csv_table *table);

/* Frees what the table owns and zeroes it; a zeroed table is allowed. */
TG_API void tg_csv_free(tg_csv_table *table);

#ifdef __cplusplus
}
#endif
#endif
