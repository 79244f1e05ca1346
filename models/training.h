/* training.h: the loop that trains a model: record the loss, differentiate, step, rewind.
 *
 * Owns: the loop, the record of costs, and what is said while it runs. Knows models only as functions. */
#ifndef TAPEGRAD_MODELS_TRAINING_H
#define TAPEGRAD_MODELS_TRAINING_H

#include "graph/gradcheck.h"
#include "models/optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is trained, and how. Everything is borrowed for the length of the call. */
typedef struct tg_training {
    tg_model *model; /* records the loss of the parameters */
    void *context;   /* handed to it */
    const tg_tensor *params;
    tg_optimizer *optimizer; /* of these parameters */
    int64_t iterations;      /* steps, at least 0 */
    double *costs;           /* NULL, or iterations + 1: costs[t] becomes the loss after t steps */
    FILE *stream;            /* where progress is written; NULL: nowhere */
    const char *what;        /* what the progress line calls it; NULL: "training" */
    void (*observe)(void *observer, int64_t step); /* NULL, or called before the first step (0) and after
                                                      each; it must not record on the tape */
    void *observer;
} tg_training;

/* Trains. Parameters and the optimizer were made before; the tape is rewound to where it is now. Errors:
 * whatever the model or the optimizer fail with; TG_ERR_NAN when the loss is not finite any more. The
 * parameters then are those of the last step. */
#define tg_train(...) tg_train_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_train_at(const char *where, tg_tape *tape, const tg_training *training);

/* The part of examples, 0 to 1, whose logit z is on the side of its label y (z > 0 for 1, z <= 0 for 0); z
 * and y have the same shape. Leaves nothing on the tape. NaN, and an error on the tape, on failure. */
#define tg_accuracy(...) tg_accuracy_at(TG_HERE, __VA_ARGS__)
TG_API double tg_accuracy_at(const char *where, tg_tensor z, tg_tensor y);

#ifdef __cplusplus
}
#endif
#endif
