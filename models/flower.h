/* flower.h: two classes of points in the plane, as petals of a flower: no straight line can part them.
 *
 * Owns: the formula. It follows the planar data known from introductory courses on neural networks. */
#ifndef TAPEGRAD_MODELS_FLOWER_H
#define TAPEGRAD_MODELS_FLOWER_H

#include "models/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* n_examples points with two features. Class c, 0 or 1, holds half of them (0 the odd one) at angles spread
 * evenly over [c pi, (c + 1) pi), and with independent standard normal e and f for each point:
 *
 *     t = angle + 0.2 e      r = 4 sin(4 t) + 0.2 f      x = (r sin t, r cos t)
 *
 * so r draws a rose with eight petals. sin(4 t) has period pi, while (sin t, cos t) changes its sign after
 * pi: without noise class 1 is class 0 mirrored in the origin, both have the same mean up to sign, petals of
 * the two alternate, and logistic regression does little better than a guess. The same key gives the same
 * flower. Errors: as tg_dataset_new. */
#define tg_flower(...) tg_flower_at(TG_HERE, __VA_ARGS__)
TG_API TG_MUST_USE tg_status tg_flower_at(const char *where, tg_tape *tape, tg_key key, int64_t n_examples,
                                          tg_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
