/* shallow_check.c: how the shallow network's gradients are checked.
 *
 * relu and leaky_relu have a kink at 0: a finite difference whose step carries a Z1 across it measures no
 * derivative, and says nothing of backward. So the check takes the examples whose Z1 lie farthest from 0,
 * and stops before those that a step could carry across. */
#include "models/shallow_check.h"

#include <math.h>
#include <stdlib.h>

#include "models/model_check.h"
#include "models/tape_memory.h"

/* Examples in the check: enough to exercise every parameter; more only take longer. */
#define CHECKED_EXAMPLES 100

/* An entry of W1 that moves by the first step, 0.01 (of itself, when it is larger than 1), moves Z1 by that
 * times the feature. Three times as much is far enough, for entries of up to 3. */
#define FAR 0.03

typedef struct candidate {
    double distance; /* of its nearest Z1 from 0, relative to what moves it */
    int64_t example;
} candidate;

static int farthest_first(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? 1 : -1;
    return (x->example > y->example) - (x->example < y->example);
}

static double distance_from_kink(const double *Z1, int64_t hidden, const tg_dataset *data, int64_t i) {
    double nearest = INFINITY, feature = 1;
    for (int64_t k = 0; k < hidden; k++) nearest = fmin(nearest, fabs(Z1[k * data->n_examples + i]));
    for (int64_t j = 0; j < data->n_features; j++) {
        feature = fmax(feature, fabs(data->x[j * data->n_examples + i]));
    }
    return nearest / feature;
}

/* The examples for the check, as a dataset of their own: never none. */
static tg_status choose_examples(tg_tape *check, const tg_dataset *train, const tg_shallow_network *network,
                                 tg_dataset *chosen) {
    const int64_t n = train->n_examples;
    const bool kinked = network->activation == TG_RELU || network->activation == TG_LEAKY_RELU;
    const tg_mark start = tg_tape_mark(check);
    candidate *candidates = tg_tape_memory_new(check, n, sizeof *candidates);
    const double *Z1 = tg_data(tg_shallow_hidden_at(TG_HERE, network, tg_dataset_features(check, train)));
    tg_status status = candidates && Z1 ? TG_OK : tg_tape_status(check);
    int64_t m = n < CHECKED_EXAMPLES ? n : CHECKED_EXAMPLES;
    if (status == TG_OK) {
        const int64_t hidden = tg_dim(network->W1, 0);
        for (int64_t i = 0; i < n; i++) {
            candidates[i] = (candidate){kinked ? distance_from_kink(Z1, hidden, train, i) : INFINITY, i};
        }
        qsort(candidates, (size_t)n, sizeof *candidates, farthest_first);
        while (m > 1 && candidates[m - 1].distance < FAR) m--;
        status = tg_dataset_new(check, train->n_features, m, chosen);
    }
    for (int64_t i = 0; status == TG_OK && i < m; i++) {
        const int64_t from = candidates[i].example;
        for (int64_t j = 0; j < train->n_features; j++) chosen->x[j * m + i] = train->x[j * n + from];
        chosen->y[i] = train->y[from];
    }
    tg_tape_memory_free(tg_tape_allocator(check), candidates, n, sizeof *candidates);
    const tg_status rewound = tg_tape_rewind(check, start);
    return status != TG_OK ? status : rewound;
}

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
    const tg_shallow_network network = {params[0], params[1], params[2], params[3], options->activation};
    tg_dataset chosen = {0};
    /* An error here stays on the tape of the check, where tg_model_check finds it. */
    tg_shallow_examples examples = {.activation = options->activation};
    if (choose_examples(check, train, &network, &chosen) == TG_OK) {
        examples.X = tg_dataset_features(check, &chosen);
        examples.Y = tg_dataset_labels(check, &chosen);
    }
    const tg_status status =
        tg_model_check(tape, check, tg_shallow_cost, &examples, 4, params, options->stream, report);
    tg_dataset_free(&chosen);
    tg_tape_free(check);
    return status;
}
