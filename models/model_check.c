/* model_check.c: what is looked at before a model is trained, and after: its data, gradients, accuracy.
 *
 * Gradients are checked on a tape of their own: training may run in f32, where finite differences say little,
 * and what a check needs is given back at once. */
#include "models/model_check.h"

#include <math.h>

#include "models/training.h"

tg_status tg_model_check_data(const char *where, tg_tape *tape, const tg_dataset *train,
                              const tg_dataset *test) {
    if (tg_tape_error(tape)) return tg_tape_status(tape);
    if (train->n_examples < 1 || train->n_features < 1) {
        return tg_tape_fail(tape, TG_ERR_SHAPE, where,
                            "training needs examples and features, not %lld of %lld",
                            (long long)train->n_examples, (long long)train->n_features);
    }
    if (test && test->n_examples > 0 && test->n_features != train->n_features) {
        return tg_tape_fail(tape, TG_ERR_SHAPE, where, "%lld features to train on, %lld to test with",
                            (long long)train->n_features, (long long)test->n_features);
    }
    return TG_OK;
}

double tg_model_accuracy(tg_tape *tape, const tg_dataset *data,
                         tg_tensor (*logits)(const void *model, tg_tensor X), const void *model) {
    if (!data || data->n_examples < 1) return NAN;
    const tg_mark start = tg_tape_mark(tape);
    double accuracy = NAN;
    tg_no_grad(tape) {
        const tg_tensor X = tg_dataset_features(tape, data), Y = tg_dataset_labels(tape, data);
        accuracy = tg_accuracy(logits(model, X), Y);
    }
    return tg_tape_rewind(tape, start) == TG_OK ? accuracy : NAN;
}

tg_tape *tg_model_check_tape(tg_tape *tape) {
    tg_tape *check = tg_tape_new_with(TG_F64, tg_tape_allocator(tape));
    if (!check) tg_tape_fail(tape, TG_ERR_MEMORY, TG_HERE, "no memory for the gradient check");
    return check;
}

tg_status tg_model_check(tg_tape *tape, tg_tape *check, tg_model *model, void *context, int n,
                         const tg_tensor *params, FILE *stream, tg_gradcheck_report *report) {
    *report = (tg_gradcheck_report){0};
    tg_status status = tg_tape_status(check);
    if (status == TG_OK) status = tg_gradcheck(check, model, context, n, params, NULL, report);
    if (status != TG_OK) {
        const char *why = tg_tape_error(check);
        return tg_tape_fail(tape, status, TG_HERE, "gradient check: %s", why ? why : tg_status_name(status));
    }
    if (stream) {
        tg_gradcheck_print(stream, report);
        fputc('\n', stream);
    }
    if (report->verdict != TG_FAIL) return TG_OK;
    return tg_tape_fail(tape, TG_ERR_GRADIENT, TG_HERE,
                        "gradient check: backward and finite differences do not agree");
}
