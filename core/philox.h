/* philox.h: the bare generator behind random.h.
 *
 * Owns: Philox4x32-10 as published, so that it can be tested against the published vectors. Must not know of
 * tg_key. Internal: not installed. */
#ifndef TAPEGRAD_CORE_PHILOX_H
#define TAPEGRAD_CORE_PHILOX_H

#include "core/status.h"

typedef struct tg_philox_block {
    uint32_t word[4];
} tg_philox_block;

/* The random block at a counter, for a key of two words. */
tg_philox_block tg_philox(tg_philox_block counter, uint32_t key0, uint32_t key1);

#endif
