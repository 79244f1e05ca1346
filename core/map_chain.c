/* map_chain.c: runs several elementwise kernels, and reductions of their results, over one pass of memory.
 *
 * Owns: the loop over blocks, its threads, and what becomes of partial results. Blocks lie on the stack of
 * the thread that fills them. Must not know operations, nor who decided what belongs together. */
#include "core/map_chain.h"

#include "core/threads.h"

#include <string.h>

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

/* --- a block ------------------------------------------------------------------------------------------- */

/* What one thread works with. */
struct worker {
    const tg_chain *chain;
    const char *at[TG_CHAIN_SLOTS];   /* where the block of each slot is now */
    tg_cursor cursor[TG_CHAIN_SLOTS]; /* by source */
    _Alignas(64) char blocks[TG_CHAIN_SLOTS * TG_LEAF_BYTES];
};

static inline char *block_of(struct worker *w, int slot) { return w->blocks + slot * w->chain->block_bytes; }

static void worker_open(struct worker *w, const tg_chain *chain, int64_t begin) {
    w->chain = chain;
    for (int i = 0; i < chain->n_slots; i++) w->at[i] = block_of(w, i);
    for (int i = 0; i < chain->n_sources; i++) {
        const tg_chain_source *source = &chain->sources[i];
        w->cursor[i] = source->cursor;
        if (source->repeats)
            tg_cursor_read(&w->cursor[i], min(chain->n, chain->block) / (source->narrow ? chain->row : 1),
                           block_of(w, source->slot));
        else
            tg_cursor_seek(&w->cursor[i], source->narrow ? begin / chain->row : begin);
    }
}

/* `element` is counted in rows where the place is narrow. */
static inline char *place_at(const struct worker *w, const tg_chain_place *place, int64_t element,
                             int64_t row) {
    if (!place->data) return (char *)(uintptr_t)w->at[place->slot];
    return place->data + (place->narrow ? row : element) * place->element_bytes;
}

static void read_source(struct worker *w, int i, int64_t n) {
    tg_cursor *cursor = &w->cursor[i];
    const int slot = w->chain->sources[i].slot;
    if (w->chain->sources[i].repeats) return;
    if (tg_cursor_run(cursor) >= n) {
        w->at[slot] = tg_cursor_take(cursor, n);
    } else {
        tg_cursor_read(cursor, n, block_of(w, slot));
        w->at[slot] = block_of(w, slot);
    }
}

/* How far into an operand an element of a line is. */
static inline int64_t bytes_to(const tg_chain_lines *operand, int64_t line, int64_t element) {
    return line * operand->line_bytes + element * operand->element_bytes;
}

/* The steps of a run for n elements from `begin` on, those of a line at a time. */
static void run_lines(const struct worker *w, const tg_chain_steps *run, int64_t begin, int64_t n) {
    char *at[TG_CHAIN_STEPS];
    const int64_t first = begin / run->line, start = begin % run->line;
    for (int64_t done = 0, line = first, from = start, here; done < n; done += here, line++, from = 0) {
        here = min(run->line - from, n - done);
        for (int k = 0; k < run->n_operands; k++) {
            const tg_chain_lines *x = &run->operand[k];
            char *base = x->data ? x->data : (char *)(uintptr_t)w->at[x->slot];
            at[k] = base + (bytes_to(x, line, from) - (x->data ? 0 : bytes_to(x, first, start)));
        }
        run->function(here, run->step, at);
    }
}

/* The same where there are no lines; elements may be rows. */
static void run_steps(const struct worker *w, const tg_chain_steps *run, int64_t begin, int64_t n) {
    char *at[TG_CHAIN_STEPS];
    for (int k = 0; k < run->n_operands; k++) {
        const tg_chain_lines *x = &run->operand[k];
        at[k] = x->data ? x->data + begin * x->element_bytes : (char *)(uintptr_t)w->at[x->slot];
    }
    run->function(n, run->step, at);
}

static void run_calls(const struct worker *w, int from, int to, int64_t begin, int64_t n) {
    const tg_chain *chain = w->chain;
    const int64_t row = chain->row > 1 ? begin / chain->row : begin;
    for (int i = from; i < to; i++) {
        const tg_chain_call *call = &chain->calls[i];
        const int64_t elements = call->narrow ? n / chain->row : n;
        if (call->run) {
            (call->run->line ? run_lines : run_steps)(w, call->run, call->narrow ? row : begin, elements);
            continue;
        }
        const void *x[TG_MAX_MAP_INPUTS];
        for (int k = 0; k < call->n_in; k++) x[k] = place_at(w, &call->in[k], begin, row);
        call->kernel(elements, place_at(w, &call->out, begin, row), x, call->attr);
    }
}

