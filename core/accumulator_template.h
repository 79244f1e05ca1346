/* accumulator_template.h: the machine of arithmetic.h for one element type and CPU level.
 *
 * Included by core/arithmetic.c for each, having defined REAL, BITS, SQUARE_ROOT, VECTOR_BYTES, TARGET and
 * T(name). The accumulator is written out as eight variables: compilers keep an array in memory. Must not
 * know who wrote the steps. Internal: not installed. */

#define TILE static inline __attribute__((always_inline)) TARGET

enum { T(LANES) = VECTOR_BYTES / sizeof(REAL) };
typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef BITS T(bits) __attribute__((vector_size(VECTOR_BYTES)));

TILE T(vector) T(load)(const char *x, size_t bytes) {
    T(vector) v = {0};
    memcpy(&v, x, bytes);
    return v;
}

TILE T(vector) T(root)(T(vector) v) {
    REAL lane[T(LANES)];
    memcpy(lane, &v, sizeof v);
    for (int i = 0; i < T(LANES); i++) lane[i] = SQUARE_ROOT(lane[i]);
    memcpy(&v, lane, sizeof v);
    return v;
}

TILE T(vector) T(rectify)(T(vector) v) {
    const T(bits) keep = ~(T(bits))(v <= 0);
    return (T(vector))((T(bits))v & keep);
}

/* All steps for the vectors that ALL(DO) names, each of so many bytes, `offset` bytes from the first element.
 */
#define OPERAND(j) T(load)(x + (j)*VECTOR_BYTES, bytes)
#define LOAD(j) a##j = OPERAND(j);
#define STORE(j) memcpy(x + (j)*VECTOR_BYTES, &a##j, bytes);
#define NEGATE(j) a##j = -a##j;
#define SQUARE(j) a##j = a##j * a##j;
#define ROOT(j) a##j = T(root)(a##j);
#define RECTIFY(j) a##j = T(rectify)(a##j);
#define ADD(j) a##j = a##j + OPERAND(j);
#define SUBTRACT(j) a##j = a##j - OPERAND(j);
#define SUBTRACT_FROM(j) a##j = OPERAND(j) - a##j;
#define MULTIPLY(j) a##j = a##j * OPERAND(j);
#define DIVIDE(j) a##j = a##j / OPERAND(j);
#define DIVIDE_INTO(j) a##j = OPERAND(j) / a##j;
#define STEPS(ALL)                                                                                           \
    for (int s = 0; s < n_steps; s++) {                                                                      \
        char *x = at[s] + offset;                                                                            \
        switch (steps[s]) {                                                                                  \
            case TG_STEP_LOAD: ALL(LOAD) break;                                                              \
            case TG_STEP_STORE: ALL(STORE) break;                                                            \
            case TG_NEGATE: ALL(NEGATE) break;                                                               \
            case TG_SQUARE: ALL(SQUARE) break;                                                               \
            case TG_ROOT: ALL(ROOT) break;                                                                   \
            case TG_RECTIFY: ALL(RECTIFY) break;                                                             \
            case TG_ADD: ALL(ADD) break;                                                                     \
            case TG_SUBTRACT: ALL(SUBTRACT) break;                                                           \
            case TG_STEP_SUBTRACT_FROM: ALL(SUBTRACT_FROM) break;                                            \
            case TG_MULTIPLY: ALL(MULTIPLY) break;                                                           \
            case TG_DIVIDE: ALL(DIVIDE) break;                                                               \
            case TG_STEP_DIVIDE_INTO: ALL(DIVIDE_INTO) break;                                                \
        }                                                                                                    \
    }
#define ONE(DO) DO(0)
#define EIGHT(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)

TILE void T(eight)(int n_steps, const uint8_t *steps, char *const *at, int64_t offset) {
    const size_t bytes = VECTOR_BYTES;
    T(vector) a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, a4 = {0}, a5 = {0}, a6 = {0}, a7 = {0};
    STEPS(EIGHT)
}

TILE void T(one)(int n_steps, const uint8_t *steps, char *const *at, int64_t offset, size_t bytes) {
    T(vector) a0 = {0};
    STEPS(ONE)
}

TARGET static void T(accumulate)(int64_t n, int n_steps, const uint8_t *steps, char *const *at) {
    const int64_t end = n * (int64_t)sizeof(REAL);
    int64_t i = 0;
    for (; i + 8 * VECTOR_BYTES <= end; i += 8 * VECTOR_BYTES) T(eight)(n_steps, steps, at, i);
    for (; i + VECTOR_BYTES <= end; i += VECTOR_BYTES) T(one)(n_steps, steps, at, i, VECTOR_BYTES);
    if (i < end) T(one)(n_steps, steps, at, i, (size_t)(end - i));
}

#undef TILE
#undef OPERAND
#undef LOAD
#undef STORE
#undef NEGATE
#undef SQUARE
#undef ROOT
#undef RECTIFY
#undef ADD
#undef SUBTRACT
#undef SUBTRACT_FROM
#undef MULTIPLY
#undef DIVIDE
#undef DIVIDE_INTO
#undef STEPS
#undef ONE
#undef EIGHT
#undef REAL
#undef BITS
#undef SQUARE_ROOT
#undef VECTOR_BYTES
#undef TARGET
#undef T
