/* bench_scalar_chain.c: what one recorded scalar operation costs, in time and in memory.
 *
 * J = 3 (a + b c); chains of 1,000 dependent additions, multiplications and sigmoids, f64, recorded and
 * differentiated, and in a plan; then a chain of 10,000,000, for which the bytes that the tape asked for are
 * counted. The floor of each is the same with its reverse sweep by hand. One thread. */
#include "agreement.h"
#include "core/vector_math.h"
#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

enum { LENGTH = 1000, LONG = 10000000 };

typedef struct chain {
    tg_tape *tape;
    tg_tensor a, b, c;
    double x[LENGTH + 1], da, y, y_by_tape; /* by hand; gradient and values to compare */
} chain;

static const double factor = 1.0000001;

static void expression_by_tape(void *context) {
    chain *c = context;
    const tg_mark mark = tg_tape_mark(c->tape);
    tg_tensor J = tg_mul(tg_num(3), tg_add(c->a, tg_mul(c->b, c->c)));
    if (tg_backward(J) != TG_OK) printf("%s\n", tg_tape_error(c->tape));
    (void)tg_tape_rewind(c->tape, mark);
}

static void expression_by_hand(void *context) {
    volatile double *x = ((chain *)context)->x;
    const double a = x[0], b = x[1], c = x[2];
    x[3] = 3 * (a + b * c);
    x[4] += 3;
    x[5] += 3 * c;
    x[6] += 3 * b;
}

/* CHAIN(name, step on the tape, step, x's cotangent from y's and what it adds to a's) */
#define CHAIN(name, recorded, step, backward)                                                                \
    static tg_tensor name##_recorded(const chain *c) {                                                       \
        tg_tensor x = c->b;                                                                                  \
        for (int i = 0; i < LENGTH; i++) x = recorded;                                                       \
        return x;                                                                                            \
    }                                                                                                        \
    static void name##_by_tape(void *context) {                                                              \
        chain *c = context;                                                                                  \
        const tg_mark mark = tg_tape_mark(c->tape);                                                          \
        const tg_tensor x = name##_recorded(c);                                                              \
        c->y_by_tape = tg_item(x);                                                                           \
        if (tg_backward(x) != TG_OK) printf("%s\n", tg_tape_error(c->tape));                                 \
        (void)tg_tape_rewind(c->tape, mark);                                                                 \
    }                                                                                                        \
    static void name##_forward(void *context) {                                                              \
        chain *c = context;                                                                                  \
        const tg_mark mark = tg_tape_mark(c->tape);                                                          \
        (void)name##_recorded(c);                                                                            \
        (void)tg_tape_rewind(c->tape, mark);                                                                 \
    }                                                                                                        \
    static void name##_by_hand(void *context) {                                                              \
        chain *c = context;                                                                                  \
        const struct tg_vector_math *math = tg_vector_math();                                                \
        const double a = factor;                                                                             \
        double *x = c->x, dx = 1, da = 0;                                                                    \
        (void)math;                                                                                          \
        (void)a;                                                                                             \
        x[0] = 1;                                                                                            \
        for (int i = 0; i < LENGTH; i++) step;                                                               \
        for (int i = LENGTH; i-- > 0;) backward;                                                             \
        c->y = x[LENGTH];                                                                                    \
        c->da = da;                                                                                          \
    }

CHAIN(add, tg_add(x, c->a), x[i + 1] = x[i] + a, da += dx)
CHAIN(multiply, tg_mul(x, c->a), x[i + 1] = x[i] * a, (da += dx * x[i], dx *= a))
CHAIN(sigmoid, tg_sigmoid(x), math->sigmoid_f64(1, &x[i + 1], &x[i]),
      (dx *= x[i + 1] * (1 - x[i + 1]), da = dx))

static void *count(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    size_t *bytes = context;
    *bytes += new_bytes;
    *bytes -= old_bytes;
    if (new_bytes) return malloc(new_bytes);
    free(ptr);
    return NULL;
}

static void long_chain(void) {
    size_t bytes = 0;
    tg_tape *tape = tg_tape_new_with(TG_F64, (tg_allocator){count, &bytes});
    tg_tensor a = tg_param_scalar(tape, 1 + 1e-9), x = tg_param_scalar(tape, 1);
    const double start = measure_now_ns();
    for (int i = 0; i < LONG; i++) x = tg_mul(x, a);
    const double middle = measure_now_ns();
    if (tg_backward(x) != TG_OK) printf("%s\n", tg_tape_error(tape));
    const double end = measure_now_ns();
    printf("a chain of %d multiplications, recorded once (fresh memory):\n", LONG);
    printf("  forward %.1f ns, backward %.1f ns, %.1f bytes an operation; dy/da = %g\n",
           (middle - start) / LONG, (end - middle) / LONG, (double)bytes / LONG, tg_item(tg_grad(a)));
    tg_tape_free(tape);
}

typedef void runner(void *context);
typedef tg_tensor recorder(const chain *c);

static void compare(const char *title, chain *c, tg_tensor leaf, recorder *record, runner *by_hand,
                    runner *by_tape, runner *forward) {
    const tg_mark mark = tg_tape_mark(c->tape);
    tg_tensor outputs[2];
    outputs[0] = record(c);
    if (tg_gradients(outputs[0], 1, &leaf, &outputs[1]) != TG_OK) exit(1);
    tg_plan *plan = planned(c->tape, 2, outputs);
    contestant all[] = {{.name = "by hand", .run = by_hand, .context = c},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = by_tape, .context = c},
                        {.name = "tape, forward only", .run = forward, .context = c}};
    printf("%s, f64, an operation:\n", title);
    (void)tg_zero_grad(leaf);
    for (int i = 0; i < 3; i++) all[i].run(all[i].context);
    agree_number("value", TG_F64, c->y, c->y_by_tape);
    agree_number("gradient", TG_F64, c->da, tg_item(tg_grad(leaf)));
    agree_number("gradient of the plan", TG_F64, c->da, tg_item(outputs[1]));
    printf(" one thread:\n");
    measure(4, all);
    measure_print(4, all, LENGTH);
    tg_plan_free(plan);
    (void)tg_tape_rewind(c->tape, mark);
}

int main(void) {
    static chain c;
    measure_threads(1);
    c.tape = tg_tape_new(TG_F64);
    c.a = tg_param_scalar(c.tape, factor);
    c.b = tg_param_scalar(c.tape, 1);
    c.c = tg_param_scalar(c.tape, 2);
    contestant expression[] = {{.name = "by hand", .run = expression_by_hand, .context = &c},
                               {.name = "tape", .run = expression_by_tape, .context = &c}};
    printf("W1 J = 3 (a + b c), forward and backward, recorded each time, f64\n one thread:\n");
    measure(2, expression);
    measure_print(2, expression, 1);
    compare("W6 a chain of 1000 additions", &c, c.a, add_recorded, add_by_hand, add_by_tape, add_forward);
    compare("W6 a chain of 1000 multiplications", &c, c.a, multiply_recorded, multiply_by_hand,
            multiply_by_tape, multiply_forward);
    compare("W6 a chain of 1000 sigmoids", &c, c.b, sigmoid_recorded, sigmoid_by_hand, sigmoid_by_tape,
            sigmoid_forward);
    tg_tape_free(c.tape);
    long_chain();
    return 0;
}
