/* test_backward_random.c: random graphs have the same gradients by tg_backward, however often they are
 * recorded, as by tg_gradients.
 *
 * Owns: the comparison of planned gradients with those that are computed at once, bit for bit, on graphs with
 * leaves that stay and leaves that are made anew. */
#include "graph/node.h"
#include "tests/graph/random_graph.h"

#include <string.h>

enum { GRAPHS = 1500, TURNS = 4 };

static void expect_same_bits(uint64_t seed, int turn, tg_tensor found, tg_tensor expected) {
    const int64_t n = tg_size(expected);
    double *a = calloc((size_t)n + 1, sizeof *a), *b = calloc((size_t)n + 1, sizeof *b);
    cr_assert(a && b);
    cr_assert_eq(tg_read_f64(found, n, a), TG_OK);
    cr_assert_eq(tg_read_f64(expected, n, b), TG_OK);
    for (int64_t i = 0; i < n; i++)
        cr_assert(memcmp(&a[i], &b[i], sizeof *a) == 0 || (a[i] != a[i] && b[i] != b[i]),
                  "graph %llu, turn %d, [%lld]: %.17g by backward, %.17g by gradients",
                  (unsigned long long)seed, turn, (long long)i, a[i], b[i]);
    free(a);
    free(b);
}

/* Records the same graph again and again with other values; in turn, the gradients are clear or not. */
static void check_graph(tg_tape *tape, uint64_t seed) {
    const bool leaves_stay = seed % 2;
    const tg_mark before = tg_tape_mark(tape);
    tg_tensor leaves[LEAVES], values[OUTPUTS], gradients[LEAVES];
    generator begun, g;
    random_leaves(&begun, tape, seed, tg_key_new(seed), leaves);
    const tg_mark after = tg_tape_mark(tape);
    for (int turn = 0; turn < TURNS; turn++) {
        if (!leaves_stay && turn) random_leaves(&begun, tape, seed, tg_key_new(seed), leaves);
        for (int i = 0; i < LEAVES; i++) write_normal(leaves[i], tg_key_new(seed + 7919 * (uint64_t)turn));
        g = begun;
        const tg_tensor total = random_graph(&g, values);
        if (!tg_requires_grad(total)) break; /* all that it uses was detached */
        cr_assert_eq(tg_backward(total), TG_OK, "graph %llu: %s", (unsigned long long)seed,
                     tg_tape_error(tape));
        cr_assert_eq(tg_gradients(total, LEAVES, leaves, gradients), TG_OK);
        for (int i = 0; i < LEAVES; i++) expect_same_bits(seed, turn, tg_grad(leaves[i]), gradients[i]);
        tg_tape_zero_grad(tape);
        cr_assert_eq(tg_tape_rewind(tape, leaves_stay ? after : before), TG_OK);
    }
    cr_assert_eq(tape->backwards.patience, 1, "graph %llu: its plan was never used",
                 (unsigned long long)seed);
    cr_assert_eq(tg_tape_rewind(tape, before), TG_OK);
}

static void check_graphs(tg_dtype dtype) {
    tg_tape *tape = tg_tape_new(dtype);
    cr_assert(tape);
    for (uint64_t seed = 0; seed < GRAPHS; seed++) check_graph(tape, seed);
    tg_tape_free(tape);
}

Test(backward_random, graphs_have_the_same_gradients_by_a_plan_f32, .timeout = 240) { check_graphs(TG_F32); }
Test(backward_random, graphs_have_the_same_gradients_by_a_plan_f64, .timeout = 240) { check_graphs(TG_F64); }
