/* relu_check.c: checks exercise 5: the operation in a loss, against nudging. */
#include "relu.h"

#include <math.h>

#include "exercise_desk.h"

enum { N = 8 };

TG_MAP_KERNELS_1(my_relu, x > 0 ? x : 0)

/* Which side of the kink: by this the check knows where kinks lie. */
static tg_tensor side(const tg_call *c) { return tg_greater(c->x[0], tg_num(0)); }

static const struct tg_op my_relu = {.name = "my_relu",
                                     .kind = TG_MAP,
                                     .n_inputs = 1,
                                     .map_f32 = my_relu_f32,
                                     .map_f64 = my_relu_f64,
                                     .branch = side,
                                     .backward = my_relu_backward};

int main(void) {
    exercise_desk desk = desk_open("5. The backward of relu", "docs/exercises/05_relu/relu.c");
    const double x[N] = {-2, -0.5, 0.3, 1, 3, 0, -1, 2};
    double w[N], open[N], gate[N], bare[N], shut[N];
    desk_weights(N, w);
    for (int i = 0; i < N; i++) {
        open[i] = w[i];
        gate[i] = w[i] > 0 ? w[i] : 0;
        bare[i] = x[i] > 0;
        shut[i] = x[i] > 0 ? 0 : w[i];
    }
    const known_answer known[] = {
        {open,
         "off at one branch: this lets dy pass everywhere. Where x < 0 relu is flat, and nothing passes."},
        {gate, "This looks at the sign of dy. The gate is set forward, by the sign of the input."},
        {bare, "This is 1 where x > 0, relu's own derivative: dy is missing."},
        {shut, "The gate is the wrong way round: dy passes where x > 0."},
        {NULL, NULL}};
    desk_operation(&desk, &my_relu, N, x, known);
    return desk_close(&desk);
}
