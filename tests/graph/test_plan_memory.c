/* test_plan_memory.c: what a planned training step needs beside parameters and data.
 *
 * Owns: the count of what a program written by hand, as textbooks have it, keeps in arrays: the sums and
 * activations of each layer, their gradients, and the gradients of all parameters. */
#include "graph/plan_parts.h"
#include "tapegrad.h"

#include <criterion/criterion.h>

enum { LAYERS = 2, MOST = 2 * LAYERS, MOST_EXAMPLES = 64 };

typedef struct network {
    int64_t batch, size[LAYERS + 1];
    tg_tensor (*activation)(tg_tensor x);
    tg_tensor (*loss)(tg_tensor logits, tg_tensor targets);
} network;

/* z and a of each layer (of the last the prediction), dz, dW, db. */
static int64_t textbook_elements(const network *n) {
    int64_t elements = 0;
    for (int l = 0; l < LAYERS; l++) elements += n->size[l + 1] * (3 * n->batch + n->size[l] + 1);
    return elements;
}

/* A step of gradient descent with examples in rows: the loss and the updates. */
static tg_plan *plan_step(const network *n, tg_tape *tape, tg_tensor targets) {
    const tg_key key = tg_key_new(1);
    tg_tensor p[MOST], gradients[MOST], outputs[MOST + 1];
    tg_tensor a = tg_param_normal(tape, TG_SHAPE(n->batch, n->size[0]), key, 1);
    for (int l = 0; l < LAYERS; l++) {
        p[2 * l] =
            tg_param_normal(tape, TG_SHAPE(n->size[l], n->size[l + 1]), tg_key_split(key, (uint64_t)l), 0.1);
        p[2 * l + 1] = tg_param_zeros(tape, TG_SHAPE(n->size[l + 1]));
        a = tg_add(tg_matmul(a, p[2 * l]), p[2 * l + 1]);
        if (l + 1 < LAYERS) a = n->activation(a);
    }
    outputs[MOST] = n->loss(a, targets);
    cr_assert_eq(tg_gradients(outputs[MOST], MOST, p, gradients), TG_OK, "%s", tg_tape_error(tape));
    for (int i = 0; i < MOST; i++)
        outputs[i] = tg_assign(p[i], tg_sub(p[i], tg_mul(tg_num(0.1), gradients[i])));
    return tg_plan_new(tape, MOST + 1, outputs);
}

static void expect_no_more_than_by_hand(const network *n, tg_dtype dtype) {
    tg_tape *tape = tg_tape_new(dtype);
    const bool classes = n->size[LAYERS] > 1;
    const int64_t labels[MOST_EXAMPLES] = {0};
    const tg_tensor targets = classes ? tg_from_i64(tape, TG_SHAPE(n->batch), n->batch, labels)
                                      : tg_zeros(tape, TG_SHAPE(n->batch, 1));
    tg_plan *plan = plan_step(n, tape, targets);
    cr_assert(plan, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_plan_run(plan), TG_OK);
    const double by_hand = (double)textbook_elements(n) * (double)tg_dtype_size(dtype);
    const double planned = (double)(plan->counts.slab_bytes + plan->counts.scratch_bytes);
    cr_expect_leq(planned, 1.1 * by_hand, "%g bytes, by hand %g", planned, by_hand);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

static tg_tensor tanh_of(tg_tensor x) { return tg_tanh(x); }
static tg_tensor relu_of(tg_tensor x) { return tg_relu(x); }
static tg_tensor binary(tg_tensor z, tg_tensor y) { return tg_binary_cross_entropy_with_logits(z, y); }
static tg_tensor softmax(tg_tensor z, tg_tensor y) { return tg_cross_entropy(z, y); }

Test(plan_memory, a_step_of_the_2_4_1_network_needs_no_more_than_by_hand) {
    const network small = {400, {2, 4, 1}, tanh_of, binary};
    expect_no_more_than_by_hand(&small, TG_F32);
    expect_no_more_than_by_hand(&small, TG_F64);
}

Test(plan_memory, a_step_of_the_784_128_10_perceptron_needs_no_more_than_by_hand) {
    const network perceptron = {64, {784, 128, 10}, relu_of, softmax};
    expect_no_more_than_by_hand(&perceptron, TG_F32);
    expect_no_more_than_by_hand(&perceptron, TG_F64);
}
