/* reduce_driver.c: runs a reduction's kernels over any axes of an array of any strides.
 *
 * Owns: the order of work and its threads. Elements that lie side by side are folded into one accumulator,
 * or rows of them are merged into a row of accumulators; either is done in a tree of partial results on the
 * stack, so that the error grows with the logarithm. Knows kernels, not operations. */
#include "core/reduce_driver.h"

#include "core/cursor.h"
#include "core/reduce_kernels.h"
#include "core/threads.h"

#include <string.h>

/* A row of accumulators, and a block of gathered elements. */
#define BLOCK_BYTES 2048
/* What is folded in one call, and from how many neighbours on it is done without gathering. */
#define FOLD_MOST 4096
#define FOLD_LEAST 64
/* As many partial results of one level make one of the next; 16^LEVELS of them are enough for any array. */
#define RADIX 16
#define LEVELS 16
/* From this many elements on a result is computed in PARTS parts, and threads pay. */
#define LARGE 65536
#define PARTS 16
/* Elements for one turn of a thread. */
#define GRAIN 32768
/* A fold of fewer elements is dearer than merging as many rows. */
#define FEW 16

struct reduction {
    const tg_reduction_kernels *kernels;
    double start;
    size_t element_bytes;
    char *out;
    tg_cursor kept, reduced; /* kept: when merging, without the columns */
    int64_t n_kept, n_reduced;
    bool folds;                       /* or merges rows, of: */
    int64_t n_columns, column_stride; /* the innermost kept axis; one column when folding */
    int64_t width, n_blocks;          /* columns of a block, blocks of a row */
    int64_t lanes;                    /* narrow rows that are merged as one; a power of 2 */
};

/* The tree: level l holds the sum of RADIX^l leaves while it is filled. The topmost is the result. */
struct tree {
    const struct reduction *r;
    int64_t width;
    int top;
    int count[LEVELS];
    char *level[LEVELS];
    _Alignas(64) char memory[LEVELS][BLOCK_BYTES];
};

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

static void fill_start(const struct reduction *r, int64_t n, void *accumulators) {
    tg_fill_start(r->element_bytes, r->start, n, accumulators);
}

/* result holds start values, and gets at most n_leaves leaves. */
static void tree_open(struct tree *tree, const struct reduction *r, int64_t width, int64_t n_leaves,
                      void *result) {
    tree->r = r;
    tree->width = width;
    tree->top = 0;
    for (int64_t capacity = RADIX; capacity < n_leaves && tree->top < LEVELS - 1; capacity *= RADIX) {
        tree->level[tree->top] = tree->memory[tree->top];
        fill_start(r, width, tree->level[tree->top]);
        tree->count[tree->top++] = 0;
    }
    tree->level[tree->top] = result;
}

/* A leaf was added to the lowest level: full levels are added to those above. */
static void tree_carry(struct tree *tree) {
    for (int l = 0; l < tree->top && ++tree->count[l] == RADIX; l++) {
        tree->r->kernels->merge(tree->width, tree->level[l + 1], tree->level[l]);
        fill_start(tree->r, tree->width, tree->level[l]);
        tree->count[l] = 0;
    }
}

static void tree_close(struct tree *tree) {
    for (int l = 0; l < tree->top; l++) {
        tree->r->kernels->merge(tree->width, tree->level[l + 1], tree->level[l]);
    }
}

/* Adds the reduced elements [begin, end) that belong to x to one accumulator. */
static void fold_range(const struct reduction *r, char *x, int64_t begin, int64_t end, void *accumulator) {
    _Alignas(64) char buffer[BLOCK_BYTES];
    struct tree tree;
    tg_cursor cursor = r->reduced;
    cursor.data = x;
    tg_cursor_seek(&cursor, begin);
    if (tg_cursor_run(&cursor) >= end - begin && end - begin <= FOLD_MOST) {
        r->kernels->fold(end - begin, accumulator, tg_cursor_take(&cursor, end - begin));
        return;
    }
    tree_open(&tree, r, 1, (end - begin) / FOLD_LEAST + 1, accumulator);
    for (int64_t left = end - begin, n; left > 0; left -= n) {
        const void *block = buffer;
        int64_t run = tg_cursor_run(&cursor);
        bool gathers = run < FOLD_LEAST && run < left;
        n = gathers ? BLOCK_BYTES / (int64_t)r->element_bytes : min(run, FOLD_MOST);
        n = min(n, left);
        if (gathers)
            tg_cursor_read(&cursor, n, buffer);
        else
            block = tg_cursor_take(&cursor, n);
        r->kernels->fold(n, tree.level[0], block);
        tree_carry(&tree);
    }
    tree_close(&tree);
}

