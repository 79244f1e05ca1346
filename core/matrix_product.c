/* matrix_product.c: products of matrices in memory, by OpenBLAS and by small kernels of our own.
 *
 * Owns: the choice between them, transposes as flags, batches, and the threads: work is cut into slabs that
 * do not depend on the number of threads, and each call of BLAS runs in one. Knows arrays only. */
#include "core/matrix_product.h"

#include "core/cursor.h"
#include "core/small_product.h"
#include "core/threads.h"

#include <cblas.h>
#include <limits.h>
#include <pthread.h>

/* Multiplications and additions for one turn of a thread: less is not worth waking it. */
#define SLAB_WORK (1 << 20)
/* BLAS packs an operand once for each slab, so that many or thin ones cost; few keep threads idle. */
#define FEWEST_SLABS 4
#define LONGEST_SLAB 256
#define SLAB_MULTIPLE 32

/* An operand: a matrix for each batch. BLAS takes it as it is when one of its strides is 1; else it is
 * copied. */
struct operand {
    struct tg_matrix matrix;
    tg_cursor batches;
    CBLAS_TRANSPOSE transpose;
    int64_t leading; /* BLAS's "leading dimension"; 0: it cannot be said */
};

struct work {
    tg_dtype dtype;
    int64_t m, n, k, n_batches;
    struct operand a, b;
    char *c;
    bool uses_blas, slabs_are_rows; /* or columns */
    int64_t slab, n_slabs;          /* rows or columns of C for each turn, turns of a batch */
};

/* Whether our kernels are faster than BLAS. Measured against OpenBLAS 0.3.21, one thread, f32, ns of ours and
 * of its kernels for Zen (which has none for small matrices) and for AVX-512 (which has): 4x2 @ 2x400: 104,
 * 634, 120; 4x400 @ (2x400)': 130, 808, 83; 1x400 @ 400x1: 79, 606, 59; 16x16 @ 16x16: 127, 238, 93; 64x64 @
 * 64x64: 5210, 6797, 4535; 1x1000 @ 1000x1000: 60000, -, 53000 (and 9 ms where ours takes 4.6 for 1x4000 @
 * 4000x4000); 64x400 @ (2x400)': 2480, 8060, 1380, and with ours equal rows stay equal to the last bit, which
 * a lesson on symmetry relies on. BLAS was faster with fewer than 16 columns, and with (2x400)' as the right
 * operand: it packs, we gather. */
static bool is_small(int64_t m, int64_t n, int64_t k, struct tg_matrix a, struct tg_matrix b) {
    const bool rows_of_b = b.column == 1 && n >= 16, along_k = a.column == 1 && b.row == 1 && k >= 16;
    if (m == 1 && (rows_of_b || along_k)) return true;
    if (along_k && ((m <= 8 && n <= 4) || (m <= 64 && n < 4))) return true;
    return rows_of_b && (k <= 8 || (m <= 64 && n <= 64 && k <= 64));
}

static struct tg_matrix transposed(struct tg_matrix x) { return (struct tg_matrix){x.data, x.column, x.row}; }

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/* OpenBLAS built on pthreads would fight with OpenMP's threads for the cores, so it gets one for good. Built
 * on OpenMP it gets one for the length of a call: with two it would round otherwise. */
static void init_blas(void) {
    enum { PTHREADS = 1 };
    if (openblas_get_parallel() == PTHREADS) openblas_set_num_threads(1);
}

/* Says the strides of a matrix in BLAS's words. */
static void describe(struct operand *x, int64_t rows, int64_t columns) {
    const struct tg_matrix *matrix = &x->matrix;
    x->transpose = CblasNoTrans;
    x->leading = 0;
    if (columns == 1 || matrix->column == 1) x->leading = rows == 1 ? columns : matrix->row;
    if (x->leading < columns && (rows == 1 || matrix->row == 1)) {
        x->transpose = CblasTrans;
        x->leading = columns == 1 ? rows : matrix->column;
    }
    int64_t least = x->transpose == CblasTrans ? rows : columns;
    if (x->leading < least || x->leading > INT_MAX) x->leading = 0;
}

static void operand_init(struct operand *x, const tg_array *array) {
    const int n_batch = array->rank - 2;
    x->matrix = (struct tg_matrix){array->data, array->strides[n_batch], array->strides[n_batch + 1]};
    tg_cursor_open(&x->batches, array->data, tg_dtype_size(array->dtype));
    for (int i = 0; i < n_batch; i++) tg_cursor_add_axis(&x->batches, array->shape[i], array->strides[i]);
}

