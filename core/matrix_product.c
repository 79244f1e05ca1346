/* matrix_product.c: products of matrices, prepared once and run again and again.
 *
 * Owns: which routine multiplies, batches, and the threads: work is cut into panels that do not depend on the
 * number of threads, because BLAS may round otherwise in another shape. Knows memory only. */
#include "core/matrix_product.h"

#include "core/threads.h"

/* What a turn should cost at least, in multiplications: less than a thread should have to do, so that threads
 * can share equally what several products cost. An element that is read or written counts as several. */
#define TURN_COST (1 << 17)
#define MOVE_COST 8
/* BLAS packs its operands anew for each panel, so that many or thin ones cost; few keep threads idle. A panel
 * of ours stays in the second-level cache for who computes on with it. */
#define FEWEST_PANELS 4
#define BLAS_PANEL 256
#define PANEL_ELEMENTS 65536
#define PANEL_MULTIPLE 32
#define ROW_MULTIPLE 4
/* A result so small that its inner dimension is cut instead, into at most so many parts. */
#define SUMMED_ELEMENTS 1024
#define MOST_PARTS 16
#define ONES 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
/* Elements of small matrices that are one turn together, as above. */
#define TOGETHER_ELEMENTS 16384

enum { LINE = 64 };

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/* --- preparing ------------------------------------------------------------------------------------------ */

static struct tg_matrix operand_init(tg_cursor *batches, const tg_product *product, const tg_matrices *x) {
    tg_cursor_open(batches, (char *)(uintptr_t)x->data, tg_dtype_size(product->dtype));
    for (int i = 0; i < product->batch.rank; i++)
        tg_cursor_add_axis(batches, product->batch.dim[i], x->batch[i]);
    return (struct tg_matrix){x->data, x->row, x->column};
}

/* One matrix b for all batches of a: where the rows of all of them are one axis, a is one matrix too. */
static void join_batches(tg_prepared_product *p) {
    tg_cursor rows = p->a_batches;
    if (p->n_batches == 1 || p->b_batches.rank != 1 || p->b_batches.stride[0] != 0) return;
    tg_cursor_add_axis(&rows, p->whole.m, p->whole.a.row);
    if (rows.rank != 1) return;
    p->whole.m = rows.size[0];
    p->whole.a.row = rows.stride[0];
    p->n_batches = 1;
    p->a_batches.rank = p->b_batches.rank = 0;
}

/* A column of results is a row of results: the same memory, and B's columns are A's rows. */
static void column_to_row(tg_prepared_product *p) {
    if (p->whole.n != 1) return;
    const tg_cursor batches = p->a_batches;
    p->a_batches = p->b_batches;
    p->b_batches = batches;
    p->whole = tg_small_product_transposed(&p->whole);
    p->whole.c_row = p->whole.n;
    p->whole.c_column = 1;
}

static double cost(const struct tg_small_product *s) {
    const double m = (double)s->m, n = (double)s->n, k = (double)s->k;
    return m * n * k + MOVE_COST * ((m + n) * k + m * n);
}

/* How many equal turns something is worth that costs so much: an even number, or 1. */
static int64_t turns_for(double all, int64_t most) {
    const int64_t count = all / TURN_COST < (double)most ? (int64_t)(all / TURN_COST) : most;
    return count < 2 ? 1 : count - count % 2;
}

/* A long sum for few results is made in parts, each a product of its own; then a row of ones times a matrix
 * of the parts is their sum. */
static bool cut_inner_dimension(tg_prepared_product *p) {
    const struct tg_small_product *s = &p->whole;
    const int64_t count = turns_for(cost(s), MOST_PARTS);
    if (p->n_batches > 1 || p->scratch_bytes || s->m * s->n > SUMMED_ELEMENTS || s->k < 2 * s->m * s->n ||
        count == 1)
        return false;
    p->part = round_up((s->k - 1) / count + 1, PANEL_MULTIPLE);
    p->n_turns = (s->k - 1) / p->part + 1;
    p->scratch_bytes = (size_t)round_up(p->n_turns * s->m * s->n * (int64_t)tg_dtype_size(p->dtype), LINE);
    p->join = tg_small_kernels(tg_cpu_level_chosen(), p->dtype)->rows;
    return true;
}

