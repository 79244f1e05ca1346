/* plane.c: labelled points of a plane, and a model's probability over it.
 *
 * Owns: the grid, and the plane in which a boundary in many dimensions is seen edge-on. */
#include "models/plane.h"

#include <math.h>
#include <string.h>

#include "models/logistic_regression.h"
#include "models/tape_memory.h"
#include "ops/elementwise.h"
#include "ops/linear_algebra.h"
#include "ops/views.h"

#define SIDE 160

/* Steps of power iteration; a direction of about the largest spread is enough for a picture. */
#define POWER_STEPS 60

/* --- the grid ------------------------------------------------------------------------------------------- */

static void find_range(const double *x, int64_t n, double *low, double *high) {
    *low = *high = x[0];
    for (int64_t i = 1; i < n; i++) *low = fmin(*low, x[i]), *high = fmax(*high, x[i]);
    const double margin = *high > *low ? 0.06 * (*high - *low) : 1;
    *low -= margin;
    *high += margin;
}

static double at_step(double low, double high, int step) {
    return low + (high - low) * (double)step / (double)(SIDE - 1);
}

static void fill_grid(const tg_plane *plane, tg_dataset *grid) {
    for (int r = 0; r < SIDE; r++) {
        for (int c = 0; c < SIDE; c++) {
            grid->x[r * SIDE + c] = at_step(plane->x_min, plane->x_max, c);
            grid->x[SIDE * SIDE + r * SIDE + c] = at_step(plane->y_min, plane->y_max, r);
        }
    }
}

static tg_status find_probabilities(const char *where, tg_tape *tape, tg_plane_logits *logits, void *context,
                                    tg_plane *plane) {
    tg_dataset grid;
    tg_status status = tg_dataset_new_at(where, tape, 2, SIDE * SIDE, &grid);
    if (status != TG_OK) return status;
    fill_grid(plane, &grid);
    const tg_mark start = tg_tape_mark(tape);
    tg_no_grad(tape) {
        const tg_tensor X = tg_dataset_features_at(where, tape, &grid);
        const tg_tensor A = tg_sigmoid_at(where, logits(X, context));
        status = tg_read_f64_at(where, A, SIDE * SIDE, plane->probability);
    }
    tg_dataset_free(&grid);
    const tg_status rewound = tg_tape_rewind_at(where, tape, start);
    return status != TG_OK ? status : rewound;
}

tg_status tg_plane_new_at(const char *where, tg_tape *tape, const tg_dataset *points, tg_plane_logits *logits,
                          void *context, tg_plane *plane) {
    const int64_t n = points->n_examples;
    *plane = (tg_plane){.side = SIDE, .allocator = tg_tape_allocator(tape)};
    if (points->n_features != 2 || n < 1) {
        return tg_tape_fail(tape, TG_ERR_SHAPE, where, "plane: needs points of 2 features, not %lld of %lld",
                            (long long)n, (long long)points->n_features);
    }
    tg_status status = tg_dataset_new_at(where, tape, 2, n, &plane->points);
    plane->probability = tg_tape_memory_new(tape, SIDE * SIDE, sizeof(double));
    if (status == TG_OK && !plane->probability) status = TG_ERR_MEMORY;
    if (status == TG_OK) {
        memcpy(plane->points.x, points->x, (size_t)(2 * n) * sizeof(double));
        memcpy(plane->points.y, points->y, (size_t)n * sizeof(double));
        find_range(points->x, n, &plane->x_min, &plane->x_max);
        find_range(points->x + n, n, &plane->y_min, &plane->y_max);
        status = find_probabilities(where, tape, logits, context, plane);
    }
    if (status != TG_OK) tg_plane_free(plane);
    return status;
}

void tg_plane_free(tg_plane *plane) {
    tg_dataset_free(&plane->points);
    tg_tape_memory_free(plane->allocator, plane->probability, SIDE * SIDE, sizeof(double));
    *plane = (tg_plane){0};
}

/* --- seen edge-on --------------------------------------------------------------------------------------- */

/* The logit of a point of the plane is slope * x + offset. */
typedef struct edge {
    double slope, offset;
} edge;

static tg_tensor edge_logits(tg_tensor X, void *context) {
    const edge *e = context;
    return tg_add(tg_mul(tg_num(e->slope), tg_slice(X, 0, 0, 1, 1)), tg_num(e->offset));
}

