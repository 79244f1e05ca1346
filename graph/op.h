/* op.h: what an operation is, and how one is applied.
 *
 * Owns: struct tg_op, struct tg_call, tg_apply. The operations of ops/ and those of a user's program are the
 * same kind of thing: a constant struct tg_op. docs/adding_an_operation.md shows one from end to end. */
#ifndef TAPEGRAD_GRAPH_OP_H
#define TAPEGRAD_GRAPH_OP_H

#include "core/kernel.h"
#include "core/product.h"
#include "graph/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tg_call tg_call;

/* What the library may do with an operation without knowing it. */
typedef enum tg_op_kind {
    TG_MAP,      /* elementwise with broadcasting: gives map kernels; needs neither infer nor forward */
    TG_REDUCE,   /* over the axes in a tg_reduction attribute: gives fold and merge kernels */
    TG_CONTRACT, /* matrix products and their kin: gives infer, and product or forward */
    TG_VIEW,     /* the same elements seen otherwise: gives infer and view */
    TG_OTHER     /* anything else: gives infer and forward */
} tg_op_kind;

/* The attribute of every TG_REDUCE operation. */
typedef struct tg_reduction {
    unsigned mask; /* bit i: axis i is reduced */
    bool keepdims;
} tg_reduction;

typedef void tg_backward_fn(const tg_call *c, tg_tensor dy, tg_tensor *dx);

/* An operation is pure: what it gives depends on its inputs and its attribute alone, whose bytes are compared
 * where a plan merges equal operations. It is called with other memory, of the same shapes and strides, when
 * a plan runs. */
struct tg_op {
    const char *name; /* as in messages: "matmul" */
    tg_op_kind kind;
    int n_inputs;     /* -1: any number, at least one */
    size_t attr_size; /* bytes of the attribute, copied to the tape by tg_apply; 0: none */
    tg_cost cost;

    /* Shapes and dtypes: reads c->in and c->attr, sets c->out_shape and c->out_dtype; returns true, or
     * tg_fail(c, ...). May be NULL for TG_MAP (broadcast all inputs, which must have the tape's dtype) and
     * for TG_REDUCE (drop or keep the reduced axes). */
    bool (*infer)(tg_call *c);

    /* TG_CONTRACT, TG_OTHER: computes c->out (contiguous, not initialised) from c->in. */
    bool (*forward)(const tg_call *c);

    /* TG_CONTRACT: instead of forward, where c->out is a product of matrices made of c->in: says which. The
     * library computes it; a plan can add it to what is there, or compute on with each panel while it is in
     * cache. */
    void (*product)(const tg_call *c, tg_product *product);

    /* TG_VIEW: sets strides and c->out.data so that c->out shows the elements of c->in[0]; returns false
     * where no strides can, and the library copies: elements in row-major order, as reshape does. What cannot
     * be at all is infer's to refuse. */
    bool (*view)(tg_call *c, int64_t *strides);

    /* TG_MAP: kernels by the dtype of the first input that is f32 or f64 (of the tape, where none is).
     * map_i64 serves operations whose inputs are i64; it may be NULL. */
    tg_map_kernel *map_f32, *map_f64, *map_i64;

    /* TG_MAP: what the kernels compute where it is plain arithmetic on values: a plan then keeps what lies
     * between several such operations in registers, and single numbers are computed without a loop. The bits
     * must be those of the kernels, which tg_op_check compares. */
    tg_arithmetic arithmetic;

    /* TG_MAP of two inputs: if bit i is set, the result is the other input, bit for bit, where input i is
     * this number: x - 0, x * 1. A plan leaves such operations out. */
    unsigned neutral_inputs;
    double neutral;

    /* TG_MAP of one input: applied to its own result it gives back the operand, bit for bit: -(-x). */
    bool is_involution;

    /* TG_REDUCE: kernels by dtype, and the value that an accumulator begins with. Without an identity a
     * reduction over nothing is an error. */
    const tg_reduction_kernels *reduce_f32, *reduce_f64;
    double start;
    bool has_identity;

    /* Where the tape allows it (tg_tape_set_rewriting): another way to write this application, equal in
     * mathematics and better in rounding, as tensor operations of c->x; a zeroed tensor where there is none.
     * See tg_made_by. NULL: there never is. */
    tg_tensor (*rewrite)(const tg_call *c);