/* The largest power of 2 up to n. */
static int64_t power_of_2(int64_t n) {
    int64_t power = 1;
    while (power <= n / 2) power *= 2;
    return power;
}

/* Adds rows [begin, end) of the reduced set, the columns from x on, to as many accumulators. */
static void merge_range(const struct reduction *r, char *x, int64_t columns, int64_t begin, int64_t end,
                        void *accumulators) {
    _Alignas(64) char buffer[BLOCK_BYTES], wide[BLOCK_BYTES];
    struct tree tree;
    tg_cursor rows = r->reduced, row;
    rows.data = x;
    tg_cursor_seek(&rows, begin);
    tg_cursor_open(&row, x, r->element_bytes);
    tg_cursor_add_axis(&row, columns, r->column_stride);
    tg_cursor_start(&row);
    if (r->lanes > 1) fill_start(r, columns * r->lanes, wide);
    tree_open(&tree, r, columns * r->lanes, end - begin, r->lanes > 1 ? wide : accumulators);
    for (int64_t left = end - begin, n; left > 0; left -= n) {
        n = r->lanes > 1 ? power_of_2(min(r->lanes, min(left, tg_cursor_left(&rows)))) : 1;
        const void *block = row.data = tg_cursor_take(&rows, n);
        if (r->column_stride != 1) {
            tg_cursor_seek(&row, 0);
            tg_cursor_read(&row, columns, buffer);
            block = buffer;
        }
        r->kernels->merge(columns * n, tree.level[0], block);
        tree_carry(&tree);
    }
    tree_close(&tree);
    if (r->lanes == 1) return;
    for (int64_t half = columns * r->lanes / 2; half >= columns; half /= 2) {
        r->kernels->merge(half, wide, wide + half * (int64_t)r->element_bytes);
    }
    r->kernels->merge(columns, accumulators, wide);
}

static void reduce_range(const struct reduction *r, char *x, int64_t columns, int64_t begin, int64_t end,
                         void *accumulators) {
    fill_start(r, columns, accumulators);
    if (r->folds)
        fold_range(r, x, begin, end, accumulators);
    else
        merge_range(r, x, columns, begin, end, accumulators);
}

/* A result that has much to reduce: parts that do not depend on the number of threads, added in order. */
struct parts {
    const struct reduction *r;
    char *x;
    int64_t columns;
    _Alignas(64) char result[PARTS][BLOCK_BYTES];
};

static void reduce_parts(void *context, int64_t begin, int64_t end) {
    struct parts *parts = context;
    int64_t n = parts->r->n_reduced, each = n / PARTS + (n % PARTS != 0);
    for (int64_t i = begin; i < end; i++) {
        reduce_range(parts->r, parts->x, parts->columns, min(i * each, n), min((i + 1) * each, n),
                     parts->result[i]);
    }
}

static void reduce_large(const struct reduction *r, char *x, int64_t columns, void *accumulators) {
    struct parts parts;
    parts.r = r;
    parts.x = x;
    parts.columns = columns;
    tg_parallel_for(PARTS, 1, reduce_parts, &parts);
    fill_start(r, columns, accumulators);
    for (int i = 0; i < PARTS; i++) r->kernels->merge(columns, accumulators, parts.result[i]);
}

/* Whether there are too few results for threads, and enough elements for each: the number of threads must not
 * matter. */
static bool is_large(const struct reduction *r) {
    return r->n_kept * r->n_blocks < PARTS && r->n_reduced >= LARGE / min(r->width, r->n_columns);
}

