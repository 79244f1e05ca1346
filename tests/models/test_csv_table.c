/* test_csv_table.c: models/csv_table.c: what is read, and what errors name. */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "models/csv_table.h"
#include "tests/models/scratch_folder.h"

/* Reads a file of this text; path is that of the file, which is gone when this returns. */
static tg_status read_text(tg_tape *tape, const char *text, size_t length, tg_csv_table *table) {
    char folder[64], path[256];
    scratch_make(folder);
    scratch_write(folder, "cells.csv", text, length, path);
    const tg_status status = tg_csv_read(tape, path, table);
    scratch_remove(folder);
    return status;
}

typedef struct good {
    const char *text;
    int64_t rows, columns;
    double first, last;
    const char *name; /* of the last column; NULL without a header */
} good;

Test(csv_table, numbers_are_read_with_and_without_a_header) {
    const good cases[] = {
        {"1,2\n3,4\n", 2, 2, 1, 4, NULL},
        {"a,b\n1,2\n3,4\n", 2, 2, 1, 4, "b"},
        {"a,b\r\n1,2\r\n3,4\r\n", 2, 2, 1, 4, "b"},
        {"1,2\n3,4", 2, 2, 1, 4, NULL},
        {"1,2\n3,4\n\n\n  \n", 2, 2, 1, 4, NULL},
        {" 1 ,\t2\n 3,4 \n", 2, 2, 1, 4, NULL},
        {"\"a\",\"b, \"\"c\"\"\"\n1,2\n", 1, 2, 1, 2, "b, \"c\""},
        {"\"1\", \"2\" \n", 1, 2, 1, 2, NULL},
        {"\xEF\xBB\xBFx,y\n-1.5e3,+.25\n", 1, 2, -1500, 0.25, "y"},
        {"7", 1, 1, 7, 7, NULL},
        {",b\n1,2\n", 1, 2, 1, 2, "b"},
        {"nan,inf\n1,1e-400\n", 1, 2, 1, 0, "inf"},
    };
    tg_tape *tape = tg_tape_new(TG_F64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const good *c = &cases[i];
        tg_csv_table table;
        cr_assert_eq(read_text(tape, c->text, strlen(c->text), &table), TG_OK, "%zu: %s", i,
                     tg_tape_error(tape));
        cr_expect_eq(table.n_rows, c->rows, "%zu", i);
        cr_expect_eq(table.n_columns, c->columns, "%zu", i);
        cr_expect_eq(table.values[0], c->first, "%zu", i);
        cr_expect_eq(table.values[c->rows * c->columns - 1], c->last, "%zu", i);
        cr_expect_eq(table.first_line, c->name ? 2 : 1, "%zu", i);
        cr_expect_eq(table.names != NULL, c->name != NULL, "%zu", i);
        if (table.names && c->name) cr_expect_str_eq(table.names[c->columns - 1], c->name);
        tg_csv_free(&table);
        cr_expect_null(table.values);
    }
    tg_tape_free(tape);
}

typedef struct bad {
    const char *text, *message;
} bad;

