/* logistic_regression_main.c: the program logistic_regression: real data, one unit, and what matrices are
 * for.
 *
 * Owns: options and what is printed. The model is in models/logistic_regression.c. */
#include <math.h>

#include "models/logistic_regression.h"
#include "models/picture.h"
#include "models/programs/program_run.h"

typedef struct settings {
    const char *data;
    double test_part, learning_rate;
    int64_t iterations;
    bool no_loops;
} settings;

typedef struct examples {
    tg_dataset train, test;
} examples;

static tg_key key_of(const tg_program *program, uint64_t use) {
    return tg_key_split(tg_key_new((uint64_t)program->seed), use);
}

/* Reads, splits and standardizes. */
static tg_status load(tg_program *program, const settings *s, examples *e) {
    char text[4096];
    const char *path = s->data ? s->data : tg_program_data("breast_cancer.csv", sizeof text, text);
    tg_dataset all;
    tg_status status = tg_dataset_read(program->tape, path, &all);
    if (status != TG_OK) return status;
    printf("Data: %s: %lld examples of %lld features\n", path, (long long)all.n_examples,
           (long long)all.n_features);
    status = tg_dataset_split(program->tape, &all, s->test_part, key_of(program, 0), &e->train, &e->test);
    tg_dataset_free(&all);
    if (status == TG_OK) status = tg_dataset_standardize(program->tape, &e->train, &e->test);
    if (status == TG_OK) {
        printf("Split by seed %lld: %lld to train on, %lld to test with; features standardized by the "
               "former\n\n",
               (long long)program->seed, (long long)e->train.n_examples, (long long)e->test.n_examples);
    }
    return status;
}

static tg_status compare(tg_program *program, const settings *s, const examples *e) {
    tg_logistic_comparison comparison;
    const tg_logistic_comparison_options options = {.learning_rate = s->learning_rate};
    const tg_status status = tg_logistic_compare(program->tape, &e->train, &options, &comparison);
    if (status != TG_OK) return status;
    const bool faster = comparison.speedup >= 1;
    const double ratio = faster ? comparison.speedup : 1 / comparison.speedup;
    printf("\nOne step by loops over examples and features: %.1f us; by the graph: %.1f us (medians, in "
           "turns)\n",
           1e6 * comparison.loops_seconds, 1e6 * comparison.graph_seconds);
    printf("The graph is %.1f times %s. Both learn the same w and b: largest difference %.1e, of %.1e that "
           "rounding allows\n",
           ratio, faster ? "faster" : "slower", comparison.difference, comparison.tolerance);
    tg_program_summarize(
        program, "the graph is %.1f times %s than loops, with the same result (%.1e apart)%s", ratio,
        faster ? "faster" : "slower", comparison.difference, comparison.equal ? "" : " FAILED");
    if (!comparison.equal) program->failed = true;
    return TG_OK;
}

static tg_status draw_costs(tg_program *program, const tg_logistic_regression_result *result) {
    const tg_cost_curve curve = {"training examples", result->n_costs, result->costs};
    const char *missing, *name = "logistic_regression_cost";
    const tg_status status = tg_picture_costs(
        program->tape, program->out, name, "Logistic regression: the cost as it trains", 1, &curve, &missing);
    return tg_program_picture(program, name, status, missing);
}

static tg_status draw_boundary(tg_program *program, const settings *s, const examples *e,
                               const tg_logistic_regression_result *result) {
    tg_plane plane;
    tg_status status = tg_plane_of_logistic(program->tape, &e->train, result->w, result->b, &plane);
    if (status != TG_OK) return status;
    const bool edge_on = e->train.n_features != 2;
    const tg_boundary_panel panel = {
        .title = edge_on ? "Logistic regression: the decision boundary, seen edge-on" : "Logistic regression",
        .x_label = edge_on ? "distance from the boundary, (w . x + b) / |w|" : "feature 1, standardized",
        .y_label = edge_on ? "widest direction along the boundary" : "feature 2, standardized",
        .classes = {s->data ? "label 0" : "malignant (0)", s->data ? "label 1" : "benign (1)"},
        .plane = &plane};
    const char *missing, *name = "logistic_regression_boundary";
    status = tg_picture_boundary(program->tape, program->out, name, 1, &panel, &missing);
    tg_plane_free(&plane);
    return tg_program_picture(program, name, status, missing);
}

