/* test_schedule.c: models/schedule.c against factors worked out with branches, and at steps that are known.
 */
#include "models/schedule.h"
#include "tests/graph/expect_error.h"

#include <math.h>

#include "ops/elementwise.h"

enum { MOST = 120 };

static const double pi = 3.14159265358979323846;

static double clamp(double x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
static double between(double a, double b, double x) { return b + (a - b) * (1 + cos(pi * x)) / 2; }

/* The factor after t steps, as one would write it with branches; defaults filled in by the rows below. */
static double factor(const tg_schedule *s, int t) {
    const double w = (double)s->warm_up, steps = (double)s->steps, u = t < w ? 0 : t - w;
    if (s->shape == TG_SCHEDULE_ONE_CYCLE) {
        const double top = (w > 0 ? w : 0.3 * steps) - 1;
        if (t <= top) return between(s->first, 1, t / top);
        return between(1, s->last, clamp((t - top) / (steps - 1 - top)));
    }
    const double warmth = t < w ? (t + 1) / (w + 1) : 1, way = clamp(u / (steps - w));
    switch (s->shape) {
        case TG_SCHEDULE_STEP: return warmth * pow(s->decay, floor(u / steps));
        case TG_SCHEDULE_EXPONENTIAL: return warmth * pow(s->decay, u / steps);
        case TG_SCHEDULE_LINEAR: return warmth * (1 + (s->last - 1) * way);
        case TG_SCHEDULE_COSINE: return warmth * between(1, s->last, way);
        default: return warmth;
    }
}

static const tg_schedule schedules[] = {
    {0},
    {.warm_up = 5},
    {.shape = TG_SCHEDULE_STEP, .steps = 7, .decay = 0.5},
    {.shape = TG_SCHEDULE_STEP, .steps = 10, .decay = 0.1, .warm_up = 3},
    {.shape = TG_SCHEDULE_EXPONENTIAL, .steps = 1, .decay = 0.9},
    {.shape = TG_SCHEDULE_EXPONENTIAL, .steps = 20, .decay = 0.5, .warm_up = 4},
    {.shape = TG_SCHEDULE_LINEAR, .steps = 50},
    {.shape = TG_SCHEDULE_LINEAR, .steps = 50, .last = 0.2, .warm_up = 10},
    {.shape = TG_SCHEDULE_COSINE, .steps = 100},
    {.shape = TG_SCHEDULE_COSINE, .steps = 60, .last = 0.1, .warm_up = 6},
    {.shape = TG_SCHEDULE_ONE_CYCLE, .steps = 100, .first = 1.0 / 25, .last = 1.0 / 25e4},
    {.shape = TG_SCHEDULE_ONE_CYCLE, .steps = 64, .warm_up = 16, .first = 0.1, .last = 0.01},
};

Test(schedule, each_shape_gives_its_factors_at_all_steps_at_once) {
    const tg_dtype dtypes[2] = {TG_F64, TG_F32};
    const double tolerances[2] = {1e-14, 1e-6};
    for (int k = 0; k < 2; k++) {
        tg_tape *tape = tg_tape_new(dtypes[k]);
        double ts[MOST], got[MOST];
        for (int t = 0; t < MOST; t++) ts[t] = t;
        const tg_tensor t = tg_from(tape, TG_SHAPE(MOST), MOST, ts);
        for (size_t i = 0; i < sizeof schedules / sizeof schedules[0]; i++) {
            cr_assert_eq(tg_read(tg_schedule_factor(t, schedules[i]), MOST, got), TG_OK, "%s",
                         tg_tape_error(tape));
            for (int at = 0; at < MOST; at++)
                cr_expect_float_eq(got[at], factor(&schedules[i], at), tolerances[k], "%zu at %d: %.17g", i,
                                   at, got[at]);
        }
        tg_tape_free(tape);
    }
}

static double at(tg_tape *tape, double t, tg_schedule schedule) {
    return tg_item(tg_schedule_factor(tg_scalar(tape, t), schedule));
}

Test(schedule, known_steps_have_known_factors) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_schedule steps = {.shape = TG_SCHEDULE_STEP, .steps = 30};
    cr_expect_float_eq(at(tape, 29, steps), 1, 0);
    cr_expect_float_eq(at(tape, 30, steps), 0.1, 1e-16, "the usual decay");
    cr_expect_float_eq(at(tape, 90, steps), 0.001, 1e-17);
    const tg_schedule exponential = {.shape = TG_SCHEDULE_EXPONENTIAL, .decay = 0.5};
    cr_expect_float_eq(at(tape, 3, exponential), 0.125, 1e-16, "of each step");
    const tg_schedule cosine = {.shape = TG_SCHEDULE_COSINE, .steps = 110, .warm_up = 10, .last = 0.5};
    cr_expect_float_eq(at(tape, 0, cosine), 1.0 / 11, 1e-16, "no step has rate 0");
    cr_expect_float_eq(at(tape, 10, cosine), 1, 0);
    cr_expect_float_eq(at(tape, 60, cosine), 0.75, 1e-15);
    cr_expect_float_eq(at(tape, 110, cosine), 0.5, 1e-15);
    cr_expect_float_eq(at(tape, 1e9, cosine), 0.5, 1e-15, "and stays");
    const tg_schedule cycle = {.shape = TG_SCHEDULE_ONE_CYCLE, .steps = 10};
    cr_expect_float_eq(at(tape, 0, cycle), 0.04, 1e-15);
    cr_expect_float_eq(at(tape, 2, cycle), 1, 1e-15);
    cr_expect_float_eq(at(tape, 9, cycle), 4e-6, 1e-15);
    const tg_schedule down = {.shape = TG_SCHEDULE_ONE_CYCLE, .steps = 2};
    cr_expect_float_eq(at(tape, 0, down), 1, 1e-15, "no step is left for the way up");
    cr_expect_float_eq(at(tape, 1, down), 4e-6, 1e-15);
    tg_tape_free(tape);
}

