/* case_table.c: the rows of all cases_*.c, and the inputs that they are tried on.
 *
 * Owns: the gathering of lists, drawing, and the layouts of inputs in memory. Must not know what is checked.
 */
#include "tests/ops/case_table.h"

#include <math.h>
#include <stdlib.h>

static const struct tg_case_list *const lists[] = {
    &tg_cases_elementwise_unary, &tg_cases_elementwise_binary, &tg_cases_elementwise_ternary,
    &tg_cases_comparison,        &tg_cases_reduction,          &tg_cases_views,
    &tg_cases_linear_algebra,    &tg_cases_indexing,           &tg_cases_losses,
};

int tg_case_count(void) {
    int n = 0;
    for (int i = 0; i < TG_CASE_COUNT(lists); i++) n += lists[i]->n;
    return n;
}

const struct tg_case *tg_case_at(int i) {
    for (int k = 0; k < TG_CASE_COUNT(lists); k++) {
        if (i < lists[k]->n) return &lists[k]->rows[i];
        i -= lists[k]->n;
    }
    return NULL;
}

/* --- for references ------------------------------------------------------------------------------------- */

long double *tg_case_resize(struct tg_case_values *values, tg_shape shape) {
    free(values->data);
    values->shape = shape;
    values->n = tg_shape_size(shape);
    values->data = malloc((size_t)(values->n ? values->n : 1) * sizeof *values->data);
    if (!values->data) abort(); /* a test that has no memory cannot say anything */
    return values->data;
}

long double tg_case_broadcast_value(const struct tg_case_values *values, tg_shape shape, int64_t position) {
    int64_t from = 0, stride = 1;
    for (int i = shape.rank - 1, k = values->shape.rank - 1; k >= 0; i--, k--) {
        if (values->shape.dim[k] != 1) from += position % shape.dim[i] * stride;
        position /= shape.dim[i];
        stride *= values->shape.dim[k];
    }
    return values->data[from];
}

void tg_case_map_1(const struct tg_case_values *x, struct tg_case_values *y, long double (*f)(long double)) {
    long double *out = tg_case_resize(y, x->shape);
    for (int64_t i = 0; i < x->n; i++) out[i] = f(x->data[i]);
}

void tg_case_map_2(const struct tg_case_values *x, struct tg_case_values *y,
                   long double (*f)(long double, long double)) {
    tg_shape shape = {0, {0}};
    shape.rank = x[0].shape.rank > x[1].shape.rank ? x[0].shape.rank : x[1].shape.rank;
    for (int i = 0; i < shape.rank; i++) { /* by hand: the library's rule is what is checked */
        const int a = i - shape.rank + x[0].shape.rank, b = i - shape.rank + x[1].shape.rank;
        const int64_t in_a = a < 0 ? 1 : x[0].shape.dim[a], in_b = b < 0 ? 1 : x[1].shape.dim[b];
        shape.dim[i] = in_a == 1 ? in_b : in_a;
    }
    long double *out = tg_case_resize(y, shape);
    for (int64_t i = 0; i < y->n; i++)
        out[i] = f(tg_case_broadcast_value(&x[0], shape, i), tg_case_broadcast_value(&x[1], shape, i));
}

/* --- drawing -------------------------------------------------------------------------------------------- */

static bool holds_values(const struct tg_case_input *input) { return tg_dtype_is_value(input->dtype); }

/* The grid has an even number of points, half a spacing from the ends, so that its middle is between two. */
static long double grid_value(const struct tg_case_input *input, int64_t point, int64_t n_points,
                              double jitter) {
    const double spacing = (input->high - input->low) / (double)n_points;
    const double value = input->low + spacing * ((double)point + 0.5 + 0.2 * (jitter - 0.5));
    return (long double)(float)value;
}

void tg_case_draw(const struct tg_case *row, int variant, tg_key key, struct tg_case_values *x) {
    int64_t n_points = 0, used = 0;
    for (int k = 0; k < row->n_inputs; k++) {
        x[k] = (struct tg_case_values){0};
        tg_case_resize(&x[k], row->shapes[variant].x[k]);
        if (holds_values(&row->input[k])) n_points += x[k].n;
    }
    n_points += n_points % 2;
    int64_t *points = malloc((size_t)(n_points + 1) * sizeof *points);
    if (!points) abort();
    tg_random_permutation(tg_key_split(key, 0), n_points, points);

    for (int k = 0; k < row->n_inputs; k++) {
        const struct tg_case_input *input = &row->input[k];
        for (int64_t i = 0; i < x[k].n; i++) {
            double u;
            tg_random_uniform(tg_key_split(tg_key_split(key, (uint64_t)k + 1), (uint64_t)i), 1, &u);
            if (holds_values(input))
                x[k].data[i] = grid_value(input, points[used++], n_points, u);
            else if (input->dtype == TG_BOOL)
                x[k].data[i] = u < 0.5;
            else
                x[k].data[i] = (long double)floor(input->low + u * (input->high - input->low + 1));
        }
    }
    free(points);
}

