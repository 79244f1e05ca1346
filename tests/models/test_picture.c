/* test_picture.c: models/picture.c and models/plane.c: the files of pictures, with and without gnuplot. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "models/chain_rule.h"
#include "models/external_program.h"
#include "models/flower.h"
#include "models/picture.h"
#include "ops/elementwise.h"
#include "ops/reduction.h"
#include "tests/models/scratch_folder.h"

static const double costs[4] = {1, 0.5, 0.25, 0.2};

/* A PATH in which nothing is found. */
static void hide_programs(const char *folder) { setenv("PATH", folder, 1); }

static tg_tensor radius_logits(tg_tensor X, void *context) {
    return tg_sub(tg_sum_axes(tg_square(X), TG_AXES(0), true), tg_num(*(const double *)context));
}

static void make_plane(tg_tape *tape, tg_plane *plane) {
    double inside = 4;
    tg_dataset flower;
    cr_assert_eq(tg_flower(tape, tg_key_new(1), 60, &flower), TG_OK);
    cr_assert_eq(tg_plane_new(tape, &flower, radius_logits, &inside, plane), TG_OK, "%s",
                 tg_tape_error(tape));
    tg_dataset_free(&flower);
}

Test(picture, without_gnuplot_data_and_script_are_written) {
    char folder[64], into[128];
    const char *missing;
    scratch_make(folder);
    snprintf(into, sizeof into, "%s/a 'b' $(c)/d", folder);
    hide_programs(folder);
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_cost_curve curve = {"it's a curve", 4, costs};
    cr_assert_eq(tg_picture_costs(tape, into, "cost", "A title", 1, &curve, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_expect_str_eq(missing, "gnuplot-nox");
    char *data = scratch_read(into, "cost.dat"), *script = scratch_read(into, "cost.gp");
    cr_expect_not_null(strstr(data, "\n0 1\n1 0.5\n2 0.25\n3 0.2\n"), "%s", data);
    cr_expect_not_null(strstr(script, "'it''s a curve'"), "%s", script);
    cr_expect_null(strstr(script, folder), "a script that can be moved names no folder");
    cr_expect(!scratch_has(into, "cost.png"));
    free(data);
    free(script);
    scratch_remove(folder);
    tg_tape_free(tape);
}

Test(picture, without_gnuplot_and_graphviz_boundary_and_graph_are_written) {
    char folder[64];
    const char *missing;
    tg_plane plane;
    scratch_make(folder);
    hide_programs(folder);
    tg_tape *tape = tg_tape_new(TG_F64);
    make_plane(tape, &plane);
    const tg_boundary_panel panel = {"t", "x", "y", {"zero", "one"}, &plane};
    cr_assert_eq(tg_picture_boundary(tape, folder, "boundary", 1, &panel, &missing), TG_OK);
    cr_expect_str_eq(missing, "gnuplot-nox");
    cr_expect(scratch_has(folder, "boundary.dat") && scratch_has(folder, "boundary.gp"));
    tg_plane_free(&plane);
    tg_chain_rule_result r;
    cr_assert_eq(tg_chain_rule(tape, NULL, &r), TG_OK);
    cr_assert_eq(tg_picture_graph(tape, folder, "graph", r.J, NULL, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_expect_str_eq(missing, "graphviz");
    char *dot = scratch_read(folder, "graph.dot");
    cr_expect_not_null(strstr(dot, "digraph"), "%s", dot);
    cr_expect_not_null(strstr(dot, "chain_rule.c:"), "%s", dot);
    free(dot);
    tg_chain_rule_free(&r);
    scratch_remove(folder);
    tg_tape_free(tape);
}

Test(picture, with_the_programs_png_and_svg_are_drawn) {
    char folder[64], into[128];
    const char *missing;
    tg_plane plane;
    scratch_make(folder);
    snprintf(into, sizeof into, "%s/a 'b' $(c)", folder);
    tg_tape *tape = tg_tape_new(TG_F64);
    make_plane(tape, &plane);
    const tg_cost_curve curve = {"it's", 4, costs};
    const tg_boundary_panel panel = {"it's", "x", "y", {"zero", "one"}, &plane};
    tg_chain_rule_result r;
    cr_assert_eq(tg_chain_rule(tape, NULL, &r), TG_OK);
    cr_expect_eq(tg_picture_costs(tape, into, "cost", "t", 1, &curve, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    if (!missing) cr_expect(scratch_has(into, "cost.png") && scratch_has(into, "cost.svg"));
    cr_expect_eq(tg_picture_boundary(tape, into, "plane", 1, &panel, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    if (!missing) cr_expect(scratch_has(into, "plane.png") && scratch_has(into, "plane.svg"));
    cr_expect_eq(tg_picture_graph(tape, into, "graph", r.J, NULL, &missing), TG_OK, "%s",
                 tg_tape_error(tape));
    if (!missing) cr_expect(scratch_has(into, "graph.png") && scratch_has(into, "graph.svg"));
    tg_plane_free(&plane);
    tg_chain_rule_free(&r);
    scratch_remove(folder);
    tg_tape_free(tape);
}

Test(picture, folders_that_cannot_be_made_and_wrong_names_are_errors) {
    char folder[64], path[256], into[300];
    const char *missing;
    const tg_cost_curve curve = {"c", 4, costs};
    scratch_make(folder);
    scratch_write(folder, "file", "x", 1, path);
    snprintf(into, sizeof into, "%s/out", path);
    tg_tape *tape = tg_tape_new(TG_F64);
    cr_expect_eq(tg_picture_costs(tape, into, "cost", "t", 1, &curve, &missing), TG_ERR_FILE);
    cr_expect_not_null(strstr(tg_tape_error(tape), path), "%s", tg_tape_error(tape));
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_picture_costs(tape, path, "cost", "t", 1, &curve, &missing), TG_ERR_FILE);
    cr_expect_not_null(strstr(tg_tape_error(tape), "not a folder"), "%s", tg_tape_error(tape));
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_picture_costs(tape, folder, "a/b", "t", 1, &curve, &missing), TG_ERR_VALUE);
    tg_tape_clear_error(tape);
    cr_expect_eq(tg_picture_costs(tape, "", "b", "t", 1, &curve, &missing), TG_ERR_VALUE);
    scratch_remove(folder);
    tg_tape_free(tape);
}

Test(picture, a_program_that_fails_is_an_error_with_its_words) {
    bool found;
    tg_tape *tape = tg_tape_new(TG_F64);
    const char *const fails[] = {"sh", "-c", "echo so >&2; echo it is >&2; exit 3", NULL};
    cr_expect_eq(tg_program_run(tape, "/", fails, &found), TG_ERR_FILE);
    cr_expect_str_eq(tg_tape_error(tape), "sh: ended with status 3: so it is ");
    tg_tape_clear_error(tape);
    const char *const works[] = {"sh", "-c", "test \"$PWD\" = /", NULL};
    cr_expect_eq(tg_program_run(tape, "/", works, &found), TG_OK);
    cr_expect(found);
    const char *const none[] = {"no-such-program-anywhere", NULL};
    cr_expect_eq(tg_program_run(tape, "/", none, &found), TG_OK);
    cr_expect_not(found);
    tg_tape_free(tape);
}

Test(plane, the_grid_holds_the_models_probability) {
    tg_plane plane;
    tg_tape *tape = tg_tape_new(TG_F64);
    make_plane(tape, &plane);
    const int r = 11, c = 97, side = plane.side;
    const double x = plane.x_min + (plane.x_max - plane.x_min) * c / (side - 1);
    const double y = plane.y_min + (plane.y_max - plane.y_min) * r / (side - 1);
    cr_expect_float_eq(plane.probability[r * side + c], 1 / (1 + exp(4 - x * x - y * y)), 1e-12);
    tg_plane_free(&plane);
    tg_dataset wrong;
    double inside = 4;
    cr_assert_eq(tg_dataset_new(tape, 3, 5, &wrong), TG_OK);
    cr_expect_eq(tg_plane_new(tape, &wrong, radius_logits, &inside, &plane), TG_ERR_SHAPE);
    tg_dataset_free(&wrong);
    tg_tape_free(tape);
}

Test(plane, a_boundary_in_many_dimensions_is_seen_edge_on) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_dataset data;
    tg_plane plane;
    cr_assert_eq(tg_dataset_new(tape, 3, 40, &data), TG_OK);
    tg_random_normal(tg_key_new(1), 120, data.x);
    const double weights[3] = {1, 2, -2};
    for (int i = 0; i < 40; i++) data.x[40 + i] *= 5;
    const tg_tensor w = tg_param_f64(tape, TG_SHAPE(3, 1), 3, weights), b = tg_param_scalar(tape, 0.6);
    cr_assert_eq(tg_plane_of_logistic(tape, &data, w, b, &plane), TG_OK, "%s", tg_tape_error(tape));
    for (int i = 0; i < 40; i++) {
        const double z = data.x[i] + 2 * data.x[40 + i] - 2 * data.x[80 + i] + 0.6;
        cr_expect_float_eq(plane.points.x[i], z / 3, 1e-12);
    }
    const double z = 3 * plane.x_min;
    cr_expect_float_eq(plane.probability[0], 1 / (1 + exp(-z)), 1e-12);
    tg_plane_free(&plane);
    const tg_tensor none = tg_param_zeros(tape, TG_SHAPE(3, 1));
    cr_assert_eq(tg_plane_of_logistic(tape, &data, none, b, &plane), TG_OK);
    cr_expect_float_eq(plane.probability[0], 1 / (1 + exp(-0.6)), 1e-12);
    tg_plane_free(&plane);
    tg_dataset_free(&data);
    tg_tape_free(tape);
}
