/* plan_parts.h: how a plan is made and what it is made of.
 *
 * Owns: the tables that the parts of the planner hand to each other (plan_schedule.c, plan_fusion.c with
 * plan_postpone.c, plan_memory.c, plan_steps.c, plan_work.c, in this order), and the records that plan_run.c
 * runs. Internal: not installed.
 */
#ifndef TAPEGRAD_GRAPH_PLAN_PARTS_H
#define TAPEGRAD_GRAPH_PLAN_PARTS_H

#include "core/map_chain.h"
#include "core/matrix_product.h"
#include "graph/node.h"
#include "graph/plan.h"

/* --- a plan, ready to run ------------------------------------------------------------------------------- */

typedef enum tg_step_kind {
    TG_STEP_KERNELS, /* elementwise operations on so few elements that each is one call */
    TG_STEP_CHAIN,   /* elementwise operations, block by block, and reductions of their results */
    TG_STEP_REDUCE,
    TG_STEP_PRODUCT, /* of matrices, one or several at once, and what follows them panel by panel */
    TG_STEP_CALL,    /* an operation's own forward */
    TG_STEP_COPY     /* a view that no strides express */
} tg_step_kind;

/* What is computed, and what is read from memory and written there. */
typedef struct tg_work {
    double flops, bytes;
} tg_work;

typedef struct tg_kernel_call {
    tg_map_kernel *kernel;
    void *out;
    const void *const *in;
    const void *attr;
} tg_kernel_call;

typedef struct tg_step {
    tg_step_kind kind;
    uint32_t n_ops;
    const struct tg_op *const *ops; /* in order, for those who read the plan */
    const char *place;              /* of the last operation */
    tg_array shown;                 /* its result */
    tg_work work;
    union {
        struct {
            int64_t n;
            uint32_t n_calls;
            const tg_kernel_call *calls;
        } kernels;
        tg_chain chain;
        struct {
            const tg_reduction_kernels *kernels;
            double start;
            unsigned mask;
            tg_array in;
        } reduce;
        struct {
            uint32_t n;
            const tg_prepared_product *all;
            size_t scratch_bytes;
        } products;
        tg_call call;
        struct {
            tg_array from, to;
        } copy;
    } as;
} tg_step;

/* A leaf that the plan changes, and the line of the assign. */
typedef struct tg_plan_change {
    tg_leaf *leaf;
    const char *place;
} tg_plan_change;

typedef struct tg_plan_counts {
    uint32_t recorded, needed, folded, merged, left_out; /* operations: up to the newest output, ... */
    size_t slab_bytes, all_bytes; /* all_bytes: if each intermediate result had its own memory */
    size_t scratch_bytes;         /* that forwards need at most, one at a time */
} tg_plan_counts;

typedef struct tg_timing tg_timing;

struct tg_plan {
    tg_tape *tape;
    const char *place;
    uint32_t newest; /* the newest node that is needed, and its epoch: if it lives, all do */
    uint64_t newest_epoch;
    uint32_t n_steps;
    tg_step *steps;
    uint32_t n_changes;
    tg_plan_change *changes;
    tg_arena arena;   /* everything but this struct */
    tg_arena scratch; /* for forwards; grown when the plan is made */
    tg_plan_counts counts;
    tg_work work;      /* of all steps */
    tg_timing *timing; /* of the runs; NULL: nobody wants to know */
};

/* --- plans as text -------------------------------------------------------------------------------------- */

#define TG_QUANTITY_TEXT 24

/* Three digits and a unit: "7", "12.3 k". Returns text. */
char *tg_quantity(double x, char text[TG_QUANTITY_TEXT]);

/* How wide the columns of a table of steps are. */
typedef struct tg_step_widths {
    int place, shape;
} tg_step_widths;
tg_step_widths tg_step_widths_of(const tg_plan *plan);

/* What kind of step it is, in a word. */
const char *tg_step_name(const tg_step *step);

/* The last columns of such a table, and the end of the line: kind, shape, line and operations. */
void tg_print_step_heading(FILE *stream, tg_step_widths w);
void tg_print_step_text(FILE *stream, tg_step_widths w, const tg_step *step);

