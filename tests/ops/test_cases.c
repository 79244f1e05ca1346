/* test_cases.c: what must hold for every row of the case table.
 *
 * Owns: the comparison of values with references and of derivatives with finite differences. Must not know
 * any operation: rows bring all that is special. */
#include "tests/ops/case_table.h"
#include "ops/op_list.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* One row with one of its shapes, and what goes into all checks of it. */
struct subject {
    const struct tg_case *row;
    int variant;
    tg_tape *tape;
    tg_mark start;
    struct tg_case_values x[TG_CASE_MAX_INPUTS];
    struct tg_case_values y;                     /* by the reference */
    struct tg_case_values w;                     /* the weights of y, of which the derivatives are taken */
    struct tg_case_values v[TG_CASE_MAX_INPUTS]; /* the weights of the gradients */
    int complaints;
    char first[1000];
};

static void complain(struct subject *s, const char *format, ...) {
    if (s->complaints++) return;
    int n = snprintf(s->first, sizeof s->first, "%s%s%s", s->row->op, s->row->label ? ", " : "",
                     s->row->label ? s->row->label : "");
    for (int k = 0; k < s->row->n_inputs; k++) {
        char text[TG_SHAPE_TEXT];
        n += snprintf(s->first + n, sizeof s->first - (size_t)n, " %s",
                      tg_shape_format(s->x[k].shape, sizeof text, text));
    }
    n += snprintf(s->first + n, sizeof s->first - (size_t)n, ": ");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->first + n, sizeof s->first - (size_t)n, format, arguments);
    va_end(arguments);
}

/* Numbers in 0.5..1.5 of either sign: none is small, so that each matters. */
static void draw_weights(struct tg_case_values *weights, tg_shape shape, tg_key key) {
    long double *to = tg_case_resize(weights, shape);
    for (int64_t i = 0; i < weights->n; i++) {
        double u;
        tg_random_uniform(tg_key_split(key, (uint64_t)i), 1, &u);
        to[i] = (long double)(float)(u < 0.5 ? 0.5 + 2 * u : 0.5 - 2 * u);
    }
}

static void set_up(struct subject *s, const struct tg_case *row, int variant) {
    const tg_key key = tg_key_split(tg_key_new(1), (uint64_t)variant);
    *s = (struct subject){.row = row, .variant = variant};
    tg_case_draw(row, variant, key, s->x);
    row->reference(s->x, &s->y, row->context);
    draw_weights(&s->w, s->y.shape, tg_key_split(key, 100));
    for (int k = 0; k < row->n_inputs; k++)
        draw_weights(&s->v[k], s->x[k].shape, tg_key_split(key, 101 + (uint64_t)k));
}

static void tear_down(struct subject *s) {
    tg_case_free(TG_CASE_MAX_INPUTS, s->x);
    tg_case_free(TG_CASE_MAX_INPUTS, s->v);
    tg_case_free(1, &s->y);
    tg_case_free(1, &s->w);
}

static void open_tape(struct subject *s, tg_dtype dtype) {
    s->tape = tg_tape_new(dtype);
    cr_assert(s->tape);
    s->start = tg_tape_mark(s->tape);
}

static void close_tape(struct subject *s) {
    if (tg_tape_error(s->tape)) complain(s, "%s", tg_tape_error(s->tape));
    tg_tape_free(s->tape);
}

/* --- values --------------------------------------------------------------------------------------------- */

static bool differ(double got, long double expected, double error) {
    if (isnan(got) || isnan(expected)) return !(isnan(got) && isnan(expected));
    if (isinf(got) || isinf(expected)) return (long double)got != expected;
    const long double scale = fabsl(expected) > 1 ? fabsl(expected) : 1;
    return fabsl((long double)got - expected) > (long double)error * scale;
}

static void compare(struct subject *s, const char *what, int64_t n, const double *got,
                    const long double *expected, double error) {
    for (int64_t i = 0; i < n; i++)
        if (differ(got[i], expected[i], error))
            complain(s, "%s %lld is %.17g and must be %.17Lg", what, (long long)i, got[i], expected[i]);
}