/* Adds a block to what a fold has of its part. */
static void fold_block(const struct worker *w, const tg_chain_fold *fold, int64_t begin, int64_t n,
                       char *to) {
    const tg_chain *chain = w->chain;
    const char *x = place_at(w, &fold->in, begin, begin);
    if (!chain->by_columns) {
        fold->by.kernels->fold(n, to, x);
        return;
    }
    const int64_t column = chain->line > chain->block ? begin % chain->line : 0;
    fold->by.kernels->merge(n, to + column * (int64_t)chain->value_bytes, x);
}

/* Computes the next n elements, from `begin` on: at most a block, and whole rows. Folds, into `to`, have
 * their turn among the calls: later ones may change what they read. */
static void run_block(struct worker *w, int64_t begin, int64_t n, char *const *to) {
    const tg_chain *chain = w->chain;
    for (int i = 0; i < chain->n_sources; i++)
        read_source(w, i, chain->sources[i].narrow ? n / chain->row : n);
    int done = 0;
    for (int i = 0; i < chain->n_folds; i++) {
        run_calls(w, done, chain->folds[i].after, begin, n);
        fold_block(w, &chain->folds[i], begin, n, to[i]);
        done = chain->folds[i].after;
    }
    run_calls(w, done, chain->n_calls, begin, n);
}

/* The elements from `begin` on, which is a multiple of the unit. */
static void run_elements(const tg_chain *chain, int64_t begin, int64_t end) {
    struct worker w;
    worker_open(&w, chain, begin);
    for (int64_t at = begin, n; at < end; at += n) {
        n = min(end - at, chain->block);
        run_block(&w, at, n, NULL);
    }
}

static void run_units(void *context, int64_t begin, int64_t end) {
    const tg_chain *chain = context;
    run_elements(chain, begin * chain->unit, end * chain->unit);
}

void tg_chain_run_panel(void *context, int64_t first, int64_t n_runs, int64_t step, int64_t length) {
    (void)n_runs;
    (void)step;
    run_elements(context, first, first + length);
}

/* --- between rows and their elements -------------------------------------------------------------------- */

void tg_chain_fold_rows(int64_t n, void *out, const void *const *in, const void *attr) {
    const tg_chain_rows *rows = attr;
    tg_fold_rows(&rows->by, n, rows->row, rows->row, rows->by_columns, out, in[0]);
    if (rows->by.kernels->finish) rows->by.kernels->finish(n, out, rows->row);
}

#define TG_SPREAD(bytes)                                                                                     \
    for (int64_t i = 0; i < n; i++, to += row * (bytes))                                                     \
        for (int64_t j = 0; j < row; j++) memcpy(to + j * (bytes), from + i * (bytes), bytes);

void tg_chain_spread(int64_t n, void *out, const void *const *in, const void *attr) {
    const tg_chain_rows *rows = attr;
    const int64_t row = rows->row;
    const char *restrict from = in[0];
    char *restrict to = out;
    if (rows->by.element_bytes == 4) {
        TG_SPREAD(4)
    } else if (rows->by.element_bytes == 8) {
        TG_SPREAD(8)
    } else {
        TG_SPREAD(1)
    }
}

/* --- lines and columns ---------------------------------------------------------------------------------- */

static int64_t leaf_of(const tg_chain *chain) { return tg_leaf_elements(chain->value_bytes); }

/* Elements that are a leaf of the columns' tree: whole lines. */
static int64_t leaf_lines(const tg_chain *chain) {
    return chain->line * tg_leaf_rows(chain->line, chain->n / chain->line, chain->value_bytes);
}

/* What is reduced at once is a leaf of a long line, so that threads share them evenly, or sixteen leaves of
 * columns, whose parts have as many results as a leaf has elements. */
static tg_chain_parts parts_of(const tg_chain *chain) {
    const int64_t width = chain->by_columns ? leaf_lines(chain) : 1;
    tg_chain_parts p = {.width = width,
                        .each = chain->by_columns ? TG_TREE_RADIX * width : leaf_of(chain),
                        .all = chain->by_columns ? chain->n : chain->line};
    p.lines = chain->n / p.all;
    p.together = (p.all + p.each - 1) / p.each;
    p.direct = p.together == 1 && width == (chain->by_columns ? chain->line : 1);
    return p;
}

int64_t tg_chain_partials(const tg_chain *chain) {
    if (chain->line <= 1) return 0;
    const tg_chain_parts p = parts_of(chain);
    return p.direct ? 0 : p.lines * p.together * p.width;
}

/* The elements after which a source begins again; 0: it never does. */
static int64_t period_of(const tg_chain_source *source) {
    const tg_cursor *c = &source->cursor;
    int64_t period = 1;
    if (tg_cursor_is_constant(c)) return 1;
    if (source->narrow || c->stride[0] != 0 || c->size[0] == 1) return 0;
    for (int i = 1; i < c->rank; i++) period *= c->size[i];
    return period;
}

/* Finds out which sources repeat with every block of at most so many elements; blocks can be made to suit
 * them where they are neither leaves nor panels. */
