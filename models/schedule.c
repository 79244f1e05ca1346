/* schedule.c: the shapes of learning rates, as tensor operations of the number of steps.
 *
 * Owns: the formulas, their defaults and ranges. There are no branches on t: a recorded schedule is the same
 * graph at every step. */
#include "models/schedule.h"

#include <math.h>

#include "ops/elementwise.h"

/* What is recorded here bears the caller's line. */
#undef TG_HERE
#define TG_HERE where

#define PI 3.14159265358979323846
#define MOST_STEPS_F32 16777216 /* the whole numbers of f32 have no gaps up to here */

/* --- shapes --------------------------------------------------------------------------------------------- */

typedef tg_tensor shape_fn(const char *where, const tg_schedule *s, tg_tensor u);

/* decay^x. As a number of f32 a decay near 1 would lose digits, which its logarithm keeps. */
static tg_tensor decayed(const char *where, double decay, tg_tensor x) {
    return tg_exp(tg_mul(tg_num(log(decay)), x));
}

/* u as a part of a length: 0 at its beginning, 1 at its end and from there on. */
static tg_tensor part_of(const char *where, tg_tensor u, double length) {
    return tg_minimum(tg_div(u, tg_num(length)), tg_num(1));
}

/* From a to b along half a cosine while x goes from 0 to 1. */
static tg_tensor half_cosine(const char *where, double a, double b, tg_tensor x) {
    const tg_tensor wave = tg_add(tg_num(1), tg_cos(tg_mul(tg_num(PI), x)));
    return tg_add(tg_num(b), tg_mul(tg_num((a - b) / 2), wave));
}

static tg_tensor constant(const char *where, const tg_schedule *s, tg_tensor u) {
    (void)s;
    return tg_add(tg_mul(u, tg_num(0)), tg_num(1));
}

static tg_tensor staircase(const char *where, const tg_schedule *s, tg_tensor u) {
    return decayed(where, s->decay, tg_floor(tg_div(u, tg_num((double)s->steps))));
}

static tg_tensor exponential(const char *where, const tg_schedule *s, tg_tensor u) {
    return decayed(where, s->decay, tg_div(u, tg_num((double)s->steps)));
}

static tg_tensor linear(const char *where, const tg_schedule *s, tg_tensor u) {
    const tg_tensor way = part_of(where, u, (double)(s->steps - s->warm_up));
    return tg_add(tg_num(1), tg_mul(tg_num(s->last - 1), way));
}

static tg_tensor cosine(const char *where, const tg_schedule *s, tg_tensor u) {
    return half_cosine(where, 1, s->last, part_of(where, u, (double)(s->steps - s->warm_up)));
}

/* As in PyTorch the way up takes one step less than it is long, and may end between two steps. */
static tg_tensor one_cycle(const char *where, const tg_schedule *s, tg_tensor t) {
    const double top = (s->warm_up > 0 ? (double)s->warm_up : 0.3 * (double)s->steps) - 1;
    const double begin = fmax(top, 0), end = (double)s->steps - 1;
    const tg_tensor down = part_of(where, tg_sub(t, tg_num(begin)), end - begin);
    const tg_tensor fall = half_cosine(where, 1, s->last, down);
    if (begin == 0) return fall;
    const tg_tensor rise = half_cosine(where, s->first, 1, part_of(where, t, top));
    return tg_where(tg_less_equal(t, tg_num(top)), rise, fall);
}

static shape_fn *const shapes[] = {[TG_SCHEDULE_CONSTANT] = constant,
                                   [TG_SCHEDULE_STEP] = staircase,
                                   [TG_SCHEDULE_EXPONENTIAL] = exponential,
                                   [TG_SCHEDULE_LINEAR] = linear,
                                   [TG_SCHEDULE_COSINE] = cosine};

/* --- options -------------------------------------------------------------------------------------------- */

static tg_schedule with_defaults(tg_schedule s) {
    if (s.shape == TG_SCHEDULE_EXPONENTIAL && s.steps == 0) s.steps = 1;
    if (s.shape == TG_SCHEDULE_STEP && s.decay == 0) s.decay = 0.1;
    if (s.shape == TG_SCHEDULE_ONE_CYCLE && s.first == 0) s.first = 1.0 / 25;
    if (s.shape == TG_SCHEDULE_ONE_CYCLE && s.last == 0) s.last = s.first / 1e4;
    return s;
}

static bool is_positive(double x) { return x > 0 && isfinite(x); }

/* What is wrong with a schedule that has its defaults, or NULL. */
static const char *fault_of(const tg_schedule *s, tg_dtype dtype) {
    if ((unsigned)s->shape > TG_SCHEDULE_ONE_CYCLE) return "there is no such shape";
    if (s->own && s->shape != TG_SCHEDULE_CONSTANT) return "it has a shape of its own and another";
    if (s->steps < 0 || s->warm_up < 0) return "steps and warm_up must not be negative";
    if (s->steps == 0 && s->shape != TG_SCHEDULE_CONSTANT) return "steps must be given";
    const bool decays = s->shape == TG_SCHEDULE_STEP || s->shape == TG_SCHEDULE_EXPONENTIAL;
    if (decays && !is_positive(s->decay)) return "decay must be a number > 0";
    const bool ends = s->shape >= TG_SCHEDULE_LINEAR;
    if (ends && s->warm_up >= s->steps) return "the warm-up must be shorter than all steps";
    if (s->shape == TG_SCHEDULE_ONE_CYCLE && s->steps < 2) return "a cycle takes at least 2 steps";
    if (s->shape == TG_SCHEDULE_ONE_CYCLE && !is_positive(s->first)) return "first must be a number > 0";
    if (ends && !(s->last >= 0 && isfinite(s->last))) return "last must be a number, at least 0";
    if (dtype == TG_F32 && (s->steps > MOST_STEPS_F32 || s->warm_up > MOST_STEPS_F32))
        return "a tape of f32 counts up to 2^24 steps";
    return NULL;
}

tg_tensor tg_schedule_factor_at(const char *where, tg_tensor t, tg_schedule schedule) {
    if (!tg_is_valid(t)) return tg_neg(t); /* invalid as well */
    const tg_schedule s = with_defaults(schedule);
    const char *fault = fault_of(&s, tg_tape_dtype(t.tape));
    if (fault) {
        tg_tape_fail(t.tape, TG_ERR_VALUE, where, "schedule: %s", fault);
        return tg_add(t, (tg_tensor){0}); /* an invalid handle of this tape */
    }
    if (s.shape == TG_SCHEDULE_ONE_CYCLE) return one_cycle(where, &s, t);
    const tg_tensor warm_up = tg_num((double)s.warm_up);
    const tg_tensor u = s.warm_up > 0 ? tg_maximum(tg_sub(t, warm_up), tg_num(0)) : t;
    const tg_tensor factor = s.own ? s.own(t, s.context) : shapes[s.shape](where, &s, u);
    if (s.warm_up == 0) return factor;
    const tg_tensor warmth = tg_div(tg_add(t, tg_num(1)), tg_num((double)s.warm_up + 1));
    return tg_mul(tg_minimum(warmth, tg_num(1)), factor);
}