/* One matrix b for all batches of a: where the rows of all of them are one axis, a is one matrix too. */
static void join_batches(struct work *w) {
    tg_cursor rows = w->a.batches;
    if (w->n_batches == 1 || w->b.batches.rank != 1 || w->b.batches.stride[0] != 0) return;
    tg_cursor_add_axis(&rows, w->m, w->a.matrix.row);
    if (rows.rank != 1) return;
    w->m = rows.size[0];
    w->a.matrix.row = rows.stride[0];
    w->n_batches = 1;
    w->a.batches.rank = w->b.batches.rank = 0;
}

/* A column of results is a row of results: the same memory, and B's columns are A's rows. */
static void column_to_row(struct work *w) {
    if (w->n != 1) return;
    const struct operand a = w->a;
    w->a = w->b;
    w->b = a;
    w->n = w->m;
    w->m = 1;
    w->a.matrix = transposed(w->a.matrix);
    w->b.matrix = transposed(w->b.matrix);
}

/* Turns for threads. They depend on the shape only, because BLAS may round otherwise in another shape. */
static void cut(struct work *w) {
    w->slabs_are_rows = w->m > 1 && (w->m >= w->n || !w->uses_blas);
    const int64_t length = w->slabs_are_rows ? w->m : w->n, other = w->slabs_are_rows ? w->n : w->m;
    const int64_t least = SLAB_WORK / max(other * w->k, 1) + 1; /* a shorter slab is not worth a thread */
    int64_t count = min(length / least, max(FEWEST_SLABS, length / LONGEST_SLAB));
    count = max(count + count % 2,
                1); /* even, and slabs of one length: as much for one thread as for the other */
    w->slab = ((length + count - 1) / count + SLAB_MULTIPLE - 1) / SLAB_MULTIPLE * SLAB_MULTIPLE;
    w->n_slabs = (length + w->slab - 1) / w->slab;
}

/* All that can be said before there is memory. */
static void plan(struct work *w, const tg_array *a, const tg_array *b) {
    const int n_batch = a->rank - 2;
    w->dtype = a->dtype;
    w->m = a->shape[n_batch];
    w->k = a->shape[n_batch + 1];
    w->n = b->shape[n_batch + 1];
    w->n_batches = 1;
    for (int i = 0; i < n_batch; i++) w->n_batches *= a->shape[i];
    w->uses_blas = false;
    if (w->m == 0 || w->n == 0 || w->n_batches == 0) return;
    operand_init(&w->a, a);
    operand_init(&w->b, b);
    join_batches(w);
    column_to_row(w);
    w->uses_blas = w->k > 0 && max(w->m, max(w->n, w->k)) <= INT_MAX &&
                   !is_small(w->m, w->n, w->k, w->a.matrix, w->b.matrix);
    if (w->uses_blas) {
        describe(&w->a, w->m, w->k);
        describe(&w->b, w->k, w->n);
    }
    cut(w);
}

/* How many different matrices there are: repeated ones have stride 0. */
static int64_t n_distinct(const tg_cursor *batches) {
    int64_t n = 1;
    for (int i = 0; i < batches->rank; i++) n *= batches->stride[i] == 0 ? 1 : batches->size[i];
    return n;
}

static size_t copy_bytes(const struct operand *x, int64_t rows, int64_t columns) {
    enum { LINE = 64 };
    if (x->leading > 0) return 0;
    size_t bytes = (size_t)(n_distinct(&x->batches) * rows * columns) * x->batches.element_bytes;
    return (bytes + LINE - 1) / LINE * LINE;
}

/* Copies an operand that BLAS cannot take; repeated matrices once. */
static void copy_operand(struct operand *x, tg_dtype dtype, int64_t rows, int64_t columns, void *scratch) {
    const int n = x->batches.rank;
    tg_shape shape = {n + 2, {0}};
    int64_t from[TG_MAX_RANK], to[TG_MAX_RANK];
    for (int i = 0; i < n; i++) {
        shape.dim[i] = x->batches.stride[i] == 0 ? 1 : x->batches.size[i];
        from[i] = x->batches.stride[i];
    }
    shape.dim[n] = rows, from[n] = x->matrix.row;
    shape.dim[n + 1] = columns, from[n + 1] = x->matrix.column;
    tg_strides_contiguous(shape, to);
    tg_array source = {x->batches.data, shape.dim, from, shape.rank, dtype};
    tg_array_copy(&(tg_array){scratch, shape.dim, to, shape.rank, dtype}, &source);
    for (int i = 0; i < n; i++) x->batches.stride[i] = x->batches.stride[i] == 0 ? 0 : to[i];
    x->batches.data = scratch;
    x->matrix = (struct tg_matrix){scratch, columns, 1};
    describe(x, rows, columns);
}

