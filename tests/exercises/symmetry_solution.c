/* symmetry_solution.c: exercise 13, solved. */
#include "symmetry.h"

void begin_weights(tg_key key, double *W1, double *W2) {
    tg_random_normal(tg_key_split(key, 0), 4 * 2, W1);
    tg_random_normal(tg_key_split(key, 1), 4, W2);
    for (int i = 0; i < 4 * 2; i++) W1[i] *= 0.5;
    for (int i = 0; i < 4; i++) W2[i] *= 0.5;
}