/* --- while a plan is made ------------------------------------------------------------------------------- */

#define TG_NONE UINT32_MAX

typedef enum tg_role {
    TG_ROLE_GIVEN,   /* lies on the tape: a leaf, or made of numbers alone */
    TG_ROLE_VIEW,    /* shows the memory of its root */
    TG_ROLE_COMPUTED /* by a unit */
} tg_role;

/* A needed node. */
typedef struct tg_value {
    tg_node *node;
    uint32_t same;      /* the value that stands for it; itself when it is not merged */
    uint32_t root;      /* the value whose memory it shows; itself unless a view or an assign */
    const char *base;   /* the tape's memory of the root that it has on the tape */
    uint32_t unit;      /* that computes it; TG_NONE: given, or not scheduled yet */
    uint32_t last_unit; /* roots: that reads it last */
    uint32_t into;      /* the leaf whose memory takes it, as it is assigned to it; TG_NONE */
    /* While units grow, leaves: the mark of the unit that changes it, gathers from it, passes over a reader
     * or an assign; of the first of the units at once that read it, or passed over an assign. 0: none. */
    uint32_t changed_here, gathered_here, passed_read, passed_change, read_at_once, passed_at_once;
    uint32_t assigned; /* leaves: 1 + the value of the last assign to it, 0: none so far */
    uint8_t role;
    bool constant, kept;         /* kept: its result is to lie on the tape */
    bool late;                   /* there only when its chain has run, as the sum of long lines */
    bool in_memory;              /* computed, and read by other units */
    bool done;                   /* an assign: what it assigns is computed into the leaf */
    uint32_t counted_in;         /* the unit whose work its bytes were last counted for */
    bool replaced;               /* its memory is another's already */
    bool whole_here;             /* the unit last looked at reads it as it lies, ... */
    uint32_t read_in, last_here; /* ... which is this one, and the position of its last reader there */
    void *home;                  /* memory outside the slab, where it is given or kept */
    bool after_calls;            /* see tg_plan_home */
    size_t offset;               /* in the slab, when in_memory and not kept */
    int slot;                    /* of a chain: its block */
} tg_value;

/* What is computed together: members [first, first + n) of the planning's list. */
typedef struct tg_unit {
    tg_step_kind kind;
    uint32_t first, n;
    bool adds;           /* a product: the second member is its sum with something, and made with it */
    uint32_t at_once;    /* how many units, from this one on, are one step: products */
    tg_chain form;       /* of a chain, or what follows a product: n, row, line, by_columns, value_bytes */
    size_t parts_offset; /* of the partial results of its folds */
} tg_unit;

/* The position of a unit's first member that is computed block by block, in turn with those after it; n where
 * none is. */
static inline uint32_t tg_unit_first_in_blocks(const tg_unit *unit) {
    return unit->kind == TG_STEP_CHAIN ? 0 : unit->kind == TG_STEP_PRODUCT ? 1U + unit->adds : unit->n;
}

/* Where an output is to lie other than in the tape's memory for it. */
typedef struct tg_plan_home {
    void *data;
    bool after_calls; /* it takes the place of what it is made of: computed after all that can fail */
} tg_plan_home;

typedef struct tg_planning {
    tg_tape *tape;
    tg_plan *plan;
    const char *where;
    uint32_t first;            /* older nodes are given, and do not change while the plan runs */
    const tg_plan_home *homes; /* of each output; NULL: the tape's memory */
    uint32_t *at;              /* by node of the tape: its value */
    uint32_t n_values, n_computed, n_assigns;
    tg_value *values;
    uint32_t *first_reader, *readers; /* of root i: readers[first_reader[i]] to that of i + 1 */
    uint32_t n_units, n_members, n_marks;
    tg_unit *units; /* a step is one, or those that are computed at once */
    uint32_t *members;
    char *slab;
} tg_planning;

enum { TG_MARK_NEEDED = 1, TG_MARK_KEPT = 2 };

