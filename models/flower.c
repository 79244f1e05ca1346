/* flower.c: two classes of points in the plane, as petals of a flower. Owns: the formula. */
#include "models/flower.h"

#include <math.h>

tg_status tg_flower_at(const char *where, tg_tape *tape, tg_key key, int64_t n_examples,
                       tg_dataset *dataset) {
    const double pi = 3.14159265358979323846, noise = 0.2, petals = 4, length = 4;
    const tg_status status = tg_dataset_new_at(where, tape, 2, n_examples, dataset);
    if (status != TG_OK) return status;
    const int64_t n[2] = {n_examples - n_examples / 2, n_examples / 2};
    /* The room for the points holds their random numbers first. */
    double *across = dataset->x, *up = dataset->x + n_examples;
    tg_random_normal(tg_key_split(key, 0), n_examples, across);
    tg_random_normal(tg_key_split(key, 1), n_examples, up);
    for (int64_t i = 0; i < n_examples; i++) {
        const int c = i >= n[0];
        const int64_t k = c ? i - n[0] : i;
        const double t = pi * (c + (double)k / (double)n[c]) + noise * across[i];
        const double r = length * sin(petals * t) + noise * up[i];
        across[i] = r * sin(t);
        up[i] = r * cos(t);
        dataset->y[i] = c;
    }
    return TG_OK;
}
