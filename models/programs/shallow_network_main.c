/* shallow_network_main.c: the program shallow_network: a hidden layer where a straight line cannot do.
 *
 * Owns: options and what is printed. The model is in models/shallow_network.c. */
#include <math.h>

#include "models/check_picture.h"
#include "models/flower.h"
#include "models/logistic_regression.h"
#include "models/picture.h"
#include "models/programs/program_run.h"
#include "models/shallow_network.h"

typedef struct settings {
    const char *data;
    int64_t points, hidden, iterations;
    double learning_rate; /* NaN: the usual one of the descent */
    int activation, initialization, descent;
} settings;

typedef struct examples {
    tg_dataset train, test;
} examples;

static tg_key key_of(const tg_program *program, uint64_t use) {
    return tg_key_split(tg_key_new((uint64_t)program->seed), use);
}

/* A flower to train on and another to test with; or a file, split and standardized. */
static tg_status load(tg_program *program, const settings *s, examples *e) {
    tg_tape *tape = program->tape;
    if (!s->data) {
        printf("Data: a flower of %lld points in two classes, and as many again to test with (seed %lld)\n\n",
               (long long)s->points, (long long)program->seed);
        const tg_status status = tg_flower(tape, key_of(program, 0), s->points, &e->train);
        return status == TG_OK ? tg_flower(tape, key_of(program, 1), s->points, &e->test) : status;
    }
    tg_dataset all;
    tg_status status = tg_dataset_read(tape, s->data, &all);
    if (status != TG_OK) return status;
    printf("Data: %s: %lld examples of %lld features, a fifth of them to test with (seed %lld)\n\n", s->data,
           (long long)all.n_examples, (long long)all.n_features, (long long)program->seed);
    status = tg_dataset_split(tape, &all, 0.2, key_of(program, 0), &e->train, &e->test);
    tg_dataset_free(&all);
    return status == TG_OK ? tg_dataset_standardize(tape, &e->train, &e->test) : status;
}

static void print_accuracy(const char *what, double train, double test) {
    printf("%-20s accuracy %.1f%% on the training examples", what, 100 * train);
    if (!isnan(test)) printf(", %.1f%% on the test examples", 100 * test);
    putchar('\n');
}

/* What became of rows that began equal. In large products BLAS may add up the numbers of one row in another
 * order than those of the next; equal weights are an unstable balance, from which that alone can lead away.
 */
static void print_outcome(const settings *s, const tg_shallow_network_result *result) {
    double first = 0;
    for (int i = 0; i < result->n_symmetry && first == 0; i++) first = result->symmetry[i].difference;
    const tg_symmetry *end = &result->symmetry[result->n_symmetry - 1];
    printf("After %lld steps the rows of W1 ", (long long)end->step);
    if (first == 0) {
        printf("are still identical: %lld units do the work of one.\n", (long long)s->hidden);
    } else if (end->difference <= 1e-4 * end->largest) {
        printf("differ by rounding only: %lld units do the work of one.\n", (long long)s->hidden);
    } else {
        printf("differ, by rounding: the rows of a large matrix product are not all\nadded up in the same "
               "order. "
               "A first difference of %.1g, and not learning, broke the symmetry.\n",
               first);
    }
    puts("Random weights break it from the start.");
}

/* How the rows of W1, one a hidden unit, stayed or grew apart. */
static void print_symmetry(tg_program *program, const settings *s, const tg_shallow_network_result *result) {
    double apart = 0;
    printf("\nSymmetry: each row of W1 is a hidden unit\n  %10s  %24s  %12s\n", "step",
           "rows differ by at most", "largest |W1|");
    for (int i = 0; i < result->n_symmetry; i++) {
        const tg_symmetry *at = &result->symmetry[i];
        apart = fmax(apart, at->difference);
        printf("  %10lld  %24.6g  %12.6g\n", (long long)at->step, at->difference, at->largest);
    }
    const bool equal_start = s->initialization == TG_INIT_ZEROS || s->initialization == TG_INIT_SAME;
    if (!equal_start || s->hidden < 2) return;
    fputs(s->initialization == TG_INIT_ZEROS ? "Why: with W2 = 0 no gradient passes to W1 (dZ1 = W2^T dZ2 * "
                                               "g'(Z1)), and hidden units that compute\n"
                                               "the same A1 have the same gradient in W2.\n"
                                             : "Why: hidden units that begin equal compute the same A1, have "
                                               "the same gradient, and take the same\n"
                                               "step.\n",
          stdout);
    print_outcome(s, result);
    tg_program_summarize(program, "--init %s: rows of W1 differ by at most %.3g after %lld steps",
                         tg_initialization_names()[s->initialization], apart, (long long)s->iterations);
}

