/* picture.c: cost curves, decision boundaries and computation graphs as pictures.
 *
 * Owns: what is written for gnuplot and Graphviz, and the calls of both. They run within the folder, so that
 * scripts hold names only and can be moved along with their data. Colours are those of Okabe and Ito, which
 * people with any kind of colour blindness can tell apart. */
#include "models/picture.h"

#include <math.h>

#include "models/picture_file.h"
#include "models/picture_script.h"

/* Points of a curve that are kept; more cannot be seen. */
#define CURVE_POINTS 1000

/* --- costs ---------------------------------------------------------------------------------------------- */

static void write_curve(FILE *to, const tg_cost_curve *curve) {
    const int64_t stride = curve->n > CURVE_POINTS ? (curve->n + CURVE_POINTS - 1) / CURVE_POINTS : 1;
    fputs("# step cost\n", to);
    for (int64_t t = 0; t < curve->n; t += stride) {
        fprintf(to, "%lld %.9g\n", (long long)t, curve->costs[t]);
    }
    if (curve->n > 0 && (curve->n - 1) % stride != 0) {
        fprintf(to, "%lld %.9g\n", (long long)curve->n - 1, curve->costs[curve->n - 1]);
    }
    fputs("\n\n", to);
}

/* Whether the costs spread so far that only a logarithmic axis shows them all. */
static bool spread_wide(int n, const tg_cost_curve *curves) {
    double low = INFINITY, high = 0;
    for (int k = 0; k < n; k++) {
        for (int64_t t = 0; t < curves[k].n; t++) {
            low = fmin(low, curves[k].costs[t]);
            high = fmax(high, curves[k].costs[t]);
        }
    }
    return low > 0 && high > 30 * low;
}

typedef struct cost_picture {
    const char *title;
    int n;
    const tg_cost_curve *curves;
} cost_picture;

static void write_curves(FILE *to, const char *name, const void *context) {
    const cost_picture *picture = context;
    (void)name;
    for (int k = 0; k < picture->n; k++) write_curve(to, &picture->curves[k]);
}