static void find_repeated(tg_chain *chain, bool of_panel, int64_t most) {
    for (int i = 0; i < chain->n_sources; i++) {
        const int64_t period = period_of(&chain->sources[i]);
        if (period == 0 || period > most) continue;
        if (chain->line > 1) {
            chain->sources[i].repeats = chain->block % period == 0 && chain->line % period == 0;
            continue;
        }
        if (!of_panel && period % chain->unit == 0) chain->unit = period;
        chain->sources[i].repeats = chain->unit % period == 0;
    }
}

/* How many arrays a chain reads and writes where they lie. */
static int n_arrays(const tg_chain *chain) {
    const char *seen[TG_CHAIN_SLOTS];
    int n = 0;
    for (int i = 0; i < chain->n_calls; i++)
        for (int k = 0; k <= chain->calls[i].n_in && n < TG_CHAIN_SLOTS; k++) {
            const tg_chain_call *call = &chain->calls[i];
            seen[n] = (k < call->n_in ? &call->in[k] : &call->out)->data;
            int first = 0;
            while (seen[first] != seen[n]) first++;
            n += seen[n] && first == n;
        }
    return n;
}

/* Blocks in bytes. Long ones save calls where all that is read is near. What comes from afar is fetched ahead
 * by the CPU while the block before is computed on, but not far ahead: Adam on 400,000 elements takes 265 us
 * in blocks of 2 KiB, 475 in 3 KiB or more. */
static int64_t block_bytes(const tg_chain *chain, int64_t widest) {
    const int64_t each = (int64_t)sizeof((struct worker *)0)->blocks / (chain->n_slots + 1) / 64 * 64;
    const bool near = chain->n * widest * n_arrays(chain) <= TG_CHAIN_NEAR;
    return chain->line > 1 || !near ? TG_LEAF_BYTES : min(TG_CHAIN_BLOCK_MOST, each);
}

void tg_chain_cut(tg_chain *chain, bool of_panel, int n_slots, int64_t widest) {
    const bool in_leaves = chain->line > 1;
    chain->n_slots = n_slots;
    chain->block_bytes = block_bytes(chain, widest);
    const int64_t most = chain->block_bytes / (widest < 4 ? 4 : widest);
    chain->block = in_leaves && chain->by_columns && chain->line <= most ? leaf_lines(chain) : most;
    if (in_leaves) chain->parts = parts_of(chain);
    find_repeated(chain, of_panel, most);
    if (chain->unit <= most) chain->block -= chain->block % chain->unit;
}

/* Parts [begin, end): they follow each other in memory. */
static void run_parts(void *context, int64_t begin, int64_t end) {
    struct worker w;
    const tg_chain *chain = context;
    const tg_chain_parts *p = &chain->parts;
    worker_open(&w, chain, begin / p->together * p->all + begin % p->together * p->each);
    for (int64_t part = begin; part < end; part++) {
        const int64_t offset = part % p->together * p->each, first = part / p->together * p->all + offset;
        const int64_t last = first + min(p->each, p->all - offset);
        char *to[TG_CHAIN_FOLDS];
        for (int i = 0; i < chain->n_folds; i++) {
            const tg_chain_fold *fold = &chain->folds[i];
            to[i] = (p->direct ? fold->out : fold->parts) + part * p->width * (int64_t)chain->value_bytes;
            tg_fill_start(&fold->by, p->width, to[i]);
        }
        for (int64_t at = first, n; at < last; at += n) {
            n = min(last - at, chain->block);
            if (chain->line > chain->block) n = min(n, chain->line - at % chain->line);
            run_block(&w, at, n, to);
        }
    }
}

static void finish(const tg_chain *chain, const tg_chain_fold *fold) {
    const tg_chain_parts *p = &chain->parts;
    const int64_t results = chain->by_columns ? chain->line : 1, bytes = (int64_t)chain->value_bytes;
    for (int64_t i = 0; i < p->lines && !p->direct; i++) {
        char *part = fold->parts + i * p->together * p->width * bytes;
        tg_join_parts(&fold->by, p->together, p->width, part);
        tg_join_lanes(&fold->by, results, p->width / results, part);
        memcpy(fold->out + i * bytes, part, (size_t)(results * bytes));
    }
    if (fold->by.kernels->finish)
        fold->by.kernels->finish(p->lines * results, fold->out,
                                 chain->by_columns ? chain->n / chain->line : chain->line);
}

void tg_chain_run(const tg_chain *chain) {
    void *context = (void *)(uintptr_t)chain;
    if (chain->n_folds == 0) {
        const int64_t unit = chain->unit;
        const int64_t units = unit > 1 ? chain->n / unit : chain->n;
        const int64_t grain = unit > 1 ? (chain->grain + unit - 1) / unit : chain->grain;
        tg_parallel_for(units, grain, run_units, context);
        return;
    }
    const tg_chain_parts *p = &chain->parts;
    tg_parallel_for(p->lines * p->together, chain->grain / min(p->each, p->all) + 1, run_parts, context);
    for (int i = 0; i < chain->n_folds; i++) finish(chain, &chain->folds[i]);
}
