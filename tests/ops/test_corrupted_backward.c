/* test_corrupted_backward.c: the negative control of gradient checking: the backward of every operation is
 * corrupted in turn, on the inputs of the case table; each corruption must fail the check, and be blamed on
 * that operation and no other.
 *
 * Owns: planting. A node's operation is exchanged, after it was recorded, for a copy whose backward hands the
 * original's result on, changed. */
#include "graph/node.h"
#include "ops/op_list.h"
#include "tests/ops/case_table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum corruption { SCALED, NEGATED, ONE_ELEMENT, DROPPED, N_CORRUPTIONS };
static const char *const corruption_names[] = {"scaled", "negated", "one element changed", "dropped"};

/* What is planted at the moment; a backward gets no context of its own. */
static const struct tg_op *original;
static struct tg_op corrupted;
static enum corruption corruption;
static int corrupted_input;

/* 1/64 of the largest entry more in the middle one; of nothing: 1/64. */
static tg_tensor change_one_element(tg_tape *tape, tg_tensor dx, tg_shape shape) {
    const tg_tensor given = tg_is_num(dx) ? tg_full(tape, shape, tg_item(dx)) : dx;
    const tg_tensor extra = tg_zeros(tape, tg_shape_of(given));
    const int64_t n = tg_size(given);
    double *values = calloc((size_t)n + 1, sizeof *values), largest = 0;
    cr_assert(values && tg_read_f64(given, n, values) == TG_OK);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(values[i]));
    free(values);
    if (n) ((double *)tg_data_mut(extra))[n / 2] = (largest > 0 ? largest : 1) / 64;
    return tg_add(given, extra);
}

static void corrupted_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    original->backward(c, dy, dx);
    if (corrupted_input >= c->n_in) return;
    tg_tensor *it = &dx[corrupted_input];
    if (!it->tape && corruption == ONE_ELEMENT) *it = tg_num(0); /* a gradient where there is none */
    if (!it->tape) return;
    switch (corruption) {
        case SCALED: *it = tg_mul(*it, tg_num(1.001)); break;
        case NEGATED: *it = tg_neg(*it); break;
        case ONE_ELEMENT:
            *it = change_one_element(c->tape, *it, tg_array_shape(&c->in[corrupted_input]));
            break;
        case DROPPED:
        case N_CORRUPTIONS: *it = (tg_tensor){0}; break;
    }
}

/* --- one row of the table ------------------------------------------------------------------------------- */

struct subject {
    const struct tg_case *row;
    tg_tensor x[TG_CASE_MAX_INPUTS]; /* all inputs; params holds those with a gradient */
    tg_tensor params[TG_CASE_MAX_INPUTS];
    int n_params;
    bool planted; /* or recorded as it is */
};

/* The row's output, weighted so that every element matters. */
static tg_tensor record(tg_tape *tape, const tg_tensor *params, void *context) {
    const struct subject *s = context;
    tg_tensor w, x[TG_CASE_MAX_INPUTS];
    for (int k = 0, i = 0; k < s->row->n_inputs; k++)
        x[k] = tg_dtype_is_value(s->row->input[k].dtype) ? params[i++] : s->x[k];
    const uint32_t first = tape->n_nodes;
    const tg_tensor y = s->row->build(x, s->row->context);
    for (uint32_t i = first; s->planted && i < tape->n_nodes; i++)
        if (tg_node_at(tape, i)->op == original) tg_node_at(tape, i)->op = &corrupted;
    w = tg_param_normal(tape, tg_shape_of(y), tg_key_new(3), 1);
    return tg_sum(tg_mul(tg_add(tg_square(w), tg_num(0.5)), y));
}

/* All gradients one after the other; returns how many numbers. */
static int64_t gradients(tg_tape *tape, struct subject *s, double *out) {
    tg_tensor dx[TG_CASE_MAX_INPUTS];
    int64_t n = 0;
    const tg_mark mark = tg_tape_mark(tape);
    cr_assert_eq(tg_gradients(record(tape, s->params, s), s->n_params, s->params, dx), TG_OK, "%s: %s",
                 s->row->op, tg_tape_error(tape));
    for (int k = 0; k < s->n_params; k++) {
        cr_assert_eq(tg_read_f64(dx[k], tg_size(dx[k]), out + n), TG_OK);
        n += tg_size(dx[k]);
    }
    cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
    return n;
}

