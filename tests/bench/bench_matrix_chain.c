/* bench_matrix_chain.c: mean(A @ B @ D) and the three gradients, f32, against six calls of BLAS.
 *
 * The limit is BLAS: what the tape adds is its choice of kernels and threads, the cotangent of the mean
 * spread over a matrix, and the recording. By hand that cotangent is a constant, written beforehand, and each
 * thread makes its part of the rows. */
#include "agreement.h"
#include "blas_by_hand.h"
#include "measure.h"
#include "planned.h"
#include "tapegrad.h"

typedef struct matrices {
    int n;
    float *a, *b, *d, *ab, *abd, *dy, *dab, *da, *db, *dd;
    double mean, mean_by_tape;
    tg_tape *tape;
    tg_tensor leaf[3], gradient[3];
    bool keep;
} matrices;

static double sum(int64_t n, const float *x) {
    double all = 0;
    for (int64_t at = 0; at < n; at += 1024) {
        const int64_t length = n - at < 1024 ? n - at : 1024;
        float part = 0;
#pragma omp simd reduction(+ : part)
        for (int64_t i = 0; i < length; i++) part += x[at + i];
        all += (double)part;
    }
    return all;
}

/* This thread's rows of c = op(a) @ op(b). */
static void rows(int n, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, const float *a, const float *b, float *c) {
    int begin, end;
    my_part(n, 16, &begin, &end);
    product(ta, tb, end - begin, n, n, 1, a + (ta == CblasTrans ? begin : begin * n), n, b, n, 0,
            c + begin * n, n);
}

static void by_hand(void *context) {
    matrices *m = context;
    const int n = m->n;
    double all = 0;
#pragma omp parallel reduction(+ : all) if (n >= 64)
    {
        int begin, end;
        my_part(n, 16, &begin, &end);
        rows(n, CblasNoTrans, CblasNoTrans, m->a, m->b, m->ab);
        rows(n, CblasNoTrans, CblasNoTrans, m->ab, m->d, m->abd); /* of its own rows of ab */
        all += sum((int64_t)(end - begin) * n, m->abd + begin * n);
        rows(n, CblasNoTrans, CblasTrans, m->dy, m->d, m->dab);
        rows(n, CblasNoTrans, CblasTrans, m->dab, m->b, m->da);
#pragma omp barrier
        rows(n, CblasTrans, CblasNoTrans, m->ab, m->dy, m->dd);
        rows(n, CblasTrans, CblasNoTrans, m->a, m->dab, m->db);
    }
    m->mean = all / n / n;
}

static tg_tensor mean_of(const tg_tensor *x) { return tg_mean(tg_matmul(tg_matmul(x[0], x[1]), x[2])); }

static void by_tape(void *context) {
    matrices *m = context;
    const tg_mark mark = tg_tape_mark(m->tape);
    const tg_tensor y = mean_of(m->leaf);
    if (tg_gradients(y, 3, m->leaf, m->gradient) != TG_OK) printf("%s\n", tg_tape_error(m->tape));
    m->mean_by_tape = tg_item(y);
    if (!m->keep) (void)tg_tape_rewind(m->tape, mark);
}

static bool make(matrices *m, int n) {
    float **all[] = {&m->a, &m->b, &m->d, &m->ab, &m->abd, &m->dy, &m->dab, &m->da, &m->db, &m->dd};
    const int64_t size = (int64_t)n * n;
    *m = (matrices){.n = n, .tape = tg_tape_new(TG_F32), .keep = true};
    for (int i = 0; i < 10; i++) {
        *all[i] = aligned_alloc(64, (size_t)size * sizeof(float));
        if (!*all[i]) return false;
        for (int64_t k = 0; k < size; k++)
            (*all[i])[k] = i == 5 ? 1 / (float)size : (float)((k + i) * 7919 % 10007) / 10007;
        if (i < 3) m->leaf[i] = tg_param_f32(m->tape, TG_SHAPE(n, n), size, *all[i]);
    }
    return true;
}

static bool compare(int n) {
    matrices m;
    if (!make(&m, n)) return false;
    tg_tensor outputs[4];
    outputs[3] = mean_of(m.leaf);
    if (tg_gradients(outputs[3], 3, m.leaf, outputs) != TG_OK) return false;
    tg_plan *plan = planned(m.tape, 4, outputs);
    contestant all[] = {{.name = "by hand", .run = by_hand, .context = &m},
                        {.name = "plan", .run = run_plan, .context = plan},
                        {.name = "tape", .run = by_tape, .context = &m}};
    printf("W8 mean(A @ B @ D) and its gradients, %d x %d, f32\n", n, n);
    const tg_mark mark = tg_tape_mark(m.tape);
    const float *gradients[] = {m.da, m.db, m.dd};
    for (int i = 0; i < 3; i++) all[i].run(all[i].context);
    agree_number("mean", TG_F32, m.mean, m.mean_by_tape);
    for (int i = 0; i < 3; i++) {
        agree("gradient", TG_F32, (int64_t)n * n, gradients[i], tg_data(m.gradient[i]));
        agree("that of the plan", TG_F32, (int64_t)n * n, gradients[i], tg_data(outputs[i]));
    }
    (void)tg_tape_rewind(m.tape, mark);
    m.keep = false;
    measure_one_and_two_threads(3, all, 1);
    tg_plan_free(plan);
    tg_tape_free(m.tape);
    float *buffers[] = {m.a, m.b, m.d, m.ab, m.abd, m.dy, m.dab, m.da, m.db, m.dd};
    for (int i = 0; i < 10; i++) free(buffers[i]);
    return true;
}

int main(void) {
    blas_init();
    measure_threads(1);
    printf("OpenBLAS: %s\n", openblas_get_config());
    return compare(64) && compare(256) && compare(1024) ? 0 : 1;
}
