/* arena.c: memory as a stack of chunks.
 *
 * A chunk is never given back before the arena is freed: after the first turn of a loop the same requests
 * find the same chunks, and the system is asked for nothing. Fresh pages are dear (touching 40 MB of fresh
 * memory costs several times as much as touching it again), so this is what makes a training step fast. */
#include "core/arena.h"

#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define TG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TG_ASAN 1
#endif
#endif
#ifdef TG_ASAN
#include <sanitizer/asan_interface.h>
#define TG_POISON(ptr, bytes) __asan_poison_memory_region(ptr, bytes)
#define TG_UNPOISON(ptr, bytes) __asan_unpoison_memory_region(ptr, bytes)
#elif !defined(NDEBUG)
#define TG_POISON(ptr, bytes) memset(ptr, 0xCB, bytes)
#define TG_UNPOISON(ptr, bytes) ((void)0)
#else
#define TG_POISON(ptr, bytes) ((void)0)
#define TG_UNPOISON(ptr, bytes) ((void)0)
#endif

enum { ALIGNMENT = 64, FIRST_CHUNK = 1 << 16, LARGEST_STEP = 1 << 25 };

void tg_arena_init(tg_arena *arena, tg_allocator allocator) { *arena = (tg_arena){.allocator = allocator}; }

void tg_arena_free(tg_arena *arena) {
    for (size_t i = 0; i < arena->n_chunks; i++) {
        TG_UNPOISON(arena->chunks[i].base, arena->chunks[i].bytes);
        tg_memory_free(&arena->allocator, arena->chunks[i].raw, arena->chunks[i].raw_bytes);
    }
    tg_memory_free(&arena->allocator, arena->chunks, arena->capacity * sizeof *arena->chunks);
    *arena = (tg_arena){.allocator = arena->allocator};
}

static bool make_room_for_chunk(tg_arena *arena) {
    if (arena->n_chunks < arena->capacity) return true;
    const size_t capacity = arena->capacity ? 2 * arena->capacity : 8;
    tg_arena_chunk *chunks = tg_memory_new(&arena->allocator, capacity * sizeof *chunks);
    if (!chunks) return false;
    if (arena->n_chunks) memcpy(chunks, arena->chunks, arena->n_chunks * sizeof *chunks);
    tg_memory_free(&arena->allocator, arena->chunks, arena->capacity * sizeof *chunks);
    arena->held += (capacity - arena->capacity) * sizeof *chunks;
    arena->chunks = chunks;
    arena->capacity = capacity;
    return true;
}

/* Chunks grow with what is held, so that their number grows with its logarithm. */
static bool new_chunk(tg_arena *arena, size_t bytes) {
    if (!make_room_for_chunk(arena)) return false;
    size_t usable = arena->held < LARGEST_STEP ? arena->held : LARGEST_STEP;
    if (usable < FIRST_CHUNK) usable = FIRST_CHUNK;
    if (usable < bytes) usable = bytes;
    if (usable > SIZE_MAX / 2) return false;
    const size_t raw_bytes = usable + ALIGNMENT;
    char *raw = tg_memory_new(&arena->allocator, raw_bytes);
    if (!raw) return false;
    char *base = raw + (ALIGNMENT - (uintptr_t)raw % ALIGNMENT) % ALIGNMENT;
    arena->chunks[arena->n_chunks++] =
        (tg_arena_chunk){.base = base, .bytes = usable, .raw = raw, .raw_bytes = raw_bytes};
    arena->held += raw_bytes;
    TG_POISON(base, usable);
    return true;
}

/* Makes the chunk after the present one big enough: the smallest that is, of those not in use, so that large
 * ones are left for large requests; or a new one. */
static bool next_chunk(tg_arena *arena, size_t bytes) {
    const size_t next = arena->n_chunks && arena->offset ? arena->chunk + 1 : arena->chunk;
    size_t found = arena->n_chunks;
    for (size_t i = next; i < arena->n_chunks; i++) {
        const size_t size = arena->chunks[i].bytes;
        if (size >= bytes && (found == arena->n_chunks || size < arena->chunks[found].bytes)) found = i;
    }
    if (found == arena->n_chunks && !new_chunk(arena, bytes)) return false;
    const tg_arena_chunk chosen = arena->chunks[found];
    arena->chunks[found] = arena->chunks[next];
    arena->chunks[next] = chosen;
    arena->chunk = next;
    arena->offset = 0;
    return true;
}

void *tg_arena_alloc(tg_arena *arena, size_t bytes, size_t align) {
    size_t start = (arena->offset + align - 1) & ~(align - 1);
    if (TG_UNLIKELY(!arena->n_chunks || start > arena->chunks[arena->chunk].bytes ||
                    bytes > arena->chunks[arena->chunk].bytes - start)) {
        if (!next_chunk(arena, bytes)) return NULL;
        start = 0;
    }
    char *memory = arena->chunks[arena->chunk].base + start;
    arena->offset = start + bytes;
    TG_UNPOISON(memory, bytes);
    return memory;
}

void tg_arena_rewind(tg_arena *arena, tg_arena_position position) {
#if defined(TG_ASAN) || !defined(NDEBUG)
    for (size_t i = position.chunk; i <= arena->chunk && i < arena->n_chunks; i++) {
        const size_t from = i == position.chunk ? position.offset : 0;
        const size_t to = i == arena->chunk ? arena->offset : arena->chunks[i].bytes;
        if (to > from) TG_POISON(arena->chunks[i].base + from, to - from);
    }
#endif
    arena->chunk = position.chunk;
    arena->offset = position.offset;
}

size_t tg_arena_used(const tg_arena *arena) {
    size_t bytes = arena->n_chunks ? arena->offset : 0;
    for (size_t i = 0; i < arena->chunk && i < arena->n_chunks; i++) bytes += arena->chunks[i].bytes;
    return bytes;
}
