/* model_check.h: a model's gradients checked before it is trained.
 *
 * Owns: the way of a check's errors and verdict to the tape that trains. Internal: not installed. */
#ifndef TAPEGRAD_MODELS_MODEL_CHECK_H
#define TAPEGRAD_MODELS_MODEL_CHECK_H

#include "graph/gradcheck.h"

/* Checks the model on `check`, a tape of f64 beside `tape`, prints the table to stream (when it is not NULL),
 * and leaves errors on `tape`: those of the check, and TG_ERR_GRADIENT when the verdict is FAIL. A verdict of
 * UNRESOLVED is the caller's to judge. The report is the caller's to free, also after an error. */
tg_status tg_model_check(tg_tape *tape, tg_tape *check, tg_model *model, void *context, int n,
                         const tg_tensor *params, FILE *stream, tg_gradcheck_report *report);

/* A tape of f64 with the allocator of `tape`; NULL, and an error on `tape`, when memory is out. */
tg_tape *tg_model_check_tape(tg_tape *tape);

#endif
