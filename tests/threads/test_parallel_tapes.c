/* test_parallel_tapes.c: many threads with a tape each, built with ThreadSanitizer: no race, and every result
 * equal bit for bit to that of one thread.
 *
 * Owns: the promise that tapes are independent. Has a main of its own, since Criterion cannot run under
 * ThreadSanitizer; prints "ok what" or "FAIL what" and returns nonzero when one failed. */
#include "tapegrad.h"

#include <pthread.h>
#include <string.h>

enum { THREADS = 8, STEPS = 12, RESULTS = 400 };

/* What one thread does and finds. */
typedef struct work {
    int index;
    pthread_barrier_t *start; /* NULL: alone */
    int n;
    double results[RESULTS];
    char error[400];
} work;

static void keep(work *w, double value) {
    if (w->n < RESULTS) w->results[w->n++] = value;
}

/* --- what a thread does --------------------------------------------------------------------------------- */

/* The first use of every vector function in the process, when all threads start here together. */
static void use_vector_math(work *w, tg_tape *tape) {
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(1000), tg_key_new((uint64_t)w->index), 1);
    const tg_tensor positive = tg_add(tg_square(x), tg_num(0.5));
    const tg_tensor parts[] = {tg_exp(x),       tg_log(positive), tg_log1p(positive), tg_tanh(x),
                               tg_sigmoid(x),   tg_softplus(x),   tg_logsigmoid(x),   tg_sqrt(positive),
                               tg_logsumexp(x), tg_softmax(x, 0)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) keep(w, tg_item(tg_sum(parts[i])));
}

/* A network with one hidden layer, trained from scratch. */
static void train(work *w, tg_tape *tape, int64_t hidden) {
    const tg_key key = tg_key_new(1000 + (uint64_t)w->index);
    const tg_tensor params[] = {tg_param_normal(tape, TG_SHAPE(hidden, 5), tg_key_split(key, 1), 0.5),
                                tg_param_zeros(tape, TG_SHAPE(hidden, 1)),
                                tg_param_normal(tape, TG_SHAPE(1, hidden), tg_key_split(key, 2), 0.5),
                                tg_param_scalar(tape, 0)};
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(5, 64), tg_key_split(key, 3), 1);
    const tg_tensor y = tg_to_value(tg_greater(tg_sum_axes(x, TG_AXES(0), true), tg_num(0)));
    tg_optimizer *optimizer = tg_adam_new(tape, 4, params, (tg_adam_options){.learning_rate = 0.05});
    if (!optimizer) return;
    const tg_mark mark = tg_tape_mark(tape);
    for (int step = 0; step < STEPS; step++) {
        const tg_tensor layer = tg_tanh(tg_add(tg_matmul(params[0], tg_detach(x)), params[1]));
        const tg_tensor z = tg_add(tg_matmul(params[2], layer), params[3]);
        const tg_tensor loss = tg_binary_cross_entropy_with_logits(z, y);
        if (tg_backward(loss) != TG_OK || tg_optimizer_step(optimizer) != TG_OK) break;
        keep(w, tg_item(loss));
        if (tg_tape_rewind(tape, mark) != TG_OK) break;
    }
    for (int i = 0; i < 4; i++) keep(w, tg_item(tg_sum(tg_square(params[i]))));
    tg_optimizer_free(optimizer);
}

/* Forward, gradient and update as a plan, with rows enough for threads of its own. */
static void run_a_plan(work *w, tg_tape *tape) {
    const tg_key key = tg_key_new(50 + (uint64_t)w->index);
    const tg_tensor p = tg_param_normal(tape, TG_SHAPE(30), key, 1);
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(900, 30), tg_key_split(key, 1), 1);
    tg_tensor outputs[2], dp;
    outputs[0] = tg_mean(tg_tanh(tg_mul(tg_sigmoid(tg_mul(x, p)), x)));
    if (tg_gradients(outputs[0], 1, &p, &dp) != TG_OK) return;
    outputs[1] = tg_assign(p, tg_sub(p, dp));
    tg_plan *plan = tg_plan_new(tape, 2, outputs);
    for (int step = 0; step < STEPS; step++)
        if (tg_plan_run(plan) == TG_OK) keep(w, tg_item(outputs[0]));
    tg_plan_free(plan);
}

