/* chain_rule_main.c: the program chain_rule: J = 3 (a + b c), its derivatives, the nudge, and its graph.
 *
 * Owns: options and what is printed. The graph is in models/chain_rule.c. */
#include <math.h>

#include "models/chain_rule.h"
#include "models/picture.h"
#include "models/programs/program_run.h"

/* The nudge where b = c = 3: J = 42, and b moved by 0.001 gives 42.009, for dJ/db = 3 c = 9. */
static tg_status nudge_elsewhere(tg_tape *tape, double nudge) {
    const double at[3] = {5, 3, 3};
    const tg_mark start = tg_tape_mark(tape);
    tg_chain_rule_result result;
    tg_status status = tg_chain_rule(tape, &(tg_chain_rule_options){.at = at, .nudge = nudge}, &result);
    if (status == TG_OK) {
        printf("At b = c = 3: J = %.6g; b nudged to %.8g gives J = %.9g: it rises by %.6g times the nudge, "
               "dJ/db = 3 c = %.6g\n",
               tg_item(result.J), 3 + nudge, result.nudged[1], result.slopes[1], tg_item(result.db));
    }
    tg_chain_rule_free(&result);
    const tg_status rewound = tg_tape_rewind(tape, start);
    return status != TG_OK ? status : rewound;
}

static tg_status draw(tg_program *program, const tg_chain_rule_result *result) {
    const tg_tensor of[] = {result->a, result->b, result->c, result->u, result->v};
    const tg_tensor gradients[] = {result->da, result->db, result->dc, result->du, result->dv};
    const tg_draw_options options = {
        .title = "J = 3 (a + b c)", .n_gradients = 5, .of = of, .gradients = gradients};
    const char *missing;
    const tg_status status =
        tg_picture_graph(program->tape, program->out, "chain_rule", result->J, &options, &missing);
    return tg_program_picture(program, "chain_rule", status, missing);
}

static void summarize(tg_program *program, const tg_chain_rule_result *result) {
    const bool passed = result->check.verdict == TG_PASS;
    program->failed = !passed;
    tg_program_summarize(program, "u = %.6g, v = %.6g, J = %.6g; dJ/da = %.6g, dJ/db = %.6g, dJ/dc = %.6g",
                         tg_item(result->u), tg_item(result->v), tg_item(result->J), tg_item(result->da),
                         tg_item(result->db), tg_item(result->dc));
    tg_program_summarize(program, "a nudged: J = %.9g; gradient check %s%s", result->nudged[0],
                         tg_verdict_name(result->check.verdict), passed ? "" : " (FAILED)");
}

static void run(tg_program *program, const double *at, double nudge) {
    tg_chain_rule_result result;
    const tg_chain_rule_options options = {.at = at, .nudge = nudge, .stream = stdout};
    tg_status status = tg_chain_rule(program->tape, &options, &result);
    if (status == TG_OK) status = nudge_elsewhere(program->tape, nudge);
    if (status == TG_OK && !program->no_pictures) {
        putchar('\n');
        status = draw(program, &result);
    }
    if (status == TG_OK) summarize(program, &result);
    tg_chain_rule_free(&result);
}

int main(int argc, char **argv) {
    tg_program program = tg_program_start("chain_rule");
    double at[3] = {5, 3, 2}, nudge = 0.001;
    tg_flag flags[TG_MAX_FLAGS] = {
        {.name = "a",
         .kind = TG_FLAG_NUMBER,
         .value = &at[0],
         .argument = "X",
         .help = "the value of a",
         .least = -1e6,
         .most = 1e6},
        {.name = "b",
         .kind = TG_FLAG_NUMBER,
         .value = &at[1],
         .argument = "X",
         .help = "the value of b",
         .least = -1e6,
         .most = 1e6},
        {.name = "c",
         .kind = TG_FLAG_NUMBER,
         .value = &at[2],
         .argument = "X",
         .help = "the value of c",
         .least = -1e6,
         .most = 1e6},
        {.name = "nudge",
         .kind = TG_FLAG_NUMBER,
         .value = &nudge,
         .argument = "X",
         .help = "how far each is moved in the experiment",
         .least = 1e-9,
         .most = 1},
    };
    const int n_flags = tg_program_flags(&program, 4, flags);
    const tg_command command = {
        .name = "chain_rule",
        .purpose =
            "Differentiates J = 3 (a + b c) backwards, prints every value and derivative, nudges each of\n"
            "a, b and c to see J follow, checks by finite differences, and draws the graph.",
        .n_flags = n_flags,
        .flags = flags};
    const int status = tg_command_parse(&command, argc, argv, stdout, stderr);
    if (status != TG_GO_ON) return status;
    if (!tg_program_open(&program)) return 1;
    run(&program, at, nudge);
    return tg_program_close(&program);
}
