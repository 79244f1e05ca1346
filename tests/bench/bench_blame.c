/* bench_blame.c: what tg_blame costs beside tg_backward, on right graphs, where it has to look at every node.
 *
 * Nodes: a recurrence of scalars, and of vectors of 64, of growing length. Elements: two layers of growing
 * width. A column of ratios that stays level grows as backward does. */
#include "measure.h"
#include "tapegrad.h"

typedef struct work {
    tg_tape *tape;
    tg_tensor loss, params[2];
} work;

static void run_backward(void *context) {
    const work *w = context;
    if (tg_backward(w->loss) != TG_OK) printf("%s\n", tg_tape_error(w->tape));
}

static void run_blame(void *context) {
    const work *w = context;
    tg_blame_report report;
    if (tg_blame(w->tape, w->loss, 2, w->params, NULL, &report) != TG_OK || report.n)
        printf("%d findings, %s\n", report.n, tg_tape_error(w->tape));
    tg_blame_report_free(&report);
}

static void print(work *w, const char *what, long long n) {
    static contestant both[2];
    char title[160];
    tg_blame_report report;
    if (tg_blame(w->tape, w->loss, 2, w->params, NULL, &report) != TG_OK) return;
    both[0] = (contestant){.name = "tg_backward", .run = run_backward, .context = w};
    both[1] = (contestant){.name = "tg_blame", .run = run_blame, .context = w};
    snprintf(title, sizeof title, "%s %lld: %lld nodes checked, %lld evaluations", what, n,
             (long long)report.checked, (long long)report.evaluations);
    printf("%s\n", title);
    tg_blame_report_free(&report);
    measure(2, both);
    measure_print(2, both, 1);
    tg_tape_free(w->tape);
}

static tg_tensor recurrence(const work *w, int64_t steps) {
    tg_tensor h = w->params[1];
    for (int64_t i = 0; i < steps; i++) h = tg_tanh(tg_add(tg_mul(h, w->params[0]), w->params[1]));
    return tg_mean(h);
}

static tg_tensor layers(const work *w, int64_t width) {
    const tg_tensor x = tg_param_normal(w->tape, TG_SHAPE(width, width), tg_key_new(3), 1);
    return tg_mean(tg_matmul(w->params[1], tg_tanh(tg_matmul(w->params[0], x))));
}

static void make(work *w, tg_shape shape, double deviation) {
    w->tape = tg_tape_new(TG_F64);
    for (int k = 0; k < 2; k++)
        w->params[k] = tg_param_normal(w->tape, shape, tg_key_new((uint64_t)k), deviation);
}

int main(void) {
    static work w;
    measure_threads(1);
    for (int64_t steps = 10; steps <= 100000; steps *= 10) {
        make(&w, TG_SCALAR, 0.5);
        w.loss = recurrence(&w, steps);
        print(&w, "recurrence of scalars, steps:", steps);
    }
    for (int64_t steps = 10; steps <= 10000; steps *= 10) {
        make(&w, TG_SHAPE(64), 0.5);
        w.loss = recurrence(&w, steps);
        print(&w, "recurrence of vectors of 64, steps:", steps);
    }
    for (int64_t width = 4; width <= 1024; width *= 4) {
        make(&w, TG_SHAPE(width, width), 0.1);
        w.loss = layers(&w, width);
        print(&w, "two layers of width", width);
    }
    return 0;
}
