/* bench_dot_product.c: the dot product of two vectors of 1,000,000 f64 elements.
 *
 * The floor keeps several vector sums, which C may not make of a plain loop by itself (it would add in
 * another order), and so runs at the speed of memory. Beside it: the plain loop, BLAS, and the tape's matmul.
 */
#include "agreement.h"
#include "blas_by_hand.h"
#include "measure.h"
#include "tapegrad.h"

enum { N = 1000000 };

typedef struct vectors {
    const double *x, *y; /* the memory of a and b: all contestants read the same */
    double by_hand, by_tape;
    tg_tape *tape;
    tg_tensor a, b;
} vectors;

static double part_of_sum(int begin, int end, const double *x, const double *y) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = begin; i < end; i++) sum += x[i] * y[i];
    return sum;
}

static void vectorized(void *context) {
    vectors *v = context;
    double sum = 0;
#pragma omp parallel reduction(+ : sum)
    {
        int begin, end;
        my_part(N, 8, &begin, &end);
        sum += part_of_sum(begin, end, v->x, v->y);
    }
    v->by_hand = sum;
}

static void scalar_loop(void *context) {
    vectors *v = context;
    const double *x = v->x, *y = v->y;
    double sum = 0;
    for (int64_t i = 0; i < N; i++) sum += x[i] * y[i];
    v->by_hand = sum;
}

static void blas(void *context) {
    vectors *v = context;
    v->by_hand = cblas_ddot(N, v->x, 1, v->y, 1);
}

static void by_tape(void *context) {
    vectors *v = context;
    const tg_mark mark = tg_tape_mark(v->tape);
    v->by_tape = tg_item(tg_matmul(v->a, v->b));
    (void)tg_tape_rewind(v->tape, mark);
}

int main(void) {
    vectors v = {.tape = tg_tape_new(TG_F64)};
    blas_init();
    measure_threads(1);
    double *values = malloc(N * sizeof *values);
    if (!values) return 1;
    tg_random_normal(tg_key_new(1), N, values);
    v.a = tg_from_f64(v.tape, TG_SHAPE(N), N, values);
    tg_random_normal(tg_key_new(2), N, values);
    v.b = tg_from_f64(v.tape, TG_SHAPE(N), N, values);
    free(values);
    v.x = tg_data(v.a);
    v.y = tg_data(v.b);
    if (!v.x || !v.y) return 1;
    contestant all[] = {{.name = "by hand, several vector sums", .run = vectorized, .context = &v},
                        {.name = "tape, matmul", .run = by_tape, .context = &v},
                        {.name = "plain loop, one thread", .run = scalar_loop, .context = &v},
                        {.name = "BLAS, ddot", .run = blas, .context = &v}};
    printf("W9 the dot product of two vectors of %d elements, f64\n", N);
    vectorized(&v);
    by_tape(&v);
    agree_number("value", TG_F64, v.by_hand, v.by_tape);
    measure_one_and_two_threads(4, all, 1);
    tg_tape_free(v.tape);
    return 0;
}
