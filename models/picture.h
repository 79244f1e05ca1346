/* picture.h: cost curves, decision boundaries and computation graphs as pictures.
 *
 * Owns: the files folder/name.dat and .gp (for gnuplot) or .dot (for Graphviz), and, where those programs are
 * installed, name.png (in twice the usual size) and name.svg made from them. Must not know the models. */
#ifndef TAPEGRAD_MODELS_PICTURE_H
#define TAPEGRAD_MODELS_PICTURE_H

#include "graph/drawing.h"
#include "models/plane.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In all functions here the folder is made when it is missing, name is that of a file without folder and
 * ending, and *missing becomes NULL when PNG and SVG were drawn, or the Debian package ("gnuplot-nox",
 * "graphviz") that has to be installed for that. Errors, on the tape: TG_ERR_FILE for what cannot be written
 * or drawn; TG_ERR_VALUE for a name with a slash; TG_ERR_MEMORY. */

/* costs[t] after t steps, n of them. */
typedef struct tg_cost_curve {
    const char *name;
    int64_t n;
    const double *costs;
} tg_cost_curve;

/* The costs over the steps of one or more trainings. */
TG_API TG_MUST_USE tg_status tg_picture_costs(tg_tape *tape, const char *folder, const char *name,
                                              const char *title, int n, const tg_cost_curve *curves,
                                              const char **missing);

/* A plane with its points, the model's probability as colour, and the boundary, where it is one half. */
typedef struct tg_boundary_panel {
    const char *title, *x_label, *y_label;
    const char *classes[2]; /* what labels 0 and 1 mean */
    const tg_plane *plane;
} tg_boundary_panel;

/* One or more such planes, side by side. */
TG_API TG_MUST_USE tg_status tg_picture_boundary(tg_tape *tape, const char *folder, const char *name, int n,
                                                 const tg_boundary_panel *panels, const char **missing);

/* The graph that y was recorded from, as tg_draw writes it. */
TG_API TG_MUST_USE tg_status tg_picture_graph(tg_tape *tape, const char *folder, const char *name,
                                              tg_tensor y, const tg_draw_options *options,
                                              const char **missing);

#ifdef __cplusplus
}
#endif
#endif
