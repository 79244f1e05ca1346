/* reduce_driver.c: runs a reduction's kernels over any axes of an array of any strides.
 *
 * Owns: the order of work and its threads. Elements that lie side by side are folded into one accumulator,
 * or rows of them are merged into a row of accumulators, in the tree of reduce_order.h, whose levels lie on
 * the stack. Knows kernels, not operations. */
#include "core/reduce_driver.h"

#include "core/cursor.h"
#include "core/reduce_order.h"
#include "core/threads.h"

#include <string.h>

/* A strip of wide rows: more than a leaf, because every row of it lies on another page. */
#define STRIP_BYTES 8192
/* Columns of wide rows that one thread takes at least: some lines of the cache. */
#define UNIT_BYTES 256
/* 16^LEVELS leaves are enough for any array. */
#define LEVELS 12
/* From so many bytes on a result is computed in parts when there are fewer than FEW_RESULTS, for the threads:
 * at most MOST_PARTS of them. A quiet machine adds up half of that in f32 in 3.3 us, and two threads in 4. */
#define LARGE_BYTES (1 << 19)
#define FEW_RESULTS 16
#define MOST_PARTS 64

struct reduction {
    tg_reducer by;
    char *out;
    tg_cursor kept, reduced; /* kept: when merging, without the columns */
    int64_t n_kept, n_reduced;
    bool folds;                       /* or merges rows, of: */
    int64_t n_columns, column_stride; /* the innermost kept axis; one column when folding */
    int64_t width;                    /* columns that are reduced at once, ... */
    int64_t unit, n_units;            /* those that are not shared between threads, and how often */
    int64_t lanes;                    /* narrow rows that are merged as one; a power of 2 */
    bool large;                       /* too few results for threads, and enough elements for each */
};

/* The tree: level l holds what RADIX^l leaves make while it is filled. The topmost is the result. */
struct tree {
    const struct reduction *r;
    int64_t width;
    int top;
    int64_t count[LEVELS];
    char *level[LEVELS];
    _Alignas(64) char memory[LEVELS][STRIP_BYTES];
};

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

/* result holds start values, and gets at most n_leaves leaves. */
static void tree_open(struct tree *tree, const struct reduction *r, int64_t width, int64_t n_leaves,
                      void *result) {
    tree->r = r;
    tree->width = width;
    tree->top = 0;
    tree->count[0] = 0;
    for (int64_t capacity = TG_TREE_RADIX; capacity < n_leaves && tree->top < LEVELS - 1;
         capacity *= TG_TREE_RADIX) {
        tree->level[tree->top] = tree->memory[tree->top];
        tg_fill_start(&r->by, width, tree->level[tree->top]);
        tree->count[tree->top++] = 0;
    }
    tree->level[tree->top] = result;
}

/* n leaves, no more than there was room for, were added to the lowest level: full levels are added to those
 * above. */
static void tree_carry(struct tree *tree, int64_t n) {
    for (int l = 0; l < tree->top && (tree->count[l] += n) == TG_TREE_RADIX; l++, n = 1) {
        tree->r->by.kernels->merge(tree->width, tree->level[l + 1], tree->level[l]);
        tg_fill_start(&tree->r->by, tree->width, tree->level[l]);
        tree->count[l] = 0;
    }
}

static void tree_close(struct tree *tree) {
    for (int l = 0; l < tree->top; l++)
        tree->r->by.kernels->merge(tree->width, tree->level[l + 1], tree->level[l]);
}

/* Adds the reduced elements [begin, end) that belong to x to one accumulator. */
static void fold_range(const struct reduction *r, char *x, int64_t begin, int64_t end, void *accumulator) {
    _Alignas(64) char buffer[TG_LEAF_BYTES];
    const int64_t leaf = tg_leaf_elements(r->by.element_bytes);
    struct tree tree;
    tg_cursor cursor = r->reduced;
    cursor.data = x;
    tg_cursor_seek(&cursor, begin);
    tree_open(&tree, r, 1, (end - begin + leaf - 1) / leaf, accumulator);
    for (int64_t left = end - begin, n; left > 0; left -= n) {
        const void *block = buffer;
        n = min(left, leaf);
        if (tg_cursor_run(&cursor) >= n)
            block = tg_cursor_take(&cursor, n);
        else
            tg_cursor_read(&cursor, n, buffer);
        r->by.kernels->fold(n, tree.level[0], block);
        tree_carry(&tree, 1);
    }
    tree_close(&tree);
}

/* Adds rows that lie as memory has them: as many leaves as the lowest level has room for, or the last rows of
 * an axis, too few for a leaf. Returns how many rows. */