Test(csv_table, errors_name_file_line_and_column) {
    const bad cases[] = {
        {"a,b\n1,2\n3,abc\n", "cells.csv:3: column 2 'b': 'abc' is not a number"},
        {"1,2\n3,abc\n", "cells.csv:2: column 2: 'abc' is not a number"},
        {"a,b\n1,\n", "cells.csv:2: column 2 'b' is empty"},
        {"a,b\n1,  \n", "cells.csv:2: column 2 'b' is empty"},
        {"a,b,c\n1,2,3\n4\n",
         "cells.csv:3: column 2 'b' is missing: this line has 1 fields, the first line 3"},
        {"1,2\n1,2,3\n", "cells.csv:2: column 3 is one too many: this line has 3 fields, the first line 2"},
        {"1,2\n\n3,4\n", "cells.csv:2: column 1 is empty"},
        {"a,b\n1,1e999\n", "cells.csv:2: column 2 'b': '1e999' is too large for a double"},
        {"1,x\n", "cells.csv:1: column 2: 'x' is not a number"},
        {"1,2\n1,nan\n", "cells.csv:2: column 2: 'nan' is not a number"},
        {"1,2\n1,0x10\n", "cells.csv:2: column 2: '0x10' is not a number"},
        {"1,2\n1,1.2.3\n", "cells.csv:2: column 2: '1.2.3' is not a number"},
        {"1,2\n1,1 2\n", "cells.csv:2: column 2: '1 2' is not a number"},
        {"a,\"b\n1,2\n", "cells.csv:1: column 2 'b': \"b: the quotes do not end with the field"},
        {"1,2\n3,\"4\n", "cells.csv:2: column 2: \"4: the quotes do not end with the field"},
        {"1,2\n3,\"4\"5\n", "cells.csv:2: column 2: \"4: the quotes do not end with the field"},
        {"1,2\n3,a\tb\x01\n", "cells.csv:2: column 2: 'a?b?' is not a number"},
        {"", "cells.csv: is empty"},
        {"\n \r\n", "cells.csv: is empty"},
        {"a,b\n", "cells.csv: has a header and no rows"},
    };
    tg_tape *tape = tg_tape_new(TG_F64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tg_csv_table table;
        cr_expect_eq(read_text(tape, cases[i].text, strlen(cases[i].text), &table), TG_ERR_FILE, "%zu", i);
        cr_assert_not_null(tg_tape_error(tape), "%zu", i);
        const char *end = strstr(tg_tape_error(tape), "cells.csv");
        cr_assert_not_null(end);
        cr_expect_str_eq(end, cases[i].message);
        cr_expect_null(table.values);
        cr_expect_null(table.names);
        tg_csv_free(&table);
        tg_tape_clear_error(tape);
    }
    tg_tape_free(tape);
}

Test(csv_table, zero_bytes_are_no_text) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_csv_table table;
    cr_expect_eq(read_text(tape, "1,2\0,3\n", 7, &table), TG_ERR_FILE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "zero byte"));
    tg_tape_free(tape);
}

Test(csv_table, files_that_are_not_there_and_folders_are_errors) {
    char folder[64];
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_csv_table table;
    scratch_make(folder);
    cr_expect_eq(tg_csv_read(tape, "no/such/file.csv", &table), TG_ERR_FILE);
    cr_expect_str_eq(tg_tape_error(tape), "no/such/file.csv: No such file or directory");
    cr_expect_eq(tg_csv_read(tape, folder, &table), TG_ERR_FILE, "an error that sticks stops reading");
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_csv_read(tape, folder, &table), TG_ERR_FILE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "directory"), "%s", tg_tape_error(tape));
    scratch_remove(folder);
    tg_tape_free(tape);
}

Test(csv_table, a_table_longer_than_any_buffer_is_read_whole) {
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    for (int i = 0; i < 50000; i++) fprintf(to, "%d,%d.5\n", i, -i);
    fclose(to);
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_csv_table table;
    cr_assert_eq(read_text(tape, text, length, &table), TG_OK);
    cr_expect_eq(table.n_rows, 50000);
    cr_expect_eq(table.values[2 * 49999], 49999);
    cr_expect_eq(table.values[2 * 49999 + 1], -49999.5);
    tg_csv_free(&table);
    tg_tape_free(tape);
    free(text);
}

Test(csv_table, the_decimal_point_does_not_depend_on_the_locale) {
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        cr_skip_test("no locale with a decimal comma here");
    }
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_csv_table table;
    cr_assert_eq(read_text(tape, "1.5,2\n", 6, &table), TG_OK);
    cr_expect_eq(table.values[0], 1.5);
    tg_csv_free(&table);
    tg_tape_free(tape);
}
