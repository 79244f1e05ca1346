/* op_check.h: is an operation what struct tg_op promises? One call for authors of operations.
 *
 * Owns: tg_op_check, its options and its report. Runs in the author's program, on tapes of its own; knows
 * the operation only as struct tg_op. */
#ifndef TAPEGRAD_GRAPH_OP_CHECK_H
#define TAPEGRAD_GRAPH_OP_CHECK_H

#include "graph/gradcheck.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TG_OP_CHECK_INPUTS 8

/* One input to try the operation on. */
typedef struct tg_op_input {
    tg_dtype dtype; /* TG_F32, which zero is, and TG_F64 alike: the dtype of the tape */
    tg_shape shape; /* keep it small, say 24 elements */
    /* Values are drawn from between; i64: from low to high, both included. Both 0: those of the options, for
     * i64 0 and 1. */
    double low, high;
    bool constant;        /* no gradient by this input is asked for, as by an exponent */
    const double *values; /* NULL, or as many as the shape has elements: to be taken as they are, for the
                             checks that leave shapes alone */
} tg_op_input;

/* Zero means the default. */
typedef struct tg_op_check_options {
    const void *attr; /* op->attr_size bytes */
    int n;            /* inputs that follow; default: as many as the operation takes (2 where it takes */
    const tg_op_input
        *inputs;      /* any number), of the first shape that it accepts: [3, 4], [3, 3], [4], scalar */
    double low, high; /* the domain, for inputs that do not say; default -2 to 2, without the middle */
    double error;     /* allowed between ways to compute a value, in epsilons of the dtype times
                         max(1, |value|); default 64, eight times as much for gradients */
    tg_key key;
} tg_op_check_options;

typedef enum tg_op_check_state {
    TG_OP_CHECK_SKIPPED,
    TG_OP_CHECK_PASSED,
    TG_OP_CHECK_FAILED
} tg_op_check_state;

/* One line of the checklist. */
typedef struct tg_op_check_line {
    const char *name; /* "strides"; static, as are the next two */
    const char *what; /* what was checked */
    const char *mend; /* what to look at when it failed */
    tg_op_check_state state;
    int64_t tried;     /* things compared; each failed check stops at its first difference */
    char message[400]; /* FAILED: what differs; SKIPPED: why */
} tg_op_check_line;

#define TG_OP_CHECK_LINES 20

typedef struct tg_op_check_report {
    const char *op; /* the operation's name */
    int passed, failed, skipped;
    int n;
    tg_op_check_line lines[TG_OP_CHECK_LINES]; /* n of them */
} tg_op_check_report;

/* Applies the operation to the inputs again and again and checks: that it is complete and its result finite;
 * f32 against f64; inputs that are transposed, sliced and expanded views; size 0 and rank 0; broadcasting
 * (TG_MAP); in place and any length of a kernel's run (TG_MAP); neutral numbers and arithmetic; first and
 * second derivatives against finite differences; one wanted gradient against all; the same bits again, and
 * for 1 and 2 threads; a plan against the tape; every allocation failing in turn; no write beyond the output,
 * no write to inputs and attribute. An operation that is TG_NOT_DIFFERENTIABLE or gives i64 or bool skips
 * derivatives.
 *
 * options may be NULL. Nothing is printed, and the report is nothing to free. Returns TG_OK when the checks
 * could be made, whatever they found: look at report->failed. Errors: TG_ERR_VALUE for options that do not
 * fit (report->lines[0].message says how), TG_ERR_MEMORY. An operation that writes at random may crash the
 * program: a sanitizer then says more. */
TG_API TG_MUST_USE tg_status tg_op_check(const struct tg_op *op, const tg_op_check_options *options,
                                         tg_op_check_report *report);

/* Prints the checklist: what was checked, and for each failure what differs and what to mend. */
TG_API void tg_op_check_print(FILE *stream, const tg_op_check_report *report);

/* "passed", "FAILED", "skipped". Static. */
TG_API const char *tg_op_check_state_name(tg_op_check_state state);

#ifdef __cplusplus
}
#endif
#endif
