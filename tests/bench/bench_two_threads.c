/* bench_two_threads.c: whether two threads are ever slower than one.
 *
 * Plans of one operation or a few, from sizes that one thread does alone to large ones, run with one thread
 * and with two in turn. The library chooses from how much work on it takes both. */
#define MEASURE_BUDGET_NS 1e8

#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

enum { SIZES = 10 };

typedef struct workload {
    const char *name;
    tg_tensor (*make)(tg_tape *tape, int64_t n);
    int64_t first; /* and each further size twice the one before */
} workload;

static tg_tensor normal(tg_tape *tape, int64_t rows, int64_t columns) {
    return tg_param_normal(tape, TG_SHAPE(rows, columns), tg_key_new(1), 1);
}

static tg_tensor addition(tg_tape *tape, int64_t n) { return tg_add(normal(tape, 1, n), normal(tape, 1, n)); }

static tg_tensor cheap(tg_tape *tape, int64_t n) {
    const tg_tensor x = normal(tape, 1, n), y = normal(tape, 1, n);
    tg_tensor z = tg_add(x, y);
    for (int i = 0; i < 7; i++) z = i % 2 ? tg_add(z, y) : tg_mul(z, x);
    return z;
}

static tg_tensor costly(tg_tape *tape, int64_t n) { return tg_tanh(normal(tape, 1, n)); }
static tg_tensor sum_all(tg_tape *tape, int64_t n) { return tg_sum(normal(tape, 1, n)); }
static tg_tensor sum_rows(tg_tape *tape, int64_t n) {
    return tg_sum_axes(tg_square(normal(tape, n / 64, 64)), TG_AXES(1), false);
}
static tg_tensor sum_columns(tg_tape *tape, int64_t n) {
    return tg_sum_axes(tg_square(normal(tape, n / 64, 64)), TG_AXES(0), false);
}
static tg_tensor bias(tg_tape *tape, int64_t n) {
    return tg_relu(tg_add(normal(tape, n / 64, 64), normal(tape, 1, 64)));
}
static tg_tensor softmax(tg_tape *tape, int64_t n) { return tg_softmax(normal(tape, n / 64, 64), -1); }

/* Of n multiplications: a square, a layer of a batch, its gradient, a vector. */
static int64_t side(int64_t n) {
    int64_t s = 1;
    while ((s + 1) * (s + 1) * (s + 1) <= n) s++;
    return s;
}
static tg_tensor square(tg_tape *tape, int64_t n) {
    return tg_matmul(normal(tape, side(n), side(n)), normal(tape, side(n), side(n)));
}
static tg_tensor layer(tg_tape *tape, int64_t n) {
    return tg_relu(tg_add(tg_matmul(normal(tape, n / 2048, 64), normal(tape, 64, 32)), normal(tape, 1, 32)));
}
static tg_tensor weights(tg_tape *tape, int64_t n) {
    return tg_matmul(tg_transpose(normal(tape, n / 2048, 64)), normal(tape, n / 2048, 32));
}
static tg_tensor vector(tg_tape *tape, int64_t n) {
    return tg_matmul(normal(tape, n / 256, 256), normal(tape, 256, 1));
}

static double ratio(const workload *w, int64_t n) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor result = w->make(tape, n);
    tg_plan *plan = planned(tape, 1, &result);
    contestant all[] = {{.name = "one", .run = run_plan, .context = plan, .threads = 1},
                        {.name = "two", .run = run_plan, .context = plan, .threads = 2}};
    measure(2, all);
    tg_plan_free(plan);
    tg_tape_free(tape);
    return measure_spread(&all[1], &all[0]).median;
}

int main(void) {
    static const workload all[] = {{"x + y", addition, 4096},
                                   {"eight cheap ones", cheap, 1024},
                                   {"tanh", costly, 1024},
                                   {"sum of all", sum_all, 4096},
                                   {"sums of rows", sum_rows, 4096},
                                   {"sums of columns", sum_columns, 4096},
                                   {"bias and relu", bias, 4096},
                                   {"softmax of rows", softmax, 4096},
                                   {"square matrices", square, 32768},
                                   {"layer of a batch", layer, 32768},
                                   {"its gradient", weights, 32768},
                                   {"matrix by vector", vector, 32768}};
    if (!measure_threads(2)) {
        printf("built without OpenMP: there is one thread\n");
        return 0;
    }
    double worst = 0;
    printf("the time that two threads take, where one takes 1, f32; elements (of products: multiplications) "
           "from "
           "the first\nnumber on, each time twice as many\n");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        printf("  %-18s %6lld:", all[i].name, (long long)all[i].first);
        for (int k = 0; k < SIZES; k++) {
            const double r = ratio(&all[i], all[i].first << k);
            if (r > worst) worst = r;
            printf(" %5.2f", r);
            fflush(stdout);
        }
        printf("\n");
    }
    printf("  at worst %.2f\n", worst);
    return 0;
}
