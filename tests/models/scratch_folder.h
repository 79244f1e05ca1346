/* scratch_folder.h: a folder for the files of one test, and the text of files in it. */
#ifndef TAPEGRAD_TESTS_MODELS_SCRATCH_FOLDER_H
#define TAPEGRAD_TESTS_MODELS_SCRATCH_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* A new folder; its name is in the memory given. */
void scratch_make(char folder[64]);

/* Removes it with all that is in it. */
void scratch_remove(const char *folder);

/* Writes length bytes of text into folder/name, and the path into path. */
void scratch_write(const char *folder, const char *name, const char *text, size_t length, char path[256]);

/* Whether folder/name is there and not empty. */
bool scratch_has(const char *folder, const char *name);

/* The text of folder/name, to be freed. */
char *scratch_read(const char *folder, const char *name);

#endif
