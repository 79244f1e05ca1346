/* test_op_check_cases.c: every operation of ops.def passes tg_op_check, on the inputs of each row of the case
 * table.
 *
 * Owns: the way from a row to an operation, its attribute and its inputs. */
#include "graph/node.h"
#include "graph/op_check.h"
#include "ops/op_list.h"
#include "tests/ops/case_table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The last node of that name. */
static const tg_node *find(const tg_tape *tape, const char *name) {
    for (uint32_t i = tape->n_nodes; i-- > 0;) {
        const tg_node *node = tg_node_at(tape, i);
        if (node->op && strcmp(node->op->name, name) == 0) return node;
    }
    return NULL;
}

/* The range of the row's input with this tensor; of another, that of its values. */
static void take_input(const struct tg_case *row, const tg_tensor *x, tg_tensor from, tg_op_input *in) {
    *in = (tg_op_input){
        .dtype = tg_dtype_of(from), .shape = tg_shape_of(from), .low = INFINITY, .high = -INFINITY};
    const tg_array array = tg_array_of(from);
    const int64_t n = tg_array_size(&array);
    double *values = calloc((size_t)n + 1, sizeof *values);
    cr_assert(values);
    in->constant = true;
    for (int k = 0; k < row->n_inputs; k++)
        if (x[k].node == from.node)
            in->constant = false, in->low = row->input[k].low, in->high = row->input[k].high;
    if (isinf(in->low) && tg_read_f64(from, n, values) == TG_OK)
        for (int64_t i = 0; i < n; i++)
            in->low = fmin(in->low, values[i]), in->high = fmax(in->high, values[i]);
    free(values);
}

/* Whether the row's operation was found among what it records, and checked. */
static bool check(const struct tg_case *row, int variant, const char *name) {
    struct tg_case_values values[TG_CASE_MAX_INPUTS];
    tg_tensor x[TG_CASE_MAX_INPUTS];
    tg_op_input inputs[TG_OP_CHECK_INPUTS];
    tg_op_check_report report;
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_case_draw(row, variant, tg_key_new(1), values);
    tg_case_tensors(row, values, TG_CASE_CONTIGUOUS, tape, x);
    row->build(x, row->context);
    const tg_node *node = find(tape, name);
    const bool found = node && node->n_in <= TG_OP_CHECK_INPUTS;
    if (found) {
        for (uint32_t k = 0; k < node->n_in; k++)
            take_input(row, x, tg_handle(tape, tg_node_inputs(node)[k]), &inputs[k]);
        const tg_op_check_options options = {.attr = node->op->attr_size ? node->extra.attr : NULL,
                                             .n = (int)node->n_in,
                                             .inputs = inputs,
                                             .error = 8 * row->error};
        cr_expect_eq(tg_op_check(node->op, &options, &report), TG_OK, "%s", name);
        for (int i = 0; i < report.n; i++)
            cr_expect_neq(report.lines[i].state, TG_OP_CHECK_FAILED, "%s, %s, variant %d: %s: %s", name,
                          row->label ? row->label : "", variant, report.lines[i].name,
                          report.lines[i].message);
    }
    tg_case_free(row->n_inputs, values);
    tg_tape_free(tape);
    return found;
}

Test(op_check_cases, every_operation_passes_on_the_inputs_of_its_rows) {
    for (int i = 0; i < tg_op_count(); i++) {
        int checked = 0;
        for (int k = 0; k < tg_case_count(); k++)
            for (int variant = 0; variant < tg_case_at(k)->n_shapes; variant++)
                if (strcmp(tg_case_at(k)->op, tg_op_at(i)->name) == 0)
                    checked += check(tg_case_at(k), variant, tg_op_at(i)->name);
        cr_expect_gt(checked, 0, "%s was not checked", tg_op_at(i)->name);
    }
}