void tg_case_free(int n, struct tg_case_values *x) {
    for (int k = 0; k < n; k++) {
        free(x[k].data);
        x[k] = (struct tg_case_values){0};
    }
}

/* --- tensors -------------------------------------------------------------------------------------------- */

static tg_tensor leaf(tg_tape *tape, tg_dtype dtype, tg_shape shape, int64_t n, const long double *from) {
    double *values = malloc((size_t)(n + 1) * sizeof *values);
    int64_t *integers = malloc((size_t)(n + 1) * sizeof *integers);
    bool *booleans = malloc((size_t)(n + 1) * sizeof *booleans);
    if (!values || !integers || !booleans) abort();
    for (int64_t i = 0; i < n; i++) {
        values[i] = (double)from[i];
        integers[i] = (int64_t)from[i];
        booleans[i] = from[i] != 0;
    }
    const tg_tensor made = dtype == TG_I64    ? tg_from_i64(tape, shape, n, integers)
                           : dtype == TG_BOOL ? tg_from_bool(tape, shape, n, booleans)
                                              : tg_param_f64(tape, shape, n, values);
    free(values);
    free(integers);
    free(booleans);
    return made;
}

/* A leaf with the axes in reverse order, seen in the right order. */
static tg_tensor transposed(tg_tape *tape, tg_dtype dtype, const struct tg_case_values *x) {
    const int rank = x->shape.rank;
    struct tg_case_values stored = {0};
    tg_shape reversed = {rank, {0}};
    tg_axes axes = {rank, {0}};
    for (int i = 0; i < rank; i++) {
        reversed.dim[i] = x->shape.dim[rank - 1 - i];
        axes.axis[i] = rank - 1 - i;
    }
    long double *to = tg_case_resize(&stored, reversed);
    for (int64_t i = 0; i < x->n; i++) {
        int64_t at = 0, rest = i, stride = 1, index[TG_MAX_RANK];
        for (int k = rank - 1; k >= 0; k--) index[k] = rest % x->shape.dim[k], rest /= x->shape.dim[k];
        for (int k = 0; k < rank; k++) at += index[k] * stride, stride *= x->shape.dim[k];
        to[at] = x->data[i];
    }
    const tg_tensor view = tg_permute(leaf(tape, dtype, reversed, stored.n, to), axes);
    tg_case_free(1, &stored);
    return view;
}

/* A leaf with twice as many elements along the last axis: each line reversed, others between. */
static tg_tensor sliced(tg_tape *tape, tg_dtype dtype, const struct tg_case_values *x) {
    struct tg_case_values stored = {0};
    tg_shape wide = x->shape;
    const int last = wide.rank - 1;
    const int64_t width = wide.dim[last];
    wide.dim[last] *= 2;
    long double *to = tg_case_resize(&stored, wide);
    for (int64_t i = 0; i < x->n; i++) {
        const int64_t line = i / width, column = i % width;
        to[2 * line * width + 2 * (width - 1 - column) + 1] = x->data[i];
        to[2 * line * width + 2 * (width - 1 - column)] = 1;
    }
    const tg_tensor whole = leaf(tape, dtype, wide, stored.n, to);
    tg_case_free(1, &stored);
    return tg_slice(whole, last, TG_END, TG_END, -2);
}

void tg_case_tensors(const struct tg_case *row, const struct tg_case_values *values,
                     enum tg_case_layout layout, tg_tape *tape, tg_tensor *x) {
    for (int k = 0; k < row->n_inputs; k++) {
        const struct tg_case_values *from = &values[k];
        const tg_dtype dtype = row->input[k].dtype;
        if (layout == TG_CASE_CONTIGUOUS || from->shape.rank == 0)
            x[k] = leaf(tape, dtype, from->shape, from->n, from->data);
        else if (layout == TG_CASE_TRANSPOSED)
            x[k] = transposed(tape, dtype, from);
        else
            x[k] = sliced(tape, dtype, from);
    }
}
