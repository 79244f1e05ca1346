/* bench_logistic_step.c: a step of logistic regression on 209 examples of 12,288 features, full batch.
 *
 * By hand, by a plan and by the tape, f32 and f64. All multiply a row of weights with the data: products with
 * one row, whose limit is how fast the data can be read, twice. */
#include "agreement.h"
#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

#define REAL float
#define NAME(x) x##_f32
#include "logistic_by_hand.h"
#undef REAL
#undef NAME

#define REAL double
#define NAME(x) x##_f64
#include "logistic_by_hand.h"
#undef REAL
#undef NAME

#define RATE 0.005

typedef struct trainer {
    tg_tape *tape;
    tg_tensor x, y, w, b;
    tg_optimizer *sgd;
    double loss;
} trainer;

static void by_hand_f32(void *context) { logistic_step_f32(context, (float)RATE); }
static void by_hand_f64(void *context) { logistic_step_f64(context, RATE); }

static tg_tensor loss_of(const trainer *t) {
    return tg_binary_cross_entropy_with_logits(tg_add(tg_matmul(t->w, t->x), t->b), t->y);
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

static bool make_trainer(trainer *t, tg_tape *tape, tg_tensor x, tg_tensor y) {
    *t = (trainer){.tape = tape, .x = x, .y = y};
    t->w = tg_param_zeros(tape, TG_SHAPE(1, FEATURES));
    t->b = tg_param_zeros(tape, TG_SHAPE(1, 1));
    const tg_tensor params[] = {t->w, t->b};
    t->sgd = tg_sgd_new(tape, 2, params, (tg_sgd_options){.learning_rate = RATE});
    return t->sgd != NULL;
}

/* The plan has parameters of its own. */
static void compare(const char *type, contestant by_hand, trainer *t, trainer *planned, const void *w) {
    const tg_dtype dtype = tg_dtype_of(t->w);
    const tg_tensor params[] = {planned->w, planned->b};
    tg_plan *plan = planned_step(loss_of(planned), 2, params, RATE, false);
    contestant all[] = {by_hand,
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = by_tape, .context = t}};
    printf("W2 a step of logistic regression, X %d x %d, %s\n", FEATURES, EXAMPLES, type);
    for (int step = 0; step < 3; step++) {
        by_hand.run(by_hand.context);
        run_plan(plan);
        by_tape(t);
    }
    agree("weights after 3 steps", dtype, FEATURES, w, tg_data(t->w));
    agree("those of the plan", dtype, FEATURES, w, tg_data(planned->w));
    measure_one_and_two_threads(3, all, 1);
    tg_plan_free(plan);
}

/* All read the same data: with copies each would find that the others had emptied the caches. */
#define COMPARE(type, dtype)                                                                                 \
    {                                                                                                        \
        static logistic_##type hand;                                                                         \
        trainer tape, planned;                                                                               \
        tg_tape *home = tg_tape_new(dtype);                                                                  \
        const tg_tensor data = tg_from_f64(home, TG_SHAPE(FEATURES, EXAMPLES), FEATURES * EXAMPLES, x),      \
                        labels = tg_from_f64(home, TG_SHAPE(1, EXAMPLES), EXAMPLES, y);                      \
        hand.x = tg_data_mut(data);                                                                          \
        hand.w = calloc(FEATURES, sizeof *hand.w);                                                           \
        if (!hand.w || !make_trainer(&tape, home, data, labels) ||                                           \
            !make_trainer(&planned, home, data, labels))                                                     \
            return 1;                                                                                        \
        memcpy(hand.y, tg_data(labels), sizeof hand.y);                                                      \
        compare(#type, (contestant){.name = "by hand", .run = by_hand_##type, .context = &hand}, &tape,      \
                &planned, hand.w);                                                                           \
        tg_optimizer_free(tape.sgd);                                                                         \
        tg_optimizer_free(planned.sgd);                                                                      \
        tg_tape_free(home);                                                                                  \
        free(hand.w);                                                                                        \
    }

int main(void) {
    double *x = malloc(sizeof(double) * FEATURES * EXAMPLES), y[EXAMPLES];
    if (!x) return 1;
    tg_random_uniform(tg_key_new(1), (int64_t)FEATURES * EXAMPLES, x);
    for (int i = 0; i < EXAMPLES; i++) y[i] = i % 3 == 0;
    measure_threads(1);
    COMPARE(f32, TG_F32)
    COMPARE(f64, TG_F64)
    free(x);
    return 0;
}
