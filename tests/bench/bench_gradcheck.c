/* bench_gradcheck.c: what a gradient check costs, and how that grows with examples, parameters and
 * directions.
 *
 * Networks with one hidden layer, in f64. Beside the time stand the evaluations of the model, and what one of
 * them costs as a multiple of recording the loss alone. One thread. */
#include "measure.h"
#include "tapegrad.h"

typedef struct work {
    tg_tape *tape;
    tg_tensor params[4], X, Y;
    bool relu;
    tg_gradcheck_options options;
    tg_gradcheck_report report;
} work;

static tg_tensor loss(tg_tape *tape, const tg_tensor *p, void *context) {
    const work *w = context;
    (void)tape;
    const tg_tensor Z = tg_add(tg_matmul(p[0], w->X), p[1]);
    return tg_binary_cross_entropy_with_logits(
        tg_add(tg_matmul(p[2], w->relu ? tg_relu(Z) : tg_tanh(Z)), p[3]), w->Y);
}

static void check(void *context) {
    work *w = context;
    tg_gradcheck_report_free(&w->report);
    if (tg_gradcheck(w->tape, loss, w, 4, w->params, &w->options, &w->report) != TG_OK)
        printf("%s\n", tg_tape_error(w->tape));
}

static void record(void *context) {
    work *w = context;
    const tg_mark mark = tg_tape_mark(w->tape);
    (void)tg_item(loss(w->tape, w->params, w));
    (void)tg_tape_rewind(w->tape, mark);
}

static void run(const char *what, int64_t inputs, int64_t hidden, int64_t examples, bool relu, bool fast) {
    work w = {.tape = tg_tape_new(TG_F64), .relu = relu, .options = {.fast = fast}};
    const tg_key key = tg_key_new(1);
    const tg_shape shapes[] = {TG_SHAPE(hidden, inputs), TG_SHAPE(hidden, 1), TG_SHAPE(1, hidden),
                               TG_SHAPE(1, 1)};
    int64_t entries = 0;
    for (int k = 0; k < 4; k++) {
        w.params[k] = tg_param_normal(w.tape, shapes[k], tg_key_split(key, (uint64_t)k), 0.5);
        entries += tg_size(w.params[k]);
    }
    w.X = tg_param_normal(w.tape, TG_SHAPE(inputs, examples), tg_key_split(key, 4), 1);
    w.Y = tg_to_value(
        tg_greater(tg_param_normal(w.tape, TG_SHAPE(1, examples), tg_key_split(key, 5), 1), tg_num(0)));
    contestant both[] = {{.name = "recording the loss", .run = record, .context = &w},
                         {.name = "checking", .run = check, .context = &w}};
    measure(2, both);
    const double ns = measure_spread(&both[1], NULL).median, once = measure_spread(&both[0], NULL).median;
    const double runs = (double)w.report.evaluations;
    printf("  %-26s %6lld parameters %5lld examples ", what, (long long)entries, (long long)examples);
    measure_print_time(ns);
    printf(" %8.0f evaluations (%5.1f a parameter), each %4.2f times recording  %s\n", runs,
           runs / (double)entries, ns / runs / once, tg_verdict_name(w.report.verdict));
    tg_gradcheck_report_free(&w.report);
    tg_tape_free(w.tape);
}

int main(void) {
    measure_threads(1);
    printf("every entry:\n");
    run("2-4-1, tanh", 2, 4, 400, false, false);
    run("2-4-1, relu", 2, 4, 400, true, false);
    for (int64_t examples = 100; examples <= 10000; examples *= 10)
        run("2-4-1, tanh", 2, 4, examples, false, false);
    for (int64_t hidden = 4; hidden <= 64; hidden *= 4) run("10-n-1, tanh", 10, hidden, 100, false, false);
    printf("fast:\n");
    for (int64_t hidden = 9; hidden <= 900; hidden *= 10) {
        run("110-n-1, tanh", 110, hidden, 100, false, true);
        run("110-n-1, relu", 110, hidden, 100, true, true);
    }
    return 0;
}
