/* test_random.c: the generator against its published vectors, the distributions against their moments. */
#include "core/philox.h"
#include "core/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From tests/kat_vectors of Random123 1.14.0: counter, key, result. */
Test(random, philox_gives_the_published_vectors) {
    static const uint32_t vectors[][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e,
         0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb,
         0x5001e420, 0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        const uint32_t *v = vectors[i];
        tg_philox_block out = tg_philox((tg_philox_block){{v[0], v[1], v[2], v[3]}}, v[4], v[5]);
        cr_assert_arr_eq(out.word, v + 6, sizeof out.word);
    }
}

Test(random, the_same_key_gives_the_same_numbers_in_any_order) {
    double x[9], y[4];
    const tg_key key = tg_key_new(42);
    tg_random_uniform(key, 9, x);
    tg_random_uniform(key, 4, y);
    cr_assert_arr_eq(x, y, sizeof y);
    tg_random_normal(key, 9, x);
    tg_random_normal(key, 3, y);
    cr_assert_arr_eq(x, y, 3 * sizeof *y);
    uint64_t later = tg_random_bits(key, 5);
    tg_random_bits(key, 0);
    cr_assert_eq(tg_random_bits(key, 5), later);
}

Test(random, drawing_nothing_writes_nothing) {
    tg_random_uniform(tg_key_new(1), 0, NULL);
    tg_random_normal(tg_key_new(1), 0, NULL);
    tg_random_permutation(tg_key_new(1), 0, NULL);
}

Test(random, other_seeds_and_split_keys_give_other_numbers) {
    enum { N = 300 };
    uint64_t seen[4 * N];
    const tg_key key = tg_key_new(3);
    for (uint64_t i = 0; i < N; i++) {
        seen[4 * i] = tg_random_bits(key, i);
        seen[4 * i + 1] = tg_random_bits(tg_key_new(i + 100), 0);
        seen[4 * i + 2] = tg_random_bits(tg_key_split(key, i), 0);
        seen[4 * i + 3] = tg_random_bits(tg_key_split(tg_key_split(key, i), 0), 0);
    }
    for (int i = 0; i < 4 * N; i++) {
        for (int j = 0; j < i; j++) cr_assert_neq(seen[i], seen[j]);
    }
    cr_assert_eq(tg_key_split(key, 7).seed, tg_key_split(key, 7).seed);
}

/* Mean, and mean of squares, cubes and fourth powers. */
static void moments(int n, const double *x, double *moment) {
    for (int k = 0; k < 4; k++) {
        moment[k] = 0;
        for (int i = 0; i < n; i++) moment[k] += pow(x[i], k + 1) / n;
    }
}

enum { MANY = 200000 };

Test(random, uniform_numbers_lie_in_the_unit_interval_evenly) {
    double *x = malloc(MANY * sizeof *x), moment[4];
    int count[20] = {0};
    tg_random_uniform(tg_key_new(11), MANY, x);
    for (int i = 0; i < MANY; i++) {
        cr_assert(x[i] >= 0 && x[i] < 1);
        count[(int)(x[i] * 20)]++;
    }
    double chi_square = 0;
    for (int i = 0; i < 20; i++) chi_square += pow(count[i] - MANY / 20.0, 2) / (MANY / 20.0);
    cr_assert_lt(chi_square, 43.8); /* 19 degrees of freedom, one in a thousand */
    moments(MANY, x, moment);
    for (int k = 0; k < 4; k++) cr_assert_float_eq(moment[k], 1.0 / (k + 2), 0.004);
    free(x);
}

Test(random, normal_numbers_have_the_moments_of_the_normal_distribution) {
    double *x = malloc(MANY * sizeof *x), moment[4], neighbours = 0;
    tg_random_normal(tg_key_new(12), MANY, x);
    for (int i = 0; i < MANY; i++) cr_assert(isfinite(x[i]));
    for (int i = 1; i < MANY; i++) neighbours += x[i] * x[i - 1] / MANY;
    moments(MANY, x, moment);
    cr_assert_float_eq(moment[0], 0, 0.01);
    cr_assert_float_eq(moment[1], 1, 0.015);
    cr_assert_float_eq(moment[2], 0, 0.04);
    cr_assert_float_eq(moment[3], 3, 0.1);
    cr_assert_float_eq(neighbours, 0, 0.01);
    free(x);
}

Test(random, permutations_hold_each_number_once) {
    int64_t order[1000];
    bool seen[1000] = {false};
    tg_random_permutation(tg_key_new(5), 1000, order);
    int at_home = 0;
    for (int i = 0; i < 1000; i++) {
        cr_assert(order[i] >= 0 && order[i] < 1000 && !seen[order[i]]);
        seen[order[i]] = true;
        at_home += order[i] == i;
    }
    cr_assert_lt(at_home, 10);
}

Test(random, every_permutation_of_four_is_equally_likely) {
    int count[256] = {0};
    const int draws = 48000;
    for (int i = 0; i < draws; i++) {
        int64_t order[4];
        tg_random_permutation(tg_key_split(tg_key_new(6), (uint64_t)i), 4, order);
        count[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]]++;
    }
    double chi_square = 0;
    int kinds = 0;
    for (int i = 0; i < 256; i++) {
        if (count[i] == 0) continue;
        kinds++;
        chi_square += pow(count[i] - draws / 24.0, 2) / (draws / 24.0);
    }
    cr_assert_eq(kinds, 24);
    cr_assert_lt(chi_square, 49.7); /* 23 degrees of freedom, one in a thousand */
}