static double *room(int64_t n) {
    double *values = calloc((size_t)n + 1, sizeof *values);
    cr_assert(values);
    return values;
}

static tg_tensor build(const struct subject *s, enum tg_case_layout layout, tg_tensor *x) {
    tg_case_tensors(s->row, s->x, layout, s->tape, x);
    return s->row->build(x, s->row->context);
}

static void check_values(struct subject *s, tg_dtype dtype, enum tg_case_layout layout) {
    static const char *const names[] = {"element", "element (transposed inputs)", "element (sliced inputs)"};
    tg_tensor x[TG_CASE_MAX_INPUTS];
    const double factor = s->row->error > 0 ? s->row->error : 16;
    open_tape(s, dtype);
    const tg_tensor y = build(s, layout, x);
    double *got = room(s->y.n);
    if (tg_is_valid(y) && !tg_shape_equal(tg_shape_of(y), s->y.shape)) {
        char text[2][TG_SHAPE_TEXT];
        complain(s, "the result is %s and must be %s",
                 tg_shape_format(tg_shape_of(y), sizeof text[0], text[0]),
                 tg_shape_format(s->y.shape, sizeof text[1], text[1]));
    } else if (tg_read_f64(y, s->y.n, got) == TG_OK) {
        compare(s, names[layout], s->y.n, got, s->y.data,
                factor * (dtype == TG_F32 ? (double)FLT_EPSILON : DBL_EPSILON));
    }
    free(got);
    close_tape(s);
}

static void check_values_f64(struct subject *s) { check_values(s, TG_F64, TG_CASE_CONTIGUOUS); }
static void check_values_f32(struct subject *s) { check_values(s, TG_F32, TG_CASE_CONTIGUOUS); }
static void check_strided_values(struct subject *s) {
    check_values(s, TG_F64, TG_CASE_TRANSPOSED);
    check_values(s, TG_F64, TG_CASE_SLICED);
    check_values(s, TG_F32, TG_CASE_TRANSPOSED);
    check_values(s, TG_F32, TG_CASE_SLICED);
}

/* --- derivatives by the tape ---------------------------------------------------------------------------- */

static bool has_gradient(const struct subject *s, int k) { return tg_dtype_is_value(s->row->input[k].dtype); }

/* Writes values to an input of the tape's dtype. */
static tg_tensor constant(const struct subject *s, const struct tg_case_values *from) {
    double *values = room(from->n);
    for (int64_t i = 0; i < from->n; i++) values[i] = (double)from->data[i];
    const tg_tensor made = tg_from_f64(s->tape, from->shape, from->n, values);
    free(values);
    return made;
}

/* The gradients of <w, y> as tensors g of the value inputs xs, whose numbers are in which; returns how many.
 */
static int record_gradients(const struct subject *s, enum tg_case_layout layout, tg_tensor *xs, tg_tensor *w,
                            tg_tensor *g, int *which) {
    tg_tensor all[TG_CASE_MAX_INPUTS];
    const tg_tensor y = build(s, layout, all);
    int n = 0;
    for (int k = 0; k < s->row->n_inputs; k++)
        if (has_gradient(s, k)) xs[n] = all[k], which[n++] = k;
    *w = constant(s, &s->w);
    return tg_gradients_from(y, *w, n, xs, g) == TG_OK ? n : 0;
}

/* All first derivatives of <w, y>, input after input. */
static void first_derivatives(struct subject *s, enum tg_case_layout layout, double *out) {
    tg_tensor xs[TG_CASE_MAX_INPUTS], g[TG_CASE_MAX_INPUTS], w;
    int which[TG_CASE_MAX_INPUTS];
    const int n = record_gradients(s, layout, xs, &w, g, which);
    for (int i = 0; i < n; i++) {
        if (tg_read_f64(g[i], s->x[which[i]].n, out) != TG_OK) break;
        out += s->x[which[i]].n;
    }
    if (tg_tape_rewind(s->tape, s->start) != TG_OK) complain(s, "cannot rewind");
}

