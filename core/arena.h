/* arena.h: memory handed out in order and taken back in reverse, as the tape is recorded and rewound.
 *
 * Owns: chunks from one allocator, kept for use again until the arena is freed. Must not know what lies in
 * them. Internal: not installed. */
#ifndef TAPEGRAD_CORE_ARENA_H
#define TAPEGRAD_CORE_ARENA_H

#include "core/allocator.h"

typedef struct tg_arena_chunk {
    char *base;   /* aligned to 64 bytes */
    size_t bytes; /* usable from base */
    void *raw;    /* what the allocator gave */
    size_t raw_bytes;
} tg_arena_chunk;

typedef struct tg_arena {
    tg_allocator allocator;
    tg_arena_chunk *chunks;
    size_t n_chunks, capacity;
    size_t chunk, offset; /* the next byte: in chunks[chunk], at offset */
    size_t held;          /* bytes from the allocator */
} tg_arena;

typedef struct tg_arena_position {
    size_t chunk, offset;
} tg_arena_position;

void tg_arena_init(tg_arena *arena, tg_allocator allocator);
void tg_arena_free(tg_arena *arena);

/* Memory that is not initialised; align is a power of two up to 64. NULL when out; bytes = 0 gives a valid
 * pointer to nothing. Nothing already handed out ever moves. */
void *tg_arena_alloc(tg_arena *arena, size_t bytes, size_t align);

static inline tg_arena_position tg_arena_here(const tg_arena *arena) {
    return (tg_arena_position){arena->chunk, arena->offset};
}

/* Bytes handed out up to here, with what lies unused at the ends of chunks. */
size_t tg_arena_used(const tg_arena *arena);

/* Takes back all that was handed out since the position; poisoned in debug builds and under ASan. */
void tg_arena_rewind(tg_arena *arena, tg_arena_position position);

/* The allocator's callback, told apart. */
static inline void *tg_memory_new(const tg_allocator *allocator, size_t bytes) {
    return allocator->call(allocator->context, NULL, 0, bytes);
}
static inline void tg_memory_free(const tg_allocator *allocator, void *ptr, size_t bytes) {
    if (ptr) (void)allocator->call(allocator->context, ptr, bytes, 0);
}

#endif
