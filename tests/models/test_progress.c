/* test_progress.c: models/progress.c: what a file and what a terminal are sent. */
#define _XOPEN_SOURCE 700 /* pseudo-terminals */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/progress.h"

/* What 20 steps write into a stream in memory. */
static char *write_steps(int64_t interval) {
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    tg_progress progress;
    tg_progress_begin(&progress, stream, "training", 20, interval);
    for (int64_t step = 0; step <= 20; step++)
        tg_progress_step(&progress, step, "cost %.2f", 1.0 / (double)(step + 1));
    tg_progress_end(&progress);
    fclose(stream);
    return text;
}

Test(progress, a_file_gets_plain_lines_at_intervals) {
    char *text = write_steps(10);
    cr_expect_str_eq(text,
                     "training 0/20  cost 1.00\ntraining 10/20  cost 0.09\ntraining 20/20  cost 0.05\n");
    free(text);
}

Test(progress, the_interval_is_a_tenth_unless_it_is_given) {
    char *text = write_steps(0);
    int lines = 0;
    for (const char *at = text; *at; at++) lines += *at == '\n';
    cr_expect_eq(lines, 11);
    cr_expect_null(strchr(text, '\033'));
    cr_expect_null(strchr(text, '\r'));
    free(text);
}

Test(progress, without_a_stream_it_is_quiet) {
    tg_progress progress;
    tg_progress_begin(&progress, NULL, "training", 5, 0);
    tg_progress_step(&progress, 1, "cost %d", 1);
    tg_progress_end(&progress);
}

Test(progress, no_steps_are_no_trouble) {
    char text[256] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    tg_progress progress;
    tg_progress_begin(&progress, stream, "training", 0, 0);
    tg_progress_step(&progress, 0, "cost %d", 1);
    tg_progress_end(&progress);
    fclose(stream);
    cr_expect_str_eq(text, "training 0/1  cost 1\n");
}

/* What steps write on a pseudo-terminal; false where there is none. */
static bool write_on_terminal(char *text, size_t capacity) {
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || !ptsname(master)) return false;
    const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (terminal < 0) return false;
    FILE *stream = fdopen(terminal, "w");
    tg_progress progress;
    tg_progress_begin(&progress, stream, "training", 1000, 500);
    for (int64_t step = 0; step < 500; step++) tg_progress_step(&progress, step, "cost %d", 7);
    tg_progress_end(&progress);
    fclose(stream);
    size_t length = 0;
    for (ssize_t got = 1; got > 0 && length<capacity - 1; length += got> 0 ? (size_t)got : 0) {
        got = read(master, text + length, capacity - 1 - length);
    }
    text[length] = 0;
    close(master);
    return true;
}

Test(progress, a_terminal_gets_a_line_that_is_rewritten_and_taken_away) {
    char text[4096];
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    if (!write_on_terminal(text, sizeof text)) cr_skip_test("no pseudo-terminal here");
    cr_expect_not_null(strstr(text, "training 0/1000  cost 7\r\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\033[36m"), "%s", text);
    cr_expect_not_null(strstr(text, "training 16/1000"), "%s", text);
    cr_assert_geq(strlen(text), 4);
    cr_expect_str_eq(text + strlen(text) - 4, "\r\033[K");
}

Test(progress, no_color_is_respected_on_a_terminal) {
    char text[4096];
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    if (!write_on_terminal(text, sizeof text)) cr_skip_test("no pseudo-terminal here");
    cr_expect_null(strstr(text, "\033[3"), "%s", text);
    cr_expect_not_null(strstr(text, "\033[K"), "%s", text);
}

Test(progress, a_dumb_terminal_gets_plain_lines) {
    char text[4096];
    setenv("TERM", "dumb", 1);
    if (!write_on_terminal(text, sizeof text)) cr_skip_test("no pseudo-terminal here");
    cr_expect_str_eq(text, "training 0/1000  cost 7\r\n");
}
