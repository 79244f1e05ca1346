/* gradcheck_parts.h: what the parts of the gradient check hand to each other. Internal: not installed.
 *
 * Owns: struct tg_check. The parts: gradcheck_model.c records the model, at the point and away from it;
 * gradcheck_entry.c judges one slope; gradcheck_mistake.c names what is wrong with a whole gradient;
 * gradcheck_fast.c looks along random directions; gradcheck.c does all entries in order and owns the report;
 * gradcheck_print.c shows it. */
#ifndef TAPEGRAD_GRAPH_GRADCHECK_PARTS_H
#define TAPEGRAD_GRAPH_GRADCHECK_PARTS_H

#include "graph/checked_model.h"
#include "graph/node.h"
#include "graph/slope.h"

/* Which entries move: those from first to last (not included), counted over all parameters in order, each by
 * its size, max(1, |entry|), up or, where signs are random, up or down. */
typedef struct tg_motion {
    int64_t first, last;
    bool random;
    tg_key key; /* of the signs */
} tg_motion;

enum { TG_CHECK_SIZES = 16 };

typedef struct tg_check {
    tg_checked_model model;
    tg_tensor *projections; /* order 2: what the gradients are multiplied by; else NULL */
    tg_gradcheck_options options;
    tg_gradcheck_report *report;
    int64_t n_entries;
    double *values; /* of all entries, as they were */
    double *units;  /* by how much each of those that move does, for an offset of 1 */
    tg_sample base; /* the loss at the point */
    double scale;   /* the largest number that went into it */
    int64_t first;  /* of the entries of the parameter that is being checked */
    double largest; /* of its slopes, in units of the line */
    tg_motion motion;
    double swing; /* by how much a whole step moved the loss since it was set to 0, in units of a slope */
    double start; /* the step at which a slope was found last */
    int64_t sizes[TG_CHECK_SIZES]; /* of axes, then of tensors in the graph: a wrong factor may be one */
    int n_sizes;
} tg_check;

/* --- gradcheck_model.c ---------------------------------------------------------------------------------- */

/* Records the model at the point, several times: the loss, backward's answer, whether the loss is a number
 * and the same each time (else *usable is false and the report says why), which parameters it reaches, and
 * how noisy it is. False, with an error on the tape, when the model gives no loss, or memory is out. */
bool tg_check_point(tg_check *c, bool *usable);

/* Records the model once more at the point, and looks for the operations whose backward is wrong. */
bool tg_check_blame(tg_check *c);

/* A line for tg_slope_find: the loss with the check's motion carried out; the context is the check. */
tg_line tg_check_line;

/* How large a step an entry is moved by: in its own size. */
double tg_check_size(const tg_check *c, int64_t entry);

/* Makes the check's motion another one. */
void tg_check_turn(tg_check *c, tg_motion motion);

/* --- gradcheck_entry.c ---------------------------------------------------------------------------------- */

/* What was found along a motion, in units of the line. */
typedef struct tg_judgement {
    tg_verdict verdict;
    double analytic, numeric, left, right, difference, error, tolerance;
    double allowed; /* how far apart the two may lie */
    bool jump;
} tg_judgement;

/* Judges backward's slope along the check's motion, with these tolerances. False when the model failed. */
bool tg_check_judge(tg_check *c, double analytic, double relative, double absolute, tg_judgement *judgement);

/* Turns to a parameter; checks all its entries. */
void tg_check_begin(tg_check *c, int k);
bool tg_check_parameter(tg_check *c, int k);

/* Checks one entry of parameter k and notes all in its result. */
bool tg_check_entry(tg_check *c, int k, int64_t i);

/* The one that says more against the gradient: FAIL, UNRESOLVED, KINK, PASS. */
tg_verdict tg_check_worse(tg_verdict a, tg_verdict b);

/* --- gradcheck_mistake.c -------------------------------------------------------------------------------- */

/* Keeps the lengths of axes, then the numbers of elements, from node first to the loss, and of what they
 * read.
 */
void tg_check_gather_sizes(tg_check *c, uint32_t first, uint32_t loss);

/* Names the mistake of parameter k, whose entries were all checked. */
void tg_check_name_mistake(const tg_check *c, int k);

/* --- gradcheck_fast.c ----------------------------------------------------------------------------------- */

/* Checks parameter k along random directions, and some entries by themselves. */
bool tg_check_parameter_fast(tg_check *c, int k);

/* Checks all parameters along directions that move all of them. */
bool tg_check_together(tg_check *c);

#endif
