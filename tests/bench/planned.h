/* planned.h: contestants that are plans.
 *
 * Owns: running one, and training steps recorded by hand: gradients, and the updates of SGD and Adam as
 * tg_assign. Nothing is computed when they are recorded. */
#ifndef TAPEGRAD_BENCH_PLANNED_H
#define TAPEGRAD_BENCH_PLANNED_H

#include <stdlib.h>

#include "tapegrad.h"

enum { PLANNED_MOST_PARAMS = 8 };

static inline void run_plan(void *context) {
    if (tg_plan_run(context) == TG_OK) return;
    printf("a plan failed\n");
    exit(1);
}

/* The plan, or an end to the program. */
static inline tg_plan *planned(tg_tape *tape, int n, const tg_tensor *outputs) {
    tg_plan *plan = tg_plan_new(tape, n, outputs);
    if (plan) return plan;
    printf("%s\n", tg_tape_error(tape));
    exit(1);
}

/* p - rate dp */
static inline tg_tensor planned_sgd(tg_tensor p, tg_tensor dp, double rate) {
    return tg_assign(p, tg_sub(p, tg_mul(tg_num(rate), dp)));
}

/* Adam with its usual constants; powers are leaves that hold beta1^t and beta2^t. Writes three updates. */
static inline void planned_adam(tg_tensor p, tg_tensor dp, double rate, const tg_tensor *powers,
                                tg_tensor *updates) {
    const tg_tensor m = tg_zeros(p.tape, tg_shape_of(p)), v = tg_zeros(p.tape, tg_shape_of(p)),
                    one = tg_num(1);
    updates[0] = tg_assign(m, tg_add(tg_mul(m, tg_num(0.9)), tg_mul(dp, tg_num(0.1))));
    updates[1] = tg_assign(v, tg_add(tg_mul(v, tg_num(0.999)), tg_mul(tg_square(dp), tg_num(0.001))));
    const tg_tensor scale = tg_div(tg_num(rate), tg_sub(one, powers[0]));
    const tg_tensor root = tg_sqrt(tg_mul(updates[1], tg_div(one, tg_sub(one, powers[1]))));
    updates[2] = tg_assign(p, tg_sub(p, tg_div(tg_mul(scale, updates[0]), tg_add(root, tg_num(1e-8)))));
}

/* A step that lowers the loss, by Adam or by SGD. Outputs: updates, powers, and the loss. */
static inline tg_plan *planned_step(tg_tensor loss, int n, const tg_tensor *params, double rate, bool adam) {
    tg_tape *tape = loss.tape;
    tg_tensor outputs[3 * PLANNED_MOST_PARAMS + 3], gradients[PLANNED_MOST_PARAMS], *next = outputs;
    const tg_tensor powers[2] = {tg_scalar(tape, 1), tg_scalar(tape, 1)};
    tg_no_values(tape) {
        if (tg_gradients(loss, n, params, gradients) != TG_OK) n = 0; /* planned says why */
        if (adam) {
            *next++ = tg_assign(powers[0], tg_mul(powers[0], tg_num(0.9)));
            *next++ = tg_assign(powers[1], tg_mul(powers[1], tg_num(0.999)));
        }
        for (int i = 0; i < n; i++) {
            if (adam)
                planned_adam(params[i], gradients[i], rate, powers, next);
            else
                *next = planned_sgd(params[i], gradients[i], rate);
            next += adam ? 3 : 1;
        }
    }
    *next++ = loss;
    return planned(tape, (int)(next - outputs), outputs);
}

#endif