/* All derivatives of sum_i <v_i, g_i> where g are the gradients of <w, y>: by the inputs, then by w. */
static void second_derivatives(struct subject *s, double *out, int64_t n_out) {
    tg_tensor xs[TG_CASE_MAX_INPUTS + 1], g[TG_CASE_MAX_INPUTS], gg[TG_CASE_MAX_INPUTS + 1], w;
    int which[TG_CASE_MAX_INPUTS];
    const int n = record_gradients(s, TG_CASE_CONTIGUOUS, xs, &w, g, which);
    double *part = room(n_out);
    xs[n] = w;
    for (int i = 0; i < n; i++) {
        if (tg_gradients_from(g[i], constant(s, &s->v[which[i]]), n + 1, xs, gg) != TG_OK) break;
        int64_t at = 0;
        for (int k = 0; k <= n; k++) {
            const int64_t size = k < n ? s->x[which[k]].n : s->w.n;
            if (tg_read_f64(gg[k], size, part + at) != TG_OK) break;
            for (int64_t j = at; j < at + size; j++) out[j] += part[j];
            at += size;
        }
    }
    free(part);
    if (tg_tape_rewind(s->tape, s->start) != TG_OK) complain(s, "cannot rewind");
}

/* --- derivatives by differences ------------------------------------------------------------------------- */

typedef double function(struct subject *s);

/* <w, y>, summed here and not by the tape. */
static double weighted_values(struct subject *s) {
    tg_tensor x[TG_CASE_MAX_INPUTS];
    double *y = room(s->y.n);
    long double sum = 0;
    if (tg_read_f64(build(s, TG_CASE_CONTIGUOUS, x), s->y.n, y) == TG_OK)
        for (int64_t i = 0; i < s->y.n; i++) sum += s->w.data[i] * (long double)y[i];
    free(y);
    if (tg_tape_rewind(s->tape, s->start) != TG_OK) complain(s, "cannot rewind");
    return (double)sum;
}

static int64_t count_gradients(const struct subject *s) {
    int64_t n = 0;
    for (int k = 0; k < s->row->n_inputs; k++)
        if (has_gradient(s, k)) n += s->x[k].n;
    return n;
}

/* sum_i <v_i, g_i> */
static double weighted_gradients(struct subject *s) {
    double *g = room(count_gradients(s));
    long double sum = 0;
    int64_t at = 0;
    first_derivatives(s, TG_CASE_CONTIGUOUS, g);
    for (int k = 0; k < s->row->n_inputs; k++)
        for (int64_t i = 0; i < s->x[k].n && has_gradient(s, k); i++)
            sum += s->v[k].data[i] * (long double)g[at++];
    free(g);
    return (double)sum;
}

/* The slope of f along one entry by central differences, extrapolated to step 0 (Ridders, Numerical Recipes
 * 5.7); the estimated error too. */
static double slope(struct subject *s, function *f, long double *entry, double step, double *error) {
    enum { ROWS = 8 };
    double table[ROWS][ROWS], best = 0;
    const long double was = *entry;
    *error = INFINITY;
    for (int i = 0; i < ROWS; i++, step /= 1.5) {
        *entry = (double)was + step;
        const double up = f(s), high = (double)*entry;
        *entry = (double)was - step;
        const double down = f(s), low = (double)*entry;
        *entry = was;
        table[0][i] = (up - down) / (high - low);
        double factor = 1;
        for (int j = 1; j <= i; j++) {
            factor *= 1.5 * 1.5;
            table[j][i] = (table[j - 1][i] * factor - table[j - 1][i - 1]) / (factor - 1);
            const double a = fabs(table[j][i] - table[j - 1][i]);
            const double b = fabs(table[j][i] - table[j - 1][i - 1]);
            const double worse = a > b ? a : b;
            if (worse <= *error) *error = worse, best = table[j][i];
        }
        if (i > 0 && fabs(table[i][i] - table[i - 1][i - 1]) >= 2 * *error) break;
    }
    return best;
}

