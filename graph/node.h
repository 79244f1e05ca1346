/* node.h: how the tape keeps what it recorded.
 *
 * Owns: the layout of nodes, leaves and the tape, and the small functions that reach them. Everything in
 * graph/ may look in here; nothing outside may. Internal: not installed. */
#ifndef TAPEGRAD_GRAPH_NODE_H
#define TAPEGRAD_GRAPH_NODE_H

#include "core/arena.h"
#include "graph/gradient.h"

#define TG_NO_NODE UINT32_MAX
#if defined(__GNUC__)
#define TG_INLINE inline __attribute__((always_inline)) /* on the path of every recorded operation */
#define TG_NOINLINE __attribute__((noinline))           /* beside it, and kept out of its registers */
#else
#define TG_INLINE inline
#define TG_NOINLINE
#endif

enum tg_node_flags {
    TG_NODE_REQUIRES_GRAD = 1, /* a parameter, or recorded from one */
    TG_NODE_BARRIER = 2,       /* recorded while gradients were off: a constant to differentiation */
    TG_NODE_VIEW = 4,          /* its data is that of its input */
    TG_NODE_NAMED = 8,
    TG_NODE_GRADIENT = 16,  /* recorded while differentiating */
    TG_NODE_NO_VALUES = 32, /* recorded and not computed (of a view: when it was recorded) */
    TG_NODE_OUTPUT = 64     /* its result goes to a parameter's gradient already */
};

/* What only leaves have. */
typedef struct tg_leaf {
    uint32_t gradient; /* the node of its gradient, TG_NO_NODE: not a parameter */
    uint32_t previous; /* the parameter before it on the tape, TG_NO_NODE: it is the first */
    /* Its last change in place: the tape's epoch and length at that moment. What is older was recorded from
     * the values before. */
    uint64_t changed_epoch;
    uint32_t changed_nodes;
    const char *changed_at; /* the line; NULL: never changed */
    bool clear;             /* a parameter's gradient: zeros, and nobody has written to it since */
    bool shared;            /* its memory was given to the caller, who may write to it unseen */
} tg_leaf;

/* One value and where it came from: one cache line. Scalars lie in the node itself. */
typedef struct tg_node {
    const struct tg_op *op; /* NULL: a leaf */
    const char *place;      /* the caller's line */
    void *data;             /* scalar: &here */
    union {
        int64_t *dims; /* rank > 0: shape, then strides */
        double f64;
        float f32;
        int64_t i64;
        bool boolean;
    } here;
    union {
        uint32_t few[2]; /* n_in <= 2 */
        uint32_t *many;
    } in;
    union {
        void *attr;
        tg_leaf *leaf;
    } extra;
    uint64_t epoch; /* the tape's when it was recorded; a handle holds the low half */
    uint32_t n_in;
    uint8_t dtype, rank, flags, unused;
} tg_node;
_Static_assert(sizeof(tg_node) <= 64, "a node is one cache line");

enum {
    TG_SEGMENT_BITS = 10,
    TG_SEGMENT = 1 << TG_SEGMENT_BITS,
    TG_TEXT = 640,
    TG_REWINDS = 8,
    TG_NUMBERS = 8
};

typedef struct tg_name_entry {
    char *text;
    size_t capacity;
    uint32_t node;
} tg_name_entry;

typedef struct tg_rewind_entry {
    uint64_t epoch;   /* the epoch that it ended */
    uint32_t n_nodes; /* the nodes that it left */
    const char *place;
} tg_rewind_entry;

typedef struct tg_number_entry {
    double value;
    uint32_t node, epoch;
    tg_dtype dtype;
} tg_number_entry;

/* A y that was differentiated lately: what is seen again may be worth a plan. */
typedef struct tg_sighting {
    const struct tg_op *op;
    size_t bytes;   /* of the tape's arena: they tell sizes apart */
    uint64_t epoch; /* the tape's when it was seen last */
    uint32_t y, times;
    bool refused; /* its gradient cannot be planned */
} tg_sighting;

/* What tg_backward remembers (backward_cache.c). */
enum { TG_BACKWARD_PLANS = 4, TG_SIGHTINGS = 8 };
typedef struct tg_backward_cache {
    struct tg_backward_plan *plans[TG_BACKWARD_PLANS]; /* the one used last first; NULL: none */
    tg_sighting sightings[TG_SIGHTINGS];
    uint32_t next_sighting;
    uint32_t patience; /* how often a graph must have been seen: more, where plans were made in vain */
    bool running;      /* a plan is, and cannot be freed */
} tg_backward_cache;

/* While operations are recorded without being computed. */
typedef struct tg_deferral {
    tg_arena arena; /* the tape's own meanwhile */
    uint32_t first; /* the oldest node that is deferred */
    bool values_on; /* as it was */
} tg_deferral;

