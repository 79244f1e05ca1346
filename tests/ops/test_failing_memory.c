/* test_failing_memory.c: operations whose results and scratch memory are large survive each allocation that
 * fails: an error, no crash, and all memory given back. */
#include "tests/graph/counting_allocator.h"
#include "tests/ops/tensor_expectations.h"

enum { SIDE = 400 };

static tg_tensor softmax(tg_tensor x) { return tg_softmax(x, 0); }
static tg_tensor log_softmax(tg_tensor x) { return tg_log_softmax(tg_transpose(x), 0); }
static tg_tensor logsumexp(tg_tensor x) { return tg_logsumexp_axes(x, TG_AXES(1), false); }
static tg_tensor largest(tg_tensor x) { return tg_max_axes(x, TG_AXES(0), true); }
static tg_tensor mean(tg_tensor x) { return tg_mean(x); }
static tg_tensor copied(tg_tensor x) { return tg_reshape(tg_transpose(x), TG_SHAPE(-1)); }
static tg_tensor joined(tg_tensor x) { return tg_concat(3, (const tg_tensor[]){x, x, x}, 1); }
static tg_tensor sliced(tg_tensor x) { return tg_slice(x, 0, TG_END, TG_END, -2); }
static tg_tensor product(tg_tensor x) {
    const tg_tensor evens = tg_slice(tg_slice(x, 0, 0, TG_END, 2), 1, 0, TG_END, 2);
    return tg_matmul(evens, tg_transpose(evens));
}

/* Whether the graph and its gradient were made. */
static bool record(tg_tape *tape, tg_tensor (*f)(tg_tensor)) {
    const tg_tensor x = tg_param_normal(tape, TG_SHAPE(SIDE, SIDE), tg_key_new(1), 1), y = f(x);
    tg_tensor dx;
    return tg_gradients_from(y, y, 1, &x, &dx) == TG_OK;
}

Test(failing_memory, every_allocation_may_fail) {
    tg_tensor (*const graphs[])(tg_tensor) = {softmax, log_softmax, logsumexp, largest, mean,
                                              copied,  joined,      sliced,    product};
    for (size_t i = 0; i < sizeof graphs / sizeof graphs[0]; i++) {
        bool made = false;
        for (long k = 0; !made && k < 200; k++) {
            counting c;
            const tg_allocator allocator = counting_allocator(&c);
            c.fail_at = k;
            tg_tape *tape = tg_tape_new_with(TG_F32, allocator);
            made = tape && record(tape, graphs[i]) && !c.failed;
            if (tape && c.failed)
                cr_expect(tg_tape_status(tape) == TG_ERR_MEMORY, "graph %zu, allocation %ld: %s", i, k,
                          tg_tape_error(tape) ? tg_tape_error(tape) : "no error");
            tg_tape_free(tape);
            cr_expect(c.blocks == 0 && !c.wrong_sizes, "graph %zu, allocation %ld: %ld blocks leak", i, k,
                      c.blocks);
        }
        cr_expect(made, "graph %zu is never made", i);
    }
}
