/* planned.h: contestants that are plans.
 *
 * Owns: making and running them. */
#ifndef TAPEGRAD_BENCH_PLANNED_H
#define TAPEGRAD_BENCH_PLANNED_H

#include <stdlib.h>

#include "tapegrad.h"

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

/* A plan of steps that lower the loss, by Adam or by SGD, or an end to the program. */
static inline tg_plan *planned_step(tg_tensor loss, int n, const tg_tensor *params, double rate, bool adam) {
    tg_optimizer *optimizer =
        adam ? tg_adam_new(loss.tape, n, params, (tg_adam_options){.learning_rate = rate})
             : tg_sgd_new(loss.tape, n, params, (tg_sgd_options){.learning_rate = rate});
    tg_plan *plan = tg_training_plan(optimizer, loss);
    tg_optimizer_free(optimizer); /* the plan needs its state alone, which is on the tape */
    if (plan) return plan;
    printf("%s\n", tg_tape_error(loss.tape));
    exit(1);
}

#endif
