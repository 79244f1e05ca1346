/* bench_growth.c: how cost grows with the number of nodes, of elements, and of parameters. One thread.
 *
 * Nodes: chains of scalar multiplications, forward and backward, an operation. Elements: x * x + x and its
 * gradient, an element. Parameters: a sum of scalar parameters, and a step of SGD, a parameter. A column that
 * stays level grows linearly. */
#include "measure.h"
#include "tapegrad.h"

enum { MOST_PARAMETERS = 10000 };

typedef struct work {
    tg_tape *tape;
    int64_t n;
    tg_tensor x, y;
    tg_tensor parameters[MOST_PARAMETERS];
    tg_optimizer *sgd;
} work;

static void finish(work *w, tg_mark mark, tg_tensor y) {
    if (tg_backward(y) != TG_OK) printf("%s\n", tg_tape_error(w->tape));
    (void)tg_tape_rewind(w->tape, mark);
}

static void run_nodes(void *context) {
    work *w = context;
    const tg_mark mark = tg_tape_mark(w->tape);
    tg_tensor y = w->y;
    for (int64_t i = 0; i < w->n; i++) y = tg_mul(y, w->x);
    finish(w, mark, y);
}

static void run_elements(void *context) {
    work *w = context;
    const tg_mark mark = tg_tape_mark(w->tape);
    finish(w, mark, tg_sum(tg_add(tg_mul(w->x, w->x), w->x)));
}

static void run_parameters(void *context) {
    work *w = context;
    const tg_mark mark = tg_tape_mark(w->tape);
    tg_tensor y = w->parameters[0];
    for (int64_t i = 1; i < w->n; i++) y = tg_add(y, w->parameters[i]);
    finish(w, mark, y);
    if (tg_optimizer_step(w->sgd) != TG_OK) printf("%s\n", tg_tape_error(w->tape));
}

static void print(const char *what, work *w, void (*run)(void *)) {
    static contestant one;
    one = (contestant){.run = run, .context = w};
    measure(1, &one);
    printf("  %9lld %-11s", (long long)w->n, what);
    measure_print_time(measure_spread(&one, NULL).median / (double)w->n);
    printf(" each, %.1f bytes of memory each\n", (double)tg_tape_bytes(w->tape) / (double)w->n);
    tg_optimizer_free(w->sgd);
    tg_tape_free(w->tape);
}

int main(void) {
    static work w;
    measure_threads(1);
    printf("a chain of multiplications, f64:\n");
    for (int64_t n = 10; n <= 1000000; n *= 10) {
        w = (work){.n = n, .tape = tg_tape_new(TG_F64)};
        w.x = tg_param_scalar(w.tape, 1 + 1e-9);
        w.y = tg_param_scalar(w.tape, 1);
        print("operations", &w, run_nodes);
    }
    printf("sum(x * x + x) and its gradient, f32:\n");
    for (int64_t n = 1; n <= 10000000; n *= 10) {
        w = (work){.n = n, .tape = tg_tape_new(TG_F32)};
        w.x = tg_param_normal(w.tape, TG_SHAPE(n), tg_key_new(1), 1);
        print("elements", &w, run_elements);
    }
    printf("a sum of scalar parameters, and a step of SGD, f64:\n");
    for (int n = 10; n <= MOST_PARAMETERS; n *= 10) {
        w = (work){.n = n, .tape = tg_tape_new(TG_F64)};
        for (int i = 0; i < n; i++) w.parameters[i] = tg_param_scalar(w.tape, i);
        w.sgd = tg_sgd_new(w.tape, n, w.parameters, (tg_sgd_options){.learning_rate = 0.1});
        if (!w.sgd) return 1;
        print("parameters", &w, run_parameters);
    }
    return 0;
}
