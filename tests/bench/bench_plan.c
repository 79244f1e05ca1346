/* bench_plan.c: plans against the tape and against the same by hand.
 *
 * Owns: a training step of the 2-4-1 network, mean(tanh(sigmoid(x) x + x)) forward and backward, and a chain
 * of dependent scalars forward and backward. Timings are printed, never asserted. */
#include "agreement.h"
#include "chain_by_hand.h"
#include "measure.h"
#include "tapegrad.h"

#define REAL float
#define NAME(x) x##_f32
#include "network_by_hand.h"
#undef REAL
#undef NAME

static void run_plan(void *context) {
    if (tg_plan_run(context) != TG_OK) printf("the plan failed\n");
}

/* --- the 2-4-1 network ---------------------------------------------------------------------------------- */

typedef struct trainer {
    tg_tape *tape;
    tg_tensor params[4], x, y;
    tg_optimizer *sgd;
} trainer;

static const float learning_rate = 0.1F;

static void fill(network_f32 *n) {
    double values[(INPUTS + 1) * EXAMPLES + HIDDEN * (INPUTS + 1)], *v = values;
    tg_random_normal(tg_key_new(1), (int64_t)(sizeof values / sizeof *values), values);
    memset(n, 0, sizeof *n);
    for (int i = 0; i < EXAMPLES; i++) {
        n->x[0][i] = (float)*v++;
        n->x[1][i] = (float)*v++;
        n->y[i] = n->x[0][i] * n->x[1][i] + 0.1 * *v++ > 0 ? 1.0F : 0.0F;
    }
    for (int h = 0; h < HIDDEN; h++) {
        n->w1[h][0] = (float)*v++;
        n->w1[h][1] = (float)*v++;
        n->w2[h] = (float)*v++;
    }
}

static void make_trainer(trainer *t, const network_f32 *n) {
    t->tape = tg_tape_new(TG_F32);
    t->params[0] = tg_param_f32(t->tape, TG_SHAPE(HIDDEN, INPUTS), HIDDEN * INPUTS, &n->w1[0][0]);
    t->params[1] = tg_param_f32(t->tape, TG_SHAPE(HIDDEN, 1), HIDDEN, n->b1);
    t->params[2] = tg_param_f32(t->tape, TG_SHAPE(1, HIDDEN), HIDDEN, n->w2);
    t->params[3] = tg_param_f32(t->tape, TG_SHAPE(1, 1), 1, &n->b2);
    t->x = tg_from_f32(t->tape, TG_SHAPE(INPUTS, EXAMPLES), INPUTS * EXAMPLES, &n->x[0][0]);
    t->y = tg_from_f32(t->tape, TG_SHAPE(1, EXAMPLES), EXAMPLES, n->y);
    t->sgd = tg_sgd_new(t->tape, 4, t->params, (tg_sgd_options){.learning_rate = (double)learning_rate});
}

static tg_tensor network_loss(const trainer *t) {
    const tg_tensor a1 = tg_tanh(tg_add(tg_matmul(t->params[0], t->x), t->params[1]));
    const tg_tensor z2 = tg_add(tg_matmul(t->params[2], a1), t->params[3]);
    return tg_binary_cross_entropy_with_logits(z2, t->y);
}

static void network_by_tape(void *context) {
    trainer *t = context;
    const tg_mark mark = tg_tape_mark(t->tape);
    if (tg_backward(network_loss(t)) != TG_OK || tg_optimizer_step(t->sgd) != TG_OK ||
        tg_tape_rewind(t->tape, mark) != TG_OK)
        printf("%s\n", tg_tape_error(t->tape));
}

static void network_by_hand(void *context) { network_step_f32(context, learning_rate); }

static void bench_network(void) {
    static network_f32 n;
    trainer tape, planned;
    tg_tensor gradients[4], outputs[5];
    fill(&n);
    make_trainer(&tape, &n);
    make_trainer(&planned, &n);
    outputs[4] = network_loss(&planned);
    if (tg_gradients(outputs[4], 4, planned.params, gradients) != TG_OK) return;
    for (int i = 0; i < 4; i++)
        outputs[i] =
            tg_assign(planned.params[i],
                      tg_sub(planned.params[i], tg_mul(tg_num((double)learning_rate), gradients[i])));
    tg_plan *plan = tg_plan_new(planned.tape, 5, outputs);
    contestant all[] = {{.name = "by hand", .run = network_by_hand, .context = &n},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = network_by_tape, .context = &tape}};
    printf("a training step of the 2-4-1 network on %d examples, f32:\n", EXAMPLES);
    for (int i = 0; i < 9; i++) { /* recording was the plan's first step */
        network_by_hand(&n);
        run_plan(plan);
    }
    network_by_hand(&n);
    agree("w1 after 10 steps", TG_F32, HIDDEN * INPUTS, n.w1, tg_data(planned.params[0]));
    measure(3, all);
    measure_print(3, all, 1);
    (void)tg_plan_print(stdout, plan);
    tg_plan_free(plan);
    tg_optimizer_free(tape.sgd);
    tg_optimizer_free(planned.sgd);
    tg_tape_free(tape.tape);
    tg_tape_free(planned.tape);
}

