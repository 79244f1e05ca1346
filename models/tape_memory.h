/* tape_memory.h: memory from a tape's allocator for what models keep beside the tape: tables, costs, points.
 *
 * Owns: the size check and the error message of such allocations. Must not know what is kept in them.
 * Internal: not installed. */
#ifndef TAPEGRAD_MODELS_TAPE_MEMORY_H
#define TAPEGRAD_MODELS_TAPE_MEMORY_H

#include "graph/tape.h"

/* n elements of element_bytes each, all bytes zero; n may be 0. NULL, and TG_ERR_MEMORY on the tape, when
 * there is no memory or the product overflows. Freed by tg_tape_memory_free with the same n and
 * element_bytes. */
void *tg_tape_memory_new(tg_tape *tape, int64_t n, size_t element_bytes);

/* Gives back what tg_tape_memory_new returned; memory may be NULL. Does not need the tape any more. */
void tg_tape_memory_free(tg_allocator allocator, void *memory, int64_t n, size_t element_bytes);

#endif
