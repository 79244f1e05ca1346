/* test_command_line.c: models/programs/command_line.c: options, --help and what is refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "models/programs/command_line.h"
#include "models/shallow_network.h"

/* What a command line of up to seven words did. */
typedef struct outcome {
    int status;
    char *out, *err;
    int64_t count;
    double rate;
    const char *file;
    int activation;
    bool quiet;
} outcome;

static outcome parse(const char *const *words) {
    outcome o = {.count = 5, .rate = 0.5};
    const tg_flag flags[] = {
        {.name = "count",
         .kind = TG_FLAG_INTEGER,
         .value = &o.count,
         .argument = "N",
         .help = "how many",
         .least = 1,
         .most = 100},
        {.name = "rate",
         .kind = TG_FLAG_NUMBER,
         .value = &o.rate,
         .argument = "X",
         .help = "how fast",
         .least = 0,
         .most = 1},
        {.name = "file", .kind = TG_FLAG_TEXT, .value = &o.file, .argument = "FILE", .help = "from where"},
        {.name = "activation",
         .kind = TG_FLAG_CHOICE,
         .value = &o.activation,
         .argument = "NAME",
         .help = "which",
         .choices = tg_activation_names()},
        {.name = "quiet", .kind = TG_FLAG_SWITCH, .value = &o.quiet, .help = "says nothing"},
    };
    const tg_command command = {.name = "program", .purpose = "Does things.", .n_flags = 5, .flags = flags};
    char copies[8][64], *argv[9] = {copies[0]};
    int argc = 1;
    strcpy(copies[0], "program");
    for (; words[argc - 1]; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s", words[argc - 1]);
        argv[argc] = copies[argc];
    }
    size_t length;
    FILE *out = open_memstream(&o.out, &length), *err = open_memstream(&o.err, &length);
    o.status = tg_command_parse(&command, argc, argv, out, err);
    fclose(out);
    fclose(err);
    o.file = o.file ? "given" : NULL; /* it points into a copy that is gone */
    return o;
}

static void forget(outcome *o) {
    free(o->out);
    free(o->err);
}

Test(command_line, options_set_their_values) {
    const char *const words[] = {"--count",           "7",       "--rate=0.25", "--file", "x.csv",
                                 "--activation=relu", "--quiet", NULL};
    outcome o = parse(words);
    cr_expect_eq(o.status, TG_GO_ON, "%s", o.err);
    cr_expect_eq(o.count, 7);
    cr_expect_eq(o.rate, 0.25);
    cr_expect_not_null(o.file);
    cr_expect_eq(o.activation, (int)TG_RELU);
    cr_expect(o.quiet);
    forget(&o);
}

Test(command_line, without_options_the_defaults_stay) {
    const char *const words[] = {NULL};
    outcome o = parse(words);
    cr_expect_eq(o.status, TG_GO_ON);
    cr_expect_eq(o.count, 5);
    cr_expect_str_empty(o.err);
    forget(&o);
}

Test(command_line, help_names_every_option_its_choices_and_default) {
    const char *const words[] = {"--help", NULL};
    outcome o = parse(words);
    cr_expect_eq(o.status, 0);
    const char *const parts[] = {"Usage: program", "Does things.",
                                 "--count N",      "how many (5)",
                                 "--rate X",       "which: tanh, sigmoid, relu, leaky_relu, identity (tanh)",
                                 "--quiet",        "--version"};
    for (int i = 0; i < 8; i++)
        cr_expect_not_null(strstr(o.out, parts[i]), "%s is not in\n%s", parts[i], o.out);
    cr_expect_str_empty(o.err);
    forget(&o);
    const char *const version[] = {"--version", NULL};
    o = parse(version);
    cr_expect_eq(o.status, 0);
    cr_expect_str_eq(o.out, "program (tapegrad) " TG_VERSION "\n");
    forget(&o);
}

Test(command_line, what_is_wrong_is_said_and_ends_with_status_2) {
    const char *const cases[][4] = {
        {"--count", "0", NULL, "--count needs a whole number from 1 to 100, not '0'"},
        {"--count", "1.5", NULL, "not '1.5'"},
        {"--count", "99999999999999999999", NULL, "not '99999999999999999999'"},
        {"--count=", NULL, NULL, "--count needs"},
        {"--rate", "nan", NULL, "--rate needs a number from 0 to 1, not 'nan'"},
        {"--rate", "2", NULL, "not '2'"},
        {"--rate", "0.5x", NULL, "not '0.5x'"},
        {"--activation", "step", NULL,
         "--activation must be one of tanh, sigmoid, relu, leaky_relu, identity, not "
         "'step'"},
        {"--file", "", NULL, "--file needs a text that is not empty"},
        {"--file", NULL, NULL, "--file needs a value"},
        {"--nonsense", NULL, NULL, "'--nonsense' is not an option"},
        {"--quiet=1", NULL, NULL, "'--quiet=1' is not an option"},
        {"-x", NULL, NULL, "'-x' is not an option"},
        {"extra", NULL, NULL, "'extra' is not an option"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        outcome o = parse(cases[i]);
        cr_expect_eq(o.status, 2, "%zu", i);
        cr_expect_not_null(strstr(o.err, cases[i][3]), "%s is not in\n%s", cases[i][3], o.err);
        cr_expect_not_null(strstr(o.err, "--help"), "%s", o.err);
        cr_expect_str_empty(o.out);
        forget(&o);
    }
}
