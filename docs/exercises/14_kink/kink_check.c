/* kink_check.c: checks exercise 14: the operation in a loss, against nudging. */
#include "kink.h"

#include <math.h>

#include "exercise_desk.h"

enum { N = 8 };

TG_MAP_KERNELS_1(my_hinge, x < 1 ? 1 - x : 0)

/* Which side of the kink: by this the check knows where kinks lie. */
static tg_tensor side(const tg_call *c) { return tg_greater(c->x[0], tg_num(1)); }

static const struct tg_op my_hinge = {.name = "my_hinge",
                                      .kind = TG_MAP,
                                      .n_inputs = 1,
                                      .map_f32 = my_hinge_f32,
                                      .map_f64 = my_hinge_f64,
                                      .branch = side,
                                      .backward = my_hinge_backward};

int main(void) {
    exercise_desk desk = desk_open("14. A kink", "docs/exercises/14_kink/kink.c");
    const double x[N] = {-2, 0.5, 1, 3, 0.9, -0.25, 1.1, 2};
    double w[N], negated[N], margin[N], doubled[N];
    desk_weights(N, w);
    for (int i = 0; i < N; i++) {
        negated[i] = x[i] < 1 ? w[i] : 0;
        margin[i] = x[i] < 0 ? -w[i] : 0;
        doubled[i] = x[i] < 1 ? -w[i] : x[i] > 1 ? 0 : -2 * w[i];
    }
    const known_answer known[] = {
        {negated, "wrong sign: as z grows, the loss falls."},
        {margin, "The slope changes at 0, and the kink lies at 1: 1 - z is 0 there."},
        {doubled, "Only at the kink, z = 1: -2 dy is outside of what lies between the slopes of the two "
                  "sides, -dy and 0."},
        {NULL, NULL}};
    desk_operation(&desk, &my_hinge, N, x, known);
    return desk_close(&desk);
}
