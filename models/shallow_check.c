/* shallow_check.c: how the shallow network's gradients are checked: on all examples, at a point of its own.
 *
 * Training starts near 0, where mistakes in the gradient of W1 hardly show; the check is made at parameters
 * of the size that training reaches. */
#include "models/shallow_check.h"

#include <math.h>

#include "models/model_check.h"

tg_status tg_shallow_check(tg_tape *tape, const tg_dataset *train, const tg_shallow_network_options *options,
                           tg_gradcheck_report *report) {
    tg_tape *check = tg_model_check_tape(tape);
    if (!check) return TG_ERR_MEMORY;
    const int64_t hidden = options->hidden, n = train->n_features;
    const tg_key key = tg_key_split(options->key, 2);
    const double in = 1 / sqrt((double)n), out = 1 / sqrt((double)hidden), bias = 0.5;
    const tg_tensor params[4] = {
        tg_set_name(tg_param_normal(check, TG_SHAPE(hidden, n), tg_key_split(key, 0), in), "W1"),
        tg_set_name(tg_param_normal(check, TG_SHAPE(hidden, 1), tg_key_split(key, 1), bias), "b1"),
        tg_set_name(tg_param_normal(check, TG_SHAPE(1, hidden), tg_key_split(key, 2), out), "W2"),
        tg_set_name(tg_param_normal(check, TG_SHAPE(1, 1), tg_key_split(key, 3), bias), "b2"),
    };
    /* An error here stays on the tape of the check, where tg_model_check finds it. */
    tg_shallow_examples examples = {tg_dataset_features(check, train), tg_dataset_labels(check, train),
                                    options->activation};
    const tg_status status =
        tg_model_check(tape, check, tg_shallow_cost, &examples, 4, params, options->stream, report);
    tg_tape_free(check);
    return status;
}
