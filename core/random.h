/* random.h: random numbers from a key: the same key gives the same numbers on every machine and in any order.
 *
 * Owns: the counter-based generator Philox4x32-10 and the distributions made from it. There is no hidden
 * state: to draw twice, split the key. */
#ifndef TAPEGRAD_CORE_RANDOM_H
#define TAPEGRAD_CORE_RANDOM_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two words that name one stream of random numbers. */
typedef struct tg_key {
    uint64_t seed, stream;
} tg_key;

/* The first key of a program, from its --seed. */
TG_API tg_key tg_key_new(uint64_t seed);

/* An independent key: different for each index, the same each time. */
TG_API tg_key tg_key_split(tg_key key, uint64_t index);

/* The counter-th 64 random bits of the stream. */
TG_API uint64_t tg_random_bits(tg_key key, uint64_t counter);

/* n numbers, uniform in [0, 1), with 53 random bits each. */
TG_API void tg_random_uniform(tg_key key, int64_t n, double *out);

/* n numbers, normal with mean 0 and standard deviation 1 (Box and Muller's transform). */
TG_API void tg_random_normal(tg_key key, int64_t n, double *out);

/* The numbers 0..n-1 in random order, every order equally likely (Fisher and Yates). */
TG_API void tg_random_permutation(tg_key key, int64_t n, int64_t *out);

#ifdef __cplusplus
}
#endif
#endif
