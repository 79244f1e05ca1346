/* command_line.c: the options of the example programs: one table gives parsing, checks and --help. */
#include "models/programs/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Values that getopt_long returns: above all characters, the index of the flag added. */
#define FIRST_FLAG 1000
#define HELP_WIDTH 26

static void write_choices(FILE *to, const tg_flag *flag) {
    for (int i = 0; flag->choices[i]; i++) fprintf(to, "%s%s", i > 0 ? ", " : "", flag->choices[i]);
}

static void write_default(FILE *to, const tg_flag *flag) {
    switch (flag->kind) {
        case TG_FLAG_SWITCH: break;
        case TG_FLAG_INTEGER: fprintf(to, " (%lld)", (long long)*(const int64_t *)flag->value); break;
        case TG_FLAG_NUMBER:
            if (!isnan(*(const double *)flag->value)) fprintf(to, " (%g)", *(const double *)flag->value);
            break;
        case TG_FLAG_TEXT:
            if (*(const char *const *)flag->value) fprintf(to, " (%s)", *(const char *const *)flag->value);
            break;
        case TG_FLAG_CHOICE: fprintf(to, " (%s)", flag->choices[*(const int *)flag->value]); break;
    }
}

static void write_help(const tg_command *command, FILE *to) {
    fprintf(to, "Usage: %s [OPTION]...\n%s\n\n", command->name, command->purpose);
    for (int i = 0; i < command->n_flags; i++) {
        const tg_flag *flag = &command->flags[i];
        const int n = fprintf(to, "  --%s%s%s", flag->name, flag->argument ? " " : "",
                              flag->argument ? flag->argument : "");
        fprintf(to, "%*s%s", n < HELP_WIDTH ? HELP_WIDTH - n : 1, "", flag->help);
        if (flag->kind == TG_FLAG_CHOICE) {
            fputs(": ", to);
            write_choices(to, flag);
        }
        write_default(to, flag);
        fputc('\n', to);
    }
    fprintf(to, "  %-*s%s\n  %-*s%s\n", HELP_WIDTH - 2, "--help", "prints this", HELP_WIDTH - 2, "--version",
            "prints the version of tapegrad");
    fputs("\nThe exit status is 0 when all went well, 1 when something failed (a file, a gradient check),\n"
          "2 for wrong options.\n",
          to);
}

/* --- one option ----------------------------------------------------------------------------------------- */

static bool fail_range(const tg_command *command, const tg_flag *flag, const char *text, FILE *err) {
    fprintf(err, "%s: --%s needs %s from %g to %g, not '%s'\n", command->name, flag->name,
            flag->kind == TG_FLAG_INTEGER ? "a whole number" : "a number", flag->least, flag->most, text);
    return false;
}

static bool set_integer(const tg_command *command, const tg_flag *flag, const char *text, FILE *err) {
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || (double)value < flag->least || (double)value > flag->most) {
        return fail_range(command, flag, text, err);
    }
    *(int64_t *)flag->value = value;
    return true;
}

static bool set_number(const tg_command *command, const tg_flag *flag, const char *text, FILE *err) {
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= flag->least && value <= flag->most)) {
        return fail_range(command, flag, text, err);
    }
    *(double *)flag->value = value;
    return true;
}

static bool set_choice(const tg_command *command, const tg_flag *flag, const char *text, FILE *err) {
    for (int i = 0; flag->choices[i]; i++) {
        if (strcmp(flag->choices[i], text) != 0) continue;
        *(int *)flag->value = i;
        return true;
    }
    fprintf(err, "%s: --%s must be one of ", command->name, flag->name);
    write_choices(err, flag);
    fprintf(err, ", not '%s'\n", text);
    return false;
}

static bool set_flag(const tg_command *command, const tg_flag *flag, const char *text, FILE *err) {
    switch (flag->kind) {
        case TG_FLAG_SWITCH: *(bool *)flag->value = true; return true;
        case TG_FLAG_INTEGER: return set_integer(command, flag, text, err);
        case TG_FLAG_NUMBER: return set_number(command, flag, text, err);
        case TG_FLAG_CHOICE: return set_choice(command, flag, text, err);
        case TG_FLAG_TEXT: break;
    }
    if (*text) {
        *(const char **)flag->value = text;
        return true;
    }
    fprintf(err, "%s: --%s needs a text that is not empty\n", command->name, flag->name);
    return false;
}

/* --- all of them ---------------------------------------------------------------------------------------- */

static int parse_all(const tg_command *command, const struct option *options, int argc, char **argv,
                     FILE *out, FILE *err) {
    optind = 0; /* GNU and musl: begin anew; without it a second command line would not be read */
    opterr = 0;
    for (;;) {
        const int at = optind > 0 ? optind : 1;
        const int found = getopt_long(argc, argv, ":", options, NULL);
        if (found == -1) break;
        if (found == 'h') {
            write_help(command, out);
            return 0;
        }
        if (found == 'v') {
            fprintf(out, "%s (tapegrad) %s\n", command->name, tg_version());
            return 0;
        }
        if (found >= FIRST_FLAG) {
            if (set_flag(command, &command->flags[found - FIRST_FLAG], optarg, err)) continue;
        } else {
            const char *wrong = argv[at < argc ? at : argc - 1];
            if (found == ':')
                fprintf(err, "%s: %s needs a value\n", command->name, wrong);
            else
                fprintf(err, "%s: '%s' is not an option, or not a whole one\n", command->name, wrong);
        }
        fprintf(err, "Try %s --help\n", command->name);
        return 2;
    }
    if (optind >= argc) return TG_GO_ON;
    fprintf(err, "%s: '%s' is not an option\nTry %s --help\n", command->name, argv[optind], command->name);
    return 2;
}

int tg_command_parse(const tg_command *command, int argc, char **argv, FILE *out, FILE *err) {
    struct option options[TG_MAX_FLAGS + 3] = {{"help", no_argument, NULL, 'h'},
                                               {"version", no_argument, NULL, 'v'}};
    for (int i = 0; i < command->n_flags; i++) {
        const bool bare = command->flags[i].kind == TG_FLAG_SWITCH;
        options[i + 2] = (struct option){command->flags[i].name, bare ? no_argument : required_argument, NULL,
                                         FIRST_FLAG + i};
    }
    return parse_all(command, options, argc, argv, out, err);
}
