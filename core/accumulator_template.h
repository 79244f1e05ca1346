/* accumulator_template.h: the machine of arithmetic.h for one element type and CPU level.
 *
 * Included by core/arithmetic.c for each, having defined REAL, BITS, SQUARE_ROOT, VECTOR_BYTES, TARGET,
 * REGISTERS (whether there are b and c), LOAD_PART and STORE_PART of a vector, and T(name). The accumulator
 * and these are written out as eight variables each: compilers keep arrays in memory. Must not know who wrote
 * the steps. Internal: not installed. */

#define TILE static inline __attribute__((always_inline)) TARGET

enum { T(LANES) = VECTOR_BYTES / sizeof(REAL) };
typedef REAL T(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef BITS T(bits) __attribute__((vector_size(VECTOR_BYTES)));

/* A vector of which so many bytes are in memory. */
TILE T(vector) T(load)(const char *x, size_t bytes) {
    T(vector) v = {0};
    if (bytes < VECTOR_BYTES) return LOAD_PART(x, bytes);
    memcpy(&v, x, VECTOR_BYTES);
    return v;
}

TILE void T(store)(char *x, T(vector) v, size_t bytes) {
    if (bytes < VECTOR_BYTES)
        STORE_PART(x, v, bytes);
    else
        memcpy(x, &v, VECTOR_BYTES);
}

/* Subtracting 0 leaves every number as it is, -0 too. */
TILE T(vector) T(repeat)(const char *x) {
    REAL number;
    memcpy(&number, x, sizeof number);
    return number - (T(vector)){0};
}

TILE T(vector) T(root)(T(vector) v) {
    for (int i = 0; i < T(LANES); i++) v[i] = SQUARE_ROOT(v[i]);
    return v;
}

TILE T(vector) T(rectify)(T(vector) v) {
    const T(bits) keep = ~(T(bits))(v <= 0);
    return (T(vector))((T(bits))v & keep);
}

/* Vector j of an operand, by where it is. */
#define MEMORY(j) T(load)(x + (j)*VECTOR_BYTES, bytes)
#define NUMBER(j) number
#define IN_B(j) b##j
#define IN_C(j) c##j
#define NOTHING(j) 0

#define LOAD(a, x) (x)
#define NEGATE(a, x) (-a)
#define SQUARE(a, x) (a * a)
#define ROOT(a, x) T(root)(a)
#define RECTIFY(a, x) T(rectify)(a)
#define ADD(a, x) (a + x)
#define SUBTRACT(a, x) (a - x)
#define SUBTRACT_FROM(a, x) (x - a)
#define MULTIPLY(a, x) (a * x)
#define DIVIDE(a, x) (a / x)
#define DIVIDE_INTO(a, x) (x / a)

/* What is done with vector j. */
#define COMPUTE(j, OP, FROM) a##j = OP(a##j, FROM(j));
#define STORE(j, OP, FROM) T(store)(x + (j)*VECTOR_BYTES, a##j, bytes);
#define KEEP_B(j, OP, FROM) b##j = a##j;
#define KEEP_C(j, OP, FROM) c##j = a##j;
#define ONE(DO, OP, FROM) DO(0, OP, FROM)
#define TWO(DO, OP, FROM) DO(0, OP, FROM) DO(1, OP, FROM)
#define FOUR(DO, OP, FROM) TWO(DO, OP, FROM) DO(2, OP, FROM) DO(3, OP, FROM)
#define EIGHT(DO, OP, FROM)                                                                                  \
    FOUR(DO, OP, FROM)                                                                                       \
    DO(4, OP, FROM)                                                                                          \
    DO(5, OP, FROM)                                                                                          \
    DO(6, OP, FROM)                                                                                          \
    DO(7, OP, FROM)

#if REGISTERS
#define KEPT(EACH, ALL, STEP, OP)                                                                            \
    EACH(STEP, TG_IN_B, ALL(COMPUTE, OP, IN_B)) EACH(STEP, TG_IN_C, ALL(COMPUTE, OP, IN_C))
#define KEEP(EACH, ALL)                                                                                      \
    EACH(TG_STEP_STORE, TG_IN_B, ALL(KEEP_B, 0, 0)) EACH(TG_STEP_STORE, TG_IN_C, ALL(KEEP_C, 0, 0))
#define REGISTER(...) T(vector) __VA_ARGS__;
#else
#define KEPT(EACH, ALL, STEP, OP)
#define KEEP(EACH, ALL)
#define REGISTER(...)
#endif
#define UNARY(EACH, ALL, STEP, OP) EACH(STEP, TG_NO_OPERAND, ALL(COMPUTE, OP, NOTHING))
#define BINARY(EACH, ALL, STEP, OP)                                                                          \
    EACH(STEP, TG_IN_MEMORY, const char *x = *operand++ + offset; ALL(COMPUTE, OP, MEMORY))                  \
    EACH(STEP, TG_IS_NUMBER, const T(vector) number = T(repeat)(*operand++); ALL(COMPUTE, OP, NUMBER))       \
    KEPT(EACH, ALL, STEP, OP)

/* EACH(step, operand, what it does to the vectors that ALL names) for all steps. */
#define ALL_STEPS(EACH, ALL)                                                                                 \
    BINARY(EACH, ALL, TG_STEP_LOAD, LOAD)                                                                    \
    BINARY(EACH, ALL, TG_ADD, ADD)                                                                           \
    BINARY(EACH, ALL, TG_SUBTRACT, SUBTRACT)                                                                 \
    BINARY(EACH, ALL, TG_STEP_SUBTRACT_FROM, SUBTRACT_FROM)                                                  \
    BINARY(EACH, ALL, TG_MULTIPLY, MULTIPLY)                                                                 \
    BINARY(EACH, ALL, TG_DIVIDE, DIVIDE)                                                                     \
    BINARY(EACH, ALL, TG_STEP_DIVIDE_INTO, DIVIDE_INTO)                                                      \
    UNARY(EACH, ALL, TG_NEGATE, NEGATE)                                                                      \
    UNARY(EACH, ALL, TG_SQUARE, SQUARE)                                                                      \
    UNARY(EACH, ALL, TG_ROOT, ROOT)                                                                          \
    UNARY(EACH, ALL, TG_RECTIFY, RECTIFY)                                                                    \
    EACH(TG_STEP_STORE, TG_IN_MEMORY, char *x = *operand++ + offset; ALL(STORE, 0, 0))                       \
    KEEP(EACH, ALL)                                                                                          \
    EACH(TG_STEP_END, TG_NO_OPERAND, goto done;)

#define FIRST(r) r##0 = {0}
#define FIRST_TWO(r) FIRST(r), r##1 = {0}
#define FIRST_FOUR(r) FIRST_TWO(r), r##2 = {0}, r##3 = {0}
#define ALL_EIGHT(r) FIRST_FOUR(r), r##4 = {0}, r##5 = {0}, r##6 = {0}, r##7 = {0}
/* clang-format off */
#define ENTRY(STEP, OPERAND, ...) [TG_STEP(STEP, OPERAND)] = &&STEP##_##OPERAND,
#define CODE(STEP, OPERAND, ...) STEP##_##OPERAND: { __VA_ARGS__ } goto *label[*++step];
/* clang-format on */
/* All steps for so many vectors at a time, which ALL names, from `offset` bytes behind the first element on
 * as long as there are so many; a single one may be a part. Returns the offset of what is left. Each step
 * jumps to the next from a place of its own, so that the CPU can learn what follows it. */
#define GROUP(name, COUNT, VECTORS, ALL)                                                                     \
    TARGET static int64_t T(name)(const uint8_t *steps, char *const *at, int64_t offset, int64_t end) {      \
        static const void *const label[] = {ALL_STEPS(ENTRY, ALL)};                                          \
        enum { ENOUGH = COUNT > 1 ? COUNT * VECTOR_BYTES : 1 };                                              \
        T(vector) VECTORS(a);                                                                                \
        REGISTER(VECTORS(b))                                                                                 \
        REGISTER(VECTORS(c))                                                                                 \
        for (; offset + ENOUGH <= end; offset += COUNT * VECTOR_BYTES) {                                     \
            const bool whole = COUNT > 1 || offset + VECTOR_BYTES <= end;                                    \
            const size_t bytes = whole ? VECTOR_BYTES : (size_t)(end - offset);                              \
            const uint8_t *step = steps;                                                                     \
            char *const *operand = at;                                                                       \
            goto *label[*step];                                                                              \
            ALL_STEPS(CODE, ALL)                                                                             \
        done:;                                                                                               \
        }                                                                                                    \
        return offset;                                                                                       \
    }
GROUP(one, 1, FIRST, ONE)
GROUP(two, 2, FIRST_TWO, TWO)
GROUP(four, 4, FIRST_FOUR, FOUR)
GROUP(eight, 8, ALL_EIGHT, EIGHT)

static void T(accumulate)(int64_t n, const uint8_t *steps, char *const *at) {
    const int64_t end = n * (int64_t)sizeof(REAL);
    int64_t done = T(eight)(steps, at, 0, end);
    done = T(four)(steps, at, done, end);
    done = T(two)(steps, at, done, end);
    (void)T(one)(steps, at, done, end);
}

#undef TILE
#undef MEMORY
#undef NUMBER
#undef IN_B
#undef IN_C
#undef NOTHING
#undef LOAD
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
#undef COMPUTE
#undef STORE
#undef KEEP_B
#undef KEEP_C
#undef FIRST
#undef FIRST_TWO
#undef FIRST_FOUR
#undef ALL_EIGHT
#undef GROUP
#undef ONE
#undef TWO
#undef FOUR
#undef EIGHT
#undef ALL_STEPS
#undef ENTRY
#undef CODE
#undef UNARY
#undef BINARY
#undef LOAD_PART
#undef STORE_PART
#undef REAL
#undef BITS
#undef SQUARE_ROOT
#undef VECTOR_BYTES
#undef TARGET
#undef KEPT
#undef KEEP
#undef REGISTER
#undef REGISTERS
#undef T
