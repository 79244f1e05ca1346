/* progress.h: a line that says how far a long training is.
 *
 * On a terminal the line is rewritten in place, at most ten times a second, with a bar; to a file or a pipe
 * (or with TERM=dumb) plain lines are written at intervals, with no control characters. NO_COLOR switches
 * colours off. Must not know what is trained. */
#ifndef TAPEGRAD_MODELS_PROGRESS_H
#define TAPEGRAD_MODELS_PROGRESS_H

#include <stdio.h>

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All of it, by value: there is nothing to free. The fields are the library's own. */
typedef struct tg_progress {
    FILE *stream;
    const char *what;
    int64_t steps, interval;
    double drawn; /* seconds: when the line was last rewritten */
    bool terminal, color, open;
} tg_progress;

/* Begins. stream is borrowed until tg_progress_end, and NULL keeps quiet; what ("training") is borrowed too.
 * A permanent line is kept every `interval` steps; 0 means a tenth of the steps. */
TG_API void tg_progress_begin(tg_progress *progress, FILE *stream, const char *what, int64_t steps,
                              int64_t interval);

/* Says that `step` of the steps (0 to steps) are done, with a printf-like text behind: "cost %.4f". Cheap
 * enough for every step of a loop of microseconds; nothing is formatted where nothing is shown. */
TG_API void tg_progress_step(tg_progress *progress, int64_t step, const char *format, ...) TG_PRINTF(3, 4);

/* Takes away a line that is being rewritten; permanent lines stay. To be called after an error too. */
TG_API void tg_progress_end(tg_progress *progress);

#ifdef __cplusplus
}
#endif
#endif
