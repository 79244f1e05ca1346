/* number_kernels.c: arithmetic on single numbers.
 *
 * Owns: a function for each kind of arithmetic and type. */
#include "core/number_kernels.h"

#include <math.h>

#define UNARY(name, type, result)                                                                            \
    static void name##_##type(int64_t n, void *out, const void *const *in, const void *attr) {               \
        const type a = *(const type *)in[0];                                                                 \
        (void)n, (void)attr;                                                                                 \
        *(type *)out = result;                                                                               \
    }
#define BINARY(name, type, result)                                                                           \
    static void name##_##type(int64_t n, void *out, const void *const *in, const void *attr) {               \
        const type a = *(const type *)in[0], b = *(const type *)in[1];                                       \
        (void)n, (void)attr;                                                                                 \
        *(type *)out = result;                                                                               \
    }
#define KERNELS(type, square_root)                                                                           \
    UNARY(copy, type, a)                                                                                     \
    UNARY(negate, type, -a)                                                                                  \
    UNARY(square, type, a *a)                                                                                \
    UNARY(root, type, square_root(a))                                                                        \
    UNARY(rectify, type, a <= 0 ? 0 : a)                                                                     \
    BINARY(add, type, a + b)                                                                                 \
    BINARY(subtract, type, a - b)                                                                            \
    BINARY(multiply, type, a *b)                                                                             \
    BINARY(divide, type, a / b)
KERNELS(float, sqrtf)
KERNELS(double, sqrt)

#define TABLE(type)                                                                                          \
    {                                                                                                        \
        [TG_COPY] = copy_##type, [TG_NEGATE] = negate_##type, [TG_SQUARE] = square_##type,                   \
        [TG_ROOT] = root_##type, [TG_RECTIFY] = rectify_##type, [TG_ADD] = add_##type,                       \
        [TG_SUBTRACT] = subtract_##type, [TG_MULTIPLY] = multiply_##type, [TG_DIVIDE] = divide_##type,       \
    }
tg_map_kernel *const tg_number_kernels[2][TG_N_ARITHMETIC] = {TABLE(float), TABLE(double)};
