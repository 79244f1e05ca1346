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

static bool make_trainer(trainer *t, tg_dtype dtype, const double *x, const double *y) {
    t->tape = tg_tape_new(dtype);
    t->x = tg_from_f64(t->tape, TG_SHAPE(FEATURES, EXAMPLES), FEATURES * EXAMPLES, x);
    t->y = tg_from_f64(t->tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, y);
    t->w = tg_param_zeros(t->tape, TG_SHAPE(1, FEATURES));
    t->b = tg_param_zeros(t->tape, TG_SHAPE(1, 1));
    const tg_tensor params[] = {t->w, t->b};
    t->sgd = tg_sgd_new(t->tape, 2, params, (tg_sgd_options){.learning_rate = RATE});
    return t->sgd != NULL;
}

/* The plan takes its steps on a tape of its own, whose parameters are w and b of the second trainer. */
static void compare(const char *type, tg_dtype dtype, contestant by_hand, trainer *t, trainer *planned,
                    const void *w) {
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
    tg_optimizer_free(t->sgd);
    tg_optimizer_free(planned->sgd);
    tg_tape_free(t->tape);
    tg_tape_free(planned->tape);
}

int main(void) {
    static logistic_f32 f32;
    static logistic_f64 f64;
    trainer trainers[4];
    const size_t size = (size_t)FEATURES * EXAMPLES;
    f32.x = aligned_alloc(64, size * sizeof(float));
    f64.x = aligned_alloc(64, size * sizeof(double));
    f32.w = calloc(FEATURES, sizeof(float));
    f64.w = calloc(FEATURES, sizeof(double));
    if (!f32.x || !f64.x || !f32.w || !f64.w) return 1;
    tg_random_uniform(tg_key_new(1), (int64_t)size, f64.x);
    for (size_t i = 0; i < size; i++) f32.x[i] = (float)f64.x[i];
    for (int i = 0; i < EXAMPLES; i++) f32.y[i] = i % 3 == 0, f64.y[i] = i % 3 == 0;

    measure_threads(1);
    for (int i = 0; i < 4; i++)
        if (!make_trainer(&trainers[i], i < 2 ? TG_F32 : TG_F64, f64.x, f64.y)) return 1;
    compare("f32", TG_F32, (contestant){.name = "by hand", .run = by_hand_f32, .context = &f32}, &trainers[0],
            &trainers[1], f32.w);
    compare("f64", TG_F64, (contestant){.name = "by hand", .run = by_hand_f64, .context = &f64}, &trainers[2],
            &trainers[3], f64.w);
    free(f32.x), free(f64.x), free(f32.w), free(f64.w);
    return 0;
}
