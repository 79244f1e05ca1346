/* tanh_check.c: checks exercise 4: the operation in a loss, against nudging. */
#include "tanh.h"

#include <math.h>

#include "exercise_desk.h"

enum { N = 6 };

TG_MAP_KERNELS_1(my_tanh, (T)tanh(x))

static const struct tg_op my_tanh = {.name = "my_tanh",
                                     .kind = TG_MAP,
                                     .n_inputs = 1,
                                     .map_f32 = my_tanh_f32,
                                     .map_f64 = my_tanh_f64,
                                     .backward = my_tanh_backward};

int main(void) {
    exercise_desk desk = desk_open("4. The backward of tanh", "docs/exercises/04_tanh/tanh.c");
    const double x[N] = {-2, -0.5, 0.1, 0.3, 1, 2.5};
    double w[N], of_input[N], bare[N], plain[N], negated[N];
    desk_weights(N, w);
    for (int i = 0; i < N; i++) {
        const double y = tanh(x[i]);
        of_input[i] = w[i] * (1 - x[i] * x[i]);
        bare[i] = 1 - y * y;
        plain[i] = w[i] * (1 - y);
        negated[i] = -w[i] * bare[i];
    }
    const known_answer known[] = {
        {of_input, "This is 1 - x². Write it with the output y in place of the input x: c->y, not c->x[0]."},
        {bare,
         "This is 1 - y², tanh's own derivative: dy is missing. The chain rule multiplies by what arrives."},
        {plain, "This is dy (1 - y), and y has to be squared."},
        {negated, "wrong sign: this is dy (y² - 1)."},
        {NULL, NULL}};
    desk_operation(&desk, &my_tanh, N, x, known);
    return desk_close(&desk);
}
