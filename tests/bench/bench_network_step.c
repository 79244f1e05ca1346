/* bench_network_step.c: a training step of the 2-4-1 network on 400 examples, f32, against the same by hand.
 */
#include "measure.h"
#include "network_by_hand.h"
#include "tapegrad.h"

typedef struct trainer {
    tg_tape *tape;
    tg_tensor w1, b1, w2, b2, x, y;
    tg_optimizer *sgd;
    double loss;
} trainer;

static const float learning_rate = 0.1F;

static void fill(network *n) {
    double values[(INPUTS + 1) * EXAMPLES + HIDDEN * (INPUTS + 1)], *v = values;
    tg_random_normal(tg_key_new(1), (int64_t)(sizeof values / sizeof *values), values);
    for (int i = 0; i < EXAMPLES; i++) {
        n->x[0][i] = (float)*v++;
        n->x[1][i] = (float)*v++;
        n->y[i] = n->x[0][i] * n->x[1][i] + 0.1 * *v++ > 0 ? 1.0F : 0.0F;
    }
    for (int h = 0; h < HIDDEN; h++) {
        n->w1[h][0] = (float)*v++;
        n->w1[h][1] = (float)*v++;
        n->w2[h] = (float)*v++;
        n->b1[h] = 0;
    }
    n->b2 = 0;
}

static bool make_trainer(trainer *t, const network *n) {
    t->tape = tg_tape_new(TG_F32);
    t->w1 = tg_param_f32(t->tape, TG_SHAPE(HIDDEN, INPUTS), HIDDEN * INPUTS, &n->w1[0][0]);
    t->b1 = tg_param_f32(t->tape, TG_SHAPE(HIDDEN, 1), HIDDEN, n->b1);
    t->w2 = tg_param_f32(t->tape, TG_SHAPE(1, HIDDEN), HIDDEN, n->w2);
    t->b2 = tg_param_f32(t->tape, TG_SHAPE(1, 1), 1, &n->b2);
    t->x = tg_from_f32(t->tape, TG_SHAPE(INPUTS, EXAMPLES), INPUTS * EXAMPLES, &n->x[0][0]);
    t->y = tg_from_f32(t->tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, n->y);
    const tg_tensor params[] = {t->w1, t->b1, t->w2, t->b2};
    t->sgd = tg_sgd_new(t->tape, 4, params, (tg_sgd_options){.learning_rate = (double)learning_rate});
    return t->sgd != NULL;
}

static void by_tape(void *context) {
    trainer *t = context;
    const tg_mark mark = tg_tape_mark(t->tape);
    tg_tensor a1 = tg_tanh(tg_add(tg_matmul(t->w1, t->x), t->b1));
    tg_tensor z2 = tg_add(tg_matmul(t->w2, a1), t->b2);
    tg_tensor loss = tg_binary_cross_entropy_with_logits(z2, t->y);
    t->loss = tg_item(loss);
    if (tg_backward(loss) != TG_OK || tg_optimizer_step(t->sgd) != TG_OK ||
        tg_tape_rewind(t->tape, mark) != TG_OK)
        printf("%s\n", tg_tape_error(t->tape));
}

static double loss_by_hand;
static void by_hand(void *context) { loss_by_hand = (double)network_step(context, learning_rate); }

int main(void) {
    static network n;
    trainer t;
    fill(&n);
    if (!make_trainer(&t, &n)) return 1;
    contestant all[] = {{.name = "by hand", .run = by_hand, .context = &n},
                        {.name = "tape", .run = by_tape, .context = &t}};
    measure(2, all, 20); /* short turns: a descheduled one must not fill the median */
    printf("a training step of the 2-4-1 network on %d examples, f32 (vector math: %s):\n", EXAMPLES,
           tg_vector_math()->cpu);
    measure_print(2, all, 1, "a step");
    printf("  losses after as many steps: %.6f and %.6f\n", loss_by_hand, t.loss);
    tg_optimizer_free(t.sgd);
    tg_tape_free(t.tape);
    return 0;
}