static int64_t merge_lying(const struct reduction *r, struct tree *tree, tg_cursor *rows, int64_t columns,
                           int64_t most) {
    const int64_t along = min(most, tg_cursor_left(rows));
    const int64_t stride = r->lanes > 1 ? columns * r->lanes : rows->stride[rows->rank - 1];
    const int64_t leaves = min(along / r->lanes, TG_TREE_RADIX - tree->count[0]);
    if (leaves == 0) {
        r->by.kernels->merge(columns * along, tree->level[0], tg_cursor_take(rows, along));
        tree_carry(tree, 1);
        return along;
    }
    tg_merge_rows(&r->by, columns * r->lanes, tree->level[0], leaves, stride,
                  tg_cursor_take(rows, leaves * r->lanes));
    tree_carry(tree, leaves);
    return leaves * r->lanes;
}

/* Adds rows [begin, end) of the reduced set, the columns from x on, to as many accumulators, times lanes. */
static void merge_range(const struct reduction *r, char *x, int64_t columns, int64_t begin, int64_t end,
                        void *accumulators) {
    _Alignas(64) char buffer[TG_LEAF_BYTES];
    struct tree tree;
    tg_cursor rows = r->reduced, row;
    rows.data = x;
    tg_cursor_seek(&rows, begin);
    tg_cursor_open(&row, x, r->by.element_bytes);
    tg_cursor_add_axis(&row, columns, r->column_stride);
    tg_cursor_start(&row);
    tree_open(&tree, r, columns * r->lanes, (end - begin + r->lanes - 1) / r->lanes, accumulators);
    for (int64_t left = end - begin, n; left > 0; left -= n) {
        if (r->column_stride == 1) {
            n = merge_lying(r, &tree, &rows, columns, left);
            continue;
        }
        n = 1;
        row.data = tg_cursor_take(&rows, 1);
        tg_cursor_seek(&row, 0);
        tg_cursor_read(&row, columns, buffer);
        r->by.kernels->merge(columns, tree.level[0], buffer);
        tree_carry(&tree, 1);
    }
    tree_close(&tree);
}

static void reduce_range(const struct reduction *r, char *x, int64_t columns, int64_t begin, int64_t end,
                         void *accumulators) {
    tg_fill_start(&r->by, columns * r->lanes, accumulators);
    if (r->folds)
        fold_range(r, x, begin, end, accumulators);
    else
        merge_range(r, x, columns, begin, end, accumulators);
}

/* A result that has much to reduce: parts of 16^k leaves, which are parts of its tree. */
struct parts {
    const struct reduction *r;
    char *x;
    int64_t columns, each, n;
    _Alignas(64) char result[MOST_PARTS * TG_LEAF_BYTES];
};

static void reduce_parts(void *context, int64_t begin, int64_t end) {
    struct parts *parts = context;
    const struct reduction *r = parts->r;
    const int64_t bytes = parts->columns * r->lanes * (int64_t)r->by.element_bytes;
    _Alignas(64) char own[TG_LEAF_BYTES]; /* the results of threads share lines of the cache */
    for (int64_t i = begin; i < end; i++) {
        reduce_range(r, parts->x, parts->columns, i * parts->each, min((i + 1) * parts->each, r->n_reduced),
                     own);
        memcpy(parts->result + i * bytes, own, (size_t)bytes);
    }
}

static void reduce_large(const struct reduction *r, char *x, int64_t columns, void *accumulators) {
    struct parts parts;
    parts.r = r;
    parts.x = x;
    parts.columns = columns;
    parts.each = r->folds ? tg_leaf_elements(r->by.element_bytes) : r->lanes;
    while (r->n_reduced > MOST_PARTS * parts.each) parts.each *= TG_TREE_RADIX;
    parts.n = (r->n_reduced + parts.each - 1) / parts.each;
    tg_parallel_for(parts.n, 1, reduce_parts, &parts);
    tg_join_parts(&r->by, parts.n, columns * r->lanes, parts.result);
    memcpy(accumulators, parts.result, (size_t)(columns * r->lanes) * r->by.element_bytes);
}

/* One result, or those of some columns. */
static void reduce_columns(const struct reduction *r, char *x, int64_t columns, char *to) {
    _Alignas(64) char wide[TG_LEAF_BYTES];
    char *sum = r->lanes > 1 ? wide : to;
    if (r->large)
        reduce_large(r, x, columns, sum);
    else
        reduce_range(r, x, columns, 0, r->n_reduced, sum);
    if (r->lanes > 1) {
        tg_join_lanes(&r->by, columns, r->lanes, sum);
        memcpy(to, sum, (size_t)columns * r->by.element_bytes);
    }
    if (r->by.kernels->finish) r->by.kernels->finish(columns, to, r->n_reduced);
}

