/* program_run.h: what the example programs have in common: their usual options, and how they begin and end.
 *
 * Owns: --seed, --dtype, --out, --no-pictures, --summary; where data files are found; what is said at the
 * end. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_PROGRAM_RUN_H
#define TAPEGRAD_MODELS_PROGRAM_RUN_H

#include "graph/gradcheck.h"
#include "models/programs/command_line.h"

typedef struct tg_program {
    const char *name;
    tg_tape *tape;
    /* the usual options */
    int64_t seed;
    int dtype; /* 0: f64, 1: f32 */
    const char *out;
    bool no_pictures, summary;
    /* what happened */
    const char *missing; /* a package without which some picture was not drawn */
    bool drawn, failed;
} tg_program;

/* The defaults. */
tg_program tg_program_start(const char *name);

/* Writes the usual options behind the n_flags of the program's own, and returns how many there are now. */
int tg_program_flags(tg_program *program, int n_flags, tg_flag *flags);

/* Makes the tape; false, and a message, when memory is out. */
bool tg_program_open(tg_program *program);

/* The path of a data file that came with the program, in text: where it was built, or models/data here. */
const char *tg_program_data(const char *file, size_t capacity, char *text);

/* Says what became of a picture: adds name.png and name.svg to what was drawn, or notes what is missing. An
 * error stays on the tape. Returns status. */
tg_status tg_program_picture(tg_program *program, const char *name, tg_status status, const char *missing);

/* Prints "summary: program: ..." if summaries are asked for. */
void tg_program_summarize(const tg_program *program, const char *format, ...) TG_PRINTF(2, 3);

/* Prints the tape's error, if there is one, frees the tape, and gives the exit status: 1 after an error, a
 * check that did not pass, or when standard output could not be written; else 0. */
int tg_program_close(tg_program *program);

#endif
