/* schedule.h: how the learning rate goes during training.
 *
 * Owns: tg_schedule and the formulas of its shapes, in tensor operations of the number of steps: an optimizer
 * takes one as an option, and a plan computes it like everything else. Knows no optimizer. */
#ifndef TAPEGRAD_MODELS_SCHEDULE_H
#define TAPEGRAD_MODELS_SCHEDULE_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* With t steps taken before this one, w = warm_up and u = max(t - w, 0), the learning rate is multiplied by
 * the shape's factor (below), and in the warm-up also by (t + 1) / (w + 1), so that no step has rate 0 and
 * step w is the first in full. */
typedef enum tg_schedule_shape {
    TG_SCHEDULE_CONSTANT = 0, /* 1 */
    TG_SCHEDULE_STEP,         /* decay^floor(u / steps): PyTorch's StepLR */
    TG_SCHEDULE_EXPONENTIAL,  /* decay^(u / steps): ExponentialLR with steps 1 */
    TG_SCHEDULE_LINEAR,       /* from 1 down to last in a line; at t = steps, and later, it is last */
    TG_SCHEDULE_COSINE,       /* last + (1 - last) (1 + cos(pi x)) / 2, x = min(u / (steps - w), 1): that of
                                 CosineAnnealingLR, which stays at its end (Loshchilov and Hutter 2017) */
    TG_SCHEDULE_ONE_CYCLE     /* from first to 1 in the first w steps and from there to last at t = steps - 1,
                                 both along half a cosine: OneCycleLR, of the rate alone (Smith and Topin 2018) */
} tg_schedule_shape;

typedef tg_tensor tg_schedule_fn(tg_tensor t, void *context);

/* All zeros: a constant learning rate. */
typedef struct tg_schedule {
    tg_schedule_shape shape;
    int64_t steps;   /* STEP, EXPONENTIAL: for one decay (EXPONENTIAL: 0 is 1). LINEAR, COSINE, ONE_CYCLE: of
                        the whole training, warm-up included */
    int64_t warm_up; /* steps of the warm-up; ONE_CYCLE: of the way up, 0: 0.3 steps */
    double decay;    /* STEP, 0: 0.1. EXPONENTIAL: must be given */
    double first;    /* ONE_CYCLE, 0: 1/25 */
    double last;     /* LINEAR, COSINE. ONE_CYCLE, 0: first / 10000 */
    /* NULL, or a shape of the program's own: records, in tensor operations of t, what the rate is multiplied
     * by. shape then stays CONSTANT. */
    tg_schedule_fn *own;
    void *context; /* handed to it */
} tg_schedule;

/* The factors after t steps, for a tensor t of any shape, as a tensor of that shape. Errors: TG_ERR_VALUE for
 * a schedule that is out of range (steps or decay missing, a warm-up as long as the whole; on an f32 tape
 * more than 2^24 steps, up to which it can count). */
#define tg_schedule_factor(...) tg_schedule_factor_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_schedule_factor_at(const char *where, tg_tensor t, tg_schedule schedule);

#ifdef __cplusplus
}
#endif
#endif
