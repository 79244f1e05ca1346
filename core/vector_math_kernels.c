/* vector_math_kernels.c: the table of vector functions for one CPU level.
 *
 * Owns: the constants and polynomials, and tg_vector_math_LEVEL where LEVEL is the macro TG_CPU_LEVEL: the
 * build compiles this file once for each. Must not know how a level is chosen. Needs the flags
 *   -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math
 * in every build type (contraction off: it is written out as fma below, so every compiler gives the same
 * bits), beside those of its level:
 *   portable: none; avx2: -mavx2 -mfma -mtune=haswell;
 *   avx512: -mavx512f -mavx512vl -mavx512dq -mfma -mtune=skylake-avx512 -mprefer-vector-width=512 */
#include "core/vector_math.h"

#include <math.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

/* x y + z, rounded once where the CPU does that and twice where it would have to be emulated. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
INLINE float fma_f32(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
INLINE double fma_f64(double x, double y, double z) { return __builtin_fma(x, y, z); }
#else
INLINE float fma_f32(float x, float y, float z) { return x * y + z; }
INLINE double fma_f64(double x, double y, double z) { return x * y + z; }
#endif

/* Before a loop whose iterations do not depend on each other. clang would unroll it before it vectorizes, and
 * warns when a sanitizer keeps it from vectorizing: the results are the same. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety) unroll(disable)")
#elif defined(__GNUC__)
#define INDEPENDENT _Pragma("GCC ivdep")
#else
#define INDEPENDENT
#endif

/* The coefficients come from docs/vector_math_coefficients.py. Even and odd powers are summed apart: two
 * short chains of dependent instructions instead of a long one. (e^r - 1 - r) / r^2, relative error of
 * e^r - 1: 2^-31.9. */
INLINE float exp_polynomial_f32(float r) {
    float square = r * r;
    float even = fma_f32(0x1.6d7212p-10f, square, 0x1.5554b2p-5f);
    float odd = fma_f32(0x1.a032ep-13f, square, 0x1.11118ap-7f);
    even = fma_f32(even, square, 0.5f);
    odd = fma_f32(odd, square, 0x1.555554p-3f);
    return fma_f32(odd, r, even);
}

/* (2 atanh(s) / s - 2) / z for z = s^2, relative error of atanh: 2^-30.2. */
INLINE float log_polynomial_f32(float z) {
    float p = 0x1.31e0ep-2f;
    p = fma_f32(p, z, 0x1.995edp-2f);
    return fma_f32(p, z, 0x1.55557ap-1f);
}

#define REAL float
#define BITS uint32_t
#define T(name) JOIN(name, _f32)
#define MANTISSA_BITS 23
#define MANTISSA_MASK 0x007fffffu
#define SIGN_BIT 0x80000000u
#define ONE_BITS 0x3f800000u
#define FOUR_BITS 0x40800000u
#define SQRT_HALF_BITS 0x3f3504f3u
#define EXPONENT_BIAS 127
#define INTEGER 0x1p23f /* or an integer below it into its bits: 2^23 + that integer */
#define INTEGER_BITS 0x4b000000u
#define ROUNDER 0x1.8p23f
#define LOG2_E 0x1.715476p+0f
#define LOG_2_HIGH 0x1.62e4p-1f /* few bits: exact when multiplied by n or k */
#define LOG_2_LOW 0x1.7f7d1cp-20f
#define EXP_HIGHEST 89.0f        /* e^x overflows below it */
#define EXP_LOWEST -104.0f       /* e^x rounds to 0 above it */
#define TWICE_TANH_LOWEST -20.0f /* tanh rounds to -1 above half of it */
#define SMALLEST_NORMAL 0x1p-126f
#define DENORMAL_SCALE 0x1p24f
#define DENORMAL_SCALE_LOG2 24
#include "core/vector_math_template.h"
#undef REAL
#undef BITS
#undef T
#undef MANTISSA_BITS
#undef MANTISSA_MASK
#undef SIGN_BIT
#undef ONE_BITS
#undef FOUR_BITS
#undef SQRT_HALF_BITS
#undef EXPONENT_BIAS
#undef INTEGER
#undef INTEGER_BITS
#undef ROUNDER
#undef LOG2_E
#undef LOG_2_HIGH
#undef LOG_2_LOW
#undef EXP_HIGHEST
#undef EXP_LOWEST
#undef TWICE_TANH_LOWEST
#undef SMALLEST_NORMAL
#undef DENORMAL_SCALE
#undef DENORMAL_SCALE_LOG2

