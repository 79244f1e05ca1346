/* bench_network_step.c: a training step of the 2-4-1 network on 400 examples against the same by hand.
 *
 * What is measured is the cost of an operation: no array has more than 1,600 elements. One thread: there is
 * nothing to share out. f32 and f64. */
#include "agreement.h"
#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

#define REAL float
#define NAME(x) x##_f32
#include "network_by_hand.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(x) x##_f64
#include "network_by_hand.h"
#undef REAL
#undef NAME

#define LEARNING_RATE 0.1

enum { W1, B1, W2, B2, PARAMS };

typedef struct trainer {
    tg_tape *tape;
    tg_tensor p[PARAMS], x, y;
    tg_optimizer *sgd;
    double loss;
} trainer;

static tg_tensor loss_of(const trainer *t) {
    const tg_tensor a1 = tg_tanh(tg_add(tg_matmul(t->p[W1], t->x), t->p[B1]));
    return tg_binary_cross_entropy_with_logits(tg_add(tg_matmul(t->p[W2], a1), t->p[B2]), t->y);
}

static void by_tape(void *context) {
    trainer *t = context;
    const tg_mark mark = tg_tape_mark(t->tape);
    const tg_tensor loss = loss_of(t);
    t->loss = tg_item(loss);
    if (tg_backward(loss) != TG_OK || tg_optimizer_step(t->sgd) != TG_OK ||
        tg_tape_rewind(t->tape, mark) != TG_OK)
        printf("%s\n", tg_tape_error(t->tape));
}

static void by_hand_f32(void *context) { network_step_f32(context, (float)LEARNING_RATE); }
static void by_hand_f64(void *context) { network_step_f64(context, LEARNING_RATE); }

static void fill(network_f64 *n) {
    double values[(INPUTS + 1) * EXAMPLES + HIDDEN * (INPUTS + 1)], *v = values;
    tg_random_normal(tg_key_new(1), (int64_t)(sizeof values / sizeof *values), values);
    for (int i = 0; i < EXAMPLES; i++) {
        n->x[0][i] = *v++;
        n->x[1][i] = *v++;
        n->y[i] = n->x[0][i] * n->x[1][i] + 0.1 * *v++ > 0 ? 1 : 0;
    }
    for (int h = 0; h < HIDDEN; h++) {
        n->w1[h][0] = *v++;
        n->w1[h][1] = *v++;
        n->w2[h] = *v++;
        n->b1[h] = 0;
    }
    n->b2 = 0;
}

/* x, y, w1, b1, w2, b2 stand together. */
static void to_f32(network_f32 *to, const network_f64 *from) {
    const int n = (int)((const double *)&from->loss - &from->x[0][0]);
    for (int i = 0; i < n; i++) (&to->x[0][0])[i] = (float)(&from->x[0][0])[i];
}

static bool make_trainer(trainer *t, tg_dtype dtype, const network_f64 *n) {
    t->tape = tg_tape_new(dtype);
    t->p[W1] = tg_param_f64(t->tape, TG_SHAPE(HIDDEN, INPUTS), HIDDEN * INPUTS, &n->w1[0][0]);
    t->p[B1] = tg_param_f64(t->tape, TG_SHAPE(HIDDEN, 1), HIDDEN, n->b1);
    t->p[W2] = tg_param_f64(t->tape, TG_SHAPE(1, HIDDEN), HIDDEN, n->w2);
    t->p[B2] = tg_param_f64(t->tape, TG_SHAPE(1, 1), 1, &n->b2);
    t->x = tg_from_f64(t->tape, TG_SHAPE(INPUTS, EXAMPLES), INPUTS * EXAMPLES, &n->x[0][0]);
    t->y = tg_from_f64(t->tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, n->y);
    t->sgd = tg_sgd_new(t->tape, PARAMS, t->p, (tg_sgd_options){.learning_rate = LEARNING_RATE});
    return t->sgd != NULL;
}

static void compare(const char *title, tg_dtype dtype, contestant *by_hand, const network_f64 *n,
                    const void *w1, const void *w2) {
    trainer t, planned;
    if (!make_trainer(&t, dtype, n) || !make_trainer(&planned, dtype, n)) exit(1);
    tg_plan *plan = planned_step(loss_of(&planned), PARAMS, planned.p, LEARNING_RATE, false);
    contestant all[] = {*by_hand,
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = by_tape, .context = &t}};
    printf("%s\n", title);
    for (int step = 0; step < 10; step++) {
        for (int i = 0; i < 3; i++) all[i].run(all[i].context);
    }
    agree("w1 after 10 steps", dtype, HIDDEN * INPUTS, w1, tg_data(t.p[W1]));
    agree("w2 after 10 steps", dtype, HIDDEN, w2, tg_data(t.p[W2]));
    agree("w1 of the plan", dtype, HIDDEN * INPUTS, w1, tg_data(planned.p[W1]));
    measure(3, all);
    printf(" one thread:\n");
    measure_print(3, all, 1);
    tg_plan_free(plan);
    tg_optimizer_free(t.sgd);
    tg_optimizer_free(planned.sgd);
    tg_tape_free(t.tape);
    tg_tape_free(planned.tape);
}

int main(void) {
    static network_f64 f64;
    static network_f32 f32;
    static network_f64 start;
    measure_threads(1);
    fill(&f64);
    to_f32(&f32, &f64);
    start = f64;
    compare("W3 a training step of the 2-4-1 network, 400 examples, f32", TG_F32,
            &(contestant){.name = "by hand", .run = by_hand_f32, .context = &f32}, &start, f32.w1, f32.w2);
    compare("W3 a training step of the 2-4-1 network, 400 examples, f64", TG_F64,
            &(contestant){.name = "by hand", .run = by_hand_f64, .context = &f64}, &start, f64.w1, f64.w2);
    return 0;
}
