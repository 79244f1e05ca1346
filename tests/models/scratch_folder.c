/* scratch_folder.c: a folder for the files of one test, and the text of files in it. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "tests/models/scratch_folder.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_make(char folder[64]) {
    strcpy(folder, "/tmp/tapegrad-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *found, int kind, struct FTW *at) {
    (void)found, (void)kind, (void)at;
    return remove(path);
}

void scratch_remove(const char *folder) { nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS); }

void scratch_write(const char *folder, const char *name, const char *text, size_t length, char path[256]) {
    snprintf(path, 256, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, length, file), length);
    fclose(file);
}

bool scratch_has(const char *folder, const char *name) {
    char path[512];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &found) == 0 && found.st_size > 0;
}

char *scratch_read(const char *folder, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) fputc(c, to);
    fclose(file);
    fclose(to);
    return text;
}
