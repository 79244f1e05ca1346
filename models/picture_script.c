/* picture_script.c: scripts for gnuplot, and running them. Owns: see picture_script.h. */
#include "models/picture_script.h"

#include "models/external_program.h"
#include "models/number_text.h"
#include "models/picture_file.h"

/* Only the quote itself is special. */
void tg_script_quoted(FILE *to, const char *text) {
    fputc('\'', to);
    for (; *text; text++) {
        if (*text == '\'') fputc('\'', to);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, to);
    }
    fputc('\'', to);
}

void tg_script_setting(FILE *to, const char *setting, const char *text) {
    fprintf(to, "%s ", setting);
    tg_script_quoted(to, text);
    fputc('\n', to);
}

void tg_script_begin(FILE *to, const char *name, int width, int height) {
    fprintf(to, "# Draws %s.png and %s.svg from %s.dat, in the folder of these files: gnuplot %s.gp\n", name,
            name, name, name);
    fputs("set encoding utf8\nset border 3 linecolor rgb '#555555'\n"
          "set tics nomirror out textcolor rgb '#333333'\nset grid linetype 1 linecolor rgb '#e0e0e0' "
          "linewidth 0.5\n",
          to);
    tg_script_setting(to, "data =", name);
    fputs("data = data.'.dat'\n", to);
    fputs("do for [picture = 1:2] {\n", to);
    fprintf(
        to,
        "  if (picture == 1) { set terminal pngcairo noenhanced background rgb 'white' font 'Sans,20' size "
        "%d,%d linewidth 2 pointscale 2 }\n",
        2 * width, 2 * height);
    fprintf(to,
            "  else { set terminal svg noenhanced standalone background rgb 'white' font 'Sans,12' size "
            "%d,%d }\n",
            width, height);
    tg_script_setting(to, "  base =", name);
    fputs("  set output base.(picture == 1 ? '.png' : '.svg')\n", to);
}

void tg_script_end(FILE *to) { fputs("  unset output\n}\n", to); }

tg_status tg_script_run(tg_tape *tape, const char *folder, const char *const *arguments, const char *package,
                        const char **missing) {
    bool found;
    const tg_status status = tg_program_run(tape, folder, arguments, &found);
    *missing = status != TG_OK || found ? NULL : package;
    return status;
}

static tg_status draw(tg_tape *tape, const char *folder, const char *name, const char **missing) {
    char script[TG_PATH_TEXT];
    snprintf(script, sizeof script, "./%s.gp", name); /* "./": a name may begin with a dash */
    const char *const arguments[] = {"gnuplot", script, NULL};
    return tg_script_run(tape, folder, arguments, "gnuplot-nox", missing);
}

static tg_status write_file(tg_tape *tape, const char *folder, const char *name, const char *ending,
                            tg_script_writer *writer, const void *context) {
    FILE *to = tg_picture_open(tape, folder, name, ending);
    if (!to) return tg_tape_status(tape);
    tg_number_text text = tg_number_text_begin();
    writer(to, name, context);
    tg_number_text_end(text);
    return tg_picture_close(tape, to, name);
}

tg_status tg_script_plot(tg_tape *tape, const char *folder, const char *name, tg_script_writer *data,
                         tg_script_writer *script, const void *context, const char **missing) {
    *missing = NULL;
    tg_status status = write_file(tape, folder, name, "dat", data, context);
    if (status == TG_OK) status = write_file(tape, folder, name, "gp", script, context);
    return status == TG_OK ? draw(tape, folder, name, missing) : status;
}
