/* consumer.c: a user's program, built against the installed library as C and as C++.
 *
 * Uses each folder of the library once, and the forms that C and C++ spell differently: TG_SHAPE, TG_AXES,
 * variadic builders, functions by the type of an array. tests/install/check.sh compares what it prints with
 * expected.txt. */
#include <tapegrad.h>

#include <stdio.h>
#include <string.h>

int main(void) {
    if (strcmp(tg_version(), TG_VERSION) != 0) return 2;
    printf("tapegrad %s\n", tg_version());

    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor a = tg_param_scalar(tape, 5), b = tg_param_scalar(tape, 3), c = tg_param_scalar(tape, 2);
    tg_tensor u = tg_mul(b, c);
    tg_tensor v = tg_add(a, u);
    tg_tensor J = tg_mul(tg_num(3), v);
    if (tg_backward(J) != TG_OK) fprintf(stderr, "%s\n", tg_tape_error(tape));
    printf("J = %g\n", tg_item(J));
    printf("dJ/da = %g, dJ/db = %g, dJ/dc = %g\n", tg_item(tg_grad(a)), tg_item(tg_grad(b)),
           tg_item(tg_grad(c)));

    const double values[] = {1, 2, 3, 4, 5, 6};
    const float halves[] = {0.5F};
    float half;
    tg_tensor h = tg_from(tape, TG_SHAPE(1), 1, values);
    if (tg_write(h, 1, halves) == TG_OK && tg_read(h, 1, &half) == TG_OK)
        printf("a half = %g\n", (double)half);
    tg_tensor W = tg_param(tape, TG_SHAPE(2, 3), 6, values);
    tg_tensor y = tg_matmul(W, tg_transpose(W));
    tg_tensor total = tg_sum(y);
    if (tg_backward(total) != TG_OK) fprintf(stderr, "%s\n", tg_tape_error(tape));
    printf("sum of W W^T = %g\n", tg_item(total));
    printf("the same, axis by axis = %g\n", tg_item(tg_sum(tg_sum_axes(y, TG_AXES(0, -1), true))));

    static tg_sgd_options options; /* all zeros */
    options.learning_rate = 0.5;
    tg_optimizer *optimizer = tg_sgd_new(tape, 1, &a, options);
    if (tg_optimizer_step(optimizer) == TG_OK) printf("a after a step = %g\n", tg_item(a));
    tg_optimizer_free(optimizer);

    tg_tensor wrong = tg_matmul(W, W);
    printf("valid: %d\n", tg_is_valid(wrong));
    printf("%s\n", tg_tape_error(tape));
    tg_tape_free(tape);
    return 0;
}