/* As above; relative error 2^-61.7. */
INLINE double exp_polynomial_f64(double r) {
    double square = r * r;
    double even = fma_f64(0x1.1ee89053d2135p-29, square, 0x1.27e5362e0ae3ap-22);
    double odd = fma_f64(0x1.af5e88779302ep-26, square, 0x1.71ddf874681c7p-19);
    even = fma_f64(even, square, 0x1.a01a017bc28e5p-16);
    odd = fma_f64(odd, square, 0x1.a01a01afd79f8p-13);
    even = fma_f64(even, square, 0x1.6c16c16c1f08bp-10);
    odd = fma_f64(odd, square, 0x1.111111110f6d2p-7);
    even = fma_f64(even, square, 0x1.555555555553fp-5);
    odd = fma_f64(odd, square, 0x1.5555555555559p-3);
    even = fma_f64(even, square, 0.5);
    return fma_f64(odd, r, even);
}

/* As above; relative error 2^-59.5. */
INLINE double log_polynomial_f64(double z) {
    double square = z * z;
    double even = fma_f64(0x1.2f02e5e26ebc8p-3, square, 0x1.74663c531177cp-3);
    double odd = fma_f64(0x1.39a1fb9e30103p-3, square, 0x1.c71c521651a9bp-3);
    even = fma_f64(even, square, 0x1.24924941e0b4cp-2);
    odd = fma_f64(odd, square, 0x1.999999997feebp-2);
    even = fma_f64(even, square, 0x1.5555555555592p-1);
    return fma_f64(odd, z, even);
}

#define REAL double
#define BITS uint64_t
#define T(name) JOIN(name, _f64)
#define MANTISSA_BITS 52
#define MANTISSA_MASK 0x000fffffffffffffu
#define SIGN_BIT 0x8000000000000000u
#define ONE_BITS 0x3ff0000000000000u
#define FOUR_BITS 0x4010000000000000u
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcdu
#define EXPONENT_BIAS 1023
#define INTEGER 0x1p52
#define INTEGER_BITS 0x4330000000000000u
#define ROUNDER 0x1.8p52
#define LOG2_E 0x1.71547652b82fep+0
#define LOG_2_HIGH 0x1.62e42fefa3p-1
#define LOG_2_LOW 0x1.3de6af278ece6p-42
#define EXP_HIGHEST 710.0
#define EXP_LOWEST -746.0
#define TWICE_TANH_LOWEST -40.0
#define SMALLEST_NORMAL 0x1p-1022
#define DENORMAL_SCALE 0x1p53
#define DENORMAL_SCALE_LOG2 53
#include "core/vector_math_template.h"

#define CPU_TABLE JOIN(tg_vector_math_, TG_CPU_LEVEL)
const struct tg_vector_math CPU_TABLE = {
    .cpu = TG_STRINGIZE(TG_CPU_LEVEL),
    .exp_f32 = exp_array_f32,
    .log_f32 = log_array_f32,
    .log1p_f32 = log1p_array_f32,
    .tanh_f32 = tanh_array_f32,
    .sigmoid_f32 = sigmoid_array_f32,
    .softplus_f32 = softplus_array_f32,
    .exp_f64 = exp_array_f64,
    .log_f64 = log_array_f64,
    .log1p_f64 = log1p_array_f64,
    .tanh_f64 = tanh_array_f64,
    .sigmoid_f64 = sigmoid_array_f64,
    .softplus_f64 = softplus_array_f64,
};
