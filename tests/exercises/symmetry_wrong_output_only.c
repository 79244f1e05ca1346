/* symmetry_wrong_output_only.c: expects: compute the same */
#include "symmetry.h"

/* Only the output weights are the same; two of the hidden units are, too. */
void begin_weights(tg_key key, double *W1, double *W2) {
    tg_random_normal(tg_key_split(key, 0), 4 * 2, W1);
    for (int i = 0; i < 4; i++) W1[4 + i] = W1[i];
    for (int i = 0; i < 4; i++) W2[i] = 0.5;
}