static tg_tensor plain_logits(tg_tensor X, void *context) {
    const tg_tensor *params = context;
    return tg_logistic_logits(params[0], params[1], X);
}

/* along[i] = direction . example i */
static void project(const tg_dataset *data, const double *direction, double *along) {
    const int64_t m = data->n_examples;
    for (int64_t i = 0; i < m; i++) along[i] = 0;
    for (int64_t j = 0; j < data->n_features; j++) {
        for (int64_t i = 0; i < m; i++) along[i] += direction[j] * data->x[j * m + i];
    }
}

/* Makes v orthogonal to the unit vector u and of length 1; false when nothing is left. */
static bool make_orthogonal(double *v, const double *u, int64_t n) {
    double dot = 0, squares = 0;
    for (int64_t j = 0; j < n; j++) dot += u[j] * v[j];
    for (int64_t j = 0; j < n; j++) v[j] -= dot * u[j], squares += v[j] * v[j];
    const double length = sqrt(squares);
    for (int64_t j = 0; j < n; j++) v[j] = length > 0 ? v[j] / length : 0;
    return length > 0 && isfinite(length);
}

/* Power iteration on the covariance: the direction, orthogonal to u, in which the examples vary most. along
 * is room for a number of each example, and ends as their places in that direction (0 where there is none).
 */
static void find_spread(const tg_dataset *data, const double *u, double *v, double *along) {
    const int64_t n = data->n_features, m = data->n_examples;
    for (int64_t j = 0; j < n; j++) v[j] = 1 + 0.1 * (double)(j % 7);
    bool found = make_orthogonal(v, u, n);
    for (int step = 0; found && step < POWER_STEPS; step++) {
        double mean = 0;
        project(data, v, along);
        for (int64_t i = 0; i < m; i++) mean += along[i] / (double)m;
        for (int64_t j = 0; j < n; j++) {
            v[j] = 0;
            for (int64_t i = 0; i < m; i++) v[j] += (along[i] - mean) * data->x[j * m + i];
        }
        found = make_orthogonal(v, u, n);
    }
    if (!found) memset(v, 0, (size_t)n * sizeof *v);
    project(data, v, along);
}

/* The points as (signed distance from the boundary, place along it), and the logit over them. */
static tg_status project_points(const char *where, tg_tape *tape, const tg_dataset *data,
                                const tg_tensor *params, tg_dataset *points, edge *e) {
    const int64_t n = data->n_features, m = data->n_examples;
    double *u = tg_tape_memory_new(tape, 2 * n, sizeof *u), b = 0, squares = 0;
    if (!u) return TG_ERR_MEMORY;
    tg_status status = tg_dataset_new_at(where, tape, 2, m, points);
    if (status == TG_OK) status = tg_read_f64_at(where, params[0], n, u);
    if (status == TG_OK) status = tg_read_f64_at(where, params[1], 1, &b);
    if (status == TG_OK) {
        for (int64_t j = 0; j < n; j++) squares += u[j] * u[j];
        const double length = sqrt(squares);
        for (int64_t j = 0; j < n; j++) u[j] = length > 0 ? u[j] / length : j == 0;
        *e = (edge){length, length > 0 ? 0 : b};
        project(data, u, points->x);
        for (int64_t i = 0; i < m; i++) points->x[i] += length > 0 ? b / length : 0;
        find_spread(data, u, u + n, points->x + m);
        memcpy(points->y, data->y, (size_t)m * sizeof(double));
    }
    tg_tape_memory_free(tg_tape_allocator(tape), u, 2 * n, sizeof *u);
    return status;
}

tg_status tg_plane_of_logistic_at(const char *where, tg_tape *tape, const tg_dataset *data, tg_tensor w,
                                  tg_tensor b, tg_plane *plane) {
    tg_tensor params[2] = {w, b};
    *plane = (tg_plane){0};
    if (data->n_features == 2) return tg_plane_new_at(where, tape, data, plain_logits, params, plane);
    tg_dataset points = {0};
    edge e;
    tg_status status = project_points(where, tape, data, params, &points, &e);
    if (status == TG_OK) status = tg_plane_new_at(where, tape, &points, edge_logits, &e, plane);
    tg_dataset_free(&points);
    return status;
}
