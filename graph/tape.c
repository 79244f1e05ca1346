/* tape.c: the life of a tape: made, grown, marked, rewound, freed.
 *
 * Owns: node storage, rewinding, numbers shared between nodes. Knows neither operations nor values: see
 * apply.c and tensor.c. */
#include "graph/node.h"

#include <string.h>

const int64_t tg_no_dims[1] = {0};
static const char number_sentinel;
tg_tape *const tg_number_tape = (tg_tape *)(uintptr_t)&number_sentinel;

tg_tape *tg_tape_new(tg_dtype dtype) { return tg_tape_new_with(dtype, tg_allocator_default()); }

/* The caller's allocator; where it has nothing more to give, what can be made again is given up. */
static void *allocate(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    tg_tape *tape = context;
    const tg_allocator *given = &tape->allocator;
    void *memory = given->call(given->context, ptr, old_bytes, new_bytes);
    if (memory || !new_bytes || !tg_backward_cache_drop(tape)) return memory;
    return given->call(given->context, ptr, old_bytes, new_bytes);
}

tg_tape *tg_tape_new_with(tg_dtype dtype, tg_allocator allocator) {
    if (!tg_dtype_is_value(dtype) || !allocator.call) return NULL;
    tg_tape *tape = tg_memory_new(&allocator, sizeof *tape);
    if (!tape) return NULL;
    *tape = (tg_tape){.dtype = dtype,
                      .epoch = 1,
                      .grad_on = true,
                      .values_on = true,
                      .last_parameter = TG_NO_NODE,
                      .allocator = allocator,
                      .memory = {allocate, tape},
                      .backwards.patience = 1,
                      .held = sizeof *tape};
    tg_arena_init(&tape->arena, tape->memory);
    tg_arena_init(&tape->scratch, tape->memory);
    return tape;
}

/* A NULL tape, of a tg_tape_new that failed, is answered and not followed. */
tg_dtype tg_tape_dtype(const tg_tape *tape) { return tape ? tape->dtype : TG_F64; }
tg_allocator tg_tape_allocator(const tg_tape *tape) {
    return tape ? tape->allocator : tg_allocator_default();
}
int64_t tg_tape_n_nodes(const tg_tape *tape) { return tape ? tape->n_nodes : 0; }
size_t tg_tape_bytes(const tg_tape *tape) {
    return tape ? tape->held + tape->arena.held + tape->scratch.held + tg_backward_cache_bytes(tape) : 0;
}
void tg_tape_set_broadcast(tg_tape *tape, tg_broadcast mode) {
    if (tape) tape->broadcast = mode;
}
void tg_tape_set_nan_check(tg_tape *tape, bool on) {
    if (tape) tape->nan_check = on;
}

bool tg_tape_set_grad(tg_tape *tape, bool on) {
    if (!tape) return on;
    const bool was = tape->grad_on;
    tape->grad_on = on;
    return was;
}

bool tg_tape_set_rewriting(tg_tape *tape, bool on) {
    if (!tape) return on;
    const bool was = tape->rewriting;
    tape->rewriting = on;
    return was;
}

bool tg_tape_set_values(tg_tape *tape, bool on) {
    if (!tape) return on;
    bool *values_on = tape->deferring ? &tape->deferral->values_on : &tape->values_on;
    const bool was = *values_on;
    *values_on = on;
    return was;
}

/* --- nodes ---------------------------------------------------------------------------------------------- */

/* Segments come in blocks that double to 4 MiB, the size from which the default allocator asks for huge
 * pages: fresh pages cost more than the nodes in them. The sizes follow from the number of segments, so they
 * are not kept. */
static size_t block_segments(size_t n_segments) {
    const size_t most = ((size_t)4 << 20) / (TG_SEGMENT * sizeof(tg_node));
    return n_segments == 0 ? 1 : n_segments < most ? n_segments : most;
}

static void free_segments(tg_tape *tape) {
    for (size_t i = 0, n; i < tape->n_segments; i += n) {
        n = block_segments(i);
        tg_memory_free(&tape->memory, tape->segments[i], n * TG_SEGMENT * sizeof(tg_node));
    }
    tg_memory_free(&tape->memory, tape->segments, tape->segment_capacity * sizeof *tape->segments);
}

