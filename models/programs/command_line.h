/* command_line.h: the options of the example programs: one table gives parsing, checks and --help.
 *
 * Owns: getopt_long, numbers out of range, the text of --help. Must not know what options mean.
 * Internal: not installed. */
#ifndef TAPEGRAD_MODELS_COMMAND_LINE_H
#define TAPEGRAD_MODELS_COMMAND_LINE_H

#include <stdio.h>

#include "core/status.h"

typedef enum tg_flag_kind {
    TG_FLAG_SWITCH,  /* bool *: becomes true */
    TG_FLAG_INTEGER, /* int64_t *: least to most */
    TG_FLAG_NUMBER,  /* double *: least to most */
    TG_FLAG_TEXT,    /* const char **: not empty; points into argv */
    TG_FLAG_CHOICE   /* int *: the place of the text in choices */
} tg_flag_kind;

typedef struct tg_flag {
    const char *name;
    tg_flag_kind kind;
    void *value;          /* holds the default */
    const char *argument; /* as --help calls it; NULL for a switch */
    const char *help;
    double least, most;         /* both allowed */
    const char *const *choices; /* ended by NULL */
} tg_flag;

#define TG_MAX_FLAGS 24

typedef struct tg_command {
    const char *name, *purpose; /* purpose: lines for --help, without the last line end */
    int n_flags;                /* at most TG_MAX_FLAGS */
    const tg_flag *flags;
} tg_command;

/* What tg_command_parse returns when the program is to go on. */
#define TG_GO_ON (-1)

/* Reads the options into the flags' values. Returns TG_GO_ON, or the program's exit status: 0 after --help
 * and
 * --version, written to `out`; 2 after a message on `err` for what is unknown, wrong or out of range. Changes
 * nothing in argv but its order. */
int tg_command_parse(const tg_command *command, int argc, char **argv, FILE *out, FILE *err);

#endif
