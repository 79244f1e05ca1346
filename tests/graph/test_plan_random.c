/* test_plan_random.c: random graphs give in a plan what they give on the tape, bit for bit.
 *
 * Owns: the comparison of plans with plain tapes on random graphs: several outputs and the gradients of all
 * leaves, and graphs that change their leaves. */
#include "tests/graph/random_graph.h"

#include <math.h>

enum { GRAPHS = 3000 };

/* Records a graph; outputs and gradients into out, of which there are OUTPUTS + LEAVES. */
static bool generate(generator *g, tg_tape *tape, uint64_t seed, tg_key key, tg_tensor *leaves,
                     tg_tensor *out) {
    random_leaves(g, tape, seed, key, leaves);
    return tg_gradients(random_graph(g, out), LEAVES, leaves, out + OUTPUTS) == TG_OK;
}

/* Records a graph that changes its leaves as it goes: no gradients; the outputs are some values and all
 * assigns. Returns how many outputs. */
static int generate_changes(generator *g, tg_tape *tape, uint64_t seed, tg_key key, tg_tensor *leaves,
                            tg_tensor *out) {
    int n = 0;
    *g = (generator){.state = seed * 2654435761U + 7, .tape = tape};
    const tg_shape shape = random_shape(g);
    for (int i = 0; i < LEAVES; i++) /* of one shape, so that values fit many leaves */
        leaves[i] = g->x[g->n++] =
            tg_param_normal(tape, i < 3 ? shape : random_shape(g), tg_key_split(key, (uint64_t)i), 1);
    for (int i = 0; i < NODES; i++) {
        const tg_tensor a = any(g), leaf = leaves[draw(g, LEAVES)];
        const uint32_t kind = draw(g, 9);
        tg_tensor made = kind < 6   ? elementwise(g, a)
                         : kind < 7 ? view(g, a)
                         : kind < 8 ? reduction(g, a)
                                    : leaf;
        g->x[g->n++] = made;
        if (draw(g, 3) || !tg_shape_equal(tg_shape_of(made), tg_shape_of(leaf))) continue;
        out[n++] = g->x[g->n++] = tg_assign(leaf, made);
    }
    for (int i = 0; i < OUTPUTS; i++) out[n++] = g->x[g->n - 1 - 2 * i];
    return n;
}

static bool equal(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void compare(uint64_t seed, tg_tensor planned, tg_tensor expected, int k) {
    const int64_t n = tg_size(expected);
    double *a = calloc((size_t)n + 1, sizeof *a), *b = calloc((size_t)n + 1, sizeof *b);
    cr_assert(a && b);
    cr_assert_eq(tg_read_f64(planned, n, a), TG_OK);
    cr_assert_eq(tg_read_f64(expected, n, b), TG_OK);
    for (int64_t i = 0; i < n; i++)
        cr_assert(equal(a[i], b[i]), "graph %llu, output %d[%lld]: %.17g in the plan, %.17g on the tape",
                  (unsigned long long)seed, k, (long long)i, a[i], b[i]);
    free(a);
    free(b);
}

static void check_graph(tg_tape *tape, tg_tape *plain, uint64_t seed) {
    const tg_mark start = tg_tape_mark(tape), plain_start = tg_tape_mark(plain);
    tg_tensor leaves[LEAVES], planned[OUTPUTS + LEAVES], other_leaves[LEAVES], expected[OUTPUTS + LEAVES];
    generator g;
    const tg_key old = tg_key_new(2 * seed), now = tg_key_new(2 * seed + 1);
    cr_assert(generate(&g, tape, seed, old, leaves, planned), "%s", tg_tape_error(tape));
    tg_plan *plan = tg_plan_new(tape, OUTPUTS + LEAVES, planned);
    cr_assert(plan, "%s", tg_tape_error(tape));
    cr_assert(generate(&g, plain, seed, now, other_leaves, expected), "%s", tg_tape_error(plain));
    for (int i = 0; i < LEAVES; i++) write_normal(leaves[i], tg_key_split(now, (uint64_t)i));
    cr_assert_eq(tg_plan_run(plan), TG_OK, "%s", tg_tape_error(tape));
    for (int k = 0; k < OUTPUTS + LEAVES; k++) compare(seed, planned[k], expected[k], k);
    tg_plan_free(plan);
    cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    cr_assert_eq(tg_tape_rewind(plain, plain_start), TG_OK);
}

static void check_graphs(tg_dtype dtype) {
    tg_tape *tape = tg_tape_new(dtype), *plain = tg_tape_new(dtype);
    cr_assert(tape && plain);
    for (uint64_t seed = 0; seed < GRAPHS; seed++) check_graph(tape, plain, seed);
    tg_tape_free(tape);
    tg_tape_free(plain);
}

static void check_changes(tg_tape *tape, tg_tape *plain, uint64_t seed) {
    const tg_mark start = tg_tape_mark(tape), plain_start = tg_tape_mark(plain);
    tg_tensor leaves[LEAVES], planned[OUTPUTS + NODES], other_leaves[LEAVES], expected[OUTPUTS + NODES];
    generator g;
    const tg_key old = tg_key_new(2 * seed), now = tg_key_new(2 * seed + 1);
    const int n = generate_changes(&g, tape, seed, old, leaves, planned);
    tg_plan *plan = tg_plan_new(tape, n, planned);
    cr_assert(plan, "%s", tg_tape_error(tape));
    for (int i = 0; i < LEAVES; i++) write_normal(leaves[i], tg_key_split(now, (uint64_t)i));
    cr_assert_eq(tg_plan_run(plan), TG_OK, "%s", tg_tape_error(tape));
    cr_assert_eq(generate_changes(&g, plain, seed, now, other_leaves, expected), n);
    for (int k = 0; k < n; k++) compare(seed, planned[k], expected[k], k);
    for (int k = 0; k < LEAVES; k++) compare(seed, leaves[k], other_leaves[k], n + k);
    tg_plan_free(plan);
    cr_assert_eq(tg_tape_rewind(tape, start), TG_OK);
    cr_assert_eq(tg_tape_rewind(plain, plain_start), TG_OK);
}

static void check_all_changes(tg_dtype dtype) {
    tg_tape *tape = tg_tape_new(dtype), *plain = tg_tape_new(dtype);
    cr_assert(tape && plain);
    for (uint64_t seed = 0; seed < GRAPHS; seed++) check_changes(tape, plain, seed);
    tg_tape_free(tape);
    tg_tape_free(plain);
}

Test(plan_random, graphs_that_change_their_leaves_do_so_in_order, .timeout = 240) {
    check_all_changes(TG_F32);
    check_all_changes(TG_F64);
}

Test(plan_random, graphs_give_in_a_plan_what_they_give_on_the_tape_f32, .timeout = 240) {
    check_graphs(TG_F32);
}

Test(plan_random, graphs_give_in_a_plan_what_they_give_on_the_tape_f64, .timeout = 240) {
    check_graphs(TG_F64);
}
