/* external_program.h: runs another program, such as gnuplot, and waits for it.
 *
 * Owns: processes. No shell is involved: arguments are handed over as they are, whatever characters they
 * hold. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_EXTERNAL_PROGRAM_H
#define TAPEGRAD_MODELS_EXTERNAL_PROGRAM_H

#include "graph/tape.h"

/* Runs arguments[0], looked for in PATH, within `folder`; arguments end with NULL. Its output is thrown away.
 * *found is false, and all is well, when there is no such program. Errors: TG_ERR_FILE when it cannot be
 * started or does not end with status 0; the message holds what it wrote to its standard error. */
TG_MUST_USE tg_status tg_program_run(tg_tape *tape, const char *folder, const char *const *arguments,
                                     bool *found);

#endif
