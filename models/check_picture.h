/* check_picture.h: gradient checks as pictures: errors of every entry, Taylor remainders, guilty nodes.
 *
 * Owns: what is drawn of a report. Files, folders, *missing and errors are as in models/picture.h. */
#ifndef TAPEGRAD_MODELS_CHECK_PICTURE_H
#define TAPEGRAD_MODELS_CHECK_PICTURE_H

#include "graph/blame.h"
#include "graph/taylor.h"
#include "models/picture.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A heat map for each parameter: an entry's relative error |backward - numerical| / the larger of both, on a
 * logarithmic scale; entries that are FAIL, KINK or UNRESOLVED in colours of their own. A matrix is drawn as
 * it is written, a vector as one row, of higher ranks the last axis is a row. */
TG_API TG_MUST_USE tg_status tg_picture_gradcheck(tg_tape *tape, const char *folder, const char *name,
                                                  const tg_gradcheck_report *report, const char **missing);

/* The remainders over h, both axes logarithmic, with the slopes that a right and a wrong gradient have, and
 * the noise of the loss, in which no remainder can be seen. */
TG_API TG_MUST_USE tg_status tg_picture_taylor(tg_tape *tape, const char *folder, const char *name,
                                               const char *title, const tg_taylor_report *report,
                                               const char **missing);

/* The graph of a recorded loss with the nodes that tg_blame found in red, each with what is wrong. The tape
 * must not have been rewound past them. */
TG_API TG_MUST_USE tg_status tg_picture_blame(tg_tape *tape, const char *folder, const char *name,
                                              tg_tensor loss, const tg_blame_report *report,
                                              const char **missing);

#ifdef __cplusplus
}
#endif
#endif
