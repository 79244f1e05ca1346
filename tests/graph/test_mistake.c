/* test_mistake.c: each kind of mistake is named from its pattern, and chance is not.
 *
 * Owns: the promises of graph/mistake.h, on arrays. That the patterns arise from operations is in
 * test_blame_mistakes.c. */
#include "core/random.h"
#include "graph/mistake.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 64 };

static tg_mistake mistake;

/* Random numbers that are different from each other and from 0, the same for each seed. */
static void draw(uint64_t seed, int64_t n, double *out) { tg_random_normal(tg_key_new(seed), n, out); }

static tg_mistake_kind find(tg_shape shape, const double *wrong, const double *right) {
    const tg_mistake_evidence e = {.shape = shape, .wrong = wrong, .right = right};
    cr_expect_eq(tg_mistake_find(&e, &mistake), mistake.kind != TG_MISTAKE_NONE);
    cr_expect_eq(mistake.text[0] != 0, mistake.kind != TG_MISTAKE_NONE);
    return mistake.kind;
}

static tg_mistake_kind find_scaled(int64_t n, double factor, int n_sizes, const int64_t *sizes) {
    double right[MOST], wrong[MOST];
    draw(1, n, right);
    for (int64_t i = 0; i < n; i++) wrong[i] = factor * right[i];
    const tg_mistake_evidence e = {
        .shape = TG_SHAPE(n), .wrong = wrong, .right = right, .sizes = sizes, .n_sizes = n_sizes};
    (void)tg_mistake_find(&e, &mistake);
    return mistake.kind;
}

/* --- each by its pattern -------------------------------------------------------------------------------- */

Test(mistake, has_no_name_where_nothing_is_wrong) {
    double right[6], wrong[6];
    draw(1, 6, right);
    for (int i = 0; i < 6; i++) wrong[i] = right[i] * (1 + 1e-8);
    cr_expect_eq(find(TG_SHAPE(2, 3), wrong, right), TG_MISTAKE_NONE);
    cr_expect_eq(find(TG_SHAPE(0), wrong, right), TG_MISTAKE_NONE);
}

Test(mistake, is_a_factor_that_is_a_size_or_its_inverse) {
    const int64_t sizes[] = {4, 400};
    cr_expect_eq(find_scaled(6, 400, 2, sizes), TG_MISTAKE_FACTOR);
    cr_expect_float_eq(mistake.factor, 400, 1e-9);
    cr_expect_eq(mistake.size, 400);
    cr_expect_str_eq(mistake.text, "400 times too large: looks like a missing 1/m with m = 400");
    cr_expect_eq(find_scaled(6, 1. / 400, 2, sizes), TG_MISTAKE_FACTOR);
    cr_expect_str_eq(mistake.text, "400 times too small: looks like an extra 1/m with m = 400");
    cr_expect_eq(find_scaled(1, -4, 2, sizes), TG_MISTAKE_FACTOR, "of a single entry too");
    cr_expect_str_eq(mistake.text, "wrong sign, and 4 times too large: looks like a missing 1/m with m = 4");
}

Test(mistake, is_a_factor_two) {
    const int64_t two = 2;
    cr_expect_eq(find_scaled(1, 2, 0, NULL), TG_MISTAKE_FACTOR);
    cr_expect_str_eq(mistake.text, "2 times too large: looks like an extra factor 2");
    cr_expect_eq(find_scaled(5, 0.5, 1, &two), TG_MISTAKE_FACTOR);
    cr_expect_str_eq(mistake.text,
                     "2 times too small: looks like a missing factor 2, or an extra 1/m with m = 2");
}

Test(mistake, is_any_factor_only_where_several_entries_agree_on_it) {
    const double ones[] = {1, 1, 1}, many[] = {0.37, 0.37, 0.37};
    cr_expect_eq(find_scaled(2, 0.37, 0, NULL), TG_MISTAKE_FACTOR);
    cr_expect_float_eq(mistake.factor, 0.37, 1e-12);
    cr_expect_eq(mistake.size, 0);
    cr_expect_str_eq(mistake.text, "2.7027 times too small");
    cr_expect_eq(find_scaled(1, 0.37, 0, NULL), TG_MISTAKE_NONE, "one entry fits any factor");
    cr_expect_eq(find(TG_SHAPE(3), many, ones), TG_MISTAKE_NONE, "equal entries say no more than one");
}

Test(mistake, is_a_sign) {
    cr_expect_eq(find_scaled(5, -1, 0, NULL), TG_MISTAKE_SIGN);
    cr_expect_str_eq(mistake.text, "wrong sign");
    cr_expect_eq(find_scaled(1, -1, 0, NULL), TG_MISTAKE_SIGN);
}

Test(mistake, is_a_gradient_that_was_dropped) {
    cr_expect_eq(find_scaled(3, 0, 0, NULL), TG_MISTAKE_DROPPED);
    cr_expect_eq(find_scaled(1, 0, 0, NULL), TG_MISTAKE_DROPPED);
}

/* The transposed matrix, in the memory of one of the right shape. */
static void transpose(int64_t rows, int64_t columns, const double *from, double *to) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j];
}