static tg_tensor model(tg_tape *tape, const tg_tensor *p, void *context) {
    (void)tape, (void)context;
    return tg_mean(tg_square(tg_matmul(p[0], tg_transpose(p[0]))));
}

/* Second derivatives, a gradient check, names, and an error that another thread must not see. */
static void look_around(work *w, tg_tape *tape) {
    const tg_tensor p =
        tg_set_name(tg_param_normal(tape, TG_SHAPE(4, 3), tg_key_new(7 + (uint64_t)w->index), 1), "p");
    tg_tensor dx, ddx;
    if (tg_gradients(model(tape, &p, NULL), 1, &p, &dx) == TG_OK &&
        tg_gradients(tg_sum(tg_square(dx)), 1, &p, &ddx) == TG_OK)
        keep(w, tg_item(tg_sum(ddx)));
    if (tg_tape_dtype(tape) == TG_F64) {
        tg_gradcheck_report report;
        if (tg_gradcheck(tape, model, NULL, 1, &p, NULL, &report) == TG_OK) keep(w, report.verdict);
        tg_gradcheck_report_free(&report);
    }
    char shape[TG_SHAPE_TEXT], expected[300];
    const tg_tensor odd = tg_zeros(tape, TG_SHAPE(w->index + 5));
    tg_add_at("thread.c:1", p, odd);
    snprintf(expected, sizeof expected, "thread.c:1: add: shapes do not broadcast: [4, 3] and %s",
             tg_shape_format(tg_shape_of(odd), sizeof shape, shape));
    keep(w, tg_tape_error(tape) && strcmp(tg_tape_error(tape), expected) == 0);
    tg_tape_clear_error(tape);
    keep(w, tg_op_find("matmul") != NULL);
}

static void *run(void *context) {
    work *w = context;
    if (w->start) pthread_barrier_wait(w->start);
    for (tg_dtype dtype = TG_F32; dtype <= TG_F64; dtype++) {
        tg_tape *tape = tg_tape_new(dtype);
        use_vector_math(w, tape);
        train(w, tape, 6 + w->index % 3);
        train(w, tape, 200); /* products that are large enough for BLAS */
        run_a_plan(w, tape);
        look_around(w, tape);
        if (tg_tape_error(tape)) snprintf(w->error, sizeof w->error, "%s", tg_tape_error(tape));
        tg_tape_free(tape);
    }
    return NULL;
}

/* --- the comparison ------------------------------------------------------------------------------------- */

static int failures;
static void expect(bool good, const char *what) {
    printf("%s %s\n", good ? "ok" : "FAIL", what);
    failures += !good;
}

static bool are_equal(const work *a, const work *b) {
    return a->n == b->n && memcmp(a->results, b->results, (size_t)a->n * sizeof *a->results) == 0;
}

int main(void) {
    static work together[THREADS], alone[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t start;
    if (pthread_barrier_init(&start, NULL, THREADS) != 0) return 2;
    for (int i = 0; i < THREADS; i++) {
        together[i] = (work){.index = i, .start = &start};
        if (pthread_create(&threads[i], NULL, run, &together[i]) != 0) return 2;
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
    bool without_error = true, complete = true, equal = true;
    for (int i = 0; i < THREADS; i++) {
        alone[i].index = i;
        run(&alone[i]);
        without_error &= !together[i].error[0] && !alone[i].error[0];
        if (together[i].error[0]) printf("thread %d: %s\n", i, together[i].error);
        complete &=
            together[i].n == 2 * (10 + 2 * (STEPS + 4) + STEPS + 3) + 1 && together[i].n == alone[i].n;
        equal &= are_equal(&together[i], &alone[i]);
    }
    expect(without_error, "threads: no tape has an error");
    expect(complete, "threads: every thread went to its end");
    expect(equal, "threads: tapes side by side give bit for bit what each gives alone");
    expect(!are_equal(&alone[0], &alone[1]), "threads: and these results differ from thread to thread");
    return failures != 0;
}