/* Units of results, [begin, end) of n_kept * n_units. */
static void reduce_units(void *context, int64_t begin, int64_t end) {
    const struct reduction *r = context;
    tg_cursor kept = r->kept;
    tg_cursor_seek(&kept, begin / r->n_units);
    for (int64_t i = begin; i < end;) {
        const int64_t row = i / r->n_units, first = i % r->n_units * r->unit;
        const int64_t columns = min(min(r->n_columns - first, r->width), (end - i) * r->unit);
        char *to = r->out + (row * r->n_columns + first) * (int64_t)r->by.element_bytes;
        char *x = kept.data + (kept.offset + first * r->column_stride) * (int64_t)r->by.element_bytes;
        reduce_columns(r, x, columns, to);
        i += (columns + r->unit - 1) / r->unit;
        if (first + columns == r->n_columns) tg_cursor_skip(&kept, 1);
    }
}

/* Rows [begin, end), each of which is a leaf at most and lies in one run. */
static void reduce_rows(void *context, int64_t begin, int64_t end) {
    const struct reduction *r = context;
    tg_cursor kept = r->kept;
    tg_cursor_seek(&kept, begin);
    for (int64_t i = begin, n; i < end; i += n) {
        char *to = r->out + i * (int64_t)r->by.element_bytes;
        n = min(tg_cursor_left(&kept), end - i);
        tg_fold_rows(&r->by, n, r->n_reduced, kept.stride[kept.rank - 1], false, to,
                     tg_cursor_take(&kept, n));
        if (r->by.kernels->finish) r->by.kernels->finish(n, to, r->n_reduced);
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
    tg_cursor_open(&r->kept, in->data, r->by.element_bytes);
    tg_cursor_open(&r->reduced, in->data, r->by.element_bytes);
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

/* Folds or merges, whichever runs along memory; but short rows are not folded one by one. */
static void choose_way(struct reduction *r) {
    const int kept = r->kept.rank - 1, reduced = r->reduced.rank - 1;
    const size_t bytes = r->by.element_bytes;
    r->folds =
        kept < 0 || (reduced >= 0 && distance(r->reduced.stride[reduced]) <= distance(r->kept.stride[kept]) &&
                     !tg_rows_are_short(r->kept.size[kept], r->n_reduced));
    r->n_columns = r->column_stride = r->lanes = r->width = 1;
    if (!r->folds) {
        r->n_columns = r->kept.size[kept];
        r->column_stride = r->kept.stride[kept];
        r->kept.rank--;
        r->n_kept /= r->n_columns;
        if (r->column_stride == 1 && reduced >= 0 && r->reduced.stride[reduced] == r->n_columns)
            r->lanes = tg_leaf_rows(r->n_columns, r->reduced.size[reduced], bytes);
        r->width =
            r->column_stride == 1 && r->lanes == 1 ? STRIP_BYTES / (int64_t)bytes : tg_leaf_elements(bytes);
    }
    r->unit = r->width > tg_leaf_elements(bytes) ? UNIT_BYTES / (int64_t)bytes : r->width;
    r->n_units = (r->n_columns + r->unit - 1) / r->unit;
    r->large = r->n_kept * r->n_units < FEW_RESULTS &&
               r->n_reduced >= LARGE_BYTES / (int64_t)bytes / min(r->unit, r->n_columns);
    if (r->large) r->width = min(r->width, tg_leaf_elements(bytes));
    tg_cursor_start(&r->kept);
    tg_cursor_start(&r->reduced);
}

void tg_reduce_run(const tg_reduction_kernels *kernels, double start, unsigned mask, const tg_array *in,
                   const tg_array *out) {
    struct reduction r;
    r.by = (tg_reducer){kernels, start, tg_dtype_size(in->dtype)};
    r.out = out->data;
    split_axes(&r, mask, in);
    if (r.n_kept == 0) return;
    if (r.n_reduced == 0) {
        tg_fill_start(&r.by, r.n_kept, r.out);
        if (kernels->finish != NULL) kernels->finish(r.n_kept, r.out, 0);
        return;
    }
    choose_way(&r);
    const int64_t n = r.n_kept * r.n_units,
                  grain = TG_THREAD_WORK / r.n_reduced / min(r.unit, r.n_columns) + 1;
    const bool rows = r.folds && r.n_reduced <= tg_leaf_elements(r.by.element_bytes) &&
                      tg_cursor_run(&r.reduced) >= r.n_reduced;
    if (r.large)
        reduce_units(&r, 0, n);
    else
        tg_parallel_for(n, grain, rows ? reduce_rows : reduce_units, &r);
}