/* --- mean(tanh(sigmoid(x) x + x)) ----------------------------------------------------------------------- */

typedef struct mean_of_tanh {
    tg_tape *tape;
    tg_tensor x;
    int64_t n;
    float *in, *dx;
    float result;
} mean_of_tanh;

static tg_tensor mean_loss(tg_tensor x) { return tg_mean(tg_tanh(tg_add(tg_mul(tg_sigmoid(x), x), x))); }

static void mean_by_tape(void *context) {
    mean_of_tanh *m = context;
    const tg_mark mark = tg_tape_mark(m->tape);
    tg_tensor dx;
    if (tg_gradients(mean_loss(m->x), 1, &m->x, &dx) != TG_OK || tg_tape_rewind(m->tape, mark) != TG_OK)
        printf("%s\n", tg_tape_error(m->tape));
}

static void mean_by_hand(void *context) {
    mean_of_tanh *m = context;
    m->result = (float)chain_by_hand(m->n, m->in, m->dx);
}

static void bench_mean(int64_t n) {
    mean_of_tanh m = {.tape = tg_tape_new(TG_F32), .n = n};
    double *values = malloc((size_t)n * sizeof *values);
    m.in = malloc((size_t)n * sizeof *m.in);
    m.dx = malloc((size_t)n * sizeof *m.dx);
    if (!values || !m.in || !m.dx) return;
    tg_random_normal(tg_key_new(2), n, values);
    for (int64_t i = 0; i < n; i++) m.in[i] = (float)values[i];
    m.x = tg_from_f32(m.tape, TG_SHAPE(n), n, m.in);
    tg_tensor out[2];
    out[0] = mean_loss(m.x);
    if (tg_gradients(out[0], 1, &m.x, &out[1]) != TG_OK) return;
    tg_plan *plan = tg_plan_new(m.tape, 2, out);
    contestant all[] = {{.name = "by hand", .run = mean_by_hand, .context = &m},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = mean_by_tape, .context = &m}};
    printf("mean(tanh(sigmoid(x) x + x)), forward and backward, %lld elements, f32:\n", (long long)n);
    mean_by_hand(&m);
    run_plan(plan);
    agree("dx", TG_F32, n, m.dx, tg_data(out[1]));
    measure_one_and_two_threads(3, all, 1);
    if (n == 1000) (void)tg_plan_print(stdout, plan);
    tg_plan_free(plan);
    tg_tape_free(m.tape);
    free(values);
    free(m.in);
    free(m.dx);
}

/* --- a chain of scalars --------------------------------------------------------------------------------- */

enum { LINKS = 200 };

typedef struct scalars {
    tg_tape *tape;
    tg_tensor x;
    double in, y, dx;
} scalars;

static tg_tensor links(tg_tensor x) {
    tg_tensor y = x;
    for (int i = 0; i < LINKS; i += 2) y = tg_add(tg_mul(y, x), x);
    return y;
}

static void links_by_tape(void *context) {
    scalars *s = context;
    const tg_mark mark = tg_tape_mark(s->tape);
    tg_tensor dx;
    if (tg_gradients(links(s->x), 1, &s->x, &dx) != TG_OK || tg_tape_rewind(s->tape, mark) != TG_OK)
        printf("%s\n", tg_tape_error(s->tape));
}

static void links_by_hand(void *context) {
    scalars *s = context;
    double y[LINKS / 2 + 1], dy = 1, dx = 0;
    y[0] = s->in;
    for (int i = 0; i < LINKS / 2; i++) y[i + 1] = y[i] * s->in + s->in;
    for (int i = LINKS / 2; i-- > 0; dy *= s->in) dx += dy * y[i] + dy;
    s->y = y[LINKS / 2];
    s->dx = dx + dy;
}

static void bench_links(void) {
    scalars s = {.tape = tg_tape_new(TG_F64), .in = 0.5};
    s.x = tg_param_scalar(s.tape, s.in);
    tg_tensor out[2];
    out[0] = links(s.x);
    if (tg_gradients(out[0], 1, &s.x, &out[1]) != TG_OK) return;
    tg_plan *plan = tg_plan_new(s.tape, 2, out);
    contestant all[] = {{.name = "by hand", .run = links_by_hand, .context = &s},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = links_by_tape, .context = &s}};
    printf("a chain of %d scalar operations, forward and backward, f64:\n", LINKS);
    links_by_hand(&s);
    run_plan(plan);
    agree("dx", TG_F64, 1, &s.dx, tg_data(out[1]));
    measure(3, all);
    measure_print(3, all, LINKS);
    tg_plan_free(plan);
    tg_tape_free(s.tape);
}

int main(void) {
    measure_threads(1);
    bench_network();
    bench_mean(1000);
    bench_mean(100000);
    bench_links();
    return 0;
}
