/* map_chain.c: runs several elementwise kernels, and reductions of their results, over one pass of memory.
 *
 * Owns: the loop over blocks, its threads, and the joining of partial results. Blocks lie on the stack of the
 * thread that fills them. Must not know operations, nor who decided what belongs together. */
#include "core/map_chain.h"

#include "core/reduce_order.h"
#include "core/threads.h"

#include <string.h>

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t parts_of_row(int64_t row) { return (row + TG_CHAIN_PART - 1) / TG_CHAIN_PART; }

int64_t tg_chain_parts(int64_t n, int64_t row) {
    return row > TG_CHAIN_PART ? n / row * parts_of_row(row) : 0;
}

int64_t tg_chain_block(int64_t widest) { return TG_CHAIN_BLOCK_BYTES / (widest < 4 ? 4 : widest); }

/* --- a block ------------------------------------------------------------------------------------------- */

/* What one thread works with. */
struct worker {
    const tg_chain *chain;
    const char *at[TG_CHAIN_SLOTS];   /* where the block of each slot is now */
    tg_cursor cursor[TG_CHAIN_SLOTS]; /* by source */
    _Alignas(64) char block[TG_CHAIN_SLOTS][TG_CHAIN_BLOCK_BYTES];
};

static void worker_open(struct worker *w, const tg_chain *chain, int64_t begin) {
    w->chain = chain;
    for (int i = 0; i < TG_CHAIN_SLOTS; i++) w->at[i] = w->block[i];
    for (int i = 0; i < chain->n_sources; i++) {
        const tg_chain_source *source = &chain->sources[i];
        w->cursor[i] = source->cursor;
        /* A constant fills its block once. */
        if (tg_cursor_is_constant(&source->cursor))
            tg_cursor_read(&w->cursor[i], min(chain->n, chain->block), w->block[source->slot]);
        else
            tg_cursor_seek(&w->cursor[i], begin);
    }
}

static inline char *place_at(const struct worker *w, const tg_chain_place *place, int64_t element) {
    return place->data ? place->data + element * place->element_bytes : (char *)(uintptr_t)w->at[place->slot];
}

/* Computes the next n elements, from `begin` on: at most a block. */
static void run_block(struct worker *w, int64_t begin, int64_t n) {
    const tg_chain *chain = w->chain;
    for (int i = 0; i < chain->n_sources; i++) {
        tg_cursor *cursor = &w->cursor[i];
        const int slot = chain->sources[i].slot;
        if (tg_cursor_is_constant(cursor)) continue;
        if (tg_cursor_run(cursor) >= n) {
            w->at[slot] = tg_cursor_take(cursor, n);
        } else {
            tg_cursor_read(cursor, n, w->block[slot]);
            w->at[slot] = w->block[slot];
        }
    }
    for (int i = 0; i < chain->n_calls; i++) {
        const tg_chain_call *call = &chain->calls[i];
        const void *x[TG_MAX_MAP_INPUTS];
        for (int k = 0; k < call->n_in; k++) x[k] = place_at(w, &call->in[k], begin);
        call->kernel(n, place_at(w, &call->out, begin), x, call->attr);
    }
}

static void run_elements(void *context, int64_t begin, int64_t end) {
    struct worker w;
    const tg_chain *chain = context;
    worker_open(&w, chain, begin);
    for (int64_t at = begin, n; at < end; at += n) {
        n = min(end - at, chain->block);
        run_block(&w, at, n);
    }
}

/* --- reductions ---------------------------------------------------------------------------------------- */

/* Rows [begin, end), each within a block: as many at once as fit. */
static void run_short_rows(void *context, int64_t begin, int64_t end) {
    struct worker w;
    const tg_chain *chain = context;
    const int64_t together = chain->block / chain->row;
    worker_open(&w, chain, begin * chain->row);
    for (int64_t first = begin, n; first < end; first += n) {
        n = min(end - first, together);
        run_block(&w, first * chain->row, n * chain->row);
        for (int i = 0; i < chain->n_folds; i++) {
            const tg_chain_fold *fold = &chain->folds[i];
            const char *x = place_at(&w, &fold->in, first * chain->row);
            char *to = fold->out + first * (int64_t)chain->value_bytes;
            tg_fill_start(&(tg_reducer){fold->kernels, fold->start, chain->value_bytes}, n, to);
            for (int64_t r = 0; r < n; r++)
                fold->kernels->fold(chain->row, to + r * (int64_t)chain->value_bytes,
                                    x + r * chain->row * (int64_t)chain->value_bytes);
        }
    }
}

/* Parts [begin, end) of rows that are longer than a block: a row of up to TG_CHAIN_PART is one part. */
static void run_parts(void *context, int64_t begin, int64_t end) {
    struct worker w;
    const tg_chain *chain = context;
    const int64_t parts = parts_of_row(chain->row);
    worker_open(&w, chain, begin / parts * chain->row + begin % parts * TG_CHAIN_PART);
    for (int64_t part = begin; part < end; part++) {
        const int64_t offset = part % parts * TG_CHAIN_PART, first = part / parts * chain->row + offset;
        const int64_t last = first + min(TG_CHAIN_PART, chain->row - offset);
        char *to[TG_CHAIN_FOLDS];
        for (int i = 0; i < chain->n_folds; i++) {
            const tg_chain_fold *fold = &chain->folds[i];
            to[i] = (parts > 1 ? fold->parts : fold->out) + part * (int64_t)chain->value_bytes;
            tg_fill_start(&(tg_reducer){fold->kernels, fold->start, chain->value_bytes}, 1, to[i]);
        }
        for (int64_t at = first, n; at < last; at += n) {
            n = min(last - at, chain->block);
            run_block(&w, at, n);
            for (int i = 0; i < chain->n_folds; i++)
                chain->folds[i].kernels->fold(n, to[i], place_at(&w, &chain->folds[i].in, at));
        }
    }
}

/* Joins the parts of each row as a tree, so that the error grows with the logarithm, and ends the results. */
static void finish(const tg_chain *chain, const tg_chain_fold *fold) {
    const int64_t rows = chain->n / chain->row, parts = parts_of_row(chain->row);
    const int64_t bytes = (int64_t)chain->value_bytes;
    for (int64_t r = 0; r < rows && parts > 1; r++) {
        char *x = fold->parts + r * parts * bytes;
        for (int64_t left = parts; left > 1;) {
            const int64_t half = left / 2;
            fold->kernels->merge(half, x, x + (left - half) * bytes);
            left -= half;
        }
        memcpy(fold->out + r * bytes, x, chain->value_bytes);
    }
    if (fold->kernels->finish) fold->kernels->finish(rows, fold->out, chain->row);
}

void tg_chain_run(const tg_chain *chain) {
    void *context = (void *)(uintptr_t)chain;
    if (chain->n_folds == 0) {
        tg_parallel_for(chain->n, chain->grain, run_elements, context);
        return;
    }
    const int64_t rows = chain->n / chain->row;
    if (chain->row <= chain->block) {
        tg_parallel_for(rows, chain->grain / chain->row + 1, run_short_rows, context);
    } else {
        const int64_t part = min(chain->row, TG_CHAIN_PART);
        tg_parallel_for(rows * parts_of_row(chain->row), chain->grain / part + 1, run_parts, context);
    }
    for (int i = 0; i < chain->n_folds; i++) finish(chain, &chain->folds[i]);
}
