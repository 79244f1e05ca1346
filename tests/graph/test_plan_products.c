/* test_plan_products.c: products that run at once in a plan, with the same bits as the tape and any threads.
 *
 * Owns: which products are one step and which are apart; what follows each of them; where their operands and
 * results lie; leaves that change in between; memory that is out. */
#include "counting_allocator.h"
#include "expect_error.h"
#include "expect_planned.h"
#include "graph/plan_parts.h"

static void share_an_operand(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(70, 64)), w = normal(tape, TG_SHAPE(64, 64));
    const tg_tensor q = tg_matmul(x, w), k = tg_matmul(x, tg_neg(w)), v = tg_matmul(x, tg_transpose(w));
    expect_planned(tape, 3, (tg_tensor[]){q, v, tg_matmul(tg_transpose(x), x)}, ": 1 step\n");
    expect_planned(tape, 3, (tg_tensor[]){q, k, v}, ": 3 steps\n"); /* k when its operand is there */
}
Test(plan_products, those_that_share_an_operand_are_one_step) { on_both_dtypes(share_an_operand); }

/* One of the two halves of a backward pass is there before the other's operand. */
static void need_no_operand_together(tg_tape *tape) {
    const tg_tensor a = normal(tape, TG_SHAPE(64, 80)), b = normal(tape, TG_SHAPE(80, 96)),
                    d = normal(tape, TG_SHAPE(96, 72)), dy = tg_expand(tg_scalar(tape, 1), TG_SHAPE(64, 72));
    const tg_tensor ab = tg_matmul(a, b), abd = tg_matmul(ab, d), dab = tg_matmul(dy, tg_transpose(d));
    const tg_tensor da = tg_matmul(dab, tg_transpose(b)), db = tg_matmul(tg_transpose(a), dab);
    expect_planned(tape, 4, (tg_tensor[]){abd, da, db, tg_matmul(tg_transpose(ab), dy)}, ": 2 steps\n");
}
Test(plan_products, those_that_do_not_depend_on_each_other_are_one_step) {
    on_both_dtypes(need_no_operand_together);
}

/* With a part of the inner dimension each, by BLAS, in batches, thin, and empty ones. */
static void go_all_ways(tg_tape *tape) {
    const int64_t sizes[][3] = {{20, 15, 3000}, {64, 10, 128}, {3, 4, 0},     {0, 5, 7},
                                {1, 300, 200},  {400, 1, 300}, {130, 70, 60}, {2, 3, 40000}};
    for (int i = 0; i < 8; i++) {
        const int64_t *s = sizes[i], *t = sizes[(i + 3) % 8];
        const tg_tensor x = normal(tape, TG_SHAPE(90, 60)), many = normal(tape, TG_SHAPE(40, 30, 20));
        tg_tensor outputs[4] = {tg_matmul(x, tg_transpose(x))}; /* the first looks for the others */
        outputs[1] = tg_matmul(normal(tape, TG_SHAPE(s[0], s[2])), normal(tape, TG_SHAPE(s[2], s[1])));
        outputs[2] = tg_matmul(many, tg_transpose(many));
        outputs[3] = tg_matmul(tg_transpose(normal(tape, TG_SHAPE(t[2], t[0]))),
                               tg_transpose(normal(tape, TG_SHAPE(t[1], t[2]))));
        expect_planned(tape, 4, outputs, ": 1 step\n");
    }
}
Test(plan_products, they_may_be_of_any_size_and_in_batches) { on_both_dtypes(go_all_ways); }

static void stay_apart(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(500, 500)), few = normal(tape, TG_SHAPE(20, 20));
    expect_planned(tape, 2, (tg_tensor[]){tg_matmul(x, x), tg_matmul(tg_transpose(x), x)}, ": 2 steps\n");
    expect_planned(tape, 2, (tg_tensor[]){tg_matmul(few, few), tg_matmul(tg_transpose(few), few)},
                   ": 2 steps\n");
}
Test(plan_products, large_ones_and_too_small_ones_are_steps_apart) { on_both_dtypes(stay_apart); }

/* A matrix of every other element has to be copied for BLAS, which multiplies those of three columns in f32,
 * and in f64 on some CPUs. */
