/* map_chain.h: runs several elementwise kernels, and reductions of their results, over one pass of memory.
 *
 * Owns: the blocks that stay in L1 between the kernels, the gathering of operands, and the joining of partial
 * results (in the order of reduce_order.h, which depends neither on threads nor on what is fused). Knows
 * kernels, not operations. Internal: not installed. */
#ifndef TAPEGRAD_CORE_MAP_CHAIN_H
#define TAPEGRAD_CORE_MAP_CHAIN_H

#include "core/arena.h"
#include "core/arithmetic.h"
#include "core/cursor.h"
#include "core/reduce_order.h"

enum {
    TG_CHAIN_SLOTS = 24, /* blocks that a chain may use */
    TG_CHAIN_FOLDS = 8,
    TG_CHAIN_STEPS = 48,        /* of one run of the accumulator */
    TG_CHAIN_BLOCK_MOST = 8192, /* bytes of a block where all is near, ... */
    TG_CHAIN_NEAR = 262144      /* ... in the second-level cache; otherwise it is a leaf */
};

/* Where an operand lies: in memory, contiguous, or in a block. */
typedef struct tg_chain_place {
    char *data; /* NULL: in the block of the slot */
    int64_t element_bytes;
    int slot;
    bool narrow; /* one element a row */
} tg_chain_place;

/* An operand of steps: lines of elements side by side, or of one number each (element_bytes 0). Bytes are
 * from one to the next. */
typedef struct tg_chain_lines {
    char *data; /* NULL: in the block of the slot */
    int slot;
    int64_t element_bytes, line_bytes;
} tg_chain_lines;

/* An operand that is gathered into the block of a slot (or read where it lies, where it lies in one run). */
typedef struct tg_chain_source {
    tg_cursor cursor;
    int slot;
    bool narrow;
    bool repeats; /* with every block: it is gathered once */
} tg_chain_source;

/* Several calls as steps of the accumulator. */
typedef struct tg_chain_steps {
    tg_accumulator_fn *function;
    int64_t line; /* the elements of lines; 0: no operand has more than one line */
    int n_steps, n_operands;
    const uint8_t *step; /* with TG_STEP_END */
    const tg_chain_lines *operand;
} tg_chain_steps;

/* A kernel over the elements of a block, or, narrow, over its rows. tg_chain_fold_rows and
 * tg_chain_spread lead from one to the other. */
typedef struct tg_chain_call {
    tg_map_kernel *kernel;
    const tg_chain_steps *run; /* instead of the kernel; NULL: none */
    const void *attr;
    int n_in;
    bool narrow;
    tg_arithmetic arithmetic; /* what the kernel computes, on values alone */
    tg_chain_place out, in[TG_MAX_MAP_INPUTS];
} tg_chain_call;

/* The attribute of the two. */
typedef struct tg_chain_rows {
    tg_reducer by; /* to spread: the bytes of an element alone */
    int64_t row;   /* its elements */
    bool by_columns;
} tg_chain_rows;

/* Both narrow: of each row one element; the element of each row as often as the row is long. */
tg_map_kernel tg_chain_fold_rows, tg_chain_spread;

/* A reduction of all lines, or of all columns of the lines, whose partial results are joined at the end. */
typedef struct tg_chain_fold {
    tg_reducer by;
    int after; /* as many calls */
    tg_chain_place in;
    char *out;   /* one element a line, or one line */
    char *parts; /* tg_chain_partials of them */
} tg_chain_fold;

/* How lines, or the columns of all lines, are cut for folds. */
typedef struct tg_chain_parts {
    int64_t all, each;       /* elements that are reduced together, and of a part of them */
    int64_t lines, together; /* how many times `all` there are, and parts of it */
    int64_t width;           /* results of a part */
    bool direct;             /* a part is the whole, and its results are those of the fold */
} tg_chain_parts;

typedef struct tg_chain {
    int64_t n;           /* elements of every operand that is not narrow, at least 1 */
    int64_t row;         /* elements of a row, no more than a block: 1 where nothing is narrow; divides n */
    int64_t line;        /* elements of a line, for folds: divides n */
    bool by_columns;     /* what folds reduce; a line is then longer than 1, and a multiple of row */
    int64_t unit;        /* without folds, what blocks begin at multiples of; a multiple of row */
    int64_t block;       /* elements of a block: a multiple of row; for folds a leaf */
    int64_t grain;       /* elements that each thread must have */
    int n_slots;         /* that are used */
    int64_t block_bytes; /* of a slot */
    tg_chain_parts parts;
    int n_sources, n_calls, n_folds;
    size_t value_bytes; /* of an element of a fold */
    tg_chain_source *sources;
    tg_chain_call *calls;
    tg_chain_fold *folds;
} tg_chain;

/* Decides how long blocks and parts are, for operands of at most so many bytes an element; sources are set,
 * and unit: what it has to be at least where this is not the chain of a panel, else what it is. */
void tg_chain_cut(tg_chain *chain, bool of_panel, int n_slots, int64_t widest);

/* How many partial results each fold of a chain needs memory for (0: none). */
int64_t tg_chain_partials(const tg_chain *chain);

/* Makes runs of the calls that follow each other and are arithmetic. Results that nobody else reads are not
 * stored; numbers and lines that no other calls read are not gathered, but read where they lie. False when
 * there is no memory, which the arena gives. */
bool tg_chain_join_calls(tg_chain *chain, tg_arena *arena);

/* Runs the chain; needs no memory but its own. */
void tg_chain_run(const tg_chain *chain);

/* Runs it, by the calling thread alone, for the panel of a product, which must be one run (n_runs is 1).
 * context: a tg_chain without folds, and of which nothing is narrow. */
void tg_chain_run_panel(void *context, int64_t first, int64_t n_runs, int64_t step, int64_t length);

#endif
