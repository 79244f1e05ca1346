/* allocator.c: memory from the system.
 *
 * Owns: the default allocator, and which blocks are offered for huge pages. Must not know what the memory is
 * for, nor keep any of it. */
#include "core/allocator.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

/* Fresh pages of 4 KiB cost more than the arithmetic on them; from here on pages of 2 MiB pay. */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define LARGE_BYTES ((size_t)4 << 20)

static void *allocate_large(size_t bytes) {
    if (bytes > PTRDIFF_MAX - HUGE_PAGE_BYTES) return NULL;
    size_t rounded = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    void *ptr = aligned_alloc(HUGE_PAGE_BYTES, rounded);
#ifdef MADV_HUGEPAGE
    if (ptr != NULL) (void)madvise(ptr, rounded, MADV_HUGEPAGE); /* an offer: it works as well refused */
#endif
    return ptr;
}

static void *system_memory(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    (void)context;
    (void)old_bytes;
    if (new_bytes == 0) {
        free(ptr);
        return NULL;
    }
    return new_bytes >= LARGE_BYTES ? allocate_large(new_bytes) : malloc(new_bytes);
}

tg_allocator tg_allocator_default(void) { return (tg_allocator){system_memory, NULL}; }
