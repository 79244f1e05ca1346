/* tape_memory.c: memory from a tape's allocator for what models keep beside the tape.
 *
 * Must not know what is kept in it. */
#include "models/tape_memory.h"

#include <string.h>

/* One byte for nothing: an allocator asked for 0 bytes would free. 0 when the product overflows. */
static size_t block_bytes(int64_t n, size_t element_bytes) {
    size_t bytes;
    if (n < 0 || __builtin_mul_overflow((size_t)n, element_bytes, &bytes) || bytes > PTRDIFF_MAX) return 0;
    return bytes ? bytes : 1;
}

void *tg_tape_memory_new(tg_tape *tape, int64_t n, size_t element_bytes) {
    const tg_allocator allocator = tg_tape_allocator(tape);
    const size_t bytes = block_bytes(n, element_bytes);
    void *memory = bytes ? allocator.call(allocator.context, NULL, 0, bytes) : NULL;
    if (!memory) {
        tg_tape_fail(tape, TG_ERR_MEMORY, TG_HERE, "no memory for %lld elements of %zu bytes", (long long)n,
                     element_bytes);
        return NULL;
    }
    memset(memory, 0, bytes);
    return memory;
}

void tg_tape_memory_free(tg_allocator allocator, void *memory, int64_t n, size_t element_bytes) {
    if (memory) allocator.call(allocator.context, memory, block_bytes(n, element_bytes), 0);
}