static void copy_for_blas(tg_tape *tape) {
    const tg_tensor wide = normal(tape, TG_SHAPE(600, 6)), y = normal(tape, TG_SHAPE(100, 100));
    const tg_tensor holes = tg_slice(tg_slice(wide, 0, 0, TG_END, 2), 1, 0, TG_END, 2);
    const tg_tensor outputs[3] = {tg_matmul(y, y), tg_matmul(tg_transpose(holes), holes),
                                  tg_matmul(tg_transpose(y), y)};
    expect_planned(tape, 3, outputs, tg_dtype_of(y) == TG_F32 ? ": 2 steps\n" : " step");
}
Test(plan_products, those_that_blas_copies_are_steps_apart) { on_both_dtypes(copy_for_blas); }

/* Each has what follows it panel by panel; what reads both results cannot. */
static void be_followed(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(96, 70)), w = normal(tape, TG_SHAPE(70, 80)),
                    u = normal(tape, TG_SHAPE(70, 80)), bias = normal(tape, TG_SHAPE(80));
    const tg_tensor q = tg_tanh(tg_add(tg_matmul(x, w), bias)), z = tg_matmul(x, u), k = tg_sigmoid(z);
    expect_planned(tape, 3, (tg_tensor[]){q, z, k}, ": 1 step\n");
    expect_planned(tape, 1, (tg_tensor[]){tg_mul(q, k)}, ": 2 steps\n");
    expect_planned(tape, 2, (tg_tensor[]){q, tg_mul(q, tg_square(z))}, ": 2 steps\n");
}
Test(plan_products, each_is_followed_by_its_own_operations) { on_both_dtypes(be_followed); }

/* Both chains read e for the last time, which neither may write to. */
static void keep_what_others_read(tg_tape *tape) {
    const tg_tensor x = normal(tape, TG_SHAPE(80, 80)), e = tg_exp(x), y = tg_neg(x);
    const tg_tensor p = tg_matmul(x, y), q = tg_matmul(y, y), r = tg_matmul(e, y);
    expect_planned(tape, 1, (tg_tensor[]){tg_sum(tg_concat(2, (tg_tensor[]){tg_mul(p, e), tg_sub(q, e)}, 0))},
                   "matmul mul matmul sub");
    expect_planned(tape, 1, (tg_tensor[]){tg_sum(tg_concat(2, (tg_tensor[]){tg_mul(p, e), r}, 0))},
                   "matmul mul matmul");
}
Test(plan_products, what_one_reads_no_other_takes_the_place_of) { on_both_dtypes(keep_what_others_read); }

/* The second product is to be added to the weights that the first reads. */
static void update_an_operand(const tg_tensor *leaf, tg_tensor *outputs) {
    outputs[0] = tg_matmul(leaf[0], tg_transpose(leaf[1]));
    outputs[1] = tg_assign(leaf[1], tg_sub(leaf[1], tg_matmul(tg_transpose(leaf[0]), leaf[0])));
}

/* The same, before weights are read that the first changes. */
static void read_what_has_changed(const tg_tensor *leaf, tg_tensor *outputs) {
    outputs[0] = tg_assign(leaf[1], tg_sub(leaf[1], tg_matmul(tg_transpose(leaf[0]), leaf[0])));
    outputs[1] = tg_matmul(leaf[0], leaf[1]);
}

/* A product before an assign of its operand and one after it. */
static void read_both_sides(const tg_tensor *leaf, tg_tensor *outputs) {
    outputs[0] = tg_matmul(leaf[0], leaf[1]);
    outputs[1] = tg_assign(leaf[1], tg_exp(leaf[1]));
    outputs[2] = tg_matmul(leaf[0], leaf[1]);
}

/* Two updates, each of what no other product reads. */
static void update_apart(const tg_tensor *leaf, tg_tensor *outputs) {
    const tg_tensor turned = tg_transpose(leaf[0]);
    outputs[0] = tg_assign(leaf[1], tg_sub(leaf[1], tg_matmul(turned, leaf[0])));
    outputs[1] = tg_assign(leaf[2], tg_add(leaf[2], tg_matmul(leaf[0], turned)));
}

/* Two updates of the same. */
static void update_twice(const tg_tensor *leaf, tg_tensor *outputs) {
    const tg_tensor turned = tg_transpose(leaf[0]), first = tg_matmul(turned, leaf[0]),
                    second = tg_matmul(leaf[0], turned);
    outputs[0] = tg_assign(leaf[1], tg_sub(leaf[1], first));
    outputs[1] = tg_assign(leaf[1], tg_mul(leaf[1], second));
}