static tg_status train(tg_program *program, const settings *s, const examples *e,
                       tg_shallow_network_result *network, tg_logistic_regression_result *line) {
    const tg_shallow_network_options options = {.hidden = s->hidden,
                                                .activation = (tg_activation)s->activation,
                                                .initialization = (tg_initialization)s->initialization,
                                                .descent = (tg_descent)s->descent,
                                                .learning_rate =
                                                    isnan(s->learning_rate) ? 0 : s->learning_rate,
                                                .iterations = s->iterations,
                                                .key = key_of(program, 2),
                                                .stream = stdout};
    tg_status status = tg_shallow_network_train(program->tape, &e->train, &e->test, &options, network);
    if (status != TG_OK) return status;
    const tg_logistic_regression_options straight = {.iterations = s->iterations, .key = key_of(program, 3)};
    status = tg_logistic_regression(program->tape, &e->train, &e->test, &straight, line);
    if (status != TG_OK) return status;
    putchar('\n');
    print_accuracy("Shallow network:", network->train_accuracy, network->test_accuracy);
    print_accuracy("Logistic regression:", line->train_accuracy, line->test_accuracy);
    const tg_verdict verdict = network->check.verdict;
    tg_program_summarize(
        program,
        "gradient check %s; cost %.4f -> %.4f; accuracy: train %.1f%%, test %.1f%% (logistic "
        "regression: %.1f%%, %.1f%%)",
        tg_verdict_name(verdict), network->costs[0], network->costs[network->n_costs - 1],
        100 * network->train_accuracy, 100 * network->test_accuracy, 100 * line->train_accuracy,
        100 * line->test_accuracy);
    if (verdict != TG_PASS) fprintf(stderr, "warning: the gradient check is %s\n", tg_verdict_name(verdict));
    print_symmetry(program, s, network);
    return TG_OK;
}

static tg_tensor network_logits(tg_tensor X, void *network) { return tg_shallow_logits(network, X); }

static tg_status draw_costs(tg_program *program, const tg_shallow_network_result *network,
                            const tg_logistic_regression_result *line) {
    const tg_cost_curve curves[2] = {{"shallow network", network->n_costs, network->costs},
                                     {"logistic regression", line->n_costs, line->costs}};
    const char *missing, *name = "shallow_network_cost";
    const tg_status status =
        tg_picture_costs(program->tape, program->out, name, "The cost as they train", 2, curves, &missing);
    return tg_program_picture(program, name, status, missing);
}

/* The error of every entry of the gradients that were checked before training. */
static tg_status draw_check(tg_program *program, const tg_shallow_network_result *network) {
    const char *missing, *name = "shallow_network_gradcheck";
    const tg_status status =
        tg_picture_gradcheck(program->tape, program->out, name, &network->check, &missing);
    return tg_program_picture(program, name, status, missing);
}

static tg_status draw_boundary(tg_program *program, const settings *s, const examples *e,
                               tg_shallow_network_result *network,
                               const tg_logistic_regression_result *line) {
    tg_plane straight = {0}, curved = {0};
    char titles[2][128];
    tg_status status = tg_plane_of_logistic(program->tape, &e->train, line->w, line->b, &straight);
    if (status == TG_OK) {
        status = tg_plane_new(program->tape, &e->train, network_logits, &network->network, &curved);
    }
    snprintf(titles[0], sizeof titles[0], "Logistic regression: %.1f%% right", 100 * line->train_accuracy);
    snprintf(titles[1], sizeof titles[1], "%lld hidden unit%s, %s: %.1f%% right", (long long)s->hidden,
             s->hidden == 1 ? "" : "s", tg_activation_names()[s->activation], 100 * network->train_accuracy);
    const tg_boundary_panel panels[2] = {
        {titles[0], "feature 1", "feature 2", {"label 0", "label 1"}, &straight},
        {titles[1], "feature 1", "feature 2", {"label 0", "label 1"}, &curved}};
    const char *missing = NULL, *name = "shallow_network_boundary";
    if (status == TG_OK) {
        status = tg_picture_boundary(program->tape, program->out, name, 2, panels, &missing);
    }
    tg_plane_free(&straight);
    tg_plane_free(&curved);
    return tg_program_picture(program, name, status, missing);
}

