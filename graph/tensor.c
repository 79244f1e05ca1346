/* tensor.c: looking at tensors: what they are and what values they hold.
 *
 * Owns: queries, names, copying to C arrays, printing. Records nothing. */
#include "graph/deferred.h"

#include <math.h>
#include <string.h>

bool tg_is_valid(tg_tensor x) { return x.tape && !tg_is_num(x) && tg_is_living(x); }

bool tg_requires_grad(tg_tensor x) {
    return tg_is_valid(x) && (tg_node_at(x.tape, x.node)->flags & TG_NODE_REQUIRES_GRAD);
}

tg_array tg_array_of_at(const char *where, tg_tensor x) {
    const tg_node *node = tg_node_with_values(where, "array_of", x);
    if (!node) return (tg_array){NULL, tg_no_dims, tg_no_dims, 0, TG_F64};
    return tg_node_array(node);
}

tg_shape tg_shape_of_at(const char *where, tg_tensor x) {
    const tg_node *node = tg_node_of(where, "shape_of", x);
    if (!node) return TG_SCALAR;
    const tg_array array = tg_node_array(node);
    return tg_array_shape(&array);
}

int64_t tg_dim_at(const char *where, tg_tensor x, int axis) {
    const tg_node *node = tg_node_of(where, "dim", x);
    if (!node) return 0;
    const int i = tg_axis_normalize(axis, node->rank);
    if (i < 0) {
        char text[TG_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "dim: axis %d is out of range for %s", axis,
                     tg_node_describe(x.tape, x.node, sizeof text, text));
        return 0;
    }
    return node->here.dims[i];
}

int64_t tg_size_at(const char *where, tg_tensor x) {
    const tg_node *node = tg_node_of(where, "size", x);
    if (!node) return 0;
    const tg_array array = tg_node_array(node);
    return tg_array_size(&array);
}

tg_dtype tg_dtype_of_at(const char *where, tg_tensor x) {
    const tg_node *node = tg_node_of(where, "dtype_of", x);
    if (node) return (tg_dtype)node->dtype;
    return x.tape && !tg_is_num(x) ? x.tape->dtype : TG_F64;
}

const char *tg_place(tg_tensor x) { return tg_is_valid(x) ? tg_node_at(x.tape, x.node)->place : ""; }

/* --- names ---------------------------------------------------------------------------------------------- */

static tg_name_entry *find_name(const tg_tape *tape, uint32_t node) {
    if (!(tg_node_at(tape, node)->flags & TG_NODE_NAMED)) return NULL;
    for (size_t i = tape->n_names; i-- > 0;)
        if (tape->names[i].node == node) return &tape->names[i];
    return NULL;
}

/* An entry for one more name: one whose name was rewound, with its buffer, or a new one. */
static tg_name_entry *new_name(tg_tape *tape) {
    if (tape->n_names == tape->name_capacity) {
        const size_t capacity = tape->name_capacity ? 2 * tape->name_capacity : 16;
        tg_name_entry *names = tg_memory_new(&tape->memory, capacity * sizeof *names);
        if (!names) return NULL;
        if (tape->names_made) memcpy(names, tape->names, tape->names_made * sizeof *names);
        tg_memory_free(&tape->memory, tape->names, tape->name_capacity * sizeof *names);
        tape->held += (capacity - tape->name_capacity) * sizeof *names;
        tape->names = names;
        tape->name_capacity = capacity;
    }
    if (tape->n_names == tape->names_made) tape->names[tape->names_made++] = (tg_name_entry){0};
    return &tape->names[tape->n_names];
}

tg_tensor tg_set_name_at(const char *where, tg_tensor x, const char *name) {
    tg_node *node = tg_node_of(where, "set_name", x);
    if (!node) return x;
    tg_tape *tape = x.tape;
    if (!name) {
        tg_tape_fail(tape, TG_ERR_VALUE, where, "set_name: the name is NULL");
        return tg_invalid(tape);
    }
    const size_t bytes = strlen(name) + 1;
    tg_name_entry *entry = find_name(tape, x.node);
    const bool is_new = !entry;
    if (is_new) entry = new_name(tape);
    char *text = entry ? entry->text : NULL;
    if (entry && entry->capacity < bytes) text = tg_memory_new(&tape->memory, bytes < 32 ? 32 : bytes);
    if (!text) {
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "set_name: out of memory for a name of %zu bytes", bytes);
        return tg_invalid(tape);
    }
    if (text != entry->text) {
        tg_memory_free(&tape->memory, entry->text, entry->capacity);
        tape->held += (bytes < 32 ? 32 : bytes) - entry->capacity;
        entry->text = text;
        entry->capacity = bytes < 32 ? 32 : bytes;
    }
    memmove(entry->text, name, bytes);
    entry->node = x.node;
    if (is_new) tape->n_names++;
    node->flags |= TG_NODE_NAMED;
    return x;
}

const char *tg_name(tg_tensor x) {
    if (!tg_is_valid(x)) return NULL;
    const tg_name_entry *entry = find_name(x.tape, x.node);
    return entry ? entry->text : NULL;
}

/* --- values --------------------------------------------------------------------------------------------- */

static double element(const tg_array *array, int64_t offset) {
    double value = 0;
    const char *from = (const char *)array->data + offset * (int64_t)tg_dtype_size(array->dtype);
    const tg_array one = {(void *)(uintptr_t)from, tg_no_dims, tg_no_dims, 0, array->dtype},
                   to = {&value, tg_no_dims, tg_no_dims, 0, TG_F64};
    tg_array_copy(&to, &one);
    return value;
}

