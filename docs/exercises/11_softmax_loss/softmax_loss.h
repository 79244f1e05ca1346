/* softmax_loss.h: what exercise 11 asks for. */
#ifndef EXERCISE_SOFTMAX_LOSS_H
#define EXERCISE_SOFTMAX_LOSS_H

#include <tapegrad.h>

/* P = softmax of the rows of Z, Y one hot, both [m, k]: dZ of J = -mean over rows of sum of Y log P. */
tg_tensor softmax_cross_entropy_dZ(tg_tensor P, tg_tensor Y);

#endif
