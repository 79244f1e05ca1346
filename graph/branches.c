/* branches.c: which branches the operations of a recorded graph took, hashed to one number.
 *
 * Knows operations only by what struct tg_op says of them: an operation tells its branches as a tensor, and
 * results of bool and i64 are patterns themselves. */
#include "graph/branches.h"

#include "core/cursor.h"
#include "graph/node.h"

#include <string.h>

/* Murmur's finalizer over words: one multiplication for eight bytes, and every bit matters. */
static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0xff51afd7ed558ccdU;
    return hash ^ hash >> 32;
}

static uint64_t mix_bytes(uint64_t hash, size_t n, const void *bytes) {
    for (; n > 0; bytes = (const char *)bytes + sizeof(uint64_t)) {
        uint64_t word = 0;
        const size_t m = n < sizeof word ? n : sizeof word;
        memcpy(&word, bytes, m);
        hash = mix(hash, word);
        n -= m;
    }
    return mix(hash, n);
}

uint64_t tg_array_hash(uint64_t hash, const tg_array *array) {
    int64_t left = tg_array_size(array);
    if (left == 0) return hash;
    const size_t bytes = tg_dtype_size(array->dtype);
    char block[2048];
    const int64_t most = (int64_t)(sizeof block / bytes);
    tg_cursor cursor;
    tg_cursor_over(&cursor, array);
    for (int64_t n; left > 0; left -= n) {
        n = left < most ? left : most;
        tg_cursor_read(&cursor, n, block);
        hash = mix_bytes(hash, (size_t)n * bytes, block);
    }
    return hash;
}

bool tg_node_branch(tg_tensor y, tg_tensor *branch) {
    tg_tape *tape = y.tape;
    const tg_node *node = tg_node_at(tape, y.node);
    const uint32_t n = node->n_in, *inputs = tg_node_inputs(node);
    *branch = (tg_tensor){0};
    if (!node->op->branch) return true;
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    tg_array *in = tg_arena_alloc(&tape->scratch, n * sizeof *in, 64);
    tg_tensor *x = tg_arena_alloc(&tape->scratch, n * sizeof *x, 64);
    if (!in || !x) {
        tg_arena_rewind(&tape->scratch, scratch);
        tg_tape_fail(tape, TG_ERR_MEMORY, node->place, "%s: out of memory for its branches", node->op->name);
        return false;
    }
    for (uint32_t k = 0; k < n; k++) {
        in[k] = tg_node_array(tg_node_at(tape, inputs[k]));
        x[k] = tg_handle(tape, inputs[k]);
    }
    const tg_call call = {.op = node->op,
                          .tape = tape,
                          .where = node->place,
                          .n_in = (int)n,
                          .in = in,
                          .attr = node->op->attr_size ? node->extra.attr : NULL,
                          .out = tg_node_array(node),
                          .x = x,
                          .y = y};
    const char *place = tape->place;
    tape->place = node->place;
    *branch = node->op->branch(&call);
    tape->place = place;
    tg_arena_rewind(&tape->scratch, scratch);
    if (branch->tape != tape || !tg_is_living(*branch)) *branch = (tg_tensor){0};
    return tape->status == TG_OK;
}

static bool mix_node(tg_tape *tape, uint32_t i, uint64_t *hash) {
    const tg_node *node = tg_node_at(tape, i);
    if (!node->op) return true;
    *hash = mix(*hash, (uint64_t)(uintptr_t)node->op);
    const tg_array array = tg_node_array(node);
    if (!tg_dtype_is_value(array.dtype) && !(node->flags & TG_NODE_VIEW))
        *hash = tg_array_hash(*hash, &array);
    tg_tensor branch;
    if (!tg_node_branch(tg_handle(tape, i), &branch)) return false;
    if (!branch.tape) return true;
    const tg_array told = tg_node_array(tg_node_at(tape, branch.node));
    *hash = tg_array_hash(*hash, &told);
    return true;
}

/* Marks what y needs of the nodes since `from`. */
static void mark_needed(const tg_tape *tape, uint32_t from, uint32_t y, uint8_t *needed) {
    memset(needed, 0, (size_t)(y - from) + 1);
    needed[y - from] = 1;
    for (uint32_t i = y + 1; i-- > from;) {
        const tg_node *node = tg_node_at(tape, i);
        const uint32_t *in = tg_node_inputs(node);
        for (uint32_t k = 0; needed[i - from] && k < node->n_in; k++)
            if (in[k] >= from) needed[in[k] - from] = 1;
    }
}

bool tg_branches_hash(const char *where, tg_tensor y, uint32_t from, uint64_t *hash) {
    tg_tape *tape = y.tape;
    *hash = 0;
    if (y.node < from) return true;
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    uint8_t *needed = tg_arena_alloc(&tape->scratch, (size_t)(y.node - from) + 1, 64);
    if (!needed) {
        tg_tape_fail(tape, TG_ERR_MEMORY, where, "out of memory for the branches of %lu nodes",
                     (unsigned long)(y.node - from));
        return false;
    }
    mark_needed(tape, from, y.node, needed);
    bool good = true;
    for (uint32_t i = from; good && i <= y.node; i++)
        if (needed[i - from]) good = mix_node(tape, i, hash);
    tg_arena_rewind(&tape->scratch, scratch);
    return good;
}