static void call_blas(const struct work *w, int64_t m, int64_t n, const void *a, const void *b, void *c) {
    const blasint rows = (blasint)m, columns = (blasint)n, k = (blasint)w->k, lda = (blasint)w->a.leading,
                  ldb = (blasint)w->b.leading, ldc = (blasint)w->n;
    const CBLAS_TRANSPOSE ta = w->a.transpose, tb = w->b.transpose;
    const int limit = tg_thread_limit(1);
    if (w->dtype == TG_F32)
        cblas_sgemm(CblasRowMajor, ta, tb, rows, columns, k, 1, a, lda, b, ldb, 0, c, ldc);
    if (w->dtype == TG_F64)
        cblas_dgemm(CblasRowMajor, ta, tb, rows, columns, k, 1, a, lda, b, ldb, 0, c, ldc);
    tg_thread_limit(limit);
}

/* Slabs [begin, end) of n_batches * n_slabs. */
static void multiply_slabs(void *context, int64_t begin, int64_t end) {
    const struct work *w = context;
    const int64_t bytes = (int64_t)tg_dtype_size(w->dtype);
    tg_cursor a_batches = w->a.batches, b_batches = w->b.batches;
    tg_cursor_seek(&a_batches, begin / w->n_slabs);
    tg_cursor_seek(&b_batches, begin / w->n_slabs);
    for (int64_t i = begin; i < end; i++) {
        const int64_t batch = i / w->n_slabs, first = i % w->n_slabs * w->slab;
        int64_t m = w->m, n = w->n;
        char *a = a_batches.data + a_batches.offset * bytes, *b = b_batches.data + b_batches.offset * bytes;
        char *c = w->c + batch * m * n * bytes;
        if (w->slabs_are_rows) {
            m = min(m - first, w->slab);
            a += first * w->a.matrix.row * bytes;
            c += first * n * bytes;
        } else {
            n = min(n - first, w->slab);
            b += first * w->b.matrix.column * bytes;
            c += first * bytes;
        }
        if (w->uses_blas) {
            call_blas(w, m, n, a, b, c);
        } else {
            tg_small_product(w->dtype, m, n, w->k, (struct tg_matrix){a, w->a.matrix.row, w->a.matrix.column},
                             (struct tg_matrix){b, w->b.matrix.row, w->b.matrix.column}, c);
        }
        if (i % w->n_slabs == w->n_slabs - 1) {
            tg_cursor_skip(&a_batches, 1);
            tg_cursor_skip(&b_batches, 1);
        }
    }
}

/* One small product takes less time than planning it. */
static bool multiply_at_once(const tg_array *a, const tg_array *b, const tg_array *c) {
    if (a->rank != 2) return false;
    int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
    struct tg_matrix x = {a->data, a->strides[0], a->strides[1]}, y = {b->data, b->strides[0], b->strides[1]};
    if (n == 1) {
        const struct tg_matrix row = transposed(y);
        y = transposed(x), x = row;
        n = m, m = 1;
    }
    if ((double)m * (double)n * (double)k > SLAB_WORK || !is_small(m, n, k, x, y)) return false;
    tg_small_product(a->dtype, m, n, k, x, y, c->data);
    return true;
}

size_t tg_matrix_product_scratch(const tg_array *a, const tg_array *b) {
    struct work w;
    plan(&w, a, b);
    return w.uses_blas ? copy_bytes(&w.a, w.m, w.k) + copy_bytes(&w.b, w.k, w.n) : 0;
}

void tg_matrix_product(const tg_array *a, const tg_array *b, const tg_array *c, void *scratch) {
    struct work w;
    if (multiply_at_once(a, b, c)) return;
    plan(&w, a, b);
    if (w.m == 0 || w.n == 0 || w.n_batches == 0) return;
    w.c = c->data;
    if (w.uses_blas) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        pthread_once(&once, init_blas);
        const size_t a_bytes = copy_bytes(&w.a, w.m, w.k);
        if (a_bytes > 0) copy_operand(&w.a, w.dtype, w.m, w.k, scratch);
        if (w.b.leading == 0) copy_operand(&w.b, w.dtype, w.k, w.n, (char *)scratch + a_bytes);
    }
    tg_cursor_start(&w.a.batches);
    tg_cursor_start(&w.b.batches);
    const int64_t one_turn = SLAB_WORK / w.m / w.n / max(w.k, 1) + 1; /* of small matrices; slabs are large */
    tg_parallel_for(w.n_batches * w.n_slabs, w.n_slabs > 1 ? 1 : one_turn, multiply_slabs, &w);
}
