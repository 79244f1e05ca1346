/* progress.c: a line that says how far a long training is.
 *
 * Owns: the choice between a terminal and a file, and what each is sent. Must not know what is trained. */
#include "models/progress.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 24
#define SECONDS_BETWEEN 0.1

/* Steps between two looks at the clock; a look costs about as much as a small operation on a tape. */
#define STEPS_BETWEEN 16

static double now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_terminal(FILE *stream) {
    const int descriptor = fileno(stream); /* -1 for a stream in memory */
    const char *term = getenv("TERM");
    return descriptor >= 0 && isatty(descriptor) && term && *term && strcmp(term, "dumb") != 0;
}

void tg_progress_begin(tg_progress *progress, FILE *stream, const char *what, int64_t steps,
                       int64_t interval) {
    *progress = (tg_progress){.stream = stream, .what = what, .steps = steps > 0 ? steps : 1};
    progress->interval = interval > 0 ? interval : (progress->steps + 9) / 10;
    if (!stream) return;
    progress->terminal = is_terminal(stream);
    const char *no_color = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */
    progress->color = progress->terminal && !(no_color && *no_color);
}

static void erase_line(tg_progress *progress) {
    if (progress->open) fputs("\r\033[K", progress->stream);
    progress->open = false;
}

static void write_bar(tg_progress *progress, int64_t step) {
    const int full = (int)((double)step / (double)progress->steps * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)(full < BAR_WIDTH ? full : BAR_WIDTH));
    bar[BAR_WIDTH] = 0;
    fprintf(progress->stream, progress->color ? "[\033[36m%s\033[0m] " : "[%s] ", bar);
}

void tg_progress_step(tg_progress *progress, int64_t step, const char *format, ...) {
    if (!progress->stream) return;
    const bool keep = step % progress->interval == 0 || step == progress->steps;
    if (!keep) {
        if (!progress->terminal || step % STEPS_BETWEEN != 0) return;
        const double time = now();
        if (time - progress->drawn < SECONDS_BETWEEN) return;
        progress->drawn = time;
    }
    erase_line(progress);
    if (!keep) write_bar(progress, step);
    fprintf(progress->stream, "%s %lld/%lld  ", progress->what, (long long)step, (long long)progress->steps);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(progress->stream, format, arguments);
    va_end(arguments);
    if (keep) fputc('\n', progress->stream);
    progress->open = !keep;
    fflush(progress->stream);
}

void tg_progress_end(tg_progress *progress) {
    if (!progress->stream) return;
    erase_line(progress);
    fflush(progress->stream);
}