Test(mistake, is_a_transposed_matrix_square_or_not) {
    double right[MOST], wrong[MOST];
    draw(1, 24, right);
    transpose(3, 3, right, wrong);
    cr_expect_eq(find(TG_SHAPE(3, 3), wrong, right), TG_MISTAKE_TRANSPOSED);
    transpose(3, 4, right, wrong);
    cr_expect_eq(find(TG_SHAPE(3, 4), wrong, right), TG_MISTAKE_TRANSPOSED);
    transpose(3, 4, right + 12, wrong + 12);
    cr_expect_eq(find(TG_SHAPE(2, 3, 4), wrong, right), TG_MISTAKE_TRANSPOSED, "of each batch");
}

Test(mistake, is_the_gradient_of_another_input) {
    double right[6], other[6];
    draw(1, 6, right);
    draw(2, 6, other);
    const tg_mistake_other others[] = {{0, right}, {3, other}};
    tg_mistake_evidence e = {
        .shape = TG_SHAPE(6), .wrong = other, .right = right, .others = others, .n_others = 2};
    cr_expect(tg_mistake_find(&e, &mistake));
    cr_expect_eq(mistake.kind, TG_MISTAKE_WRONG_INPUT);
    cr_expect_eq(mistake.input, 3);
    e.n_others = 1;
    cr_expect_not(tg_mistake_find(&e, &mistake));
}

Test(mistake, is_a_sum_that_was_not_taken_and_a_part_that_overwrote_the_others) {
    double parts[12], right[3], last[3];
    draw(1, 12, parts);
    parts[11] = 0; /* the last part of the last entry that is not 0 is the one before */
    for (int j = 0; j < 3; j++) right[j] = parts[j] + parts[3 + j] + parts[6 + j] + parts[9 + j];
    for (int j = 0; j < 3; j++) last[j] = j < 2 ? parts[9 + j] : parts[6 + j];
    tg_mistake_parts all = {.axis = 1, .broadcast = true, .n = 4, .values = parts};
    tg_mistake_evidence e = {
        .shape = TG_SHAPE(3), .wrong = parts + 3, .right = right, .parts = &all, .n_parts = 1};
    cr_expect(tg_mistake_find(&e, &mistake));
    cr_expect_eq(mistake.kind, TG_MISTAKE_NOT_SUMMED);
    cr_expect_eq(mistake.axis, 1);
    cr_expect_eq(mistake.index, 1);
    e.wrong = last;
    cr_expect(tg_mistake_find(&e, &mistake));
    cr_expect_eq(mistake.kind, TG_MISTAKE_OVERWRITTEN);
    cr_expect(strstr(mistake.text, "only the last"), "%s", mistake.text);
    all.broadcast = false;
    e.wrong = parts;
    cr_expect(tg_mistake_find(&e, &mistake));
    cr_expect_eq(mistake.kind, TG_MISTAKE_OVERWRITTEN);
    cr_expect(strstr(mistake.text, "only the first"), "%s", mistake.text);
}

Test(mistake, is_one_branch) {
    const char *const names[] = {"above", "below"};
    double right[8], wrong[8];
    uint64_t branch[8];
    draw(1, 8, right);
    for (int i = 0; i < 8; i++) branch[i] = i % 3 == 0, wrong[i] = branch[i] ? 0.3 * right[i] : right[i];
    tg_mistake_evidence e = {.shape = TG_SHAPE(8), .wrong = wrong, .right = right, .branch = branch};
    cr_expect(tg_mistake_find(&e, &mistake));
    cr_expect_eq(mistake.kind, TG_MISTAKE_BRANCH);
    cr_expect_eq(mistake.branch, 1);
    cr_expect_str_eq(mistake.text, "wrong everywhere in one branch, and nowhere else");
    e.branch_names = names;
    cr_expect(tg_mistake_find(&e, &mistake));
    cr_expect_str_eq(mistake.text, "wrong everywhere below, and nowhere else");
    wrong[1] += 1;
    cr_expect_not(tg_mistake_find(&e, &mistake), "%s", mistake.text);
}

Test(mistake, is_one_element_or_one_row) {
    double right[12], wrong[12];
    draw(1, 12, right);
    memcpy(wrong, right, sizeof wrong);
    wrong[5] += 0.1;
    cr_expect_eq(find(TG_SHAPE(3, 4), wrong, right), TG_MISTAKE_ELEMENT);
    cr_expect_eq(mistake.index, 5);
    for (int j = 4; j < 8; j++) wrong[j] = right[j] + j;
    cr_expect_eq(find(TG_SHAPE(3, 4), wrong, right), TG_MISTAKE_ROW);
    cr_expect_eq(mistake.axis, 0);
    cr_expect_eq(mistake.index, 1);
    cr_expect_str_eq(mistake.text, "wrong at index 1 of axis 0 only");
    memcpy(wrong, right, sizeof wrong);
    for (int j = 2; j < 12; j += 4) wrong[j] = right[j] * j;
    cr_expect_eq(find(TG_SHAPE(3, 4), wrong, right), TG_MISTAKE_ROW);
    cr_expect_eq(mistake.axis, 1);
    cr_expect_eq(mistake.index, 2);
    const tg_mistake_evidence e = {
        .shape = TG_SHAPE(3, 4), .wrong = wrong, .right = right, .is_sample = true};
    cr_expect_not(tg_mistake_find(&e, &mistake), "a sample says nothing of rows");
}