/* Blocks of results, [begin, end) of n_kept * n_blocks. */
static void reduce_blocks(void *context, int64_t begin, int64_t end) {
    const struct reduction *r = context;
    const bool large = is_large(r);
    tg_cursor kept = r->kept;
    tg_cursor_seek(&kept, begin / r->n_blocks);
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / r->n_blocks, first = i % r->n_blocks * r->width;
        int64_t columns = min(r->n_columns - first, r->width);
        char *to = r->out + (row * r->n_columns + first) * (int64_t)r->element_bytes;
        char *x = kept.data + (kept.offset + first * r->column_stride) * (int64_t)r->element_bytes;
        if (large)
            reduce_large(r, x, columns, to);
        else
            reduce_range(r, x, columns, 0, r->n_reduced, to);
        if (r->kernels->finish != NULL) r->kernels->finish(columns, to, r->n_reduced);
        if (first + columns == r->n_columns) tg_cursor_skip(&kept, 1);
    }
}

/* How far apart neighbours on an axis lie: repeated elements have no place of their own. */
static uint64_t distance(int64_t stride) {
    if (stride == 0) return UINT64_MAX;
    return stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
}

/* Splits the axes. Reduced ones may come in any order: neighbours in memory go inside. */
static void split_axes(struct reduction *r, unsigned mask, const tg_array *in) {
    int order[TG_MAX_RANK], n = 0;
    tg_cursor_open(&r->kept, in->data, r->element_bytes);
    tg_cursor_open(&r->reduced, in->data, r->element_bytes);
    r->n_kept = r->n_reduced = 1;
    for (int i = 0; i < in->rank; i++) {
        if (mask >> i & 1) {
            int at = n++;
            for (; at > 0 && distance(in->strides[order[at - 1]]) < distance(in->strides[i]); at--) {
                order[at] = order[at - 1];
            }
            order[at] = i;
            r->n_reduced *= in->shape[i];
        } else {
            tg_cursor_add_axis(&r->kept, in->shape[i], in->strides[i]);
            r->n_kept *= in->shape[i];
        }
    }
    for (int i = 0; i < n; i++) tg_cursor_add_axis(&r->reduced, in->shape[order[i]], in->strides[order[i]]);
}

/* Folds or merges, whichever runs along memory; but folds of a few elements each cost more than rows gathered
 * from strides. */
static void choose_way(struct reduction *r) {
    const int kept = r->kept.rank - 1, reduced = r->reduced.rank - 1;
    r->folds =
        kept < 0 || (reduced >= 0 && distance(r->reduced.stride[reduced]) <= distance(r->kept.stride[kept]) &&
                     (r->n_reduced >= FEW || r->kept.size[kept] < 2 * FEW));
    r->n_columns = r->column_stride = r->lanes = 1;
    r->width = BLOCK_BYTES / (int64_t)r->element_bytes;
    if (!r->folds) {
        r->n_columns = r->kept.size[kept];
        r->column_stride = r->kept.stride[kept];
        r->kept.rank--;
        r->n_kept /= r->n_columns;
        if (r->column_stride == 1 && reduced >= 0 && r->reduced.stride[reduced] == r->n_columns &&
            r->n_columns <= r->width / 2) {
            r->lanes = power_of_2(min(r->width / r->n_columns, r->reduced.size[reduced]));
        }
    }
    r->n_blocks = (r->n_columns + r->width - 1) / r->width;
    tg_cursor_start(&r->kept);
    tg_cursor_start(&r->reduced);
}

void tg_reduce_run(const tg_reduction_kernels *kernels, double start, unsigned mask, const tg_array *in,
                   const tg_array *out) {
    struct reduction r;
    r.kernels = kernels;
    r.start = start;
    r.element_bytes = tg_dtype_size(in->dtype);
    r.out = out->data;
    split_axes(&r, mask, in);
    if (r.n_kept == 0) return;
    if (r.n_reduced == 0) {
        fill_start(&r, r.n_kept, r.out);
        if (kernels->finish != NULL) kernels->finish(r.n_kept, r.out, 0);
        return;
    }
    choose_way(&r);
    int64_t each =
        r.n_reduced * min(r.width, r.n_columns); /* elements of a block of results: cannot overflow */
    if (is_large(&r))
        reduce_blocks(&r, 0, r.n_kept * r.n_blocks);
    else
        tg_parallel_for(r.n_kept * r.n_blocks, GRAIN / each + 1, reduce_blocks, &r);
}
