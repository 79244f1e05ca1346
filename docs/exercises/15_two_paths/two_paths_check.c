/* two_paths_check.c: checks exercise 15 against the tape. */
#include "two_paths.h"

#include <stdio.h>

#include "exercise_desk.h"

enum { N = 5 };

static bool measure(const double *x, double *dx) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor X = tg_param_f64(tape, TG_SHAPE(N), N, x);
    const tg_tensor J = tg_sum(tg_square(tg_add(tg_mul(X, X), tg_mul(tg_num(3), X))));
    const bool good = tg_backward(J) == TG_OK && tg_read_f64(tg_grad(X), N, dx) == TG_OK;
    tg_tape_free(tape);
    return good;
}

int main(void) {
    exercise_desk desk = desk_open("15. Two paths", "docs/exercises/15_two_paths/two_paths.c");
    const double x[N] = {0.5, -1, 2, -4, 1.5};
    double right[N], yours[N], only_v[N], only_u[N], half[N], before[N];
    if (!measure(x, right)) return 2;
    for (int i = 0; i < N; i++) {
        const double d = 2 * (x[i] * x[i] + 3 * x[i]);
        yours[i] = 1000;
        only_v[i] = 3 * d;
        only_u[i] = 2 * x[i] * d;
        half[i] = x[i] * d + 3 * d;
        before[i] = right[i] + 1000;
    }
    two_paths_backward(N, x, yours);
    const known_answer known[] = {
        {only_v, "This is what comes through v alone: the path through u was overwritten. Gradients of all "
                 "paths add up."},
        {only_u, "This is what comes through u alone. x goes into v, too."},
        {half, "Nearly: x x uses x twice, and both uses bring something back: d(x x)/dx = 2 x."},
        {before, "This begins with what was in dx before, which was 1000. Whoever adds has to begin at 0."},
        {NULL, NULL}};
    desk_compare(&desk, "dx", TG_SHAPE(N), yours, right, 1e-12, known);
    return desk_close(&desk);
}
