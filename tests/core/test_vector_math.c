/* test_vector_math.c: every vector function on every CPU level against libm in the next wider type.
 *
 * Owns: the error bounds in ULP that docs/vector_math.md states. TAPEGRAD_EXHAUSTIVE=1 goes through all 2^32
 * floats and many more doubles, --verbose tells the largest errors. Speed is the bench's. */
#include "core/vector_math.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

TestSuite(vector_math);

enum { CHUNK = 4096, MAX_LEVELS = 8 };

/* One function in both types. Bounds are in ULP of the exact result. */
struct function {
    const char *name;
    size_t offset_f32, offset_f64;
    double (*reference)(double);
    long double (*reference_long)(long double);
    double bound_f32, bound_f64;
};

static double sigmoid_reference(double x) {
    double e = exp(-fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

static long double sigmoid_reference_long(long double x) {
    long double e = expl(-fabsl(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

static double softplus_reference(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static long double softplus_reference_long(long double x) {
    return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

#define BOTH(name)                                                                                           \
#name, offsetof(struct tg_vector_math, name##_f32), offsetof(struct tg_vector_math, name##_f64)
static const struct function exp_ = {BOTH(exp), exp, expl, 1.1, 1.1};
static const struct function log_ = {BOTH(log), log, logl, 1.0, 1.0};
static const struct function log1p_ = {BOTH(log1p), log1p, log1pl, 1.6, 1.6};
static const struct function tanh_ = {BOTH(tanh), tanh, tanhl, 2.0, 2.25};
static const struct function sigmoid_ = {BOTH(sigmoid), sigmoid_reference, sigmoid_reference_long, 2.5, 2.5};
static const struct function softplus_ = {BOTH(softplus), softplus_reference, softplus_reference_long, 2.0,
                                          2.0};
static const struct function *const functions[] = {&exp_, &log_, &log1p_, &tanh_, &sigmoid_, &softplus_};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

static tg_vector_f32 *f32_of(const struct function *f, int level) {
    return *(tg_vector_f32 *const *)((const char *)tg_vector_math_level(level) + f->offset_f32);
}

static tg_vector_f64 *f64_of(const struct function *f, int level) {
    return *(tg_vector_f64 *const *)((const char *)tg_vector_math_level(level) + f->offset_f64);
}

static bool exhaustive(void) { return getenv("TAPEGRAD_EXHAUSTIVE") != NULL; }

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint64_t bits_of_double(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint64_t next_random(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* |y - exact| in units of the spacing of the type's numbers at exact. Infinity counts as the power of 2 that
 * it stands for, so that a result just below the overflow is not an infinite error. */
static double ulp_error(long double y, long double exact, int mantissa, int lowest, int highest) {
    if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
    if (y == exact) return 0;
    long double top = ldexpl(1, highest);
    if (y > top) y = top;
    if (exact > top) exact = top;
    int exponent = exact == 0 ? lowest : ilogbl(exact);
    if (exponent < lowest) exponent = lowest;
    if (exponent > highest - 1) exponent = highest - 1;
    return (double)ldexpl(fabsl(y - exact), mantissa - 1 - exponent);
}

/* The same for float, quick enough for all of them. */
static double ulp_error_f32(float y, double exact) {
    if (isnan(exact) || isnan(y)) return isnan(exact) && isnan(y) ? 0 : INFINITY;
    double value = y;
    if (value == exact) return 0;
    if (value > 0x1p128) value = 0x1p128;
    if (exact > 0x1p128) exact = 0x1p128;
    uint64_t exponent = (bits_of_double(exact) >> 52) & 0x7ff;
    if (exponent < 1023 - 126) exponent = 1023 - 126;
    if (exponent > 1023 + 127) exponent = 1023 + 127;
    return fabs(value - exact) * double_of((2 * 1023 + 23 - exponent) << 52);
}

struct worst {
    double error, at;
};

static void check_chunk_f32(const struct function *f, const float *x, int n, struct worst *worst) {
    static double exact[CHUNK];
    static float y[CHUNK];
    for (int i = 0; i < n; ++i) exact[i] = f->reference(x[i]);
    for (int level = 0; tg_vector_math_level(level); ++level) {
        f32_of(f, level)(n, y, x);
        for (int i = 0; i < n; ++i) {
            double error = ulp_error_f32(y[i], exact[i]);
            if (error > worst[level].error) worst[level] = (struct worst){error, (double)x[i]};
        }
    }
}

static void check_chunk_f64(const struct function *f, const double *x, int n, struct worst *worst) {
    static long double exact[CHUNK];
    static double y[CHUNK];
    for (int i = 0; i < n; ++i) exact[i] = f->reference_long(x[i]);
    for (int level = 0; tg_vector_math_level(level); ++level) {
        f64_of(f, level)(n, y, x);
        for (int i = 0; i < n; ++i) {
            double error = ulp_error(y[i], exact[i], DBL_MANT_DIG, DBL_MIN_EXP - 1, DBL_MAX_EXP);
            if (error > worst[level].error) worst[level] = (struct worst){error, x[i]};
        }
    }
}

static void expect_bound(const struct function *f, const char *type, double bound,
                         const struct worst *worst) {
    for (int level = 0; tg_vector_math_level(level); ++level) {
        const char *cpu = tg_vector_math_level(level)->cpu;
        cr_log_info("%s_%s %s: %.3f ULP at %a", f->name, type, cpu, worst[level].error, worst[level].at);
        cr_expect(worst[level].error <= bound, "%s_%s on %s: %g ULP at %a, allowed are %g", f->name, type,
                  cpu, worst[level].error, worst[level].at, bound);
    }
}

/* Where formulas, exponents or conventions change. Negative ones and both neighbourhoods are tried too. */
static const double edges[][8] = {
    {0, FLT_MIN, DBL_MIN, FLT_MAX, DBL_MAX, 0x1p-53, 0x1p-24, 0x1p24},
    {0x1p53, 1, 2, 10, 20, 89, 104, 710},
    {746, 0.34657359027997264, 0.41421356237309505, 0.29289321881345243, 0.70710678118654757,
     1.4142135623730951, 9.0109, 17.3286},
    {19.0615, 36.7368, 87.336544, 88.72284, 103.97208, 708.396418532264, 709.782712893384, 745.133219101941}};
enum { N_EDGES = sizeof edges / sizeof **edges };

static double edge(int e) {
    double value = edges[e / 2 / 8][e / 2 % 8];
    return e % 2 ? -value : value;
}

static void check_f32(const struct function *f) {
    static float x[CHUNK];
    struct worst worst[MAX_LEVELS] = {{0, 0}};
    uint64_t stride = exhaustive() ? 1 : 251;
    for (uint64_t start = 0; start < UINT64_C(1) << 32; start += CHUNK * stride) {
        for (uint64_t i = 0; i < CHUNK; ++i) x[i] = float_of((uint32_t)(start + i * stride));
        check_chunk_f32(f, x, CHUNK, worst);
    }
    for (int e = 0; e < 2 * N_EDGES; ++e) {
        uint32_t middle = bits_of_float((float)edge(e));
        for (uint32_t i = 0; i < CHUNK; ++i) x[i] = float_of(middle + i - CHUNK / 2);
        check_chunk_f32(f, x, CHUNK, worst);
    }
    expect_bound(f, "f32", f->bound_f32, worst);
}

/* Any bit pattern; evenly within a range where the function is not yet flat; or near 1 and -1. */
static double sample(uint64_t *state, uint64_t i) {
    static const double ranges[] = {0.5, 2, 10, 25, 40, 750};
    uint64_t random = next_random(state);
    double even = (double)(int64_t)random * 0x1p-63;
    if (i % 4 == 0) return double_of(random);
    if (i % 4 == 1) return copysign(1, even) + ldexp(even, -(int)(next_random(state) % 52));
    return even * ranges[next_random(state) % (sizeof ranges / sizeof *ranges)];
}

static void check_f64(const struct function *f) {
    static double x[CHUNK];
    struct worst worst[MAX_LEVELS] = {{0, 0}};
    uint64_t state = 1;
    for (int chunk = 0; chunk < (exhaustive() ? 25000 : 60); ++chunk) {
        for (uint64_t i = 0; i < CHUNK; ++i) x[i] = sample(&state, i);
        check_chunk_f64(f, x, CHUNK, worst);
    }
    for (int e = 0; e < 2 * N_EDGES; ++e) {
        uint64_t middle = bits_of_double(edge(e));
        for (uint64_t i = 0; i < CHUNK; ++i) x[i] = double_of(middle + i - CHUNK / 2);
        check_chunk_f64(f, x, CHUNK, worst);
    }
    expect_bound(f, "f64", f->bound_f64, worst);
}

Test(vector_math, exp_f32_is_within_its_bound_on_every_float) { check_f32(&exp_); }
Test(vector_math, log_f32_is_within_its_bound_on_every_float) { check_f32(&log_); }
Test(vector_math, log1p_f32_is_within_its_bound_on_every_float) { check_f32(&log1p_); }
Test(vector_math, tanh_f32_is_within_its_bound_on_every_float) { check_f32(&tanh_); }
Test(vector_math, sigmoid_f32_is_within_its_bound_on_every_float) { check_f32(&sigmoid_); }
Test(vector_math, softplus_f32_is_within_its_bound_on_every_float) { check_f32(&softplus_); }
Test(vector_math, exp_f64_is_within_its_bound) { check_f64(&exp_); }
Test(vector_math, log_f64_is_within_its_bound) { check_f64(&log_); }
Test(vector_math, log1p_f64_is_within_its_bound) { check_f64(&log1p_); }
Test(vector_math, tanh_f64_is_within_its_bound) { check_f64(&tanh_); }
Test(vector_math, sigmoid_f64_is_within_its_bound) { check_f64(&sigmoid_); }
Test(vector_math, softplus_f64_is_within_its_bound) { check_f64(&softplus_); }

struct special {
    const struct function *f;
    double x, y;
};

static const struct special specials[] = {
    {&exp_, 0.0, 1},
    {&exp_, -0.0, 1},
    {&exp_, INFINITY, INFINITY},
    {&exp_, -INFINITY, 0.0},
    {&exp_, 1000, INFINITY},
    {&exp_, -1000, 0.0},
    {&exp_, NAN, NAN},
    {&log_, 0.0, -INFINITY},
    {&log_, -0.0, -INFINITY},
    {&log_, 1, 0.0},
    {&log_, -1, NAN},
    {&log_, -0x1p-149, NAN},
    {&log_, INFINITY, INFINITY},
    {&log_, -INFINITY, NAN},
    {&log_, NAN, NAN},
    {&log1p_, 0.0, 0.0},
    {&log1p_, -0.0, -0.0},
    {&log1p_, 0x1p-149, 0x1p-149},
    {&log1p_, -1, -INFINITY},
    {&log1p_, -1.5, NAN},
    {&log1p_, INFINITY, INFINITY},
    {&log1p_, -INFINITY, NAN},
    {&log1p_, NAN, NAN},
    {&tanh_, 0.0, 0.0},
    {&tanh_, -0.0, -0.0},
    {&tanh_, 0x1p-149, 0x1p-149},
    {&tanh_, 1000, 1},
    {&tanh_, -1000, -1},
    {&tanh_, INFINITY, 1},
    {&tanh_, -INFINITY, -1},
    {&tanh_, NAN, NAN},
    {&sigmoid_, 0.0, 0.5},
    {&sigmoid_, -0.0, 0.5},
    {&sigmoid_, 1000, 1},
    {&sigmoid_, -1000, 0.0},
    {&sigmoid_, INFINITY, 1},
    {&sigmoid_, -INFINITY, 0.0},
    {&sigmoid_, NAN, NAN},
    {&softplus_, 1000, 1000},
    {&softplus_, -1000, 0.0},
    {&softplus_, INFINITY, INFINITY},
    {&softplus_, -INFINITY, 0.0},
    {&softplus_, NAN, NAN},
};

/* Equal with the sign of zero, or both NaN. */
static bool same(double x, double y) { return isnan(x) ? isnan(y) : x == y && !signbit(x) == !signbit(y); }

Test(vector_math, special_values_are_those_of_the_c_standard) {
    for (int level = 0; tg_vector_math_level(level); ++level)
        for (size_t i = 0; i < sizeof specials / sizeof *specials; ++i) {
            const struct special *s = &specials[i];
            float x32 = (float)s->x, y32;
            double y64;
            f32_of(s->f, level)(1, &y32, &x32);
            f64_of(s->f, level)(1, &y64, &s->x);
            cr_expect(same((double)y32, s->y), "%s_f32(%g) is %g", s->f->name, s->x, (double)y32);
            cr_expect(same(y64, s->y), "%s_f64(%g) is %g", s->f->name, s->x, y64);
        }
}

Test(vector_math, tanh_is_odd_bit_for_bit) {
    uint64_t state = 2;
    for (int level = 0; tg_vector_math_level(level); ++level)
        for (int i = 0; i < 10000; ++i) {
            double x[2] = {(double)(int64_t)next_random(&state) * 0x1p-59}, y[2];
            float x32[2] = {(float)x[0], -(float)x[0]}, y32[2];
            x[1] = -x[0];
            tg_vector_math_level(level)->tanh_f64(2, y, x);
            tg_vector_math_level(level)->tanh_f32(2, y32, x32);
            cr_expect(y[0] == -y[1] && y32[0] == -y32[1], "at %a", x[0]);
        }
}

/* Exact heap blocks, so that the sanitizer sees any access beyond them. Every element must have the bits that
 * it has when it is computed alone. */
static void check_positions(const struct function *f, int level, int n, bool in_place) {
    size_t count = (size_t)n;
    float *x32 = malloc(count * sizeof *x32 + 1), *y32 = in_place ? x32 : malloc(count * sizeof *y32 + 1);
    double *x64 = malloc(count * sizeof *x64 + 1), *y64 = in_place ? x64 : malloc(count * sizeof *y64 + 1);
    double *alone64 = malloc(count * sizeof *alone64 + 1);
    float *alone32 = malloc(count * sizeof *alone32 + 1);
    uint64_t state = (uint64_t)n;
    for (int i = 0; i < n; ++i) {
        x64[i] = (double)next_random(&state) * 0x1p-60;
        x32[i] = (float)x64[i];
        f32_of(f, level)(1, &alone32[i], &x32[i]);
        f64_of(f, level)(1, &alone64[i], &x64[i]);
    }
    f32_of(f, level)(n, y32, x32);
    f64_of(f, level)(n, y64, x64);
    cr_expect(memcmp(y32, alone32, count * sizeof *y32) == 0, "%s_f32, %d elements", f->name, n);
    cr_expect(memcmp(y64, alone64, count * sizeof *y64) == 0, "%s_f64, %d elements", f->name, n);
    if (!in_place) free(y32), free(y64);
    free(x32), free(x64), free(alone32), free(alone64);
}

Test(vector_math, results_depend_neither_on_position_nor_on_length) {
    for (int level = 0; tg_vector_math_level(level); ++level)
        for (int i = 0; i < N_FUNCTIONS; ++i)
            for (int n = 0; n < 70; ++n) check_positions(functions[i], level, n, false);
}

Test(vector_math, results_may_overwrite_the_arguments) {
    for (int level = 0; tg_vector_math_level(level); ++level)
        for (int i = 0; i < N_FUNCTIONS; ++i)
            for (int n = 0; n < 70; ++n) check_positions(functions[i], level, n, true);
}

/* The level of that name if this CPU runs it, else the best one. */
static const char *expected_cpu(const char *name) {
    const char *best = NULL;
    for (int level = 0; tg_vector_math_level(level); ++level) {
        best = tg_vector_math_level(level)->cpu;
        if (strcmp(best, name) == 0) return best;
    }
    return best;
}

static void expect_forced(const char *name) {
    setenv("TAPEGRAD_CPU", name, 1);
    cr_expect_str_eq(tg_vector_math()->cpu, expected_cpu(name));
    setenv("TAPEGRAD_CPU", "portable", 1);
    cr_expect_str_eq(tg_vector_math()->cpu, expected_cpu(name), "the choice is made once");
}

Test(vector_math, the_environment_can_force_portable) { expect_forced("portable"); }
Test(vector_math, the_environment_can_force_avx2) { expect_forced("avx2"); }
Test(vector_math, the_environment_can_force_avx512) { expect_forced("avx512"); }
Test(vector_math, an_unknown_name_in_the_environment_means_the_best_level) { expect_forced("abacus"); }

static void *ask(void *unused) {
    (void)unused;
    return (void *)(uintptr_t)tg_vector_math();
}

Test(vector_math, threads_that_ask_at_once_get_the_same_table) {
    pthread_t threads[8];
    for (int i = 0; i < 8; ++i) cr_assert(pthread_create(&threads[i], NULL, ask, NULL) == 0);
    for (int i = 0; i < 8; ++i) {
        void *table;
        pthread_join(threads[i], &table);
        cr_expect(table == (const void *)tg_vector_math());
    }
}
