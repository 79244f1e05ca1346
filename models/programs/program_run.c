/* program_run.c: what the example programs have in common. */
#include "models/programs/program_run.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* The build says where the sources have their data, so that programs find it from any folder. */
#ifndef TG_DATA_DIR
#define TG_DATA_DIR "models/data"
#endif

tg_program tg_program_start(const char *name) { return (tg_program){.name = name, .seed = 1, .out = "out"}; }

int tg_program_flags(tg_program *program, int n_flags, tg_flag *flags) {
    static const char *const dtypes[] = {"f64", "f32", NULL};
    const tg_flag usual[] = {
        {.name = "seed",
         .kind = TG_FLAG_INTEGER,
         .value = &program->seed,
         .argument = "N",
         .help = "where all random numbers come from",
         .most = (double)INT64_MAX},
        {.name = "dtype",
         .kind = TG_FLAG_CHOICE,
         .value = &program->dtype,
         .argument = "TYPE",
         .help = "numbers to compute with",
         .choices = dtypes},
        {.name = "out",
         .kind = TG_FLAG_TEXT,
         .value = &program->out,
         .argument = "DIR",
         .help = "where pictures are written"},
        {.name = "no-pictures",
         .kind = TG_FLAG_SWITCH,
         .value = &program->no_pictures,
         .help = "writes no pictures"},
        {.name = "summary",
         .kind = TG_FLAG_SWITCH,
         .value = &program->summary,
         .help = "repeats the results in lines that begin with 'summary: '"},
    };
    const int n = (int)(sizeof usual / sizeof usual[0]);
    memcpy(flags + n_flags, usual, sizeof usual);
    return n_flags + n;
}

bool tg_program_open(tg_program *program) {
    program->tape = tg_tape_new(program->dtype == 1 ? TG_F32 : TG_F64);
    if (!program->tape) fprintf(stderr, "%s: out of memory\n", program->name);
    return program->tape != NULL;
}

const char *tg_program_data(const char *file, size_t capacity, char *text) {
    snprintf(text, capacity, "%s/%s", TG_DATA_DIR, file);
    if (access(text, R_OK) != 0) snprintf(text, capacity, "models/data/%s", file);
    return text;
}

tg_status tg_program_picture(tg_program *program, const char *name, tg_status status, const char *missing) {
    if (status != TG_OK) return status;
    if (missing) program->missing = missing;
    if (!missing)
        printf("Picture: %s/%s.png and .svg\n", program->out, name);
    else
        printf("Picture: only its data and script, %s/%s.*, could be written\n", program->out, name);
    if (!missing) program->drawn = true;
    if (missing) printf("         to draw it:  apt-get install %s\n", missing);
    return TG_OK;
}

void tg_program_summarize(const tg_program *program, const char *format, ...) {
    if (!program->summary) return;
    printf("summary: %s: ", program->name);
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    putchar('\n');
}

int tg_program_close(tg_program *program) {
    const char *error = tg_tape_error(program->tape);
    bool failed = program->failed || error;
    if (error) tg_program_summarize(program, "FAILED: %s", error);
    fflush(stdout);
    if (error) fprintf(stderr, "%s: %s\n", program->name, error);
    if (ferror(stdout)) {
        fprintf(stderr, "%s: standard output: %s\n", program->name, strerror(errno));
        failed = true;
    }
    tg_tape_free(program->tape);
    program->tape = NULL;
    return failed ? 1 : 0;
}
