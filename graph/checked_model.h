/* checked_model.h: a model as those call it who check it: again and again, at other values of its parameters.
 *
 * Owns: what a model must give (one number of f64), and leaving the tape as it was. Internal: not installed.
 */
#ifndef TAPEGRAD_GRAPH_CHECKED_MODEL_H
#define TAPEGRAD_GRAPH_CHECKED_MODEL_H

#include "graph/gradcheck.h"

typedef struct tg_checked_model {
    tg_tape *tape;
    const char *where, *what; /* the caller's line and name, for messages */
    tg_model *model;
    void *context;
    int n;
    const tg_tensor *params;
} tg_checked_model;

/* Whether it can be checked: an f64 tape without errors, parameters that are leaves of it. */
bool tg_checked_model_open(const tg_checked_model *m);

/* Records it once more; false, with an error, when it gives no loss. */
bool tg_checked_model_record(const tg_checked_model *m, tg_tensor *loss);

/* The loss at the present values; nothing stays on the tape. */
bool tg_checked_model_loss(const tg_checked_model *m, double *value);

#endif