/* Panels of rows or columns, each with as much to do as the others. */
static void cut_panels(tg_prepared_product *p) {
    const struct tg_small_product *s = &p->whole;
    /* Who turns B does so once for each panel of rows: then columns are cut, where there are enough. */
    const bool turns_b = p->kernel && s->b.column != 1 && s->n >= FEWEST_PANELS * PANEL_MULTIPLE;
    p->panels_are_rows = s->m > 1 && s->m >= s->n && !turns_b;
    const int64_t length = p->panels_are_rows ? s->m : s->n;
    const int64_t enough = max(FEWEST_PANELS, p->kernel ? s->m * s->n / PANEL_ELEMENTS : length / BLAS_PANEL);
    const int64_t count = turns_for(cost(s), min(enough, length / PANEL_MULTIPLE));
    p->panel = count > 1
                   ? round_up((length - 1) / count + 1, p->panels_are_rows ? ROW_MULTIPLE : PANEL_MULTIPLE)
                   : length;
    p->n_panels = (length - 1) / p->panel + 1;
    p->panels_join = p->kernel && !p->end.done && s->b.column != 1 &&
                     p->kernel != tg_small_kernels(tg_cpu_level_chosen(), p->dtype)->inner;
    p->together = 1;
    if (p->n_panels == 1)
        p->together = min((int64_t)(TURN_COST / (cost(s) + 1)), TOGETHER_ELEMENTS / (s->m * s->n)) + 1;
    p->n_turns = p->n_panels > 1 ? p->n_batches * p->n_panels : (p->n_batches - 1) / p->together + 1;
}

static void choose_kernel(tg_prepared_product *p) {
    struct tg_small_product *s = &p->whole;
    p->kernel = tg_small_kernel_for(tg_cpu_level_chosen(), p->dtype, s, !tg_blas_takes(s->m, s->n, s->k));
    p->scratch_bytes = 0;
    if (p->kernel) return;
    p->a = tg_blas_describe(&s->a, s->m, s->k);
    p->b = tg_blas_describe(&s->b, s->k, s->n);
    if (!p->a.leading) p->scratch_bytes += tg_blas_copy_bytes(&p->a_batches, s->m, s->k);
    if (!p->b.leading) p->scratch_bytes += tg_blas_copy_bytes(&p->b_batches, s->k, s->n);
}

/* What each turn costs; the last of panels or parts may be shorter. */
static void count_cost(tg_prepared_product *p) {
    const double most = 1e15, batches = (double)p->n_batches * cost(&p->whole),
                 all = batches < most ? batches : most;
    p->turn_cost = (int64_t)(all / (double)p->n_turns) + 1;
    p->cost = p->turn_cost * p->n_turns;
}

void tg_product_prepare(tg_prepared_product *p, const tg_product *product, const tg_product_end *end) {
    p->dtype = product->dtype;
    p->end = end ? *end : (tg_product_end){.adds = false};
    p->scratch_bytes = 0;
    p->n_turns = p->cost = 0;
    p->kernel = p->join = NULL;
    p->n_batches = tg_shape_size(product->batch);
    if (p->n_batches == 0 || product->m == 0 || product->n == 0) return;
    p->whole = (struct tg_small_product){.m = product->m,
                                         .n = product->n,
                                         .k = product->k,
                                         .a = operand_init(&p->a_batches, product, &product->a),
                                         .b = operand_init(&p->b_batches, product, &product->b),
                                         .c = product->c,
                                         .c_row = product->n,
                                         .c_column = 1,
                                         .plus = p->end.plus,
                                         .adds = p->end.adds};
    join_batches(p);
    column_to_row(p);
    choose_kernel(p);
    if (!cut_inner_dimension(p)) cut_panels(p);
    count_cost(p);
    tg_cursor_start(&p->a_batches);
    tg_cursor_start(&p->b_batches);
}

bool tg_product_takes_plus(const tg_prepared_product *p) {
    const struct tg_small_kernels *ours = tg_small_kernels(tg_cpu_level_chosen(), p->dtype);
    return p->n_turns > 0 && !p->join && p->kernel == ours->rows;
}

/* Threads then meet once. Strided panels cost more than that saves; so does a large C, of which the caches
 * have to hold other operands as well: 4096 x 64 x 256 and relu took 1.07 times as long. */
