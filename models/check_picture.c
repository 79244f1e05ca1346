/* check_picture.c: gradient checks as pictures.
 *
 * Owns: what is written for gnuplot and Graphviz about a check. Colours are those of Okabe and Ito, as in
 * picture.c. */
#include "models/check_picture.h"

#include <math.h>

#include "models/picture_file.h"
#include "models/picture_script.h"

/* --- errors of every entry ------------------------------------------------------------------------------ */

enum { PANELS = 3 }; /* side by side */
#define LEAST 1e-16  /* of the colour scale */

static const struct {
    tg_verdict verdict;
    const char *color;
} special[] = {{TG_FAIL, "#D55E00"}, {TG_KINK, "#E69F00"}, {TG_UNRESOLVED, "#999999"}};
enum { SPECIAL = sizeof special / sizeof special[0] };

static int64_t columns_of(const tg_gradcheck_result *r) {
    const int64_t last = r->shape.rank ? r->shape.dim[r->shape.rank - 1] : 1;
    return last > 0 ? last : 1;
}

static double relative_error(const tg_gradcheck_result *r, int64_t i) {
    const double size = fmax(fabs(r->analytics[i]), fabs(r->numerics[i]));
    const double error = size > 0 ? fabs(r->analytics[i] - r->numerics[i]) / size : 0;
    return isfinite(error) ? fmin(1, fmax(LEAST, error)) : 1;
}

/* One data set a parameter. */
static void write_entries(FILE *to, const tg_gradcheck_result *r) {
    const int64_t columns = columns_of(r);
    fputs("# column row relative_error verdict\nNaN NaN NaN -1\n", to);
    for (int64_t i = 0; i < r->entries; i++)
        fprintf(to, "%lld %lld %.3g %d\n", (long long)(i % columns), (long long)(i / columns),
                relative_error(r, i), (int)r->verdicts[i]);
    fputs("\n\n", to);
}

static void write_heat_map(FILE *to, int k, const tg_gradcheck_result *r) {
    const int64_t columns = columns_of(r), rows = (r->entries + columns - 1) / columns;
    char shape[TG_SHAPE_TEXT], title[TG_SHAPE_TEXT + 100];
    snprintf(title, sizeof title, "%s %s: %s", r->name, tg_shape_format(r->shape, sizeof shape, shape),
             tg_verdict_name(r->verdict));
    tg_script_setting(to, "  set title", title);
    fprintf(to, "  set xrange [-0.5:%lld.5]\n  set yrange [%lld.5:-0.5]\n", (long long)columns - 1,
            (long long)(rows > 0 ? rows : 1) - 1);
    fprintf(to, "  set xtics %lld\n  set ytics %lld\n", (long long)(columns + 9) / 10,
            (long long)(rows + 9) / 10);
    const char *box = "($1-0.5):($1+0.5):($2-0.5):($2+0.5)";
    fprintf(to,
            "  plot data index %d using 1:2:%s:3 with boxxyerror fillstyle solid border rgb 'white' "
            "linecolor palette notitle",
            k, box);
    for (int v = 0; v < SPECIAL; v++) {
        fprintf(
            to,
            ", \\\n    data index %d using ($4==%d?$1:NaN):2:%s with boxxyerror fillstyle solid border rgb "
            "'white' linecolor rgb '%s' ",
            k, (int)special[v].verdict, box, special[v].color);
        bool any = false;
        for (int64_t i = 0; i < r->entries; i++) any |= r->verdicts[i] == special[v].verdict;
        fputs(any ? "title " : "notitle", to);
        if (any) tg_script_quoted(to, tg_verdict_name(special[v].verdict));
    }
    fputc('\n', to);
}

static void write_all_entries(FILE *to, const char *name, const void *context) {
    const tg_gradcheck_report *report = context;
    (void)name;
    for (int k = 0; k < report->n; k++) write_entries(to, &report->results[k]);
}

static void write_heat_script(FILE *to, const char *name, const void *context) {
    const tg_gradcheck_report *report = context;
    const int n = report->n,
              across = n == 4       ? 2
                       : n < PANELS ? (n ? n : 1)
                                    : PANELS,
              down = n ? (n + across - 1) / across : 1;
    tg_script_begin(to, name, 420 * across + 60, 360 * down);
    fprintf(to,
            "  set palette defined (0 '#f7fbff', 0.5 '#9ecae1', 1 '#08306b')\n  set logscale cb\n"
            "  set cbrange [%g:1]\n  set format cb '%%.0e'\n  set cbtics 1e4\n  set mcbtics 1\n  set cblabel "
            "'relative error' offset 2.5\n"
            "  unset grid\n  set xlabel 'column'\n  set ylabel 'row'\n"
            "  set key at graph 0.5, -0.25 center top horizontal samplen 1.5\n  set bmargin 6\n  set lmargin "
            "7\n  set rmargin 17\n"
            "  set multiplot layout %d,%d\n",
            LEAST, down, across);
    for (int k = 0; k < n; k++) write_heat_map(to, k, &report->results[k]);
    fputs("  unset multiplot\n", to);
    tg_script_end(to);
}

tg_status tg_picture_gradcheck(tg_tape *tape, const char *folder, const char *name,
                               const tg_gradcheck_report *report, const char **missing) {
    return tg_script_plot(tape, folder, name, write_all_entries, write_heat_script, report, missing);
}