static bool new_segments(tg_tape *tape) {
    const size_t n = block_segments(tape->n_segments);
    if (tape->n_segments + n > tape->segment_capacity) {
        const size_t capacity = tape->segment_capacity ? 2 * tape->segment_capacity : 64;
        tg_node **segments = tg_memory_new(&tape->memory, capacity * sizeof *segments);
        if (!segments) return false;
        if (tape->n_segments) memcpy(segments, tape->segments, tape->n_segments * sizeof *segments);
        tg_memory_free(&tape->memory, tape->segments, tape->segment_capacity * sizeof *segments);
        tape->held += (capacity - tape->segment_capacity) * sizeof *segments;
        tape->segments = segments;
        tape->segment_capacity = capacity;
    }
    tg_node *block = tg_memory_new(&tape->memory, n * TG_SEGMENT * sizeof *block);
    if (!block) return false;
    tape->held += n * TG_SEGMENT * sizeof *block;
    for (size_t i = 0; i < n; i++) tape->segments[tape->n_segments++] = block + i * TG_SEGMENT;
    return true;
}

bool tg_tape_grow(tg_tape *tape, const char *where) {
    if (tape->n_segments + block_segments(tape->n_segments) > TG_NO_NODE >> TG_SEGMENT_BITS) {
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "the tape is full: it holds at most 2^32 nodes; rewind it");
        return false;
    }
    if (new_segments(tape)) return true;
    tg_tape_fail(tape, TG_ERR_MEMORY, where, "out of memory for node %lu of the tape",
                 (unsigned long)tape->n_nodes);
    return false;
}

/* Why no tensor can have this shape, or NULL when it is only too large. */
static const char *shape_fault(tg_shape shape) {
    if (shape.rank < 0 || shape.rank > TG_MAX_RANK) return "a rank that is not in 0..8";
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0) return "a negative dimension";
    return NULL;
}

bool tg_node_allocate(tg_tape *tape, const char *where, tg_node *node, tg_shape shape, bool with_data) {
    const int64_t size = tg_shape_size(shape);
    const size_t element = tg_dtype_size((tg_dtype)node->dtype);
    char text[TG_SHAPE_TEXT];
    const char *name = node->op ? node->op->name : "a new tensor";
    if (size < 0 || (uint64_t)size > (SIZE_MAX / 4) / element) {
        const char *fault = shape_fault(shape);
        tg_tape_fail(tape, fault ? TG_ERR_SHAPE : TG_ERR_MEMORY, where, "%s: a shape of %s has %s", name,
                     tg_shape_format(shape, sizeof text, text),
                     fault ? fault : "more elements than memory can hold");
        return false;
    }
    if (shape.rank > 0) {
        int64_t *dims = tg_arena_alloc(&tape->arena, 2 * (size_t)shape.rank * sizeof *dims, sizeof *dims);
        void *data = NULL;
        if (dims && with_data) data = tg_arena_alloc(&tape->arena, (size_t)size * element, 64);
        if (!dims || (with_data && !data)) {
            tg_tape_fail(tape, TG_ERR_MEMORY, where, "%s: out of memory for %s elements of %s (%zu bytes)",
                         name, tg_shape_format(shape, sizeof text, text),
                         tg_dtype_name((tg_dtype)node->dtype), (size_t)size * element);
            return false;
        }
        memcpy(dims, shape.dim, (size_t)shape.rank * sizeof *dims);
        tg_strides_contiguous(shape, dims + shape.rank);
        node->here.dims = dims;
        node->data = data;
    } else if (with_data && tape->deferring) {
        node->data = tg_arena_alloc(&tape->arena, sizeof node->here, sizeof node->here);
        if (!node->data) tg_tape_fail(tape, TG_ERR_MEMORY, where, "%s: out of memory for a number", name);
    }
    return with_data ? node->data != NULL : true;
}

