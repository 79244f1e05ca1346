/* vector_math_template.h: exp, log, log1p, tanh, sigmoid and softplus for one element type.
 *
 * Owns: the functions, written once for float and double. core/vector_math_kernels.c includes it for each,
 * having defined REAL, BITS, T(name) and the constants. Must not know which type or CPU it is compiled for:
 * no branch, no table, no call, nothing but + - * /, comparison and integers as wide as REAL, so that
 * every loop becomes vector instructions. docs/vector_math.md explains the methods. Internal: not installed.
 */

INLINE BITS T(to_bits)(REAL x) {
    BITS bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

INLINE REAL T(from_bits)(BITS bits) {
    REAL x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE REAL T(abs)(REAL x) { return T(from_bits)(T(to_bits)(x) & ~SIGN_BIT); }
INLINE REAL T(minus_abs)(REAL x) { return T(from_bits)(T(to_bits)(x) | SIGN_BIT); }

/* 2^n for the integer n in the low bits of shifted, see ROUNDER. */
INLINE REAL T(power_of_2)(BITS shifted) { return T(from_bits)((shifted << MANTISSA_BITS) + ONE_BITS); }

/* e^r - 1, where x = n log(2) + r and |r| <= log(2) / 2. Adding ROUNDER leaves no bits for a fraction, so
 * *shifted = ROUNDER + n is rounded to the nearest n and has it in its low bits. */
INLINE REAL T(reduced_expm1)(REAL x, REAL *shifted) {
    *shifted = T(fma)(x, LOG2_E, ROUNDER);
    REAL n = *shifted - ROUNDER;
    REAL r = T(fma)(n, -LOG_2_LOW, T(fma)(n, -LOG_2_HIGH, x));
    return T(fma)(r * r, T(exp_polynomial)(r), r);
}

/* e^x for x <= EXP_HIGHEST. */
INLINE REAL T(bounded_exp)(REAL x) {
    REAL shifted;
    REAL y = 1 + T(reduced_expm1)(x, &shifted);
    /* 2^n as two factors: it may be denormal, or twice the largest power. Only the last product rounds. */
    BITS n = T(to_bits)(shifted);
    BITS half = T(to_bits)(T(fma)(shifted - ROUNDER, (REAL)0.5, ROUNDER));
    y = y * T(power_of_2)(half) * T(power_of_2)(n - half);
    return x < EXP_LOWEST ? 0 : y;
}

INLINE REAL T(exp)(REAL x) { return T(bounded_exp)(x > EXP_HIGHEST ? EXP_HIGHEST : x); }

/* The m in [sqrt(1/2), sqrt(2)) and the k of x = 2^k m, for normal x > 0; bias is added to what k is. */
INLINE REAL T(split)(REAL x, REAL bias, REAL *k) {
    BITS bits = T(to_bits)(x) + (ONE_BITS - SQRT_HALF_BITS);
    *k = T(from_bits)((bits >> MANTISSA_BITS) | INTEGER_BITS) - (INTEGER + bias);
    return T(from_bits)((bits & MANTISSA_MASK) + SQRT_HALF_BITS);
}

/* log(1 + f) + k log(2) for 1 + f in [sqrt(1/2), sqrt(2)], sum = 2 + f. With s = f / sum, log(1 + f) is
 * 2 atanh(s) = 2 s + s z p(z), and 2 s = f - s f: f is exact or nearly so, s is rounded. */
INLINE REAL T(reduced_log)(REAL f, REAL sum, REAL k) {
    REAL s = f / sum;
    REAL z = s * s;
    REAL rest = T(fma)(-z, T(log_polynomial)(z), f);
    return T(fma)(k, LOG_2_HIGH, f - T(fma)(s, rest, k * -LOG_2_LOW));
}

INLINE REAL T(log)(REAL x) {
    REAL k;
    REAL scale = x < SMALLEST_NORMAL ? DENORMAL_SCALE : 1;
    REAL bias = x < SMALLEST_NORMAL ? EXPONENT_BIAS + DENORMAL_SCALE_LOG2 : EXPONENT_BIAS;
    REAL m = T(split)(x * scale, bias, &k);
    REAL y = T(reduced_log)(m - 1, m + 1, k);
    /* One choice at a time and & instead of &&: compilers turn nested choices into many more instructions. */
    REAL special = x == 0 ? -(REAL)INFINITY : (REAL)NAN;
    special = x == (REAL)INFINITY ? x : special;
    return ((x > 0) & (x < (REAL)INFINITY)) ? y : special;
}

/* log(1 + x) for finite x > -1. */
INLINE REAL T(bounded_log1p)(REAL x) {
    REAL k;
    REAL u = 1 + x;
    REAL lost = (1 - (u - (u - 1))) + (x - (u - 1)); /* exactly 1 + x - u */
    REAL m = T(split)(u, EXPONENT_BIAS, &k);
    /* 4 / 2^k, since 1 / 2^k would be denormal for the largest x. */
    REAL scale = T(from_bits)(T(to_bits)(m) - T(to_bits)(u) + FOUR_BITS);
    return T(reduced_log)(T(fma)(lost * scale, (REAL)0.25, m - 1), m + 1, k);
}

INLINE REAL T(log1p)(REAL x) {
    REAL y = T(bounded_log1p)(x);
    y = T(from_bits)(T(to_bits)(y) | (T(to_bits)(x) & SIGN_BIT)); /* -0 stays -0 */
    REAL special = x == -1 ? -(REAL)INFINITY : (REAL)NAN;
    special = x == (REAL)INFINITY ? x : special;
    return ((x > -1) & (x < (REAL)INFINITY)) ? y : special;
}

/* (e^-2a - 1) / (e^-2a + 1) for a = |x|: with e^-2a = 2^n (1 + q) neither sum cancels. */
INLINE REAL T(tanh)(REAL x) {
    REAL shifted;
    REAL twice = 2 * T(minus_abs)(x);
    twice = twice < TWICE_TANH_LOWEST ? TWICE_TANH_LOWEST : twice;
    REAL q = T(reduced_expm1)(twice, &shifted);
    REAL power = T(power_of_2)(T(to_bits)(shifted));
    REAL y = T(fma)(power, q, power - 1) / T(fma)(power, q, power + 1);
    return T(from_bits)(T(to_bits)(T(abs)(y)) | (T(to_bits)(x) & SIGN_BIT));
}

/* 1 / (1 + e^-x) for x >= 0 and e^x / (1 + e^x) for x < 0: no overflow, and small results stay precise. */
INLINE REAL T(sigmoid)(REAL x) {
    REAL e = T(bounded_exp)(T(minus_abs)(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

INLINE REAL T(softplus)(REAL x) {
    return (x > 0 ? x : 0) + T(bounded_log1p)(T(bounded_exp)(T(minus_abs)(x)));
}

/* Blocks of one cache line, the last one through a padded copy: each element takes the same instructions
 * wherever it stands. INDEPENDENT says that y may be x but no other overlap. */
enum { T(block) = 64 / sizeof(REAL) };

#define TG_VECTOR_FUNCTION(name)                                                                             \
    static void T(name##_array)(int64_t n, REAL * y, const REAL *x) {                                        \
        int64_t whole = n - n % T(block);                                                                    \
        for (int64_t i = 0; i < whole; i += T(block)) {                                                      \
            INDEPENDENT for (int j = 0; j < T(block); ++j) y[i + j] = T(name)(x[i + j]);                     \
        }                                                                                                    \
        if (whole < n) {                                                                                     \
            REAL last[T(block)] = {0};                                                                       \
            memcpy(last, x + whole, (size_t)(n - whole) * sizeof(REAL));                                     \
            T(name##_array)(T(block), last, last);                                                           \
            memcpy(y + whole, last, (size_t)(n - whole) * sizeof(REAL));                                     \
        }                                                                                                    \
    }

TG_VECTOR_FUNCTION(exp)
TG_VECTOR_FUNCTION(log)
TG_VECTOR_FUNCTION(log1p)
TG_VECTOR_FUNCTION(tanh)
TG_VECTOR_FUNCTION(sigmoid)
TG_VECTOR_FUNCTION(softplus)
#undef TG_VECTOR_FUNCTION