    /* The floating-point operations of a call, for those who read plans: c->in, c->attr and c->out have their
     * shapes. NULL: what a product takes; one for each element, of the result or of the largest input, of a
     * TG_MAP or TG_REDUCE; 20 where the cost is TG_COSTLY; none of a TG_VIEW, nor of a TG_OTHER that is
     * cheap. */
    double (*flops)(const tg_call *c);

    /* Writes dx[i], the gradient with respect to input i, in tensor operations; which ones, may depend on
     * shapes and on the attribute alone (the arrays of c have no data here). dy has the output's shape. A
     * dx[i] of the output's broadcast shape is right: the library sums it to the input's. dx[i] is invalid on
     * entry and may stay so: no gradient flows there. c->x are the inputs and c->y the output as tensors;
     * tg_needs_grad(c, i) saves work for inputs that need none. Operations without a gradient say
     * TG_NOT_DIFFERENTIABLE; NULL is refused. */
    tg_backward_fn *backward;

    /* Optional: which branch each element took, in tensor operations of c->x and c->y, as c->x[0] > 0 for
     * relu. Any dtype and shape; where an element differs another branch was taken. Gradient checks look at
     * it on either side of a point, and so find kinks and jumps exactly. NULL: one smooth formula for all
     * inputs; or a result of bool or i64, which tells its branches by itself. */
    tg_tensor (*branch)(const tg_call *c);
};

TG_API void tg_not_differentiable(const tg_call *c, tg_tensor dy, tg_tensor *dx);
#define TG_NOT_DIFFERENTIABLE tg_not_differentiable

/* One application of an operation, as its functions see it. */
struct tg_call {
    const struct tg_op *op;
    tg_tape *tape;
    const char *where; /* the caller's line */
    int n_in;
    const tg_array *in; /* the inputs, n_in of them (backward: without data) */
    const void *attr;   /* the attribute, NULL when attr_size is 0 */

    tg_shape out_shape; /* written by infer */
    tg_dtype out_dtype; /* as infer writes it; at first the tape's, of a view the input's */
    tg_array out;       /* forward: the output (backward: without data) */

    const tg_tensor *x; /* backward, branch: the inputs */
    tg_tensor y;        /* backward, branch: the output */
    const bool *needs;  /* backward: see tg_needs_grad */
};

/* Rewrite: whether y was recorded by op from one input, which can be used in its place: *x, and the attribute
 * in *attr unless that is NULL. False where it would make a difference: a leaf was changed since, or
 * gradients were switched off. */
TG_API bool tg_made_by(tg_tensor y, const struct tg_op *op, tg_tensor *x, const void **attr);

/* Rewrite: whether x is that tg_num. */
TG_API bool tg_is_number(tg_tensor x, double number);

/* Backward: whether the gradient of input i is wanted. */
static inline bool tg_needs_grad(const tg_call *c, int i) { return c->needs[i]; }

/* Reports an error "where: name: message" on the tape; always returns false. */
TG_API bool tg_fail(const tg_call *c, tg_status status, const char *format, ...) TG_PRINTF(3, 4);

/* For infer functions: sets c->out_shape to what all inputs broadcast to, under the tape's rule for
 * broadcasting; false, with an error that names the shapes, when they do not fit. Leaves dtypes to the
 * caller. */
TG_API bool tg_infer_broadcast(tg_call *c);

/* For infer functions: true when input i has the given dtype; else an error that says what to do. */
TG_API bool tg_expect_dtype(const tg_call *c, int i, tg_dtype dtype);

/* Memory for the length of this call to forward, aligned to 64 bytes; NULL (and an error) when out. */
TG_API void *tg_call_scratch(const tg_call *c, size_t bytes);

/* Applies an operation: checks the handles (one tape, living, or tg_num), infers, allocates, computes, and
 * records. attr (op->attr_size bytes) is copied. Returns an invalid handle on error, and when an input is
 * the invalid result of an earlier error. */
#define tg_apply(...) tg_apply_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_apply_at(const char *where, const struct tg_op *op, int n, const tg_tensor *x,
                             const void *attr);

/* The two cases nearly all builders need. */
static inline tg_tensor tg_apply_1(const char *where, const struct tg_op *op, tg_tensor x, const void *attr) {
    return tg_apply_at(where, op, 1, &x, attr);
}
static inline tg_tensor tg_apply_2(const char *where, const struct tg_op *op, tg_tensor a, tg_tensor b) {
    tg_tensor x[2];
    x[0] = a, x[1] = b;
    return tg_apply_at(where, op, 2, x, NULL);
}

