/* random.c: random numbers from a key, by the counter-based generator Philox4x32-10.
 *
 * Owns: the generator (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011) and the distributions made from it. Keeps no state: every number is a function of
 * the key and its place. */
#include "core/random.h"

#include "core/philox.h"

#include <math.h>

static const double two_pi = 6.283185307179586;

tg_philox_block tg_philox(tg_philox_block counter, uint32_t key0, uint32_t key1) {
    uint32_t x0 = counter.word[0], x1 = counter.word[1], x2 = counter.word[2], x3 = counter.word[3];
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = UINT64_C(0xD2511F53) * x0, product1 = UINT64_C(0xCD9E8D57) * x2;
        x0 = (uint32_t)(product1 >> 32) ^ x1 ^ key0;
        x1 = (uint32_t)product1;
        x2 = (uint32_t)(product0 >> 32) ^ x3 ^ key1;
        x3 = (uint32_t)product0;
        /* Weyl sequences: the golden ratio, and sqrt(3) - 1. */
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return (tg_philox_block){{x0, x1, x2, x3}};
}

/* 128 random bits: the stream is the upper half of the counter, the place its lower. */
static void random_pair(tg_key key, uint64_t place, uint64_t pair[2]) {
    tg_philox_block counter = {
        {(uint32_t)place, (uint32_t)(place >> 32), (uint32_t)key.stream, (uint32_t)(key.stream >> 32)}};
    tg_philox_block x = tg_philox(counter, (uint32_t)key.seed, (uint32_t)(key.seed >> 32));
    pair[0] = (uint64_t)x.word[1] << 32 | x.word[0];
    pair[1] = (uint64_t)x.word[3] << 32 | x.word[2];
}

tg_key tg_key_new(uint64_t seed) { return (tg_key){seed, 0}; }

/* Draws take the places 0, 1, ..., splits ~0, ~1, ...: they do not meet before 2^63 of either. */
tg_key tg_key_split(tg_key key, uint64_t index) {
    uint64_t pair[2];
    random_pair(key, ~index, pair);
    return (tg_key){pair[0], pair[1]};
}

uint64_t tg_random_bits(tg_key key, uint64_t counter) {
    uint64_t pair[2];
    random_pair(key, counter / 2, pair);
    return pair[counter % 2];
}

/* The upper 53 bits as a number in [0, 1). */
static double unit_interval(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

void tg_random_uniform(tg_key key, int64_t n, double *out) {
    for (int64_t i = 0; i < n; i += 2) {
        uint64_t pair[2];
        random_pair(key, (uint64_t)i / 2, pair);
        out[i] = unit_interval(pair[0]);
        if (i + 1 < n) out[i + 1] = unit_interval(pair[1]);
    }
}

void tg_random_normal(tg_key key, int64_t n, double *out) {
    for (int64_t i = 0; i < n; i += 2) {
        uint64_t pair[2];
        random_pair(key, (uint64_t)i / 2, pair);
        /* 1 - u lies in (0, 1], where the logarithm is finite. */
        double radius = sqrt(-2 * log(1 - unit_interval(pair[0])));
        double angle = two_pi * unit_interval(pair[1]);
        out[i] = radius * cos(angle);
        if (i + 1 < n) out[i + 1] = radius * sin(angle);
    }
}

/* A number below bound, each equally likely: of the 2^64 values the lowest 2^64 mod bound are drawn again, so
 * that a multiple of bound is left. */
static uint64_t random_below(tg_key key, uint64_t bound, uint64_t *counter) {
    uint64_t surplus = (0 - bound) % bound, bits;
    do bits = tg_random_bits(key, (*counter)++);
    while (bits < surplus);
    return bits % bound;
}

void tg_random_permutation(tg_key key, int64_t n, int64_t *out) {
    uint64_t counter = 0;
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)random_below(key, (uint64_t)i + 1, &counter);
        int64_t value = out[i];
        out[i] = out[j];
        out[j] = value;
    }
}