/* Whether the corruption changes any gradient: it cannot where there are no elements, or all are 0 (but for
 * rounding). */
static bool changes_anything(tg_tape *tape, struct subject *s) {
    enum { MOST = 4096 };
    static double right[MOST], wrong[MOST];
    s->planted = false;
    const int64_t n = gradients(tape, s, right);
    s->planted = true;
    cr_assert(n <= MOST && gradients(tape, s, wrong) == n);
    bool changed = false;
    for (int64_t i = 0; i < n; i++) changed |= fabs(right[i] - wrong[i]) > 1e-9;
    return changed;
}

/* Whether the check fails, and the blame is on the operation and on nothing else. */
static bool is_caught(tg_tape *tape, struct subject *s) {
    tg_gradcheck_report check;
    tg_blame_report blame;
    char text[1000] = "";
    cr_assert_eq(tg_gradcheck(tape, record, s, s->n_params, s->params, NULL, &check), TG_OK, "%s",
                 tg_tape_error(tape));
    cr_assert_eq(tg_blame(tape, record(tape, s->params, s), s->n_params, s->params, NULL, &blame), TG_OK,
                 "%s", tg_tape_error(tape));
    bool caught = check.verdict == TG_FAIL && blame.n > 0;
    for (int i = 0; i < blame.n; i++)
        caught &= blame.findings[i].kind == TG_BLAME_BACKWARD && blame.findings[i].node.tape == tape &&
                  strcmp(blame.findings[i].operation, original->name) == 0;
    if (blame.n) tg_blame_format(&blame.findings[0], sizeof text, text);
    cr_expect(caught, "%s%s%s, input %d %s: %s, %d findings: %s", s->row->op, s->row->label ? ", " : "",
              s->row->label ? s->row->label : "", corrupted_input, corruption_names[corruption],
              tg_verdict_name(check.verdict), blame.n, text);
    tg_gradcheck_report_free(&check);
    tg_blame_report_free(&blame);
    return caught;
}

struct count {
    int planted, caught;
};

static void plant_in_row(const struct tg_case *row, int variant, struct count *count) {
    struct tg_case_values values[TG_CASE_MAX_INPUTS];
    struct subject s = {.row = row};
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_case_draw(row, variant, tg_key_new(7), values);
    tg_case_tensors(row, values, TG_CASE_CONTIGUOUS, tape, s.x);
    for (int k = 0; k < row->n_inputs; k++)
        if (tg_dtype_is_value(row->input[k].dtype)) s.params[s.n_params++] = s.x[k];
    const tg_mark mark = tg_tape_mark(tape);
    for (corruption = 0; corruption < N_CORRUPTIONS; corruption++)
        for (corrupted_input = 0; corrupted_input < row->n_inputs; corrupted_input++) {
            if (changes_anything(tape, &s)) {
                count->planted++;
                count->caught += is_caught(tape, &s);
            }
            cr_assert_eq(tg_tape_rewind(tape, mark), TG_OK);
        }
    tg_tape_free(tape);
    tg_case_free(row->n_inputs, values);
}

Test(corrupted_backward, of_every_operation_is_caught_and_blamed) {
    struct count all = {0};
    int silent = 0;
    for (int i = 0; i < tg_op_count(); i++) {
        struct count count = {0};
        bool has_gradient = false;
        original = tg_op_at(i);
        corrupted = *original;
        corrupted.backward = corrupted_backward;
        for (int k = 0; k < tg_case_count(); k++) {
            const struct tg_case *row = tg_case_at(k);
            if (strcmp(row->op, original->name) != 0 || row->values_only) continue;
            has_gradient = true;
            for (int variant = 0; variant < row->n_shapes; variant++) plant_in_row(row, variant, &count);
        }
        cr_expect(count.planted > 0 || !has_gradient, "nothing could be planted in %s", original->name);
        silent += !has_gradient;
        all.planted += count.planted;
        all.caught += count.caught;
    }
    fprintf(stderr, "caught %d / planted %d in %d operations; %d have no gradient\n", all.caught, all.planted,
            tg_op_count() - silent, silent);
    cr_expect_eq(all.caught, all.planted);
    cr_expect_gt(all.planted, 4 * (tg_op_count() - silent));
}