/* Kernels for a TG_MAP operation, f32 and f64, from one expression of T x (and T y, and T z):
 *     TG_MAP_KERNELS_1(square, x *x)       defines square_f32 and square_f64
 *     TG_MAP_KERNELS_2(mul, x *y)          defines mul_f32 and mul_f64
 *     TG_MAP_KERNELS_3(lerp, x + z * (y - x))
 * Within the expression T is the element type; write constants as (T)0.5. */
#define TG_MAP_KERNELS_1(name, expression)                                                                   \
    TG_MAP_KERNEL_1_(name##_f32, float, expression) TG_MAP_KERNEL_1_(name##_f64, double, expression)
#define TG_MAP_KERNELS_2(name, expression)                                                                   \
    TG_MAP_KERNEL_2_(name##_f32, float, expression) TG_MAP_KERNEL_2_(name##_f64, double, expression)
#define TG_MAP_KERNELS_3(name, expression)                                                                   \
    TG_MAP_KERNEL_3_(name##_f32, float, expression) TG_MAP_KERNEL_3_(name##_f64, double, expression)
#define TG_MAP_KERNEL_1_(name, type, expression)                                                             \
    static TG_MAP_INLINE_ void name##_loop(int64_t n, void *out, const void *const *in, const void *attr) {  \
        typedef type T;                                                                                      \
        const T *in0 = (const T *)in[0];                                                                     \
        T *to = (T *)out;                                                                                    \
        (void)attr;                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            const T x = in0[i];                                                                              \
            to[i] = (T)(expression);                                                                         \
        }                                                                                                    \
    }                                                                                                        \
    TG_MAP_TWICE_(name)
#define TG_MAP_KERNEL_2_(name, type, expression)                                                             \
    static TG_MAP_INLINE_ void name##_loop(int64_t n, void *out, const void *const *in, const void *attr) {  \
        typedef type T;                                                                                      \
        const T *in0 = (const T *)in[0], *in1 = (const T *)in[1];                                            \
        T *to = (T *)out;                                                                                    \
        (void)attr;                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            const T x = in0[i], y = in1[i];                                                                  \
            to[i] = (T)(expression);                                                                         \
        }                                                                                                    \
    }                                                                                                        \
    TG_MAP_TWICE_(name)
#define TG_MAP_KERNEL_3_(name, type, expression)                                                             \
    static TG_MAP_INLINE_ void name##_loop(int64_t n, void *out, const void *const *in, const void *attr) {  \
        typedef type T;                                                                                      \
        const T *in0 = (const T *)in[0], *in1 = (const T *)in[1], *in2 = (const T *)in[2];                   \
        T *to = (T *)out;                                                                                    \
        (void)attr;                                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            const T x = in0[i], y = in1[i], z = in2[i];                                                      \
            to[i] = (T)(expression);                                                                         \
        }                                                                                                    \
    }                                                                                                        \
    TG_MAP_TWICE_(name)

/* The loop as the compiler's flags have it, and once more for AVX2: twice as wide, the same results (there is
 * no fused multiply-add in it). Short loops are not worth the question. */
#if defined(__GNUC__) && defined(__x86_64__) && !defined(__AVX2__)
#define TG_MAP_INLINE_ inline __attribute__((always_inline))
#define TG_MAP_TWICE_(name)                                                                                  \
    __attribute__((target("avx2"))) static void name##_wide(int64_t n, void *out, const void *const *in,     \
                                                            const void *attr) {                              \
        name##_loop(n, out, in, attr);                                                                       \
    }                                                                                                        \
    static void name(int64_t n, void *out, const void *const *in, const void *attr) {                        \
        if (n >= 32 && tg_cpu_is_wide())                                                                     \
            name##_wide(n, out, in, attr);                                                                   \
        else                                                                                                 \
            name##_loop(n, out, in, attr);                                                                   \
    }
#else
#define TG_MAP_INLINE_ inline
#define TG_MAP_TWICE_(name)                                                                                  \
    static void name(int64_t n, void *out, const void *const *in, const void *attr) {                        \
        name##_loop(n, out, in, attr);                                                                       \
    }
#endif

#ifdef __cplusplus
}
#endif
#endif