uint32_t tg_number_node(tg_tape *tape, const char *where, double value, tg_dtype dtype) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    tg_number_entry *entry = &tape->numbers[((bits >> 52) ^ (bits >> 49)) % TG_NUMBERS];
    const uint32_t oldest = tape->deferral ? tape->deferral->first : 0; /* another may have another value */
    if (entry->epoch && entry->dtype == dtype && entry->node >= oldest &&
        memcmp(&entry->value, &value, sizeof value) == 0 &&
        tg_is_living((tg_tensor){tape, entry->node, entry->epoch}))
        return entry->node;
    tg_node *node = tg_node_new(tape, where, NULL, dtype, 0);
    if (!node) return TG_NO_NODE;
    if (tape->deferring && !tg_node_allocate(tape, where, node, TG_SCALAR, true)) {
        tg_node_drop(tape);
        return TG_NO_NODE;
    }
    if (dtype == TG_F64)
        *(double *)node->data = value;
    else if (dtype == TG_F32)
        *(float *)node->data = (float)value;
    else
        *(int64_t *)node->data = (int64_t)value; /* whole: see place_numbers in apply.c */
    *entry = (tg_number_entry){value, tape->n_nodes - 1, (uint32_t)node->epoch, dtype};
    return tape->n_nodes - 1;
}

void tg_tape_free(tg_tape *tape) {
    if (!tape) return;
    const tg_allocator allocator = tape->allocator;
    (void)tg_backward_cache_drop(tape);
    tg_arena_free(&tape->arena);
    tg_arena_free(&tape->scratch);
    free_segments(tape);
    for (size_t i = 0; i < tape->names_made; i++)
        tg_memory_free(&allocator, tape->names[i].text, tape->names[i].capacity);
    tg_memory_free(&allocator, tape->names, tape->name_capacity * sizeof *tape->names);
    tg_memory_free(&allocator, tape, sizeof *tape);
}

/* --- marks and rewinding -------------------------------------------------------------------------------- */

tg_mark tg_tape_mark(const tg_tape *tape) {
    if (!tape) return (tg_mark){0};
    const tg_arena_position here = tg_arena_here(&tape->arena);
    const uint32_t n = tape->n_nodes;
    const uint32_t epoch = n ? (uint32_t)tg_node_at(tape, n - 1)->epoch : 0;
    return (tg_mark){(tg_tape *)(uintptr_t)tape, n, epoch, here.chunk, here.offset};
}

static void forget_names(tg_tape *tape, uint32_t n_nodes) {
    size_t kept = 0;
    for (size_t i = 0; i < tape->n_names; i++) {
        if (tape->names[i].node >= n_nodes) continue;
        const tg_name_entry entry = tape->names[i]; /* exchanged, so that no text buffer is lost */
        tape->names[i] = tape->names[kept];
        tape->names[kept++] = entry;
    }
    tape->n_names = kept;
}

void tg_tape_cut(tg_tape *tape, uint32_t n_nodes, tg_arena_position position, const char *where) {
    if (where) {
        memmove(tape->rewinds + 1, tape->rewinds, (TG_REWINDS - 1) * sizeof tape->rewinds[0]);
        tape->rewinds[0] = (tg_rewind_entry){tape->epoch, n_nodes, where};
    }
    while (tape->last_parameter != TG_NO_NODE && tape->last_parameter >= n_nodes)
        tape->last_parameter = tg_node_at(tape, tape->last_parameter)->extra.leaf->previous;
    if (tape->n_names) forget_names(tape, n_nodes);
    if (tape->n_nodes > tape->most_nodes) tape->most_nodes = tape->n_nodes;
    tg_arena_rewind(&tape->arena, position);
    tape->n_nodes = n_nodes;
    tape->epoch++;
}

tg_status tg_tape_rewind_at(const char *where, tg_tape *tape, tg_mark mark) {
    if (!tape) return TG_ERR_MEMORY;
    if (mark.tape != tape)
        return tg_tape_fail(tape, TG_ERR_HANDLE, where,
                            "rewind: the mark belongs to %s; use one that tg_tape_mark gave for this tape",
                            mark.tape ? "another tape" : "no tape");
    if (mark.n_nodes > tape->n_nodes ||
        (mark.n_nodes && (uint32_t)tg_node_at(tape, mark.n_nodes - 1)->epoch != mark.epoch))
        return tg_tape_fail(tape, TG_ERR_HANDLE, where,
                            "rewind: the mark is stale: the tape was rewound past it (last at %s)",
                            tape->rewinds[0].place ? tape->rewinds[0].place : "?");
    if (mark.n_nodes < tape->least_nodes)
        return tg_tape_fail(tape, TG_ERR_HANDLE, where,
                            "rewind: the mark is older than the differentiation that is running");
    tg_tape_cut(tape, mark.n_nodes, (tg_arena_position){mark.chunk, mark.offset}, where);
    return TG_OK;
}
