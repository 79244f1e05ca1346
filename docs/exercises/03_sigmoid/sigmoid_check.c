/* sigmoid_check.c: checks exercise 3: the operation in a loss, against nudging. */
#include "sigmoid.h"

#include <math.h>

#include "exercise_desk.h"

enum { N = 6 };

TG_MAP_KERNELS_1(my_sigmoid, 1 / (1 + (T)exp(-x)))

static const struct tg_op my_sigmoid = {.name = "my_sigmoid",
                                        .kind = TG_MAP,
                                        .n_inputs = 1,
                                        .map_f32 = my_sigmoid_f32,
                                        .map_f64 = my_sigmoid_f64,
                                        .backward = my_sigmoid_backward};

int main(void) {
    exercise_desk desk = desk_open("3. The backward of sigmoid", "docs/exercises/03_sigmoid/sigmoid.c");
    const double x[N] = {-2, -0.5, 0, 0.3, 1, 3};
    double w[N], of_input[N], bare[N], negated[N], local[N];
    desk_weights(N, w);
    for (int i = 0; i < N; i++) {
        const double y = 1 / (1 + exp(-x[i]));
        of_input[i] = w[i] * x[i] * (1 - x[i]);
        bare[i] = y * (1 - y);
        negated[i] = -w[i] * bare[i];
        local[i] = w[i] * y;
    }
    const known_answer known[] = {
        {of_input,
         "This is x (1 - x). Write it with the output y in place of the input x: c->y, not c->x[0]."},
        {bare, "This is y (1 - y), sigmoid's own derivative: dy is missing. The chain rule multiplies by "
               "what arrives."},
        {negated, "wrong sign: this is y (y - 1)."},
        {local, "This is dy y. The factor 1 - y is missing."},
        {NULL, NULL}};
    desk_operation(&desk, &my_sigmoid, N, x, known);
    return desk_close(&desk);
}
