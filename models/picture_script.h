/* picture_script.h: what all scripts for gnuplot have in common.
 *
 * Owns: quoting, the look of a picture, that it is drawn as PNG and as SVG, and the call of the program. Must
 * not know what is plotted. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_PICTURE_SCRIPT_H
#define TAPEGRAD_MODELS_PICTURE_SCRIPT_H

#include <stdio.h>

#include "graph/tape.h"

/* Below the labels of the x axis, where no curve and no point is. */
#define TG_SCRIPT_KEY_BELOW                                                                                  \
    "  set key at graph 0.5, -0.19 center top horizontal maxrows 1 samplen 1.5 width -2\n"                   \
    "  set bmargin 6.5\n"

/* A string in gnuplot's single quotes, without line ends; a setting with such a string, and a newline. */
void tg_script_quoted(FILE *to, const char *text);
void tg_script_setting(FILE *to, const char *setting, const char *text);

/* The beginning of a script that draws twice, as PNG and as SVG, and its end. width and height are those of
 * the SVG, the PNG has twice as many pixels. */
void tg_script_begin(FILE *to, const char *name, int width, int height);
void tg_script_end(FILE *to);

/* Runs a program in the folder; *missing is the package when there is none. */
tg_status tg_script_run(tg_tape *tape, const char *folder, const char *const *arguments, const char *package,
                        const char **missing);

/* Writes folder/name.dat and folder/name.gp, numbers with a point in every locale, and runs gnuplot on them.
 * Both functions are given the context. */
typedef void tg_script_writer(FILE *to, const char *name, const void *context);
tg_status tg_script_plot(tg_tape *tape, const char *folder, const char *name, tg_script_writer *data,
                         tg_script_writer *script, const void *context, const char **missing);

#endif
