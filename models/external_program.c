/* external_program.c: runs another program, such as gnuplot, and waits for it. Owns: processes. */
#include "models/external_program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is kept of a program's complaints. */
#define COMPLAINT 300

/* In the child, between fork and exec: only calls that are safe there. Returns when exec has failed. */
static void become(const char *folder, const char *const *arguments, int complaints) {
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0 || chdir(folder) != 0) return;
    if (dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(complaints, 2) < 0) return;
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
}

/* Reads all that comes and keeps its beginning as one line of text. */
static void read_complaint(int from, char *text) {
    char buffer[512];
    size_t length = 0;
    for (;;) {
        const ssize_t got = read(from, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        for (ssize_t i = 0; i < got && length < COMPLAINT; i++) {
            const char c = (unsigned char)buffer[i] < ' ' ? ' ' : buffer[i];
            if (c != ' ' || (length > 0 && text[length - 1] != ' ')) text[length++] = c;
        }
    }
    text[length] = 0;
}

/* The errno with which exec failed, 0 when it did not: its pipe then closes without a word. */
static int read_failure(int from) {
    int failure = 0;
    ssize_t got;
    do got = read(from, &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof failure ? failure : 0;
}

static tg_status wait_for(tg_tape *tape, pid_t child, const char *name, const char *complaint) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return tg_tape_fail(tape, TG_ERR_FILE, name, "%s", strerror(errno));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return TG_OK;
    return tg_tape_fail(tape, TG_ERR_FILE, name, "ended with %s %d: %s",
                        WIFEXITED(status) ? "status" : "signal",
                        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), complaint);
}

static void close_both(const int ends[2]) {
    close(ends[0]);
    close(ends[1]);
}

/* A pipe that is not handed on to the program. */
static bool open_pipe(int ends[2]) {
    if (pipe(ends) != 0) return false;
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0) return true;
    close_both(ends);
    return false;
}

tg_status tg_program_run(tg_tape *tape, const char *folder, const char *const *arguments, bool *found) {
    int failures[2], complaints[2];
    *found = false;
    if (!open_pipe(failures)) { return tg_tape_fail(tape, TG_ERR_FILE, arguments[0], "%s", strerror(errno)); }
    if (!open_pipe(complaints)) {
        close_both(failures);
        return tg_tape_fail(tape, TG_ERR_FILE, arguments[0], "%s", strerror(errno));
    }
    const pid_t child = fork();
    if (child == 0) {
        become(folder, arguments, complaints[1]);
        const int failure = errno;
        if (write(failures[1], &failure, sizeof failure) < 0) _exit(126);
        _exit(127);
    }
    const int fork_failure = errno;
    close(failures[1]);
    close(complaints[1]);
    char complaint[COMPLAINT + 1] = "";
    tg_status status = TG_OK;
    if (child > 0) {
        const int failure = read_failure(failures[0]);
        read_complaint(complaints[0], complaint);
        *found = failure == 0;
        if (failure == 0) {
            status = wait_for(tape, child, arguments[0], complaint);
        } else {
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
            /* ENOENT and EACCES are what a search through PATH ends with. */
            if (failure != ENOENT && failure != EACCES && failure != ENOTDIR) {
                status = tg_tape_fail(tape, TG_ERR_FILE, arguments[0], "%s", strerror(failure));
            }
        }
    } else {
        status = tg_tape_fail(tape, TG_ERR_FILE, arguments[0], "%s", strerror(fork_failure));
    }
    close(failures[0]);
    close(complaints[0]);
    return status;
}
