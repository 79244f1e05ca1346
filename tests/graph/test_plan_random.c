/* test_plan_random.c: random graphs give in a plan what they give on the tape, bit for bit.
 *
 * Owns: the generator: elementwise operations, reductions, views, products and choices on tensors of small
 * and empty shapes, and of shapes longer than a block; several outputs, and the gradients of all leaves. The
 * same seed gives the same graph. */
#include "tapegrad.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { LEAVES = 4, NODES = 24, OUTPUTS = 4, GRAPHS = 3000 };

typedef struct generator {
    uint64_t state;
    tg_tape *tape;
    int n;
    tg_tensor x[LEAVES + 2 * NODES + 8];
} generator;

static uint32_t draw(generator *g, uint32_t n) {
    g->state = g->state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(g->state >> 33) % n;
}

static tg_tensor any(generator *g) { /* new ones are more likely */
    const uint32_t a = draw(g, (uint32_t)g->n), b = draw(g, (uint32_t)g->n);
    return g->x[a > b ? a : b];
}

/* One that broadcasts with a; a itself when none is found soon. */
static tg_tensor beside(generator *g, tg_tensor a) {
    for (int turn = 0; turn < 6; turn++) {
        const tg_tensor b = any(g);
        tg_shape both;
        if (tg_shape_broadcast(tg_shape_of(a), tg_shape_of(b), &both) && tg_shape_size(both) < 20000)
            return b;
    }
    return a;
}

static tg_shape random_shape(generator *g) {
    static const int64_t dims[] = {1, 2, 3, 5, 0, 30, 2, 700};
    tg_shape shape = {.rank = (int)draw(g, 4)};
    int64_t size = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.dim[i] = dims[draw(g, draw(g, 4) ? 4 : 8)];
        if (size * shape.dim[i] > 5000) shape.dim[i] = 1;
        size *= shape.dim[i];
    }
    return shape;
}

static tg_tensor elementwise(generator *g, tg_tensor a) {
    const tg_tensor b = beside(g, a);
    switch (draw(g, 14)) {
        case 0: return tg_tanh(a);
        case 1: return tg_sigmoid(a);
        case 2: return tg_neg(a);
        case 3: return tg_relu(a);
        case 4: return tg_mul(tg_num(0.5), tg_square(tg_tanh(a)));
        case 5: return tg_add(a, b);
        case 6: return tg_sub(tg_num(1), tg_tanh(tg_mul(a, b)));
        case 7: return tg_maximum(a, b);
        case 8: return tg_where(tg_less(a, b), a, b);
        case 9: return tg_div(a, tg_add(tg_num(2), tg_square(b)));
        case 10: return tg_add(tg_mul(tg_num(2), a), tg_mul(tg_num(2), a));
        case 11: return tg_mul(a, tg_num(1));
        case 12: return tg_sub(tg_div(a, tg_num(1)), tg_num(0));
        default: return tg_exp(tg_tanh(b));
    }
}

static tg_tensor reduction(generator *g, tg_tensor a) {
    const tg_shape shape = tg_shape_of(a);
    const bool keep = draw(g, 2), empty = tg_shape_size(shape) == 0;
    if (shape.rank == 0 || draw(g, 3) == 0) return empty ? tg_sum(a) : tg_mean(a);
    tg_axes axes = TG_AXES((int)draw(g, (uint32_t)shape.rank) - shape.rank);
    if (axes.axis[0] != -1 && draw(g, 2)) axes = TG_AXES(axes.axis[0], -1);
    switch (empty ? 0 : draw(g, 4)) {
        case 0: return tg_sum_axes(a, axes, keep);
        case 1: return tg_mean_axes(a, axes, keep);
        case 2: return tg_logsumexp_axes(a, axes, keep);
        default: return tg_max_axes(a, axes, keep);
    }
}

static tg_tensor view(generator *g, tg_tensor a) {
    const tg_shape shape = tg_shape_of(a);
    tg_shape larger = shape;
    switch (draw(g, 5)) {
        case 0: return shape.rank > 1 ? tg_transpose(a) : a;
        case 1: return shape.rank > 0 ? tg_slice(a, -1, TG_END, TG_END, -1) : a;
        case 2: return tg_reshape(a, TG_SHAPE(tg_shape_size(shape)));
        case 3:
            if (shape.rank > 2 || tg_shape_size(shape) > 3000) return tg_detach(a);
            larger.rank++;
            larger.dim[0] = 2;
            for (int i = 0; i < shape.rank; i++) larger.dim[i + 1] = shape.dim[i];
            return tg_expand(a, larger);
        default: return shape.rank > 0 && shape.dim[0] > 1 ? tg_slice(a, 0, 1, TG_END, 1) : a;
    }
}

static tg_tensor other(generator *g, tg_tensor a) {
    const tg_shape shape = tg_shape_of(a);
    if (shape.rank == 0) return tg_tanh(a);
    if (draw(g, 2) && shape.rank == 2 && shape.dim[0] < 50)
        return tg_tanh(tg_matmul(a, tg_transpose(draw(g, 2) ? a : tg_sigmoid(a))));
    return draw(g, 2) ? tg_softmax(a, -1) : tg_log_softmax(a, 0);
}

/* Records a graph; outputs and gradients into out, of which there are OUTPUTS + LEAVES. */
static bool generate(generator *g, tg_tape *tape, uint64_t seed, tg_key key, tg_tensor *leaves,
                     tg_tensor *out) {
    *g = (generator){.state = seed * 2654435761U + 1, .tape = tape};
    for (int i = 0; i < LEAVES; i++) {
        const tg_shape shape = random_shape(g);
        leaves[i] = g->x[g->n++] = tg_param_normal(tape, shape, tg_key_split(key, (uint64_t)i), 1);
    }
    for (int i = 0; i < NODES; i++) {
        const tg_tensor a = any(g);
        const uint32_t kind = draw(g, 8);
        const tg_tensor made = kind < 4   ? elementwise(g, a)
                               : kind < 5 ? reduction(g, a)
                               : kind < 7 ? view(g, a)
                                          : other(g, a);
        g->x[g->n++] = made;
    }
    tg_tensor total = tg_num(0);
    for (int i = 0; i < OUTPUTS; i++) {
        out[i] = g->x[g->n - 1 - 2 * i];
        total = tg_add(total, tg_sum(tg_tanh(out[i])));
    }
    return tg_gradients(total, LEAVES, leaves, out + OUTPUTS) == TG_OK;
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

static void write_normal(tg_tensor leaf, tg_key key) {
    const int64_t n = tg_size(leaf);
    double *values = calloc((size_t)n + 1, sizeof *values);
    cr_assert(values);
    tg_random_normal(key, n, values);
    cr_assert_eq(tg_write_f64(leaf, n, values), TG_OK);
    free(values);
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
