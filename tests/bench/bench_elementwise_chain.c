/* bench_elementwise_chain.c: mean(tanh(sigmoid(x) * x + x)) and its gradient, f32, against one fused loop.
 *
 * By hand x is read once and dx written once, in blocks that stay in the nearest cache; the tape makes one
 * pass for each operation, forward and backward; a plan one in all. They use the library's vector functions.
 */
#include "agreement.h"
#include "chain_by_hand.h"
#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

typedef struct chain {
    int64_t n;
    float *x, *dx;
    double mean, mean_by_tape;
    const void *dx_by_tape; /* until the tape is rewound */
    tg_tape *tape;
    tg_tensor leaf;
    bool keep;
} chain;

static void by_hand(void *context) {
    chain *c = context;
    c->mean = chain_by_hand(c->n, c->x, c->dx);
}

static tg_tensor mean_of(tg_tensor x) { return tg_mean(tg_tanh(tg_add(tg_mul(tg_sigmoid(x), x), x))); }

static void by_tape(void *context) {
    chain *c = context;
    const tg_mark mark = tg_tape_mark(c->tape);
    const tg_tensor x = c->leaf;
    tg_tensor y = mean_of(x), dx;
    if (tg_gradients(y, 1, &x, &dx) != TG_OK) printf("%s\n", tg_tape_error(c->tape));
    c->mean_by_tape = tg_item(y);
    c->dx_by_tape = tg_data(dx);
    if (!c->keep) (void)tg_tape_rewind(c->tape, mark);
}

/* By tg_backward, which adds to a gradient that is kept. */
static void by_backward(void *context) {
    chain *c = context;
    const tg_mark mark = tg_tape_mark(c->tape);
    if (tg_backward(mean_of(c->leaf)) != TG_OK) printf("%s\n", tg_tape_error(c->tape));
    (void)tg_tape_rewind(c->tape, mark);
}

static bool compare(int64_t n) {
    chain c = {.n = n, .tape = tg_tape_new(TG_F32), .keep = true};
    c.x = aligned_alloc(64, ((size_t)n * sizeof(float) + 63) / 64 * 64);
    c.dx = aligned_alloc(64, ((size_t)n * sizeof(float) + 63) / 64 * 64);
    if (!c.x || !c.dx) return false;
    for (int64_t i = 0; i < n; i++) c.x[i] = (float)(i * 7919 % 10007) / 2502 - 2;
    c.leaf = tg_param_f32(c.tape, TG_SHAPE(n), n, c.x);
    tg_tensor outputs[2];
    outputs[0] = mean_of(c.leaf);
    if (tg_gradients(outputs[0], 1, &c.leaf, &outputs[1]) != TG_OK) return false;
    tg_plan *plan = planned(c.tape, 2, outputs);
    contestant all[] = {{.name = "by hand", .run = by_hand, .context = &c},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape, tg_gradients", .run = by_tape, .context = &c},
                        {.name = "tape, tg_backward", .run = by_backward, .context = &c}};
    printf("W7 mean(tanh(sigmoid(x) * x + x)) and its gradient, %lld elements, f32\n", (long long)n);
    const tg_mark mark = tg_tape_mark(c.tape);
    for (int i = 0; i < 3; i++) all[i].run(all[i].context);
    agree_number("mean", TG_F32, c.mean, c.mean_by_tape);
    agree("gradient", TG_F32, n, c.dx, c.dx_by_tape);
    agree("that of the plan", TG_F32, n, c.dx, tg_data(outputs[1]));
    (void)tg_tape_rewind(c.tape, mark);
    by_backward(&c);
    agree("that of tg_backward", TG_F32, n, c.dx, tg_data(tg_grad(c.leaf)));
    c.keep = false;
    measure_one_and_two_threads(4, all, 1);
    tg_plan_free(plan);
    tg_tape_free(c.tape);
    free(c.x);
    free(c.dx);
    return true;
}

int main(void) {
    measure_threads(1);
    return compare(1000) && compare(100000) && compare(10000000) ? 0 : 1;
}