struct tg_tape {
    tg_node **segments; /* nodes never move: they are kept in segments of TG_SEGMENT */
    size_t n_segments, segment_capacity;
    uint32_t n_nodes;
    uint32_t most_nodes;     /* before any rewind: slots beyond were never written to */
    uint32_t least_nodes;    /* to which it may be rewound: what a reverse pass is looking at stays */
    uint32_t last_parameter; /* parameters are chained through their leaves */
    uint64_t epoch;          /* counts rewinds, from 1 */
    tg_dtype dtype;
    bool grad_on, values_on, nan_check, rewriting;
    bool deferring;        /* values are off, until somebody looks at one */
    tg_deferral *deferral; /* also after it was settled, until it ends */
    tg_broadcast broadcast;

    const char *place; /* while differentiating: the line of the operation whose backward runs */
    const char *backward_of;

    tg_arena arena;         /* shapes, attributes and data of nodes, in the nodes' order */
    tg_arena scratch;       /* used and given back within one call */
    tg_allocator allocator; /* the caller's */
    tg_allocator memory;    /* the same; but gives up what tg_backward remembers before it fails */
    size_t held;            /* bytes from the allocator beside the arenas */

    tg_backward_cache backwards;
    tg_number_entry numbers[TG_NUMBERS]; /* tg_num made into nodes lately */
    tg_rewind_entry rewinds[TG_REWINDS];
    tg_name_entry *names;
    size_t n_names, names_made, name_capacity; /* entries in use, entries with a buffer, entries */

    tg_status status;
    char error[TG_TEXT], warning[TG_TEXT];
};

static inline tg_node *tg_node_at(const tg_tape *tape, uint32_t i) {
    return &tape->segments[i >> TG_SEGMENT_BITS][i & (TG_SEGMENT - 1)];
}

static inline const uint32_t *tg_node_inputs(const tg_node *node) {
    return node->n_in <= 2 ? node->in.few : node->in.many;
}

extern const int64_t tg_no_dims[1];

static inline tg_array tg_node_array(const tg_node *node) {
    const int64_t *dims = node->rank ? node->here.dims : tg_no_dims;
    return (tg_array){node->data, dims, dims + node->rank, node->rank, (tg_dtype)node->dtype};
}

static inline tg_tensor tg_handle(tg_tape *tape, uint32_t i) {
    return (tg_tensor){tape, i, (uint32_t)tg_node_at(tape, i)->epoch};
}

static inline tg_tensor tg_invalid(tg_tape *tape) { return (tg_tensor){tape, TG_NO_NODE, 0}; }

static inline bool tg_is_living(tg_tensor x) {
    return x.node < x.tape->n_nodes && (uint32_t)tg_node_at(x.tape, x.node)->epoch == x.epoch;
}

/* Whether x is a number that is on no tape. */
extern tg_tape *const tg_number_tape;
static inline bool tg_is_num(tg_tensor x) { return x.tape == tg_number_tape; }

/* Where results without values begin: an address, so that views of them have theirs, and never memory. A
 * scalar's is its node all the same. */
#define TG_NOWHERE ((void *)(uintptr_t)4096)

/* Whether what a node shows was computed. */
static inline bool tg_node_has_values(const tg_tape *tape, const tg_node *node) {
    while (node->flags & TG_NODE_VIEW) node = tg_node_at(tape, tg_node_inputs(node)[0]);
    return !(node->flags & TG_NODE_NO_VALUES);
}

/* Makes room for one more node; false, with an error, when memory is out. */
bool tg_tape_grow(tg_tape *tape, const char *where);

/* A new node at the end of the tape, zeroed but for op, place, epoch, dtype, rank, and data (a scalar's).
 * NULL, with an error, when memory is out. */
static TG_INLINE tg_node *tg_node_new(tg_tape *tape, const char *where, const struct tg_op *op,
                                      tg_dtype dtype, int rank) {
    const uint32_t i = tape->n_nodes;
    if (TG_UNLIKELY(i >> TG_SEGMENT_BITS >= tape->n_segments) && !tg_tape_grow(tape, where)) return NULL;
    tape->n_nodes = i + 1;
    tg_node *node = tg_node_at(tape, i);
    node->op = op;
    node->place = where;
    node->data = &node->here;
    node->here.dims = NULL;
    node->in.many = NULL;
    node->extra.attr = NULL;
    node->epoch = tape->epoch;
    node->n_in = 0;
    node->dtype = (uint8_t)dtype;
    node->rank = (uint8_t)rank;
    node->flags = 0;
    return node;
}

/* Takes back the newest node. */
static inline void tg_node_drop(tg_tape *tape) { tape->n_nodes--; }

