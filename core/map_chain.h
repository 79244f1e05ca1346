/* map_chain.h: runs several elementwise kernels, and reductions of their results, over one pass of memory.
 *
 * Owns: the blocks that stay in L1 between the kernels, the gathering of operands, and the order in which
 * partial results of reductions are joined (which does not depend on the number of threads). Knows kernels,
 * not operations. Internal: not installed. */
#ifndef TAPEGRAD_CORE_MAP_CHAIN_H
#define TAPEGRAD_CORE_MAP_CHAIN_H

#include "core/cursor.h"
#include "core/kernel.h"

enum {
    TG_CHAIN_SLOTS = 24, /* blocks that a chain may use */
    TG_CHAIN_FOLDS = 8,
    TG_CHAIN_BLOCK_BYTES = 2048,
    TG_CHAIN_PART = 8192 /* what is reduced at once: rows that are longer are reduced in parts */
};

/* Where an operand lies: in memory, contiguous, or in a block. */
typedef struct tg_chain_place {
    char *data; /* NULL: in the block of the slot */
    int64_t element_bytes;
    int slot;
} tg_chain_place;

/* An operand that is gathered into the block of a slot (or read where it lies, where it lies in one run). */
typedef struct tg_chain_source {
    tg_cursor cursor;
    int slot;
} tg_chain_source;

typedef struct tg_chain_call {
    tg_map_kernel *kernel;
    const void *attr;
    int n_in;
    tg_chain_place out, in[TG_MAX_MAP_INPUTS];
} tg_chain_call;

/* A reduction of rows of the chain's elements. */
typedef struct tg_chain_fold {
    const tg_reduction_kernels *kernels;
    double start;
    tg_chain_place in;
    char *out;   /* one element a row */
    char *parts; /* tg_chain_parts of them, where rows are reduced in parts */
} tg_chain_fold;

typedef struct tg_chain {
    int64_t n;     /* elements of every operand, at least 1 */
    int64_t row;   /* elements of a row, for folds: divides n */
    int64_t block; /* elements of a block */
    int64_t grain; /* elements from which a second thread pays */
    int n_sources, n_calls, n_folds;
    size_t value_bytes; /* of an element of a fold */
    tg_chain_source *sources;
    tg_chain_call *calls;
    tg_chain_fold *folds;
} tg_chain;

/* How many partial results each fold of a chain needs memory for (0: none). */
int64_t tg_chain_parts(int64_t n, int64_t row);

/* Elements of a block of operands of at most so many bytes each. */
int64_t tg_chain_block(int64_t widest);

/* Runs the chain; needs no memory but its own. */
void tg_chain_run(const tg_chain *chain);

#endif
