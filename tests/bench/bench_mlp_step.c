/* bench_mlp_step.c: training steps of three multilayer perceptrons, f32, against the same by hand.
 *
 * 400-25-15-1 with sigmoids on 1,000 examples; 784-128-10 with relu on batches of 64, SGD; 784-512-512-10
 * with relu on batches of 128, Adam. A step is forward, backward and the update of all parameters. */
#include "agreement.h"
#include "measure.h"
#include "mlp_by_hand.h"
#include "planned.h"
#include "tapegrad.h"

typedef struct trainer {
    const mlp *shape;
    tg_tape *tape;
    tg_tensor x, y, p[2 * MLP_MOST_LAYERS]; /* weights and biases in turn */
    tg_optimizer *optimizer;
    double loss;
} trainer;

static void by_hand(void *context) { mlp_step(context); }

static tg_tensor loss_of(const trainer *t) {
    const mlp *n = t->shape;
    tg_tensor a = t->x;
    for (int l = 0; l < n->n_layers; l++) {
        a = tg_add(tg_matmul(a, t->p[2 * l]), t->p[2 * l + 1]);
        if (l + 1 < n->n_layers) a = n->relu ? tg_relu(a) : tg_sigmoid(a);
    }
    return n->labels ? tg_cross_entropy(a, t->y) : tg_binary_cross_entropy_with_logits(a, t->y);
}

static void by_tape(void *context) {
    trainer *t = context;
    const tg_mark mark = tg_tape_mark(t->tape);
    const tg_tensor loss = loss_of(t);
    t->loss = tg_item(loss);
    if (tg_backward(loss) != TG_OK || tg_optimizer_step(t->optimizer) != TG_OK ||
        tg_tape_rewind(t->tape, mark) != TG_OK)
        printf("%s\n", tg_tape_error(t->tape));
}

/* n normal numbers times scale; scale 0 gives zeros. Ends the program when there is no memory. */
static float *numbers(uint64_t key, int n, double scale) {
    float *x = aligned_alloc(64, ((size_t)n * sizeof(float) + 63) / 64 * 64);
    double *normal = malloc((size_t)n * sizeof(double));
    if (!x || !normal) exit(1);
    tg_random_normal(tg_key_new(key), n, normal);
    for (int i = 0; i < n; i++) x[i] = (float)(scale * normal[i]);
    free(normal);
    return x;
}

static void make_mlp(mlp *n) {
    int largest = 0;
    n->a[0] = numbers(1, n->batch * n->size[0], 1);
    for (int l = 0; l < n->n_layers; l++) {
        const int in = n->size[l], out = n->size[l + 1];
        if (in * out > largest) largest = in * out;
        n->w[l] = numbers((uint64_t)l + 2, in * out, 1 / sqrt((double)in));
        n->m[l] = numbers(0, in * out, 0);
        n->v[l] = numbers(0, in * out, 0);
        n->b[l] = numbers(0, out, 0);
        n->bm[l] = numbers(0, out, 0);
        n->bv[l] = numbers(0, out, 0);
        n->a[l + 1] = numbers(0, n->batch * out, 0);
        n->dz[l + 1] = numbers(0, n->batch * out, 0);
    }
    n->dw = numbers(0, largest, 0);
    n->scratch = numbers(0, n->batch, 0);
    n->beta1_power = n->beta2_power = 1;
}

static bool make_trainer(trainer *t, const mlp *n) {
    *t = (trainer){.shape = n, .tape = tg_tape_new(TG_F32)};
    t->x = tg_from_f32(t->tape, TG_SHAPE(n->batch, n->size[0]), n->batch * n->size[0], n->a[0]);
    t->y = n->labels ? tg_from_i64(t->tape, TG_SHAPE(n->batch), n->batch, n->labels)
                     : tg_from_f32(t->tape, TG_SHAPE(n->batch, 1), n->batch, n->targets);
    for (int l = 0; l < n->n_layers; l++) {
        const int in = n->size[l], out = n->size[l + 1];
        t->p[2 * l] = tg_param_f32(t->tape, TG_SHAPE(in, out), in * out, n->w[l]);
        t->p[2 * l + 1] = tg_param_f32(t->tape, TG_SHAPE(out), out, n->b[l]);
    }
    t->optimizer =
        n->adam
            ? tg_adam_new(t->tape, 2 * n->n_layers, t->p, (tg_adam_options){.learning_rate = (double)n->rate})
            : tg_sgd_new(t->tape, 2 * n->n_layers, t->p, (tg_sgd_options){.learning_rate = (double)n->rate});
    return t->optimizer != NULL;
}

static void free_trainer(trainer *t) {
    tg_optimizer_free(t->optimizer);
    tg_tape_free(t->tape);
}

static void free_mlp(mlp *n) {
    for (int l = 0; l < n->n_layers; l++) {
        float *buffers[] = {n->w[l],  n->b[l],  n->m[l],     n->v[l],
                            n->bm[l], n->bv[l], n->a[l + 1], n->dz[l + 1]};
        for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
    }
    free(n->a[0]);
    free(n->dw);
    free(n->scratch);
}

static void compare(const char *title, mlp n) {
    enum { MOST_EXAMPLES = 1000, STEPS = 3 };
    static int64_t labels[MOST_EXAMPLES];
    static float targets[MOST_EXAMPLES];
    trainer t, planned;
    for (int i = 0; i < n.batch; i++) labels[i] = i * 7 % 10, targets[i] = i % 3 == 0;
    if (n.size[n.n_layers] > 1)
        n.labels = labels;
    else
        n.targets = targets;
    make_mlp(&n);
    printf("%s, f32\n", title);
    if (!make_trainer(&t, &n) || !make_trainer(&planned, &n)) exit(1);
    tg_plan *plan = planned_step(loss_of(&planned), 2 * n.n_layers, planned.p, (double)n.rate, n.adam);
    contestant all[] = {{.name = "by hand", .run = by_hand, .context = &n},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = by_tape, .context = &t}};
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < 3; i++) all[i].run(all[i].context);
    agree_number("loss of the third step", TG_F32, (double)n.loss, t.loss);
    agree("first weights after three steps", TG_F32, n.size[0] * n.size[1], n.w[0], tg_data(t.p[0]));
    agree("those of the plan", TG_F32, n.size[0] * n.size[1], n.w[0], tg_data(planned.p[0]));
    measure_one_and_two_threads(3, all, 1);
    tg_plan_free(plan);
    free_trainer(&t);
    free_trainer(&planned);
    free_mlp(&n);
}

int main(void) {
    blas_init();
    measure_threads(1);
    compare("W4 a step of 400-25-15-1, sigmoid, 1000 examples, SGD",
            (mlp){.n_layers = 3, .size = {400, 25, 15, 1}, .batch = 1000, .rate = 0.1F});
    compare("W5a a step of 784-128-10, relu, softmax cross entropy, batch 64, SGD",
            (mlp){.n_layers = 2, .size = {784, 128, 10}, .batch = 64, .relu = true, .rate = 0.01F});
    compare("W5b a step of 784-512-512-10, relu, softmax cross entropy, batch 128, Adam",
            (mlp){.n_layers = 3,
                  .size = {784, 512, 512, 10},
                  .batch = 128,
                  .relu = true,
                  .adam = true,
                  .rate = 0.001F});
    return 0;
}