/* Gives a node of rank > 0 its shape with contiguous strides, and data unless it will be a view or is
 * deferred. While operations are deferred scalars too have their data apart: it outlives the node. */
bool tg_node_allocate(tg_tape *tape, const char *where, tg_node *node, tg_shape shape, bool with_data);

/* The living node of a handle; NULL with an error on its tape ("what" is the caller's name) otherwise. An
 * invalid handle that came of an earlier error gives NULL and adds nothing. */
tg_node *tg_node_of(const char *where, const char *what, tg_tensor x);

/* The same, of what has values. */
tg_node *tg_node_with_values(const char *where, const char *what, tg_tensor x);

/* The node of a number on the tape, shared between equal numbers; TG_NO_NODE when memory is out. */
uint32_t tg_number_node(tg_tape *tape, const char *where, double value, tg_dtype dtype);

/* Keeps a warning on the tape, if it is the first. */
void tg_warn(const tg_call *c, const char *format, ...) TG_PRINTF(2, 3);

/* False, with an error that names the element and the operands, when a fresh result has a NaN or infinity. */
bool tg_check_finite(const tg_call *c, const uint32_t *in);

/* An error for a handle that is not living, saying who made it and who rewound it. */
void tg_fail_stale(const char *where, const char *what, tg_tensor x);

/* Frees the plans of tg_backward; whether there were any. And the bytes that they hold. */
bool tg_backward_cache_drop(tg_tape *tape);
size_t tg_backward_cache_bytes(const tg_tape *tape);

/* Rewinds without a check; the mark must be the tape's own and living. */
void tg_tape_cut(tg_tape *tape, uint32_t n_nodes, tg_arena_position position, const char *where);

/* The leaf (or number) under node i, through views; TG_NO_NODE when it is computed. */
uint32_t tg_leaf_under(const tg_tape *tape, uint32_t i);

/* Sets the gradient of a parameter to zero. */
void tg_leaf_clear(const char *where, const tg_tape *tape, const tg_leaf *parameter);

/* The node of a leaf that may be changed in place; NULL, with an error, for what is no leaf. */
tg_node *tg_leaf_node(const char *where, const char *what, tg_tensor x);

/* The node of a leaf that is about to be written to, which counts as changed from here; NULL, with an error,
 * for what is no leaf. */
tg_node *tg_leaf_changing(const char *where, const char *what, tg_tensor x);

/* Which of the nodes low..high depend on one of the xs, or are one: a byte each, in scratch memory; NULL when
 * that is out. No x is older than low. */
uint8_t *tg_reach(tg_tape *tape, uint32_t low, uint32_t high, int n, const tg_tensor *xs);

/* The backward of one node alone: dx[k], with needs[k], is the gradient that it gives input k for the
 * cotangent dy of y, in the input's shape; a zeroed handle where it gives none. Records on the tape. False,
 * with an error, when the backward fails. */
bool tg_node_gradients(const char *where, tg_tensor y, tg_tensor dy, const bool *needs, tg_tensor *dx);

/* The operation of tg_assign: the only one that is not pure. */
extern const struct tg_op tg_assign_op;

/* The operation of tg_accumulate, for up to TG_MAX_MAP_INPUTS tensors; its attribute is their number, an int.
 */
extern const struct tg_op tg_accumulate_op;

/* The kernel of an elementwise operation for inputs of these dtypes. */
tg_map_kernel *tg_map_kernel_for(const tg_tape *tape, const struct tg_op *op, int n_in, const tg_array *in);

/* Computes c->out of an operation without kernels: the product that it names, or its own forward. */
bool tg_call_forward(const tg_call *c);

/* The other way to write an application, if the operation gives one: a zeroed handle otherwise. Where that
 * fails, an invalid one. */
tg_tensor tg_rewrite(tg_tape *tape, const char *where, const struct tg_op *op, int n, const tg_tensor *x,
                     const void *attr);

/* Whether a leaf was changed in place after node i was recorded. */
static inline bool tg_leaf_changed_since(const tg_leaf *leaf, const tg_node *node, uint32_t i) {
    return leaf->changed_at && node->epoch <= leaf->changed_epoch &&
           (node->epoch < leaf->changed_epoch || i < leaf->changed_nodes);
}

/* Notes that a leaf is changed in place now. */
static inline void tg_leaf_change(const tg_tape *tape, tg_leaf *leaf, const char *where) {
    leaf->changed_epoch = tape->epoch;
    leaf->changed_nodes = tape->n_nodes;
    leaf->changed_at = where;
    leaf->clear = false;
}

/* "W1 [4, 2]" or "[4, 2]" for messages. */
const char *tg_node_describe(const tg_tape *tape, uint32_t i, size_t capacity, char *text);

#endif