bool tg_product_pays_by_panel(const tg_prepared_product *p) {
    const double elements = (double)p->n_batches * (double)p->whole.m * (double)p->whole.n;
    return p->n_turns > 1 && !p->join && (p->n_panels == 1 || p->panels_are_rows) &&
           elements <= FEWEST_PANELS * PANEL_ELEMENTS;
}

bool tg_product_joins(const tg_prepared_product *p) { return p->join || !p->scratch_bytes; }

/* --- running -------------------------------------------------------------------------------------------- */

static void multiply(const tg_prepared_product *p, const struct tg_small_product *s) {
    if (p->kernel)
        p->kernel(s);
    else
        tg_blas_multiply(p->dtype, s, p->a, p->b);
}

static inline void *at(const void *data, int64_t elements, int64_t bytes) {
    return (char *)(uintptr_t)data + elements * bytes;
}

/* The product of the batch at which the cursors stand. */
static struct tg_small_product product_at(const tg_prepared_product *p, int64_t batch, const tg_cursor *a,
                                          const tg_cursor *b) {
    const int64_t bytes = (int64_t)tg_dtype_size(p->dtype);
    struct tg_small_product s = p->whole;
    s.a.data = at(s.a.data, a->offset, bytes);
    s.b.data = at(s.b.data, b->offset, bytes);
    s.c = at(s.c, batch * s.m * s.n, bytes);
    return s;
}

/* Turns of one panel of a matrix each. */
static void run_panels(const tg_prepared_product *p, int64_t begin, int64_t end) {
    const int64_t bytes = (int64_t)tg_dtype_size(p->dtype), columns = p->whole.n;
    tg_cursor a = p->a_batches, b = p->b_batches;
    for (int64_t turn = begin, n; turn < end; turn += n) {
        const int64_t batch = turn / p->n_panels, panel = turn % p->n_panels, first = panel * p->panel;
        n = p->panels_join ? min(p->n_panels - panel, end - turn) : 1;
        tg_cursor_seek(&a, batch);
        tg_cursor_seek(&b, batch);
        struct tg_small_product s = product_at(p, batch, &a, &b);
        int64_t offset = first;
        if (p->panels_are_rows) {
            s.m = min(s.m - first, n * p->panel);
            s.a.data = at(s.a.data, first * s.a.row, bytes);
            if (s.plus.data) s.plus.data = at(s.plus.data, first * s.plus.row, bytes);
            offset *= columns;
        } else {
            s.n = min(s.n - first, n * p->panel);
            s.b.data = at(s.b.data, first * s.b.column, bytes);
            if (s.plus.data) s.plus.data = at(s.plus.data, first * s.plus.column, bytes);
        }
        s.c = at(s.c, offset, bytes);
        multiply(p, &s);
        if (!p->end.done) continue;
        offset += batch * p->whole.m * columns;
        if (p->panels_are_rows)
            p->end.done(p->end.context, offset, 1, columns, s.m * columns);
        else
            p->end.done(p->end.context, offset, s.m, columns, s.n);
    }
}

/* Turns of whole matrices, `together` at once. */
static void run_matrices(const tg_prepared_product *p, int64_t begin, int64_t end) {
    const int64_t elements = p->whole.m * p->whole.n;
    tg_cursor a = p->a_batches, b = p->b_batches;
    tg_cursor_seek(&a, begin * p->together);
    tg_cursor_seek(&b, begin * p->together);
    for (int64_t turn = begin; turn < end; turn++) {
        const int64_t first = turn * p->together, last = min(first + p->together, p->n_batches);
        for (int64_t batch = first; batch < last; batch++) {
            const struct tg_small_product s = product_at(p, batch, &a, &b);
            multiply(p, &s);
            tg_cursor_skip(&a, 1);
            tg_cursor_skip(&b, 1);
        }
        if (p->end.done) p->end.done(p->end.context, first * elements, 1, 0, (last - first) * elements);
    }
}