/* Memory while the plan is made, and memory of the plan; NULL, with an error on the tape, when out. */
void *tg_planning_temporary(const tg_planning *p, size_t n, size_t bytes);
void *tg_planning_memory(const tg_planning *p, size_t n, size_t bytes);
/* The error, for memory that was asked for otherwise; false. */
bool tg_planning_out_of_memory(const tg_planning *p);

/* What a result of so many bytes takes of the slab: whole lines of the cache. */
static inline size_t tg_slab_bytes(size_t bytes) { return bytes < 64 ? 64 : (bytes + 63) & ~(size_t)63; }

/* A plan yet to be filled; its memory is freed by tg_plan_close. */
void tg_plan_open(tg_plan *plan, const char *where, tg_tape *tape, tg_allocator allocator);
void tg_plan_close(tg_plan *plan);

/* Runs the steps; false with an error on the tape. Forwards take their scratch from the tape. */
bool tg_plan_run_steps(const tg_plan *plan);

/* The parts, in order; false with an error on the tape. */
bool tg_plan_make(tg_planning *p, int n_outputs, const tg_tensor *outputs); /* all of these: */
bool tg_plan_schedule(tg_planning *p, int n_outputs, const tg_tensor *outputs);
bool tg_plan_fuse(tg_planning *p);
bool tg_plan_place(tg_planning *p);
void tg_plan_write_through(tg_planning *p); /* a part of it, when it is known how long results are needed */
bool tg_plan_make_steps(tg_planning *p);
bool tg_plan_count_work(tg_planning *p);

/* Finds out who reads what; false with an error. Then: whether v, which could be computed now, had better be
 * when its turn comes. */
bool tg_plan_find_readers(tg_planning *p);
bool tg_value_waits(const tg_planning *p, const tg_value *v);

/* The product that v is, as it would be computed where the tape has it, and the one that reads it if that is
 * a sum that the product can make itself, or NULL; false, with an error, when memory is out. */
bool tg_plan_try_product(const tg_planning *p, const tg_value *v, tg_prepared_product *prepared,
                         const tg_value **sum);

/* Parts of making steps: the operation's call; a chain, or what follows a product; products at once. */
bool tg_plan_make_call(const tg_planning *p, const tg_value *v, tg_call *call);
bool tg_plan_make_chain(const tg_planning *p, const tg_unit *unit, tg_chain *chain);
bool tg_plan_make_products(const tg_planning *p, const tg_unit *units, tg_step *step);

/* The value that stands for an input. */
static inline tg_value *tg_value_input(const tg_planning *p, const tg_value *v, uint32_t k) {
    return &p->values[p->values[p->at[tg_node_inputs(v->node)[k]]].same];
}
static inline uint32_t tg_value_id(const tg_planning *p, const tg_value *v) {
    return (uint32_t)(v - p->values);
}
static inline tg_value *tg_value_root(const tg_planning *p, const tg_value *v) { return &p->values[v->root]; }

/* The call that recorded v, on the tape's arrays; false, with an error, when memory is out. */
bool tg_value_call(const tg_planning *p, const tg_value *v, tg_call *call);

/* As the tape has it: shape, strides and dtype are the plan's too. */
static inline int64_t tg_value_size(const tg_value *v) {
    const tg_array array = tg_node_array(v->node);
    return tg_array_size(&array);
}
static inline size_t tg_value_bytes(const tg_value *v) {
    return (size_t)tg_value_size(v) * tg_dtype_size((tg_dtype)v->node->dtype);
}

/* Whether v shows all elements of its root in their order. */
bool tg_value_is_whole(const tg_planning *p, const tg_value *v);

/* Whether v's n elements lie side by side, with nothing to gather. */
bool tg_value_is_direct(const tg_value *v, int64_t n);

/* Whether v has one element for each row of its chain, rather than one for each element. */
static inline bool tg_value_is_narrow(const tg_unit *unit, const tg_value *v) {
    return unit->form.row > 1 && tg_value_size(v) == unit->form.n / unit->form.row;
}

/* Where v lies in the plan, shaped as on the tape. */
tg_array tg_value_array(const tg_planning *p, const tg_value *v);

#endif
