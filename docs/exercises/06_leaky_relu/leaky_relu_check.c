/* leaky_relu_check.c: checks exercise 6: the operation in a loss, against nudging. */
#include "leaky_relu.h"

#include <math.h>

#include "exercise_desk.h"

enum { N = 8 };

TG_MAP_KERNELS_1(my_leaky_relu, x > 0 ? x : (T)0.01 * x)

/* Which side of the kink: by this the check knows where kinks lie. */
static tg_tensor side(const tg_call *c) { return tg_greater(c->x[0], tg_num(0)); }

static const struct tg_op my_leaky_relu = {.name = "my_leaky_relu",
                                           .kind = TG_MAP,
                                           .n_inputs = 1,
                                           .map_f32 = my_leaky_relu_f32,
                                           .map_f64 = my_leaky_relu_f64,
                                           .branch = side,
                                           .backward = my_leaky_relu_backward};

int main(void) {
    exercise_desk desk =
        desk_open("6. The backward of leaky relu", "docs/exercises/06_leaky_relu/leaky_relu.c");
    const double x[N] = {-2, -0.5, 0.3, 1, 3, 0, -1, 2};
    double w[N], closed[N], constant[N], open[N];
    desk_weights(N, w);
    for (int i = 0; i < N; i++) {
        closed[i] = x[i] > 0 ? w[i] : 0;
        constant[i] = x[i] > 0 ? w[i] : 0.01;
        open[i] = w[i];
    }
    const known_answer known[] = {
        {closed,
         "off at one branch: on the negative side this gives 0, as relu does. Here the slope is 0.01."},
        {constant, "off at one branch: on the negative side this gives 0.01 itself. It is a factor of dy."},
        {open, "off at one branch: on the negative side dy has to be multiplied by 0.01."},
        {NULL, NULL}};
    desk_operation(&desk, &my_leaky_relu, N, x, known);
    return desk_close(&desk);
}