/* Steps stay on the same side of every kink: see case_table.h for how values are spaced. */
static double first_step(const struct subject *s) {
    double step = 0.02;
    const double n = (double)(count_gradients(s) + count_gradients(s) % 2);
    for (int k = 0; k < s->row->n_inputs; k++) {
        const double spacing = (s->row->input[k].high - s->row->input[k].low) / n;
        if (has_gradient(s, k) && 0.2 * spacing < step) step = 0.2 * spacing;
    }
    return step;
}

static void compare_slopes(struct subject *s, const char *what, function *f, struct tg_case_values *by,
                           const double *derivatives) {
    for (int64_t i = 0; i < by->n && !s->complaints; i++) {
        double error;
        const double numeric = slope(s, f, &by->data[i], first_step(s), &error), got = derivatives[i];
        const double scale = fmax(1, fabs(numeric));
        if (!(error < 1e-5 * scale))
            complain(s, "%s %lld: the differences do not converge: %.12g +- %.2g", what, (long long)i,
                     numeric, error);
        else if (!(fabs(got - numeric) <= 1e-8 * scale + 4 * error))
            complain(s, "%s %lld is %.12g and must be %.12g +- %.2g", what, (long long)i, got, numeric,
                     error);
    }
}

static void check_first_derivatives(struct subject *s) {
    if (s->row->values_only) return;
    char what[80];
    double *derivatives = room(count_gradients(s)), *at = derivatives;
    open_tape(s, TG_F64);
    first_derivatives(s, TG_CASE_CONTIGUOUS, derivatives);
    for (int k = 0; k < s->row->n_inputs; k++) {
        if (!has_gradient(s, k)) continue;
        snprintf(what, sizeof what, "the derivative by input %d, element", k);
        compare_slopes(s, what, weighted_values, &s->x[k], at);
        at += s->x[k].n;
    }
    free(derivatives);
    close_tape(s);
}

static void check_second_derivatives(struct subject *s) {
    if (s->row->values_only) return;
    char what[80];
    const int64_t n = count_gradients(s) + s->w.n;
    double *derivatives = room(n), *at = derivatives;
    open_tape(s, TG_F64);
    second_derivatives(s, derivatives, n);
    for (int k = 0; k < s->row->n_inputs; k++) {
        if (!has_gradient(s, k)) continue;
        snprintf(what, sizeof what, "the second derivative by input %d, element", k);
        compare_slopes(s, what, weighted_gradients, &s->x[k], at);
        at += s->x[k].n;
    }
    compare_slopes(s, "the derivative of the gradient by the cotangent, element", weighted_gradients, &s->w,
                   at);
    free(derivatives);
    close_tape(s);
}

/* --- derivatives of other inputs ------------------------------------------------------------------------ */

static void compare_derivatives(struct subject *s, const char *what, tg_dtype dtype,
                                enum tg_case_layout layout, const long double *expected, double error) {
    double *got = room(count_gradients(s));
    open_tape(s, dtype);
    first_derivatives(s, layout, got);
    compare(s, what, count_gradients(s), got, expected, error);
    close_tape(s);
    free(got);
}

static void check_other_derivatives(struct subject *s) {
    if (s->row->values_only) return;
    const int64_t n = count_gradients(s);
    const double factor = 8 * (s->row->error > 0 ? s->row->error : 16);
    double *plain = room(n);
    long double *expected = calloc((size_t)n + 1, sizeof *expected);
    cr_assert(expected);
    open_tape(s, TG_F64);
    first_derivatives(s, TG_CASE_CONTIGUOUS, plain);
    close_tape(s);
    for (int64_t i = 0; i < n; i++) expected[i] = (long double)plain[i];
    compare_derivatives(s, "derivative (transposed inputs)", TG_F64, TG_CASE_TRANSPOSED, expected,
                        factor * DBL_EPSILON);
    compare_derivatives(s, "derivative (sliced inputs)", TG_F64, TG_CASE_SLICED, expected,
                        factor * DBL_EPSILON);
    compare_derivatives(s, "derivative (f32)", TG_F32, TG_CASE_CONTIGUOUS, expected,
                        factor * (double)FLT_EPSILON);
    free(plain);
    free(expected);
}