static void run(tg_program *program, const settings *s) {
    examples e = {0};
    tg_shallow_network_result network = {0};
    tg_logistic_regression_result line = {0};
    tg_status status = load(program, s, &e);
    if (status == TG_OK) status = train(program, s, &e, &network, &line);
    if (status == TG_OK && !program->no_pictures) {
        putchar('\n');
        status = draw_check(program, &network);
        if (status == TG_OK) status = draw_costs(program, &network, &line);
        if (status == TG_OK && e.train.n_features == 2) {
            status = draw_boundary(program, s, &e, &network, &line);
        }
    }
    tg_logistic_regression_free(&line);
    tg_shallow_network_free(&network);
    tg_dataset_free(&e.train);
    tg_dataset_free(&e.test);
}

static int fill_flags(settings *s, tg_flag *flags) {
    const tg_flag own[] = {
        {.name = "data",
         .kind = TG_FLAG_TEXT,
         .value = &s->data,
         .argument = "FILE.csv",
         .help = "numbers, the label 0 or 1 last (the flower)"},
        {.name = "points",
         .kind = TG_FLAG_INTEGER,
         .value = &s->points,
         .argument = "N",
         .help = "points of the flower",
         .least = 2,
         .most = 1e7},
        {.name = "hidden",
         .kind = TG_FLAG_INTEGER,
         .value = &s->hidden,
         .argument = "N",
         .help = "units of the hidden layer",
         .least = 1,
         .most = 1e6},
        {.name = "activation",
         .kind = TG_FLAG_CHOICE,
         .value = &s->activation,
         .argument = "NAME",
         .help = "of the hidden layer",
         .choices = tg_activation_names()},
        {.name = "init",
         .kind = TG_FLAG_CHOICE,
         .value = &s->initialization,
         .argument = "NAME",
         .help = "weights",
         .choices = tg_initialization_names()},
        {.name = "optimizer",
         .kind = TG_FLAG_CHOICE,
         .value = &s->descent,
         .argument = "NAME",
         .help = "rule of a step",
         .choices = tg_descent_names()},
        {.name = "learning-rate",
         .kind = TG_FLAG_NUMBER,
         .value = &s->learning_rate,
         .argument = "X",
         .help = "(1.2 for sgd, 0.3 for momentum, 0.02 for adam)",
         .least = 1e-9,
         .most = 1e3},
        {.name = "iterations",
         .kind = TG_FLAG_INTEGER,
         .value = &s->iterations,
         .argument = "N",
         .help = "steps of training",
         .least = 1,
         .most = 1e8},
    };
    const int n = (int)(sizeof own / sizeof own[0]);
    for (int i = 0; i < n; i++) flags[i] = own[i];
    return n;
}

int main(int argc, char **argv) {
    tg_program program = tg_program_start("shallow_network");
    /* Of 40 flowers 36 leave logistic regression at 44% to 54% of the training points; this is one of them.
     */
    program.seed = 3;
    settings s = {.points = 400, .hidden = 4, .iterations = 5000, .learning_rate = NAN};
    tg_flag flags[TG_MAX_FLAGS];
    const int n_flags = tg_program_flags(&program, fill_flags(&s, flags), flags);
    const tg_command command = {
        .name = "shallow_network",
        .purpose =
            "Trains one hidden layer, Z1 = W1 X + b1, A1 = g(Z1), Z2 = W2 A1 + b2, A2 = sigmoid(Z2), after\n"
            "checking its gradients, beside logistic regression. --init zeros and --init same show why\n"
            "weights begin as random numbers.",
        .n_flags = n_flags,
        .flags = flags};
    const int status = tg_command_parse(&command, argc, argv, stdout, stderr);
    if (status != TG_GO_ON) return status;
    if (!tg_program_open(&program)) return 1;
    run(&program, &s);
    return tg_program_close(&program);
}
