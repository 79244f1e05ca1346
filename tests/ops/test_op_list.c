/* test_op_list.c: looking operations up, and what holds for every one of them by itself. */
#include "ops/op_list.h"
#include "tests/ops/expectations.h"

Test(op_list, operations_are_found_by_name) {
    const struct tg_op *matmul = tg_op_find("matmul");
    cr_assert(matmul);
    cr_expect(matmul->kind == TG_CONTRACT);
    cr_expect(tg_op_find("add") == tg_op_at(0));
    cr_expect(tg_op_find("matmult") == NULL);
    cr_expect(tg_op_find("") == NULL);
}

Test(op_list, there_is_nothing_past_its_ends) {
    cr_expect(tg_op_count() > 40);
    cr_expect(tg_op_at(tg_op_count() - 1) != NULL);
    cr_expect(tg_op_at(tg_op_count()) == NULL);
    cr_expect(tg_op_at(-1) == NULL);
}

Test(op_list, every_operation_is_found_by_its_own_name) {
    for (int i = 0; i < tg_op_count(); i++) cr_expect(tg_op_find(tg_op_at(i)->name) == tg_op_at(i));
}

Test(op_list, an_operation_found_by_name_can_be_applied) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x[2] = {vector(tape, NUMBERS(1, 2)), vector(tape, NUMBERS(3, 5))};
    expect_values(tg_apply(tg_op_find("mul"), 2, x, NULL), NUMBERS(3, 10));
    tg_tape_free(tape);
}

enum { N = 700 }; /* more than any kernel does at once */

/* in[k] = out, for every k: the result must be that of a separate output. */
static void expect_in_place(const struct tg_op *op, const double *attr) {
    static double in[TG_MAX_MAP_INPUTS][N], apart[N];
    for (int k = 0; k < op->n_inputs; k++) {
        const void *x[TG_MAX_MAP_INPUTS];
        for (int j = 0; j < op->n_inputs; j++) {
            for (int i = 0; i < N; i++) in[j][i] = 0.05 + 0.9 * fabs(sin(i + 3 * j));
            x[j] = in[j];
        }
        op->map_f64(N, apart, x, attr);
        op->map_f64(N, in[k], x, attr);
        cr_expect(memcmp(apart, in[k], sizeof apart) == 0, "%s, in place of input %d", op->name, k);
    }
}

Test(op_list, elementwise_kernels_may_write_over_an_input) {
    const double attr[4] = {0.25};
    for (int i = 0; i < tg_op_count(); i++) {
        const struct tg_op *op = tg_op_at(i);
        const bool of_values = op->map_i64 == NULL && strcmp(op->name, "where") != 0;
        if (op->kind == TG_MAP && of_values) expect_in_place(op, attr);
    }
}
