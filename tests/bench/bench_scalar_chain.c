/* bench_scalar_chain.c: what one recorded scalar operation costs, in time and in memory.
 *
 * A chain of 1,000 dependent multiplications, f64, recorded and differentiated; then one of 10,000,000, for
 * which the bytes that the tape asked for are counted. The floor is the same chain with its reverse sweep by
 * hand. */
#include "measure.h"
#include "tapegrad.h"

enum { LENGTH = 1000, LONG = 10000000 };

typedef struct chain {
    tg_tape *tape;
    tg_tensor a, b;
    double gradient;
} chain;

static void by_tape(void *context) {
    chain *c = context;
    const tg_mark mark = tg_tape_mark(c->tape);
    tg_tensor x = c->b;
    for (int i = 0; i < LENGTH; i++) x = tg_mul(x, c->a);
    if (tg_backward(x) != TG_OK) printf("%s\n", tg_tape_error(c->tape));
    (void)tg_tape_rewind(c->tape, mark);
}

static void forward_only(void *context) {
    chain *c = context;
    const tg_mark mark = tg_tape_mark(c->tape);
    tg_tensor x = c->b;
    for (int i = 0; i < LENGTH; i++) x = tg_mul(x, c->a);
    (void)tg_tape_rewind(c->tape, mark);
}

static void by_hand(void *context) {
    static double x[LENGTH + 1];
    chain *c = context;
    const double a = 1.0000001;
    x[0] = 1;
    for (int i = 0; i < LENGTH; i++) x[i + 1] = x[i] * a;
    double dx = 1, da = 0;
    for (int i = LENGTH; i-- > 0;) {
        da += dx * x[i];
        dx *= a;
    }
    c->gradient += da;
}

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

int main(void) {
    chain c = {.tape = tg_tape_new(TG_F64)};
    c.a = tg_param_scalar(c.tape, 1.0000001);
    c.b = tg_param_scalar(c.tape, 1);
    contestant all[] = {{.name = "by hand, forward and backward", .run = by_hand, .context = &c},
                        {.name = "tape, forward and backward", .run = by_tape, .context = &c},
                        {.name = "tape, forward", .run = forward_only, .context = &c}};
    measure(3, all, 2);
    printf("a chain of %d dependent scalar multiplications, f64, one thread:\n", LENGTH);
    measure_print(3, all, LENGTH, "an operation");
    tg_tape_free(c.tape);
    long_chain();
    return 0;
}