/* --- the tests ------------------------------------------------------------------------------------------ */

static void for_every_row(void (*check)(struct subject *s)) {
    for (int i = 0; i < tg_case_count(); i++) {
        const struct tg_case *row = tg_case_at(i);
        for (int variant = 0; variant < row->n_shapes; variant++) {
            struct subject s;
            set_up(&s, row, variant);
            check(&s);
            cr_expect(s.complaints == 0, "%s (and %d more)", s.first, s.complaints - 1);
            tear_down(&s);
        }
    }
}

Test(cases, every_operation_has_a_row) {
    for (int i = 0; i < tg_op_count(); i++) {
        bool found = false;
        for (int k = 0; k < tg_case_count(); k++) found |= strcmp(tg_case_at(k)->op, tg_op_at(i)->name) == 0;
        cr_expect(found, "%s has no row: add one to the cases_*.c of its file", tg_op_at(i)->name);
    }
}

Test(cases, values_in_f64_are_those_of_the_reference) { for_every_row(check_values_f64); }
Test(cases, values_in_f32_are_those_of_the_reference) { for_every_row(check_values_f32); }
Test(cases, strided_inputs_give_the_same_values) { for_every_row(check_strided_values); }
Test(cases, first_derivatives_are_those_of_finite_differences) { for_every_row(check_first_derivatives); }
Test(cases, second_derivatives_are_those_of_finite_differences) { for_every_row(check_second_derivatives); }
Test(cases, strided_and_f32_inputs_give_the_same_derivatives) { for_every_row(check_other_derivatives); }

/* --- whether the checks would notice -------------------------------------------------------------------- */

TG_MAP_KERNELS_1(wrong, x *x)
static void wrong_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(2.001), c->x[0]));
}
/* The first derivative is right, but as a constant. */
static void frozen_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(2), tg_detach(c->x[0])));
}
static const struct tg_op wrong = {.name = "wrong",
                                   .kind = TG_MAP,
                                   .n_inputs = 1,
                                   .map_f32 = wrong_f32,
                                   .map_f64 = wrong_f64,
                                   .backward = wrong_backward};
static const struct tg_op frozen = {.name = "frozen",
                                    .kind = TG_MAP,
                                    .n_inputs = 1,
                                    .map_f32 = wrong_f32,
                                    .map_f64 = wrong_f64,
                                    .backward = frozen_backward};
static tg_tensor build_op(const tg_tensor *x, const void *context) { return tg_apply(context, 1, x, NULL); }
static long double square(long double x) { return x * x; }
static long double nearly_square(long double x) { return x * x * (1 + 1e-10L); }
static void square_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    (void)context;
    tg_case_map_1(x, y, square);
}
static void wrong_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
    (void)context;
    tg_case_map_1(x, y, nearly_square);
}
static const struct tg_case_shapes vector[] = {{{TG_SHAPE(3)}}};

static int complaints(const struct tg_op *op, tg_case_reference *reference,
                      void (*check)(struct subject *s)) {
    const struct tg_case row = {.op = op->name,
                                .n_inputs = 1,
                                .input = {{.low = 0.5, .high = 2}},
                                TG_CASE_SHAPES(vector),
                                .build = build_op,
                                .reference = reference,
                                .context = op};
    struct subject s;
    set_up(&s, &row, 0);
    check(&s);
    tear_down(&s);
    return s.complaints;
}

Test(cases, wrong_values_and_derivatives_are_noticed) {
    cr_expect(complaints(&wrong, square_reference, check_values_f64) == 0);
    cr_expect(complaints(&wrong, wrong_reference, check_values_f64) > 0);
    cr_expect(complaints(&wrong, square_reference, check_first_derivatives) > 0);
    cr_expect(complaints(&frozen, square_reference, check_first_derivatives) == 0);
    cr_expect(complaints(&frozen, square_reference, check_second_derivatives) > 0);
}
