/* chain_rule.h: J = 3 (a + b c), the smallest graph that shows everything: values, derivatives, the nudge.
 *
 * With u = b c and v = a + u the chain rule runs backwards: dJ/dv = 3, dJ/du = dJ/dv dv/du = 3 * 1,
 * dJ/db = dJ/du du/db = 3 c, dJ/dc = 3 b, dJ/da = 3. */
#ifndef TAPEGRAD_MODELS_CHAIN_RULE_H
#define TAPEGRAD_MODELS_CHAIN_RULE_H

#include "graph/gradcheck.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero means the default. */
typedef struct tg_chain_rule_options {
    const double *at; /* a, b and c; NULL: 5, 3, 2 */
    double nudge;     /* how far each is moved for the experiment; 0: 0.001 */
    FILE *stream;     /* where the tables are printed; NULL: nowhere */
} tg_chain_rule_options;

typedef struct tg_chain_rule_result {
    tg_tensor a, b, c, u, v, J;   /* the graph, on the caller's tape */
    tg_tensor dv, du, da, db, dc; /* dJ by each of the others, on the same tape */
    double nudged[3];             /* J with a, b or c moved by the nudge */
    double slopes[3];             /* (nudged - J) / nudge: close to da, db, dc */
    tg_gradcheck_report check;    /* of a, b and c; freed by tg_chain_rule_free */
} tg_chain_rule_result;

/* Records J on the tape, differentiates it, nudges each of a, b and c, and checks the gradients by finite
 * differences. What it records stays on the tape. options may be NULL. Errors, on the tape: TG_ERR_VALUE for
 * a point or a nudge that is not finite; TG_ERR_GRADIENT when the check's verdict is FAIL; TG_ERR_MEMORY. The
 * result then holds only what is to be freed. */
#define tg_chain_rule(...) tg_chain_rule_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_chain_rule_at(const char *where, tg_tape *tape,
                                              const tg_chain_rule_options *options,
                                              tg_chain_rule_result *result);

/* Frees the report in the result; the tensors are the tape's. A zeroed result is allowed. */
TG_API void tg_chain_rule_free(tg_chain_rule_result *result);

#ifdef __cplusplus
}
#endif
#endif