Test(mistake, of_entries_known_badly_or_not_at_all_is_not_named) {
    const double right[] = {1, 2, NAN}, wrong[] = {2.0001, 4.0002, 7}, error[] = {0.1, 0.1, 0};
    const tg_mistake_evidence e = {.shape = TG_SHAPE(3), .wrong = wrong, .right = right, .error = error};
    cr_expect_not(tg_mistake_find(&e, &mistake));
    cr_expect_eq(find(TG_SHAPE(3), (double[]){NAN, NAN, NAN}, right), TG_MISTAKE_NONE);
}

Test(mistake, kinds_have_names) {
    cr_expect_str_eq(tg_mistake_name(TG_MISTAKE_FACTOR), "factor");
    cr_expect_str_eq(tg_mistake_name(TG_MISTAKE_ELEMENT), "element");
    cr_expect_str_eq(tg_mistake_name((tg_mistake_kind)99), "?");
}

/* --- and not by chance ---------------------------------------------------------------------------------- */

/* Everything that may be known beside a gradient, at random. */
struct surroundings {
    tg_shape shape;
    int64_t n;
    double right[MOST], wrong[MOST], error[MOST], other[3][MOST], part[8 * MOST];
    uint64_t branch[MOST];
    int64_t sizes[20];
    tg_mistake_other others[3];
    tg_mistake_parts parts[2];
    tg_mistake_evidence evidence;
};

static void surround(struct surroundings *s, uint64_t seed) {
    static const tg_shape shapes[] = {{0, {0}},    {1, {1}},    {2, {1, 1}}, {1, {2}},
                                      {2, {2, 2}}, {1, {3}},    {2, {2, 3}}, {2, {1, 4}},
                                      {2, {3, 3}}, {2, {4, 3}}, {1, {16}},   {2, {8, 8}}};
    const tg_key key = tg_key_new(seed);
    *s = (struct surroundings){.shape = shapes[seed % (sizeof shapes / sizeof *shapes)]};
    s->n = tg_shape_size(s->shape);
    tg_random_normal(tg_key_split(key, 0), s->n, s->right);
    tg_random_normal(tg_key_split(key, 10), 8 * s->n, s->part);
    for (int64_t j = 0; seed % 2 && j < s->n; j++) { /* of right as a sum */
        s->right[j] = 0;
        for (int i = 0; i < 8; i++) s->right[j] += s->part[i * s->n + j];
    }
    for (int i = 0; i < 3; i++) {
        tg_random_normal(tg_key_split(key, 20 + (uint64_t)i), s->n, s->other[i]);
        s->others[i] = (tg_mistake_other){i, s->other[i]};
    }
    for (int64_t j = 0; j < s->n; j++) {
        s->error[j] = 1e-10;
        s->branch[j] = tg_random_bits(tg_key_split(key, 30), (uint64_t)j) % 2;
    }
    for (int i = 0; i < 20; i++)
        s->sizes[i] = 2 + (int64_t)(tg_random_bits(tg_key_split(key, 40), (uint64_t)i) % 1000);
    s->parts[0] = (tg_mistake_parts){0, true, 8, s->part};
    s->parts[1] = (tg_mistake_parts){1, false, 8, s->part};
    s->evidence = (tg_mistake_evidence){.shape = s->shape,
                                        .wrong = s->wrong,
                                        .right = s->right,
                                        .error = s->error,
                                        .sizes = s->sizes,
                                        .n_sizes = 20,
                                        .others = s->others,
                                        .n_others = 3,
                                        .parts = s->parts,
                                        .n_parts = 2,
                                        .branch = s->branch};
}

Test(mistake, is_never_named_by_chance) {
    static struct surroundings s;
    int named = 0, wrong = 0, subsets = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        surround(&s, seed);
        const tg_key key = tg_key_split(tg_key_new(seed), 50);
        const bool everywhere = seed / 16 % 2; /* or in a random subset of at least two */
        int64_t changed = 0;
        tg_random_normal(key, s.n, s.wrong);
        for (int64_t j = 0; j < s.n; j++) {
            const bool change = everywhere || tg_random_bits(tg_key_split(key, 1), (uint64_t)j) % 2;
            if (!change) s.wrong[j] = s.right[j];
            changed += change;
        }
        if (!changed || (!everywhere && changed < 2)) continue;
        wrong++;
        subsets += !everywhere;
        if (!tg_mistake_find(&s.evidence, &mistake)) continue;
        if (mistake.kind == TG_MISTAKE_ROW) continue; /* chance made that row, but so it is */
        named++;
        cr_expect(false, "seed %llu: %s", (unsigned long long)seed, mistake.text);
    }
    fprintf(stderr, "false names: %d of %d random wrong gradients (%d of them wrong in part)\n", named, wrong,
            subsets);
    cr_expect_eq(named, 0);
    cr_expect_gt(wrong, 15000);
}