static void write_cost_script(FILE *to, const char *name, const void *context) {
    const cost_picture *picture = context;
    const int n = picture->n;
    const tg_cost_curve *curves = picture->curves;
    static const char *const colors[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"};
    static const char *const dashes[] = {"1", "(10,5)", "(3,3)"};
    tg_script_begin(to, name, 800, 520);
    tg_script_setting(to, "  set title", picture->title);
    fputs("  set xlabel 'step of gradient descent'\n  set ylabel 'cost (mean cross "
          "entropy)'\n" TG_SCRIPT_KEY_BELOW,
          to);
    fputs(spread_wide(n, curves) ? "  set logscale y\n" : "  set yrange [0:*]\n", to);
    for (int k = 0; k < n; k++) {
        fprintf(to,
                "%s data index %d using 1:2 with lines linewidth 2.5 dashtype %s linecolor rgb '%s' title ",
                k == 0 ? "  plot" : "    ", k, dashes[k % 3], colors[k % 6]);
        tg_script_quoted(to, curves[k].name);
        fputs(k + 1 < n ? ", \\\n" : "\n", to);
    }
    tg_script_end(to);
}

tg_status tg_picture_costs(tg_tape *tape, const char *folder, const char *name, const char *title, int n,
                           const tg_cost_curve *curves, const char **missing) {
    const cost_picture picture = {title, n, curves};
    return tg_script_plot(tape, folder, name, write_curves, write_cost_script, &picture, missing);
}

/* --- decision boundary ---------------------------------------------------------------------------------- */

/* Three data sets a panel: the grid, the points of label 0, those of label 1. */
#define SETS 3

static void write_grid(FILE *to, const tg_plane *plane) {
    const int side = plane->side;
    fputs("# x y probability of label 1\n", to);
    for (int r = 0; r < side; r++) {
        for (int c = 0; c < side; c++) {
            fprintf(to, "%.6g %.6g %.5g\n", plane->x_min + (plane->x_max - plane->x_min) * c / (side - 1),
                    plane->y_min + (plane->y_max - plane->y_min) * r / (side - 1),
                    plane->probability[r * side + c]);
        }
        fputc('\n', to);
    }
    fputc('\n', to);
}

/* A set without points still has a line, so that those behind it keep their number. */
static void write_points(FILE *to, const tg_dataset *points, double label) {
    const int64_t n = points->n_examples;
    fprintf(to, "# x y of label %g\nNaN NaN\n", label);
    for (int64_t i = 0; i < n; i++) {
        if (points->y[i] == label) fprintf(to, "%.6g %.6g\n", points->x[i], points->x[n + i]);
    }
    fputs("\n\n", to);
}

static void write_point_plot(FILE *to, int set, const char *name, int type, const char *color) {
    /* A larger white mark below the coloured one keeps it apart from the others and from the ground. */
    fprintf(to,
            "    data index %d using 1:2 with points pointtype %d pointsize 0.85 linecolor rgb 'white' "
            "notitle, \\\n",
            set, type);
    fprintf(to,
            "    data index %d using 1:2 with points pointtype %d pointsize 0.6 linecolor rgb '%s' title ",
            set, type, color);
    tg_script_quoted(to, name);
}

static void write_panel(FILE *to, int k, const tg_boundary_panel *panel) {
    const tg_plane *plane = panel->plane;
    tg_script_setting(to, "  set title", panel->title);
    tg_script_setting(to, "  set xlabel", panel->x_label);
    tg_script_setting(to, "  set ylabel", panel->y_label);
    fprintf(to, "  set xrange [%.6g:%.6g]\n  set yrange [%.6g:%.6g]\n", plane->x_min, plane->x_max,
            plane->y_min, plane->y_max);
    fprintf(to, "  plot data index %d using 1:2:3 with image notitle, \\\n", SETS * k);
    fprintf(to,
            "    $boundary%d using 1:2 with lines linewidth 2 linecolor rgb 'black' title 'boundary (one "
            "half)', \\\n",
            k);
    write_point_plot(to, SETS * k + 1, panel->classes[0], 7, "#B34700");
    fputs(", \\\n", to);
    write_point_plot(to, SETS * k + 2, panel->classes[1], 9, "#00558A");
    fputc('\n', to);
}

typedef struct boundary_picture {
    int n;
    const tg_boundary_panel *panels;
} boundary_picture;

static void write_planes(FILE *to, const char *name, const void *context) {
    const boundary_picture *picture = context;
    (void)name;
    for (int k = 0; k < picture->n; k++) {
        write_grid(to, picture->panels[k].plane);
        write_points(to, &picture->panels[k].plane->points, 0);
        write_points(to, &picture->panels[k].plane->points, 1);
    }
}

static void write_boundary_script(FILE *to, const char *name, const void *context) {
    const boundary_picture *picture = context;
    const int n = picture->n;
    const tg_boundary_panel *panels = picture->panels;
    tg_script_setting(to, "data =", name);
    fputs("data = data.'.dat'\nset contour base\nset cntrparam levels discrete 0.5\nunset surface\n", to);
    for (int k = 0; k < n; k++) {
        fprintf(to, "set table $boundary%d\nsplot data index %d using 1:2:3\nunset table\n", k, SETS * k);
    }
    fputs("unset contour\nset surface\n", to);
    tg_script_begin(to, name, n > 1 ? 620 * n : 760, 560);
    fputs("  set palette defined (0 '#f2b48a', 0.5 '#f7f7f7', 1 '#92c1e0')\n  set cbrange [0:1]\n"
          "  set cblabel 'probability of label 1'\n  unset grid\n" TG_SCRIPT_KEY_BELOW,
          to);
    if (n > 1) fprintf(to, "  set multiplot layout 1,%d\n", n);
    for (int k = 0; k < n; k++) write_panel(to, k, &panels[k]);
    if (n > 1) fputs("  unset multiplot\n", to);
    tg_script_end(to);
}

tg_status tg_picture_boundary(tg_tape *tape, const char *folder, const char *name, int n,
                              const tg_boundary_panel *panels, const char **missing) {
    const boundary_picture picture = {n, panels};
    return tg_script_plot(tape, folder, name, write_planes, write_boundary_script, &picture, missing);
}

/* --- computation graph ---------------------------------------------------------------------------------- */

static tg_status draw_graph(tg_tape *tape, const char *folder, const char *name, const char *format,
                            const char **missing) {
    char from[TG_PATH_TEXT], type[16], to[TG_PATH_TEXT];
    snprintf(from, sizeof from, "./%s.dot", name);
    snprintf(type, sizeof type, "-T%s", format);
    snprintf(to, sizeof to, "-o%s.%s", name, format);
    const bool pixels = format[0] == 'p';
    const char *const arguments[] = {"dot", type, to, from, pixels ? "-Gdpi=192" : NULL, NULL};
    return tg_script_run(tape, folder, arguments, "graphviz", missing);
}

tg_status tg_picture_graph(tg_tape *tape, const char *folder, const char *name, tg_tensor y,
                           const tg_draw_options *options, const char **missing) {
    char path[TG_PATH_TEXT];
    *missing = NULL;
    tg_status status = tg_picture_path(tape, folder, name, "dot", path);
    if (status == TG_OK) status = tg_draw(path, y, options);
    if (status == TG_OK) status = draw_graph(tape, folder, name, "png", missing);
    if (status == TG_OK && !*missing) status = draw_graph(tape, folder, name, "svg", missing);
    return status;
}