/* --- Taylor remainders ---------------------------------------------------------------------------------- */

static void write_remainders(FILE *to, const tg_taylor_report *report, int k) {
    fputs("# h remainder used\nNaN NaN 0\n", to);
    for (int i = 0; i < TG_TAYLOR_POINTS; i++) {
        const tg_taylor_point *p = &report->points[i];
        if (p->remainder[k] > 0) fprintf(to, "%.6g %.6g %d\n", p->h, p->remainder[k], p->used[k]);
    }
    fputs("\n\n", to);
}

/* A line of a slope through the largest step that is used. */
static void write_guide(FILE *to, const tg_taylor_report *report, int k, int slope, const char *color) {
    const tg_taylor_point *p = report->points;
    while (p < report->points + TG_TAYLOR_POINTS - 1 && !p->used[k]) p++;
    if (!p->used[k]) return;
    fprintf(
        to,
        ", \\\n    %.6g * (x / %.6g)**%d with lines dashtype (6,6) linewidth 1.5 linecolor rgb '%s' title "
        "'slope %d'",
        p->remainder[k], p->h, slope, color, slope);
}

typedef struct taylor_picture {
    const char *title;
    const tg_taylor_report *report;
} taylor_picture;

static void write_all_remainders(FILE *to, const char *name, const void *context) {
    const tg_taylor_report *report = ((const taylor_picture *)context)->report;
    (void)name;
    for (int k = 0; k < report->order; k++) write_remainders(to, report, k);
}

static void write_taylor_script(FILE *to, const char *name, const void *context) {
    const char *title = ((const taylor_picture *)context)->title;
    const tg_taylor_report *report = ((const taylor_picture *)context)->report;
    static const char *const colors[] = {"#0072B2", "#009E73"};
    tg_script_begin(to, name, 800, 600);
    tg_script_setting(to, "  set title", title);
    double least = report->noise > 0 ? report->noise : INFINITY, most = report->noise;
    for (int k = 0; k < report->order; k++)
        for (int i = 0; i < TG_TAYLOR_POINTS; i++) {
            const double left = report->points[i].remainder[k];
            if (left > 0) least = fmin(least, left), most = fmax(most, left);
        }
    if (!(least < most)) least = 1e-16, most = 1;
    fprintf(to,
            "  set logscale xy\n  set format xy '%%.0e'\n  set xlabel 'h'\n  set ylabel 'remainder'\n"
            "  set xrange [%.6g:%.6g]\n  set yrange [%.6g:%.6g]\n  set xtics 1e2\n  set ytics 1e3\n  set "
            "mxtics 1\n  set mytics 1\n",
            report->points[TG_TAYLOR_POINTS - 1].h / 2, 2 * report->points[0].h, least / 10, 10 * most);
    fputs("  set key at graph 0.5, -0.17 center top horizontal maxrows 3 samplen 2\n  set bmargin 8.5\n", to);
    fprintf(to, "  plot %.6g with filledcurves y1=%.6g linecolor rgb '#eeeeee' title 'rounding of the loss'",
            report->noise, least / 10);
    write_guide(to, report, 0, 2, "#56B4E9");
    write_guide(to, report, 0, 1, "#D55E00");
    if (report->order == 2) write_guide(to, report, 1, 3, "#66C2A5");
    for (int k = 0; k < report->order; k++) {
        fprintf(
            to,
            ", \\\n    data index %d using ($3==0?$1:NaN):2 with points pointtype 6 linecolor rgb '#999999' "
            "notitle, \\\n    data index %d using ($3==1?$1:NaN):2 with points pointtype 7 pointsize 0.8 "
            "linecolor rgb '%s' title '%s, rate %.2f'",
            k, k, colors[k], k ? "second derivative" : "gradient", report->rates[k]);
    }
    fputc('\n', to);
    tg_script_end(to);
}

tg_status tg_picture_taylor(tg_tape *tape, const char *folder, const char *name, const char *title,
                            const tg_taylor_report *report, const char **missing) {
    const taylor_picture picture = {title, report};
    return tg_script_plot(tape, folder, name, write_all_remainders, write_taylor_script, &picture, missing);
}

/* --- guilty nodes --------------------------------------------------------------------------------------- */

tg_status tg_picture_blame(tg_tape *tape, const char *folder, const char *name, tg_tensor loss,
                           const tg_blame_report *report, const char **missing) {
    enum { MOST = 16, TEXT = 400 };
    tg_tensor marked[MOST];
    char texts[MOST][TEXT];
    const char *marks[MOST];
    char title[80];
    const int n = report->n < MOST ? report->n : MOST;
    for (int k = 0; k < n; k++) {
        marked[k] = report->findings[k].node;
        marks[k] = texts[k];
        tg_blame_format(&report->findings[k], TEXT, texts[k]);
    }
    snprintf(title, sizeof title,
             report->n > n    ? "%d findings, %d of them marked"
             : report->n == 1 ? "1 finding"
                              : "%d findings",
             report->n, n);
    const tg_draw_options options = {
        .title = title, .no_values = true, .n_marks = n, .marked = marked, .marks = marks};
    return tg_picture_graph(tape, folder, name, loss, &options, missing);
}
