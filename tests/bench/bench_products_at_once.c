/* bench_products_at_once.c: products that do not depend on each other, as one step of a plan and as steps.
 *
 * By itself each product is a plan of its own: threads meet after each, and what is small is one thread's.
 * With one thread nothing can be gained; what is to be seen is that nothing is lost. f32. */
#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

enum { MOST = 4 };

typedef struct plans {
    int n;
    tg_plan *plan[MOST];
} plans;

static void run_plans(void *context) {
    const plans *p = context;
    for (int i = 0; i < p->n; i++) run_plan(p->plan[i]);
}

static tg_tensor normal(tg_tape *tape, int64_t rows, int64_t columns) {
    return tg_param_normal(tape, TG_SHAPE(rows, columns), tg_key_new(1), 1);
}

static void compare(const char *title, int n, const tg_tensor *outputs) {
    plans apart = {.n = n}, at_once = {1, {planned(outputs->tape, n, outputs)}};
    for (int i = 0; i < n; i++) apart.plan[i] = planned(outputs->tape, 1, &outputs[i]);
    contestant both[] = {{.name = "one after the other", .run = run_plans, .context = &apart},
                         {.name = "at once", .run = run_plans, .context = &at_once}};
    printf("%s\n", title);
    measure_one_and_two_threads(2, both, 1);
    for (int i = 0; i < n; i++) tg_plan_free(apart.plan[i]);
    tg_plan_free(at_once.plan[0]);
}

/* x times a matrix each for queries, keys and values. */
static void compare_projections(tg_tape *tape, const char *title, int64_t rows, int64_t size) {
    const tg_tensor x = normal(tape, rows, size);
    tg_tensor y[3];
    for (int i = 0; i < 3; i++) y[i] = tg_matmul(x, normal(tape, size, size));
    compare(title, 3, y);
}

/* The gradients of a layer's input and weights. */
static void compare_backward(tg_tape *tape, const char *title, int64_t batch, int64_t in, int64_t out) {
    const tg_tensor a = normal(tape, batch, in), w = normal(tape, in, out), dz = normal(tape, batch, out);
    compare(title, 2, (tg_tensor[]){tg_matmul(dz, tg_transpose(w)), tg_matmul(tg_transpose(a), dz)});
}

int main(void) {
    tg_tape *tape = tg_tape_new(TG_F32);
    measure_threads(1);
    compare_projections(tape, "x Wq, x Wk, x Wv, 64 x 64", 64, 64);
    compare_projections(tape, "x Wq, x Wk, x Wv, 128 x 128", 128, 128);
    compare_backward(tape, "dz W', a' dz of 25-15, 1000 examples", 1000, 25, 15);
    compare_backward(tape, "dz W', a' dz of 128-10, batch 64", 64, 128, 10);
    compare_backward(tape, "dz W', a' dz of 64-64, batch 64", 64, 64, 64);
    compare_backward(tape, "dz W', a' dz of 256-128, batch 64", 64, 256, 128);
    tg_tape_free(tape);
    return 0;
}
