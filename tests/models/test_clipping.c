/* test_clipping.c: models/clipping.c: bounds by value and by norm, and their edges. */
#include "models/clipping.h"
#include "tests/graph/expect_error.h"

#include <math.h>

static tg_tape *tape;
static void open_tape(void) { tape = tg_tape_new(TG_F64); }
static void close_tape(void) { tg_tape_free(tape); }
TestSuite(clipping, .init = open_tape, .fini = close_tape);

/* Gradients of two parameters, [2] and a scalar, clipped; the three entries must then be as expected. */
static void expect_clipped(double a, double b, double c, tg_clipping clipping, double x, double y, double z) {
    tg_tensor dps[2] = {tg_from(tape, TG_SHAPE(2), 2, (double[]){a, b}), tg_scalar(tape, c)};
    cr_assert_eq(tg_clip_gradients(2, dps, clipping, dps), TG_OK);
    const double got[3] = {tg_value(dps[0], TG_SHAPE(0)), tg_value(dps[0], TG_SHAPE(1)), tg_item(dps[1])};
    const double expected[3] = {x, y, z};
    for (int i = 0; i < 3; i++)
        cr_expect(isnan(expected[i]) ? isnan(got[i]) : fabs(got[i] - expected[i]) <= 1e-15,
                  "entry %d is %.17g and should be %.17g", i, got[i], expected[i]);
}

Test(clipping, the_norm_is_that_of_all_entries_together) {
    const tg_tensor xs[3] = {tg_from(tape, TG_SHAPE(2, 1), 2, (double[]){1, -2}), tg_scalar(tape, 4),
                             tg_from_f64(tape, TG_SHAPE(0), 0, NULL)};
    const tg_tensor norm = tg_global_norm(3, xs);
    cr_expect_eq(tg_shape_of(norm).rank, 0);
    cr_expect_float_eq(tg_item(norm), sqrt(21), 1e-15);
}

Test(clipping, a_norm_above_the_bound_is_scaled_to_it_and_one_below_is_left_alone) {
    const double scale = 2 / (3 + 1e-6);
    expect_clipped(1, -2, 2, (tg_clipping){.norm = 2}, scale, -2 * scale, 2 * scale);
    expect_clipped(1, -2, 2, (tg_clipping){.norm = 4}, 1, -2, 2);
    expect_clipped(1, -2, 2, (tg_clipping){0}, 1, -2, 2);
}

Test(clipping, zero_infinite_and_undefined_norms_do_what_is_documented) {
    expect_clipped(0, 0, 0, (tg_clipping){.norm = 2}, 0, 0, 0);
    expect_clipped(INFINITY, 1, -1, (tg_clipping){.norm = 2}, NAN, 0, 0);
    expect_clipped(NAN, 1, -1, (tg_clipping){.norm = 2}, NAN, NAN, NAN);
}

Test(clipping, values_are_kept_between_the_bounds) {
    expect_clipped(3, -0.25, -7, (tg_clipping){.value = 0.5}, 0.5, -0.25, -0.5);
    expect_clipped(INFINITY, -INFINITY, NAN, (tg_clipping){.value = 0.5}, 0.5, -0.5, NAN);
}

Test(clipping, by_value_comes_before_by_norm) {
    const double scale = 1 / (1.5 + 1e-6);
    expect_clipped(5, -1, 0.5, (tg_clipping){.value = 1, .norm = 1}, scale, -scale, 0.5 * scale);
}

Test(clipping, bounds_that_are_none_are_refused) {
    const tg_tensor dp = tg_scalar(tape, 1);
    const tg_clipping wrong[] = {{.value = -1}, {.norm = -1}, {.value = NAN}, {.norm = INFINITY}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tg_tensor clipped;
        cr_expect_eq(tg_clip_gradients_at("clip.c:1", 1, &dp, wrong[i], &clipped), TG_ERR_VALUE);
        EXPECT_ERROR(tape, TG_ERR_VALUE, "clip.c:1");
    }
}
