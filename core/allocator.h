/* allocator.h: where memory comes from.
 *
 * Owns: the one callback through which a tape asks for all its memory. */
#ifndef TAPEGRAD_CORE_ALLOCATOR_H
#define TAPEGRAD_CORE_ALLOCATOR_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One callback for all: new_bytes = 0 frees ptr and returns NULL; ptr = NULL allocates; it is never asked
 * to resize, so both are never set. Returned memory is aligned as by malloc (the library aligns further by
 * itself); NULL means out of memory and is always handled. old_bytes is the size that was asked for. */
typedef struct tg_allocator {
    void *(*call)(void *context, void *ptr, size_t old_bytes, size_t new_bytes);
    void *context;
} tg_allocator;

/* malloc and free; blocks of 4 MiB and more are aligned to 2 MiB and offered to the system for huge pages. */
TG_API tg_allocator tg_allocator_default(void);

#ifdef __cplusplus
}
#endif
#endif
