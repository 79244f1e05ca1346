/* picture_file.h: the files of a picture.
 *
 * Owns: paths, folders, opening and closing with errors on the tape. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_PICTURE_FILE_H
#define TAPEGRAD_MODELS_PICTURE_FILE_H

#include <stdio.h>

#include "graph/tape.h"

/* A capacity for a path; longer ones are refused. */
#define TG_PATH_TEXT 4096

/* Writes "folder/name.ending" into path, and makes the folder, with those above it, where it is missing. */
TG_MUST_USE tg_status tg_picture_path(tg_tape *tape, const char *folder, const char *name, const char *ending,
                                      char path[TG_PATH_TEXT]);

/* Opens that file for writing; NULL and an error on the tape when it cannot be. */
FILE *tg_picture_open(tg_tape *tape, const char *folder, const char *name, const char *ending);

/* Closes it; what could not be written is an error. */
TG_MUST_USE tg_status tg_picture_close(tg_tape *tape, FILE *file, const char *name);

#endif