static tg_status train(tg_program *program, const settings *s, const examples *e,
                       tg_logistic_regression_result *result) {
    const tg_logistic_regression_options options = {.learning_rate = s->learning_rate,
                                                    .iterations = s->iterations,
                                                    .key = key_of(program, 1),
                                                    .stream = stdout};
    const tg_status status = tg_logistic_regression(program->tape, &e->train, &e->test, &options, result);
    if (status != TG_OK) return status;
    const tg_verdict verdict = result->check.verdict;
    printf("\nAccuracy: %.1f%% of the training examples", 100 * result->train_accuracy);
    if (e->test.n_examples > 0) printf(", %.1f%% of the test examples", 100 * result->test_accuracy);
    putchar('\n');
    tg_program_summarize(program, "gradient check %s; cost %.4f -> %.4f; accuracy: train %.1f%%, test %.1f%%",
                         tg_verdict_name(verdict), result->costs[0], result->costs[result->n_costs - 1],
                         100 * result->train_accuracy, 100 * result->test_accuracy);
    if (verdict != TG_PASS) fprintf(stderr, "warning: the gradient check is %s\n", tg_verdict_name(verdict));
    return TG_OK;
}

static void run(tg_program *program, const settings *s) {
    examples e = {0};
    tg_logistic_regression_result result = {0};
    tg_status status = load(program, s, &e);
    if (status == TG_OK) status = train(program, s, &e, &result);
    if (status == TG_OK && !s->no_loops) status = compare(program, s, &e);
    if (status == TG_OK && !program->no_pictures) {
        putchar('\n');
        status = draw_costs(program, &result);
        if (status == TG_OK) status = draw_boundary(program, s, &e, &result);
    }
    tg_logistic_regression_free(&result);
    tg_dataset_free(&e.train);
    tg_dataset_free(&e.test);
}

int main(int argc, char **argv) {
    tg_program program = tg_program_start("logistic_regression");
    settings s = {.test_part = 0.2, .learning_rate = 0.1, .iterations = 1000};
    tg_flag flags[TG_MAX_FLAGS] = {
        {.name = "data",
         .kind = TG_FLAG_TEXT,
         .value = &s.data,
         .argument = "FILE.csv",
         .help = "numbers, the label 0 or 1 last (breast_cancer.csv)"},
        {.name = "test",
         .kind = TG_FLAG_NUMBER,
         .value = &s.test_part,
         .argument = "PART",
         .help = "part of the examples to test with",
         .least = 0,
         .most = 0.9},
        {.name = "learning-rate",
         .kind = TG_FLAG_NUMBER,
         .value = &s.learning_rate,
         .argument = "X",
         .help = "of gradient descent",
         .least = 1e-9,
         .most = 1e3},
        {.name = "iterations",
         .kind = TG_FLAG_INTEGER,
         .value = &s.iterations,
         .argument = "N",
         .help = "steps of gradient descent",
         .least = 1,
         .most = 1e8},
        {.name = "no-loops",
         .kind = TG_FLAG_SWITCH,
         .value = &s.no_loops,
         .help = "does not time the version in loops"},
    };
    const int n_flags = tg_program_flags(&program, 5, flags);
    const tg_command command = {
        .name = "logistic_regression",
        .purpose =
            "Trains Z = w^T X + b, sigmoid, cross entropy, from zeros by full-batch gradient descent, after\n"
            "checking its gradients; then times it against the same in explicit loops.",
        .n_flags = n_flags,
        .flags = flags};
    const int status = tg_command_parse(&command, argc, argv, stdout, stderr);
    if (status != TG_GO_ON) return status;
    if (!tg_program_open(&program)) return 1;
    run(&program, &s);
    return tg_program_close(&program);
}