static void change_leaves(tg_tape *tape) {
    const tg_tensor leaves[3] = {normal(tape, TG_SHAPE(90, 90)), normal(tape, TG_SHAPE(90, 90)),
                                 normal(tape, TG_SHAPE(90, 90))};
    expect_changes(tape, 3, leaves, update_an_operand, 2, ": 2 steps\n");
    expect_changes(tape, 3, leaves, read_what_has_changed, 2, ": 2 steps\n");
    expect_changes(tape, 3, leaves, read_both_sides, 3, ": 3 steps\n");
    expect_changes(tape, 3, leaves, update_apart, 2, ": 1 step\n");
    expect_changes(tape, 3, leaves, update_twice, 2, ": 2 steps\n");
}
Test(plan_products, leaves_change_before_and_after_those_who_read_them) { on_both_dtypes(change_leaves); }

Test(plan_products, bytes_of_a_shared_operand_count_once) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_tensor x = normal(tape, TG_SHAPE(64, 70)), w = normal(tape, TG_SHAPE(70, 80)),
                    u = normal(tape, TG_SHAPE(70, 90));
    tg_plan *plan = tg_plan_new(tape, 2, (tg_tensor[]){tg_matmul(x, w), tg_matmul(x, u)});
    cr_assert(plan);
    cr_assert_eq(plan->n_steps, 1);
    cr_expect_eq(plan->steps[0].n_ops, 2);
    cr_expect_eq(plan->work.flops, 2. * 64 * 70 * (80 + 90));
    cr_expect_eq(plan->work.bytes, 4. * (64 * 70 + 70 * (80 + 90) + 64 * (80 + 90)));
    tg_plan_free(plan);
    tg_tape_free(tape);
}

/* Products at once, one in parts, which needs scratch, and one with a chain behind it. */
static tg_plan *plan_at_once(tg_tape *tape, tg_tensor outputs[3]) {
    const tg_tensor x = normal(tape, TG_SHAPE(4000, 10)), y = normal(tape, TG_SHAPE(80, 80));
    outputs[0] = tg_matmul(tg_transpose(x), x);
    outputs[1] = tg_relu(tg_matmul(y, y));
    outputs[2] = tg_matmul(tg_transpose(x), tg_slice(x, 1, 0, 5, 1));
    return tg_plan_new(tape, 3, outputs);
}

Test(plan_products, each_allocation_may_fail) {
    bool failed = true;
    for (long at = 0; failed && at < 1000; at++) {
        counting c;
        tg_tensor outputs[3];
        tg_tape *tape = tg_tape_new_with(TG_F64, counting_allocator(&c));
        c.fail_at = at;
        tg_plan *plan = tape ? plan_at_once(tape, outputs) : NULL;
        failed = c.failed > 0;
        cr_expect_eq(plan == NULL, failed);
        c.fail_at = -1;
        if (plan) {
            const long before = c.allocations;
            expect_steps(plan, ": 1 step\n");
            cr_expect_eq(tg_plan_run(plan), TG_OK);
            cr_expect_eq(c.allocations, before);
        }
        tg_plan_free(plan);
        tg_tape_free(tape);
        cr_assert_eq(c.blocks, 0);
        cr_assert_eq(c.wrong_sizes, 0);
    }
    cr_expect_not(failed);
}

/* --- at random ------------------------------------------------------------------------------------------ */

enum { GRAPHS = 150, LEAVES = 5, NODES = 14 };

typedef struct matrices {
    uint64_t state;
    int n;
    tg_tensor x[LEAVES + 2 * NODES];
    int n_outputs;
    tg_tensor outputs[2 * NODES + 1];
} matrices;

static int choose(matrices *m, int n) {
    m->state = m->state * 6364136223846793005U + 1442695040888963407U;
    return (int)((m->state >> 33) % (uint64_t)n);
}

static bool same_shape(tg_tensor a, tg_tensor b) { return tg_shape_equal(tg_shape_of(a), tg_shape_of(b)); }

/* The product and a row or a column of something, or a number; or less than the product. */
static tg_tensor add_bias(matrices *m, tg_tensor product) {
    const tg_shape shape = tg_shape_of(product);
    for (int turn = 0; turn < 6; turn++) {
        const tg_tensor b = m->x[choose(m, m->n)];
        const int along = choose(m, 2);
        const int64_t at = choose(m, (int)tg_shape_of(b).dim[!along]);
        if (tg_shape_of(b).dim[along] != shape.dim[along]) continue;
        return tg_add(product, tg_slice(b, !along, at, at + 1, 1));
    }
    return choose(m, 2) ? tg_add(tg_num(0.3), product) : tg_mul(product, tg_num(0.1));
}