/* Parts of the inner dimension, each into a matrix like C. */
static void run_parts(const tg_prepared_product *p, char *scratch, int64_t begin, int64_t end) {
    const int64_t bytes = (int64_t)tg_dtype_size(p->dtype);
    for (int64_t part = begin; part < end; part++) {
        const int64_t first = part * p->part;
        struct tg_small_product s = p->whole;
        s.k = min(s.k - first, p->part);
        s.a.data = at(s.a.data, first * s.a.column, bytes);
        s.b.data = at(s.b.data, first * s.b.row, bytes);
        s.c = at(scratch, part * s.m * s.n, bytes);
        s.adds = false;
        multiply(p, &s);
    }
}

static void join_parts(const tg_prepared_product *p, const void *scratch) {
    static const float ones_f32[MOST_PARTS] = {ONES};
    static const double ones_f64[MOST_PARTS] = {ONES};
    const int64_t elements = p->whole.m * p->whole.n;
    p->join(&(struct tg_small_product){.m = 1,
                                       .n = elements,
                                       .k = p->n_turns,
                                       .a = {p->dtype == TG_F32 ? (const void *)ones_f32 : ones_f64, 1, 1},
                                       .b = {scratch, elements, 1},
                                       .c = p->whole.c,
                                       .c_row = elements,
                                       .c_column = 1,
                                       .adds = p->end.adds});
    if (p->end.done) p->end.done(p->end.context, 0, 1, 0, elements);
}

/* With copies of what BLAS cannot take. */
static void run_copied(const tg_prepared_product *p, void *scratch) {
    tg_prepared_product copied = *p;
    copied.scratch_bytes = 0;
    if (!p->a.leading) {
        const struct tg_small_product *s = &p->whole;
        tg_blas_copy(&copied.a_batches, &copied.whole.a, s->m, s->k, scratch);
        copied.a = tg_blas_describe(&copied.whole.a, s->m, s->k);
        scratch = at(scratch, (int64_t)tg_blas_copy_bytes(&p->a_batches, s->m, s->k), 1);
    }
    if (!p->b.leading) {
        tg_blas_copy(&copied.b_batches, &copied.whole.b, p->whole.k, p->whole.n, scratch);
        copied.b = tg_blas_describe(&copied.whole.b, p->whole.k, p->whole.n);
    }
    tg_products_run(1, &copied, NULL);
}

typedef struct running {
    int64_t n;
    const tg_prepared_product *products;
    char *scratch;
} running;

/* How many of the turns have their middle before this place, which is a cost. */
static int64_t turns_before(const tg_prepared_product *p, int64_t place) {
    return place <= 0 ? 0 : place >= p->cost ? p->n_turns : (place + p->turn_cost / 2) / p->turn_cost;
}

/* A thread's share of the turns of all, which lie one behind the other, each as long as it costs. */
static void run_turns(void *context, int64_t begin, int64_t end) {
    const running *r = context;
    char *scratch = r->scratch;
    for (int64_t i = 0; i < r->n; i++) {
        const tg_prepared_product *p = &r->products[i];
        const int64_t first = turns_before(p, begin), last = turns_before(p, end);
        if (first < last && p->join)
            run_parts(p, scratch, first, last);
        else if (first < last && p->n_panels > 1)
            run_panels(p, first, last);
        else if (first < last)
            run_matrices(p, first, last);
        begin -= p->cost, end -= p->cost;
        scratch += p->scratch_bytes;
    }
}

void tg_products_run(int64_t n, const tg_prepared_product *p, void *scratch) {
    if (n == 1 && p->n_turns == 1 && p->n_batches == 1 && p->kernel && !p->join) {
        p->kernel(&p->whole); /* most often, and often a matter of 100 ns */
        if (p->end.done) p->end.done(p->end.context, 0, 1, 0, p->whole.m * p->whole.n);
        return;
    }
    if (n == 1 && !tg_product_joins(p)) {
        run_copied(p, scratch);
        return;
    }
    int64_t cost = 0, n_turns = 0;
    for (int64_t i = 0; i < n; i++) cost += p[i].cost, n_turns += p[i].n_turns;
    running all = {n, p, scratch};
    tg_parallel_for(cost, max(TG_PRODUCT_WORK, cost / max(n_turns, 1)), run_turns, &all);
    char *parts = scratch;
    for (int64_t i = 0; i < n; parts += p[i++].scratch_bytes)
        if (p[i].join) join_parts(&p[i], parts);
}
