/* model_check.h: what is looked at before a model is trained, and after: its data, gradients, accuracy.
 *
 * Owns: what the models of this folder have in common in this. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_MODEL_CHECK_H
#define TAPEGRAD_MODELS_MODEL_CHECK_H

#include "graph/gradcheck.h"
#include "models/dataset.h"

/* TG_OK when there is something to train on and the test part (NULL: none) has as many features; else an
 * error on the tape, or the one that stuck to it already. */
tg_status tg_model_check_data(const char *where, tg_tape *tape, const tg_dataset *train,
                              const tg_dataset *test);

/* The accuracy on a dataset of the model whose logits for examples X are logits(model, X); NaN for NULL or no
 * examples, and on failure. Leaves nothing on the tape. */
double tg_model_accuracy(tg_tape *tape, const tg_dataset *data,
                         tg_tensor (*logits)(const void *model, tg_tensor X), const void *model);

/* Checks the model on `check`, a tape of f64 beside `tape`, prints the table to stream (when it is not NULL),
 * and leaves errors on `tape`: those of the check, and TG_ERR_GRADIENT when the verdict is FAIL. A verdict of
 * UNRESOLVED is the caller's to judge. The report is the caller's to free, also after an error. */
tg_status tg_model_check(tg_tape *tape, tg_tape *check, tg_model *model, void *context, int n,
                         const tg_tensor *params, FILE *stream, tg_gradcheck_report *report);

/* A tape of f64 with the allocator of `tape`; NULL, and an error on `tape`, when memory is out. */
tg_tape *tg_model_check_tape(tg_tape *tape);

#endif