double tg_item_at(const char *where, tg_tensor x) {
    if (tg_is_num(x)) {
        const uint32_t bits[2] = {x.node, x.epoch};
        double value;
        memcpy(&value, bits, sizeof value);
        return value;
    }
    const tg_node *node = tg_node_with_values(where, "item", x);
    if (!node) return NAN;
    const tg_array array = tg_node_array(node);
    if (tg_array_size(&array) != 1) {
        char text[TG_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where,
                     "item: %s has %lld elements, not one; read it with tg_value or tg_read_f64",
                     tg_node_describe(x.tape, x.node, sizeof text, text), (long long)tg_array_size(&array));
        return NAN;
    }
    return element(&array, 0);
}

double tg_value_at(const char *where, tg_tensor x, tg_shape index) {
    const tg_node *node = tg_node_with_values(where, "value", x);
    if (!node) return NAN;
    const tg_array array = tg_node_array(node);
    bool inside = index.rank == array.rank;
    int64_t offset = 0;
    for (int i = 0; inside && i < array.rank; i++) {
        const int64_t dim = array.shape[i], at = index.dim[i] < 0 ? index.dim[i] + dim : index.dim[i];
        inside = at >= 0 && at < dim;
        if (inside) offset += at * array.strides[i];
    }
    if (!inside) {
        char text[TG_TEXT], index_text[TG_SHAPE_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where, "value: the index %s is not inside %s",
                     tg_shape_format(index, sizeof index_text, index_text),
                     tg_node_describe(x.tape, x.node, sizeof text, text));
        return NAN;
    }
    return element(&array, offset);
}

static tg_status read_into(const char *where, tg_tensor x, int64_t n, tg_dtype dtype, void *out) {
    if (!x.tape || tg_is_num(x)) return TG_ERR_HANDLE;
    const tg_node *node = tg_node_with_values(where, "read", x);
    if (!node) return tg_tape_status(x.tape);
    const tg_array from = tg_node_array(node);
    char text[TG_TEXT];
    if (n != tg_array_size(&from))
        return tg_tape_fail(x.tape, TG_ERR_SHAPE, where,
                            "read: an array of %lld does not fit %s of %lld elements", (long long)n,
                            tg_node_describe(x.tape, x.node, sizeof text, text),
                            (long long)tg_array_size(&from));
    if (n && !out) return tg_tape_fail(x.tape, TG_ERR_VALUE, where, "read: the array is NULL");
    int64_t strides[TG_MAX_RANK];
    tg_strides_contiguous(tg_array_shape(&from), strides);
    const tg_array to = {out, from.shape, strides, from.rank, dtype};
    if (n) tg_array_copy(&to, &from);
    return TG_OK;
}

tg_status tg_read_f64_at(const char *where, tg_tensor x, int64_t n, double *out) {
    return read_into(where, x, n, TG_F64, out);
}
tg_status tg_read_f32_at(const char *where, tg_tensor x, int64_t n, float *out) {
    return read_into(where, x, n, TG_F32, out);
}
tg_status tg_read_i64_at(const char *where, tg_tensor x, int64_t n, int64_t *out) {
    return read_into(where, x, n, TG_I64, out);
}
tg_status tg_read_bool_at(const char *where, tg_tensor x, int64_t n, bool *out) {
    return read_into(where, x, n, TG_BOOL, out);
}

const void *tg_data_at(const char *where, tg_tensor x) {
    const tg_node *node = tg_node_with_values(where, "data", x);
    if (!node) return NULL;
    const tg_array array = tg_node_array(node);
    if (!tg_array_is_contiguous(&array)) {
        char text[TG_TEXT];
        tg_tape_fail(x.tape, TG_ERR_SHAPE, where,
                     "data: %s is a view that is not contiguous; copy it out with tg_read_*",
                     tg_node_describe(x.tape, x.node, sizeof text, text));
        return NULL;
    }
    return node->data;
}

size_t tg_format_at(const char *where, tg_tensor x, size_t capacity, char *text) {
    if (capacity) text[0] = 0;
    const tg_node *node = tg_node_with_values(where, "format", x);
    if (!node) return 0;
    const tg_array array = tg_node_array(node);
    return tg_array_format(&array, capacity, text);
}

tg_status tg_print_at(const char *where, FILE *stream, tg_tensor x) {
    if (!x.tape || tg_is_num(x)) return TG_ERR_HANDLE;
    tg_tape *tape = x.tape;
    const tg_node *node = tg_node_with_values(where, "print", x);
    if (!node) return tg_tape_status(tape);
    const tg_array array = tg_node_array(node);
    const size_t length = tg_array_format(&array, 0, NULL);
    const tg_arena_position before = tg_arena_here(&tape->scratch);
    char *text = tg_arena_alloc(&tape->scratch, length + 1, 1);
    if (!text)
        return tg_tape_fail(tape, TG_ERR_MEMORY, where, "print: out of memory for %zu characters", length);
    tg_array_format(&array, length + 1, text);
    const bool written = fprintf(stream, "%s\n", text) >= 0;
    tg_arena_rewind(&tape->scratch, before);
    return written ? TG_OK : tg_tape_fail(tape, TG_ERR_FILE, where, "print: the stream cannot be written to");
}
