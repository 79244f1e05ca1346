/* training.c: the loop that trains a model: record the loss, differentiate, step, rewind.
 *
 * Owns: the loop. Knows models only as functions. */
#include "models/training.h"

#include <math.h>

#include "models/progress.h"
#include "ops/elementwise.h"
#include "ops/reduction.h"

/* The loss after `step` steps, left on the tape for backward; noted and shown. */
static tg_status record_loss(const char *where, tg_tape *tape, const tg_training *training, int64_t step,
                             tg_progress *progress, tg_tensor *loss) {
    *loss = training->model(tape, training->params, training->context);
    const double cost = tg_item_at(where, *loss);
    if (tg_tape_error(tape)) return tg_tape_status(tape);
    if (training->costs) training->costs[step] = cost;
    tg_progress_step(progress, step, "cost %.6f", cost);
    if (isfinite(cost)) return TG_OK;
    return tg_tape_fail(tape, TG_ERR_NAN, where,
                        "the loss is %g after %lld steps: try a smaller learning rate", cost,
                        (long long)step);
}

static tg_status run_steps(const char *where, tg_tape *tape, const tg_training *training,
                           tg_progress *progress) {
    const tg_mark start = tg_tape_mark(tape);
    for (int64_t step = 0;; step++) {
        tg_tensor loss;
        if (training->observe) training->observe(training->observer, step);
        tg_status status = record_loss(where, tape, training, step, progress, &loss);
        const bool last = step >= training->iterations;
        if (status == TG_OK && !last) status = tg_backward_at(where, loss);
        if (status == TG_OK && !last) status = tg_optimizer_step_at(where, training->optimizer);
        const tg_status rewound = tg_tape_rewind_at(where, tape, start);
        if (status != TG_OK || last) return status != TG_OK ? status : rewound;
    }
}

tg_status tg_train_at(const char *where, tg_tape *tape, const tg_training *training) {
    if (tg_tape_error(tape)) return tg_tape_status(tape);
    if (training->iterations < 0) {
        return tg_tape_fail(tape, TG_ERR_VALUE, where, "train: %lld iterations",
                            (long long)training->iterations);
    }
    tg_progress progress;
    tg_progress_begin(&progress, training->stream, training->what ? training->what : "training",
                      training->iterations, 0);
    const tg_status status = run_steps(where, tape, training, &progress);
    tg_progress_end(&progress);
    return status;
}

double tg_accuracy_at(const char *where, tg_tensor z, tg_tensor y) {
    tg_tape *tape = z.tape;
    if (!tape || tg_tape_error(tape)) return NAN;
    const tg_mark start = tg_tape_mark(tape);
    double accuracy = NAN;
    tg_no_grad(tape) {
        const tg_tensor guess = tg_greater_at(where, z, tg_num(0));
        const tg_tensor right = tg_equal_at(where, tg_to_value_at(where, guess), y);
        accuracy = tg_item_at(where, tg_mean_at(where, tg_to_value_at(where, right)));
    }
    if (tg_tape_rewind_at(where, tape, start) != TG_OK) accuracy = NAN;
    return accuracy;
}
