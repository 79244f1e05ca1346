/* symmetry.c: exercise 13. There is a bug here. */
#include "symmetry.h"

void begin_weights(tg_key key, double *W1, double *W2) {
    tg_random_normal(tg_key_split(key, 0), 1, &W1[0]);
    tg_random_normal(tg_key_split(key, 1), 1, &W2[0]);
    for (int i = 0; i < 4 * 2; i++) W1[i] = 0.5 * W1[0];
    for (int i = 0; i < 4; i++) W2[i] = 0.5 * W2[0];
}