/* A product of two of them, turned where that fits better, or a few operations. */
static tg_tensor grow(matrices *m) {
    const tg_tensor a = m->x[choose(m, m->n)];
    for (int turn = 0; turn < 8 && choose(m, 3); turn++) {
        const tg_tensor b = m->x[choose(m, m->n)];
        const int64_t inner = tg_shape_of(a).dim[1], rows = tg_shape_of(b).dim[0],
                      columns = tg_shape_of(b).dim[1];
        if (inner == rows) return add_bias(m, tg_matmul(a, b));
        if (inner == columns) return tg_matmul(a, tg_transpose(b));
    }
    for (int turn = 0; turn < 4; turn++) {
        const tg_tensor b = m->x[choose(m, m->n)];
        if (same_shape(a, b)) return choose(m, 2) ? tg_sub(tg_tanh(a), b) : tg_mul(tg_num(0.1), tg_add(a, b));
    }
    return tg_tanh(a);
}

static void record_matrices(matrices *m, uint64_t seed, tg_tape *tape, tg_tensor *leaves) {
    static const int64_t sizes[] = {48, 64, 97, 2};
    *m = (matrices){.state = seed * 2654435761U + 1};
    for (int i = 0; i < LEAVES; i++) {
        const int64_t rows = sizes[choose(m, 3 + i % 2)], columns = sizes[choose(m, 3)];
        leaves[i] = m->x[m->n++] =
            tg_param_normal(tape, TG_SHAPE(rows, columns), tg_key_split(tg_key_new(seed), (uint64_t)i), 0.3);
    }
    for (int i = 0; i < NODES; i++) {
        const tg_tensor made = grow(m), leaf = leaves[choose(m, LEAVES)];
        m->x[m->n++] = made;
        if (choose(m, 3) == 0) m->outputs[m->n_outputs++] = made;
        if (choose(m, 2) && same_shape(made, leaf))
            m->outputs[m->n_outputs++] = m->x[m->n++] = tg_assign(leaf, made);
    }
    m->outputs[m->n_outputs++] = m->x[m->n - 1];
}

/* How many steps have several products. */
static int steps_at_once(const tg_plan *plan) {
    int n = 0;
    for (uint32_t i = 0; i < plan->n_steps; i++)
        n += plan->steps[i].kind == TG_STEP_PRODUCT && plan->steps[i].as.products.n > 1;
    return n;
}

static int check_matrices(uint64_t seed, tg_dtype dtype) {
    tg_tape *tape = tg_tape_new(dtype), *plain = tg_tape_new(dtype);
    tg_tensor leaves[LEAVES], others[LEAVES];
    matrices planned, expected;
    record_matrices(&expected, seed, plain, others);
    record_matrices(&planned, seed, tape, leaves);
    tg_plan *plan = tg_plan_new(tape, planned.n_outputs, planned.outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    const int found = steps_at_once(plan);
    for (int threads = 1; threads <= 2; threads++) {
        use_threads(threads);
        for (int i = 0; i < LEAVES; i++) {
            const tg_tensor start = tg_param_normal(plain, tg_shape_of(leaves[i]),
                                                    tg_key_split(tg_key_new(seed), (uint64_t)i), 0.3);
            memcpy(tg_data_mut(leaves[i]), tg_data(start), bytes_of(start));
        }
        cr_assert_eq(tg_plan_run(plan), TG_OK, "%s", tg_tape_error(tape));
        for (int k = 0; k < planned.n_outputs; k++)
            cr_assert_eq(memcmp(tg_data(planned.outputs[k]), tg_data(expected.outputs[k]),
                                bytes_of(expected.outputs[k])),
                         0, "graph %llu, output %d, %d threads", (unsigned long long)seed, k, threads);
    }
    use_threads(1);
    tg_plan_free(plan);
    tg_tape_free(tape);
    tg_tape_free(plain);
    return found;
}

Test(plan_products, graphs_of_products_give_what_they_give_on_the_tape, .timeout = 240) {
    int found = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++)
        found += check_matrices(seed, TG_F32) + check_matrices(seed, TG_F64);
    cr_expect_geq(found, GRAPHS, "%d steps of several products", found);
}
