/* test_plan_cases.c: every row of the case table gives in a plan what it gives on the tape: its value and its
 * gradients, after its inputs were written anew; whether values were computed when it was recorded or not.
 *
 * Owns: the comparison of a plan with a tape that records from the start. Must not know any operation. */
#include "tests/ops/case_table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = TG_CASE_MAX_INPUTS + 1 };

/* One row on a tape: the output, then the gradients of <w, y> by its value inputs. */
struct recorded {
    tg_tensor x[TG_CASE_MAX_INPUTS], out[MOST];
    int n_out;
};

static bool record(const struct tg_case *row, const struct tg_case_values *values, tg_tape *tape,
                   enum tg_case_layout layout, struct recorded *r) {
    tg_tensor xs[TG_CASE_MAX_INPUTS];
    int n = 0;
    tg_case_tensors(row, values, layout, tape, r->x);
    r->out[0] = row->build(r->x, row->context);
    r->n_out = 1;
    if (row->values_only) return tg_is_valid(r->out[0]);
    for (int k = 0; k < row->n_inputs; k++)
        if (tg_dtype_is_value(row->input[k].dtype)) xs[n++] = r->x[k];
    const int64_t size = tg_size(r->out[0]);
    double *w = calloc((size_t)size + 1, sizeof *w);
    cr_assert(w);
    for (int64_t i = 0; i < size; i++) w[i] = 0.5 + (double)(i % 7) / 4;
    const tg_tensor dy = tg_from_f64(tape, tg_shape_of(r->out[0]), size, w);
    free(w);
    r->n_out += n;
    return tg_gradients_from(r->out[0], dy, n, xs, r->out + 1) == TG_OK;
}

static bool close_enough(double a, double b, double error) {
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    if (a == b) return true;
    return fabs(a - b) <= error * (1 + fabs(b));
}

static void compare(const struct tg_case *row, int variant, tg_tensor planned, tg_tensor expected, int k) {
    const int64_t n = tg_size(expected);
    double *a = calloc((size_t)n + 1, sizeof *a), *b = calloc((size_t)n + 1, sizeof *b);
    cr_assert(a && b);
    cr_expect_eq(tg_read_f64(planned, n, a), TG_OK);
    cr_expect_eq(tg_read_f64(expected, n, b), TG_OK);
    const double error = tg_tape_dtype(expected.tape) == TG_F32 ? 1e-5 : 1e-13;
    for (int64_t i = 0; i < n; i++)
        if (!close_enough(a[i], b[i], error)) {
            cr_expect(false, "%s, %s, variant %d: output %d[%lld] is %.17g in the plan and %.17g on the tape",
                      row->op, row->label ? row->label : "", variant, k, (long long)i, a[i], b[i]);
            break;
        }
    free(a);
    free(b);
}

/* Writes other values into the leaves of a contiguous recording. */
static void rewrite(const struct tg_case *row, const struct tg_case_values *values,
                    const struct recorded *r) {
    for (int k = 0; k < row->n_inputs; k++) {
        double *x = calloc((size_t)values[k].n + 1, sizeof *x);
        cr_assert(x);
        for (int64_t i = 0; i < values[k].n; i++) x[i] = (double)values[k].data[i];
        cr_expect_eq(tg_write_f64(r->x[k], values[k].n, x), TG_OK);
        free(x);
    }
}

/* Assigns what has no values to leaves of its shape and dtype, and reads those. */
static void show(tg_tape *tape, struct recorded *r, tg_tensor *shown) {
    for (int k = 0; k < r->n_out; k++) {
        const tg_shape shape = tg_shape_of(r->out[k]);
        const int64_t n = tg_size(r->out[k]);
        int64_t *zeros = calloc((size_t)n + 1, sizeof *zeros);
        cr_assert(zeros);
        switch (tg_dtype_of(r->out[k])) {
            case TG_I64: shown[k] = tg_from_i64(tape, shape, n, zeros); break;
            case TG_BOOL: shown[k] = tg_from_bool(tape, shape, n, (const bool *)zeros); break;
            default: shown[k] = tg_zeros(tape, shape); break;
        }
        free(zeros);
        r->out[k] = tg_assign(shown[k], r->out[k]);
    }
}

static void check(const struct tg_case *row, int variant, tg_dtype dtype, enum tg_case_layout layout,
                  bool values) {
    struct tg_case_values old[TG_CASE_MAX_INPUTS] = {0}, now[TG_CASE_MAX_INPUTS] = {0};
    struct recorded planned, expected;
    tg_tape *tape = tg_tape_new(dtype), *plain = tg_tape_new(dtype);
    cr_assert(tape && plain);
    const bool written = layout == TG_CASE_CONTIGUOUS;
    tg_case_draw(row, variant, tg_key_new(5), now);
    tg_case_draw(row, variant, tg_key_new(written ? 4 : 5), old);
    tg_tensor shown[MOST];
    tg_tape_set_values(tape, values);
    cr_expect(record(row, old, tape, layout, &planned) && record(row, now, plain, layout, &expected), "%s",
              row->op);
    tg_tape_set_values(tape, true);
    memcpy(shown, planned.out, sizeof shown);
    if (!values) show(tape, &planned, shown);
    tg_plan *plan = tg_plan_new(tape, planned.n_out, planned.out);
    cr_assert(plan, "%s: %s", row->op, tg_tape_error(tape));
    for (int turn = 0; turn < 2; turn++) {
        if (written) rewrite(row, turn ? now : old, &planned);
        cr_expect_eq(tg_plan_run(plan), TG_OK, "%s: %s", row->op, tg_tape_error(tape));
    }
    for (int k = 0; k < planned.n_out; k++) compare(row, variant, shown[k], expected.out[k], k);
    tg_plan_free(plan);
    tg_tape_free(tape);
    tg_tape_free(plain);
    tg_case_free(TG_CASE_MAX_INPUTS, old);
    tg_case_free(TG_CASE_MAX_INPUTS, now);
}

static void check_all(tg_dtype dtype, bool values) {
    for (int i = 0; i < tg_case_count(); i++) {
        const struct tg_case *row = tg_case_at(i);
        for (int variant = 0; variant < row->n_shapes; variant++)
            for (int layout = 0; layout < TG_CASE_N_LAYOUTS; layout++)
                check(row, variant, dtype, (enum tg_case_layout)layout, values);
    }
}

Test(plan_cases, every_row_gives_in_a_plan_what_the_tape_gives_f32) { check_all(TG_F32, true); }
Test(plan_cases, every_row_gives_in_a_plan_what_the_tape_gives_f64) { check_all(TG_F64, true); }
Test(plan_cases, every_row_gives_so_when_nothing_was_computed_while_it_was_recorded) {
    check_all(TG_F32, false);
    check_all(TG_F64, false);
}