/* In f32 the decay itself would be wrong by 3e-8, and after 100,000 steps the factor by 0.3%. */
Test(schedule, a_decay_near_1_keeps_its_digits_in_f32) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const tg_schedule schedule = {.shape = TG_SCHEDULE_EXPONENTIAL, .decay = 0.99999};
    cr_expect_float_eq(at(tape, 1e5, schedule), pow(0.99999, 1e5), 1e-6);
    tg_tape_free(tape);
}

static tg_tensor inverse_root(tg_tensor t, void *context) {
    return tg_div(tg_num(*(const double *)context), tg_sqrt(tg_add(t, tg_num(1))));
}

Test(schedule, a_program_may_bring_a_shape_of_its_own) {
    tg_tape *tape = tg_tape_new(TG_F64);
    double scale = 2;
    const tg_schedule schedule = {.own = inverse_root, .context = &scale, .warm_up = 1};
    cr_expect_float_eq(at(tape, 0, schedule), 1, 1e-15, "half of 2, in the warm-up");
    cr_expect_float_eq(at(tape, 3, schedule), 1, 1e-15);
    tg_tape_free(tape);
}

Test(schedule, what_is_out_of_range_is_refused) {
    tg_tape *tape = tg_tape_new(TG_F32);
    const struct {
        tg_schedule schedule;
        const char *why;
    } wrong[] = {
        {{.shape = (tg_schedule_shape)6}, "no such shape"},
        {{.shape = TG_SCHEDULE_STEP}, "steps must be given"},
        {{.shape = TG_SCHEDULE_STEP, .steps = -1}, "negative"},
        {{.warm_up = -1}, "negative"},
        {{.shape = TG_SCHEDULE_STEP, .steps = 1, .decay = -1}, "decay"},
        {{.shape = TG_SCHEDULE_EXPONENTIAL}, "decay"},
        {{.shape = TG_SCHEDULE_EXPONENTIAL, .decay = NAN}, "decay"},
        {{.shape = TG_SCHEDULE_LINEAR, .steps = 5, .warm_up = 5}, "warm-up"},
        {{.shape = TG_SCHEDULE_COSINE, .steps = 5, .last = -1}, "last"},
        {{.shape = TG_SCHEDULE_COSINE, .steps = 5, .last = INFINITY}, "last"},
        {{.shape = TG_SCHEDULE_ONE_CYCLE, .steps = 1}, "2 steps"},
        {{.shape = TG_SCHEDULE_ONE_CYCLE, .steps = 9, .first = -1}, "first"},
        {{.shape = TG_SCHEDULE_COSINE, .steps = 20000000}, "2^24"},
        {{.shape = TG_SCHEDULE_COSINE, .steps = 5, .own = inverse_root}, "own"},
    };
    const tg_tensor t = tg_scalar(tape, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_not(tg_is_valid(tg_schedule_factor_at("rate.c:8", t, wrong[i].schedule)), "%zu", i);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "rate.c:8: schedule: ", wrong[i].why);
    }
    cr_expect_not(tg_is_valid(tg_schedule_factor((tg_tensor){0}, (tg_schedule){0})));
    cr_expect_not(tg_is_valid(tg_schedule_factor(tg_num(3), (tg_schedule){0})));
    tg_tape_free(tape);
}
