/* case_table.h: one row for each thing that an operation can do: how to build it, on which inputs, and what
 * it must give.
 *
 * Owns: struct tg_case, the lists of rows, the drawing of inputs and the making of tensors from them. Must
 * not know what is checked with a row: tests/ops/test_cases.c checks values and derivatives, other folders
 * other things.
 *
 * To add a row: write two functions and a line in the array of the cases_*.c file where the operation's
 * relatives are. With the shapes that the row is tried on in an array:
 *
 *     static const struct tg_case_shapes matrices[] = {{{TG_SHAPE(3, 4)}}, {{TG_SHAPE(0, 2)}}};
 *     static const int last = -1;
 *
 *     static tg_tensor build_softmax(const tg_tensor *x, const void *context) {
 *         return tg_softmax(x[0], *(const int *)context);
 *     }
 *     static void softmax(const struct tg_case_values *x, struct tg_case_values *y, const void *context) {
 *         long double *out = tg_case_resize(y, x[0].shape);       // may differ from x[0].shape
 *         ...                                                     // plain loops, no tapegrad
 *     }
 *     static const struct tg_case rows[] = {
 *         {.op = "softmax", .label = "last axis", .n_inputs = 1, .input = {{.low = -3, .high = 3}},
 *          TG_CASE_SHAPES(matrices), .build = build_softmax, .reference = softmax, .context = &last},
 *     };
 *     const struct tg_case_list tg_cases_reduction = {TG_CASE_COUNT(rows), rows};
 *
 * Everything else is derived: values in f64 and f32, first and second derivatives against finite differences,
 * strided inputs. An operation of ops.def without a row fails a test that names it. */
#ifndef TAPEGRAD_TESTS_OPS_CASE_TABLE_H
#define TAPEGRAD_TESTS_OPS_CASE_TABLE_H

#include "tapegrad.h"

#define TG_CASE_MAX_INPUTS 4
#define TG_CASE_COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define TG_CASE_SHAPES(array) .shapes = (array), .n_shapes = TG_CASE_COUNT(array)

/* A shape for each input. Give a row several: scalar, vector, matrix, broadcast pairs, empty. Keep them small
 * (say 24 elements): each element is moved many times by the finite differences. */
struct tg_case_shapes {
    tg_shape x[TG_CASE_MAX_INPUTS];
};

/* From what the values of one input are drawn.
 *
 * Values (TG_F32, which zero is, and TG_F64 alike mean the tape's dtype): all value inputs of a row share one
 * grid of evenly spaced points of [low, high], each used once, moved by up to a tenth of the spacing. So no
 * two values tie, within an input or between inputs with the same ends; and none is near (low + high) / 2.
 * Put kinks there: [-2, 2] keeps away from 0. (Finite differences step 0.01 at first, the spacing is
 * (high - low) / number of values: choose the ends far enough apart.)
 *
 * TG_I64: integers from low to high, both included, with repetitions. TG_BOOL: true or false. */
struct tg_case_input {
    tg_dtype dtype;
    double low, high;
};

/* Values in row-major order, as references see them; i64 and bool as numbers. */
struct tg_case_values {
    tg_shape shape;
    int64_t n;
    long double *data; /* malloced, NULL when zeroed */
};

typedef tg_tensor tg_case_build(const tg_tensor *x, const void *context);
typedef void tg_case_reference(const struct tg_case_values *x, struct tg_case_values *y, const void *context);

struct tg_case {
    const char *op;    /* the name in ops.def; of a composition, any that it is made of, or its own */
    const char *label; /* what sets this row apart from the operation's other rows; may be NULL */
    int n_inputs;
    struct tg_case_input input[TG_CASE_MAX_INPUTS];
    const struct tg_case_shapes *shapes;
    int n_shapes;
    tg_case_build *build;         /* one output from the inputs */
    tg_case_reference *reference; /* the same in long double over plain arrays, without tapegrad */
    const void *context;          /* for both: attributes such as axes */
    bool values_only;             /* no derivatives: the output is bool or i64, or has no gradient */
    double error;                 /* error allowed, in epsilons of the dtype times max(1, |y|); 0: 16 */
};

struct tg_case_list {
    int n;
    const struct tg_case *rows;
};

/* One list a file; a new file has its line here and in case_table.c. */
extern const struct tg_case_list tg_cases_elementwise_unary;
extern const struct tg_case_list tg_cases_elementwise_binary;
extern const struct tg_case_list tg_cases_elementwise_ternary;
extern const struct tg_case_list tg_cases_comparison;
extern const struct tg_case_list tg_cases_indexing;
extern const struct tg_case_list tg_cases_losses;
extern const struct tg_case_list tg_cases_reduction;
extern const struct tg_case_list tg_cases_views;
extern const struct tg_case_list tg_cases_linear_algebra;

/* --- for references ------------------------------------------------------------------------------------- */

/* Gives values a shape and memory for it (contents undefined), and returns the memory. */
long double *tg_case_resize(struct tg_case_values *values, tg_shape shape);

/* The element of values at a position in a larger shape to which values broadcasts; position counts the
 * elements of that shape in row-major order. */
long double tg_case_broadcast_value(const struct tg_case_values *values, tg_shape shape, int64_t position);

/* y = f(x), y = f(a, b) with NumPy's broadcasting. */
void tg_case_map_1(const struct tg_case_values *x, struct tg_case_values *y, long double (*f)(long double));
void tg_case_map_2(const struct tg_case_values *x, struct tg_case_values *y,
                   long double (*f)(long double, long double));

/* --- for those who check something with every row ------------------------------------------------------- */

/* All rows of all lists. tg_case_at(i) is NULL past the last. */
int tg_case_count(void);
const struct tg_case *tg_case_at(int i);

/* Draws all inputs of a row for its variant-th shapes: the same key gives the same values. Every value is
 * exact in f32, so that f32 and f64 tapes and the reference start from the same. x has n_inputs entries,
 * to be freed by tg_case_free. */
void tg_case_draw(const struct tg_case *row, int variant, tg_key key, struct tg_case_values *x);
void tg_case_free(int n, struct tg_case_values *x);

/* How an input lies in memory. Values are the same; where the rank is 0 all are contiguous. */
enum tg_case_layout {
    TG_CASE_CONTIGUOUS, /* a leaf */
    TG_CASE_TRANSPOSED, /* a view: the axes in reverse order in memory */
    TG_CASE_SLICED,     /* a view: every second element along the last axis, backwards, others between */
    TG_CASE_N_LAYOUTS
};

/* The inputs as tensors of a tape; value inputs are parameters, or views of parameters. */
void tg_case_tensors(const struct tg_case *row, const struct tg_case_values *values,
                     enum tg_case_layout layout, tg_tape *tape, tg_tensor *x);

#endif
