/* exercise_desk.h: what the checks of the exercises share: comparing answers, and saying in words what is
 * wrong with them. */
#ifndef EXERCISE_DESK_H
#define EXERCISE_DESK_H

#include <tapegrad.h>

enum { DESK_SIZES = 4 };

/* One exercise being checked. */
typedef struct exercise_desk {
    const char *file; /* the learner's */
    int n_right, n_wrong;
    int64_t sizes[DESK_SIZES]; /* of what there is beside the answers' axes, examples say; 0: no more */
} exercise_desk;

/* A wrong answer that people give, and what to say to it. A list ends with one that has no advice. */
typedef struct known_answer {
    const double *values;
    const char *advice;
} known_answer;

exercise_desk desk_open(const char *title, const char *file);

/* Compares the n numbers of an answer with the right ones, each within `tolerance` relative to the largest;
 * says which entry is wrong, and what kind of mistake it looks like: one of the known, or what
 * tg_mistake_find sees in the pattern. Returns whether it is right. */
bool desk_compare(exercise_desk *desk, const char *what, tg_shape shape, const double *yours,
                  const double *right, double tolerance, const known_answer *known);

/* The same for one number. */
bool desk_number(exercise_desk *desk, const char *what, double yours, double right, double tolerance,
                 const known_answer *known);

/* Notes that something is right; or wrong, with advice (printf's). They return true and false. */
bool desk_right(exercise_desk *desk, const char *what);
bool desk_wrong(exercise_desk *desk, const char *what, const char *advice, ...) TG_PRINTF(3, 4);

/* The gradients of a model's loss, as backward gives them, against nudging: tg_gradcheck's table, and what is
 * wrong in words. known may be NULL; known[i] is for parameter i. */
bool desk_gradcheck(exercise_desk *desk, tg_tape *tape, tg_model *model, void *context, int n,
                    const tg_tensor *params, const known_answer *const *known);

/* The same for gradients that were made in another way: yours[i] is for parameter i, and has to have its
 * shape. */
bool desk_gradients(exercise_desk *desk, tg_tape *tape, tg_model *model, void *context, int n,
                    const tg_tensor *params, const tg_tensor *yours, const known_answer *const *known);

/* An elementwise operation of one input, on n numbers: the loss is the sum of w[i] y[i] with the weights of
 * desk_weights, so that dy is w. */
bool desk_operation(exercise_desk *desk, const struct tg_op *op, int64_t n, const double *x,
                    const known_answer *known);
void desk_weights(int64_t n, double *w);

/* Says how it went; the exit status of the check. */
int desk_close(const exercise_desk *desk);

#endif
