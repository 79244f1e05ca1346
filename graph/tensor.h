/* tensor.h: making tensors, and reading and writing their values.
 *
 * Owns: leaves (parameters and inputs), numbers, names, shapes and dtypes, the way between tensors and C
 * arrays. Knows no operations. */
#ifndef TAPEGRAD_GRAPH_TENSOR_H
#define TAPEGRAD_GRAPH_TENSOR_H

#include <stdio.h>

#include "core/random.h"
#include "graph/tape.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A number not yet on any tape: tg_mul(tg_num(3), v). It takes tape and dtype from the operand beside it;
 * beside i64 it must be a whole number (TG_ERR_DTYPE). */
TG_API tg_tensor tg_num(double value);

/* --- inputs: leaves without a gradient ------------------------------------------------------------------ */

/* A tensor with a copy of n values in row-major order; n must be the size of the shape, which catches the
 * wrong array. f64 and f32 values are converted to the tape's dtype; i64 and bool stay what they are.
 * Errors: TG_ERR_SHAPE (n differs; a negative dimension), TG_ERR_MEMORY. values may be NULL when n is 0. */
#define tg_from_f64(...) tg_from_f64_at(TG_HERE, __VA_ARGS__)
#define tg_from_f32(...) tg_from_f32_at(TG_HERE, __VA_ARGS__)
#define tg_from_i64(...) tg_from_i64_at(TG_HERE, __VA_ARGS__)
#define tg_from_bool(...) tg_from_bool_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_from_f64_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                const double *values);
TG_API tg_tensor tg_from_f32_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                const float *values);
TG_API tg_tensor tg_from_i64_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                const int64_t *values);
TG_API tg_tensor tg_from_bool_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                 const bool *values);

/* A tensor of the tape's dtype, every element `value`; a scalar; all zeros; all ones. */
#define tg_full(...) tg_full_at(TG_HERE, __VA_ARGS__)
#define tg_scalar(...) tg_scalar_at(TG_HERE, __VA_ARGS__)
#define tg_zeros(...) tg_zeros_at(TG_HERE, __VA_ARGS__)
#define tg_ones(...) tg_ones_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_full_at(const char *where, tg_tape *tape, tg_shape shape, double value);
TG_API tg_tensor tg_scalar_at(const char *where, tg_tape *tape, double value);
TG_API tg_tensor tg_zeros_at(const char *where, tg_tape *tape, tg_shape shape);
TG_API tg_tensor tg_ones_at(const char *where, tg_tape *tape, tg_shape shape);

/* --- parameters: leaves with a gradient ----------------------------------------------------------------- */

/* Like the inputs above, with a gradient (zeros at first) allocated beside the value, so that both live as
 * long as the leaf. Make parameters before the mark to which a training loop rewinds. */
#define tg_param_f64(...) tg_param_f64_at(TG_HERE, __VA_ARGS__)
#define tg_param_f32(...) tg_param_f32_at(TG_HERE, __VA_ARGS__)
#define tg_param_zeros(...) tg_param_zeros_at(TG_HERE, __VA_ARGS__)
#define tg_param_scalar(...) tg_param_scalar_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_param_f64_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                 const double *values);
TG_API tg_tensor tg_param_f32_at(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                 const float *values);
TG_API tg_tensor tg_param_zeros_at(const char *where, tg_tape *tape, tg_shape shape);
TG_API tg_tensor tg_param_scalar_at(const char *where, tg_tape *tape, double value);

/* A parameter of independent normal numbers, mean 0, the given standard deviation, from the key. */
#define tg_param_normal(...) tg_param_normal_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_param_normal_at(const char *where, tg_tape *tape, tg_shape shape, tg_key key,
                                    double deviation);

/* --- what a tensor is ----------------------------------------------------------------------------------- */

/* Whether the handle names a living node (tg_num is not one). Never an error. */
TG_API bool tg_is_valid(tg_tensor x);

/* Whether gradients flow to it: a parameter, or recorded from one. */
TG_API bool tg_requires_grad(tg_tensor x);

/* Shape, rank, one dimension (negative axes count from the end), number of elements, dtype. An invalid handle
 * is an error on its tape and gives TG_SCALAR, 0, 0, 0, and the tape's dtype. */
#define tg_shape_of(...) tg_shape_of_at(TG_HERE, __VA_ARGS__)
#define tg_dim(...) tg_dim_at(TG_HERE, __VA_ARGS__)
#define tg_size(...) tg_size_at(TG_HERE, __VA_ARGS__)
#define tg_dtype_of(...) tg_dtype_of_at(TG_HERE, __VA_ARGS__)
TG_API tg_shape tg_shape_of_at(const char *where, tg_tensor x);
TG_API int64_t tg_dim_at(const char *where, tg_tensor x, int axis);
TG_API int64_t tg_size_at(const char *where, tg_tensor x);
TG_API tg_dtype tg_dtype_of_at(const char *where, tg_tensor x);

/* The array under the handle, valid until the tape is rewound past it. Not to be written to. An invalid
 * handle is an error and gives an array with data = NULL. */
#define tg_array_of(...) tg_array_of_at(TG_HERE, __VA_ARGS__)
TG_API tg_array tg_array_of_at(const char *where, tg_tensor x);

/* Gives the tensor a name for messages and drawings (copied), and returns the tensor. */
#define tg_set_name(...) tg_set_name_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_set_name_at(const char *where, tg_tensor x, const char *name);

/* Its name, or NULL. Valid until it is named anew or the tape is rewound past it. */
TG_API const char *tg_name(tg_tensor x);

/* The line that made it, "model.c:42"; "" for an invalid handle. */
TG_API const char *tg_place(tg_tensor x);

/* --- reading values ------------------------------------------------------------------------------------- */

/* The value of a tensor of one element, whatever its dtype. NaN, and an error on its tape, for anything else.
 * A tg_num gives its number. */
#define tg_item(...) tg_item_at(TG_HERE, __VA_ARGS__)
TG_API double tg_item_at(const char *where, tg_tensor x);

/* The element at TG_SHAPE(i, j, ...); negative indices count from the end. NaN and an error when out of
 * range. */
#define tg_value(...) tg_value_at(TG_HERE, __VA_ARGS__)
TG_API double tg_value_at(const char *where, tg_tensor x, tg_shape index);

/* Copies all elements in row-major order into an array of n, converting as tg_array_copy does. Errors:
 * TG_ERR_SHAPE when n is not the size of x (nothing is written). */
#define tg_read_f64(...) tg_read_f64_at(TG_HERE, __VA_ARGS__)
#define tg_read_f32(...) tg_read_f32_at(TG_HERE, __VA_ARGS__)
#define tg_read_i64(...) tg_read_i64_at(TG_HERE, __VA_ARGS__)
#define tg_read_bool(...) tg_read_bool_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_read_f64_at(const char *where, tg_tensor x, int64_t n, double *out);
TG_API tg_status tg_read_f32_at(const char *where, tg_tensor x, int64_t n, float *out);
TG_API tg_status tg_read_i64_at(const char *where, tg_tensor x, int64_t n, int64_t *out);
TG_API tg_status tg_read_bool_at(const char *where, tg_tensor x, int64_t n, bool *out);

/* The values themselves, in row-major order and of the tensor's dtype; valid until the tape is rewound past
 * x. NULL and an error for a view that is not contiguous (read it with tg_read_*). */
#define tg_data(...) tg_data_at(TG_HERE, __VA_ARGS__)
TG_API const void *tg_data_at(const char *where, tg_tensor x);

/* Text as NumPy prints it; the length of the whole as snprintf gives it. tg_print writes to a stream. */
#define tg_format(...) tg_format_at(TG_HERE, __VA_ARGS__)
#define tg_print(...) tg_print_at(TG_HERE, __VA_ARGS__)
TG_API size_t tg_format_at(const char *where, tg_tensor x, size_t capacity, char *text);
TG_API tg_status tg_print_at(const char *where, FILE *stream, tg_tensor x);

/* --- changing leaves in place --------------------------------------------------------------------------- */

/* Overwrites a leaf with n values in row-major order, converted to its dtype. What was recorded from the old
 * values can no longer be differentiated: tg_backward through it is an error that names both lines. Errors:
 * TG_ERR_SHAPE when n is not its size; TG_ERR_VALUE when x is not a leaf. */
#define tg_write_f64(...) tg_write_f64_at(TG_HERE, __VA_ARGS__)
#define tg_write_f32(...) tg_write_f32_at(TG_HERE, __VA_ARGS__)
#define tg_write_i64(...) tg_write_i64_at(TG_HERE, __VA_ARGS__)
#define tg_write_bool(...) tg_write_bool_at(TG_HERE, __VA_ARGS__)
TG_API tg_status tg_write_f64_at(const char *where, tg_tensor x, int64_t n, const double *values);
TG_API tg_status tg_write_f32_at(const char *where, tg_tensor x, int64_t n, const float *values);
TG_API tg_status tg_write_i64_at(const char *where, tg_tensor x, int64_t n, const int64_t *values);
TG_API tg_status tg_write_bool_at(const char *where, tg_tensor x, int64_t n, const bool *values);

/* Overwrites a leaf with the values of a tensor of the same shape and dtype. Returns a tensor that shows the
 * leaf's values, a constant to differentiation; among the outputs of a tg_plan it makes the plan change the
 * leaf each time that it runs. (Go on using the leaf itself as the parameter.) In tg_no_values, and where the
 * value has none, only that happens: the leaf is not changed now. Errors: as tg_write_*;
 * TG_ERR_DTYPE, TG_ERR_HANDLE. */
#define tg_assign(...) tg_assign_at(TG_HERE, __VA_ARGS__)
TG_API tg_tensor tg_assign_at(const char *where, tg_tensor leaf, tg_tensor value);

/* The values of a leaf to write to, in its dtype; counts as a change of the leaf at this call. NULL and an
 * error when x is not a leaf. */
#define tg_data_mut(...) tg_data_mut_at(TG_HERE, __VA_ARGS__)
TG_API void *tg_data_mut_at(const char *where, tg_tensor x);

#ifdef __cplusplus
}
#endif

/* --- by the type of the array --------------------------------------------------------------------------- */

/* tg_from(tape, shape, n, values), tg_param(tape, shape, n, values), tg_write(x, n, values) and
 * tg_read(x, n, out): the functions above for the type of the array, which is float, double, int64_t or bool
 * (of a parameter float or double). */
#define tg_from(tape, shape, n, ...) TG_TYPED_(tg_from, __VA_ARGS__)(TG_HERE, tape, shape, n, __VA_ARGS__)
#define tg_param(tape, shape, n, ...)                                                                        \
    TG_TYPED_VALUES_(tg_param, __VA_ARGS__)(TG_HERE, tape, shape, n, __VA_ARGS__)
#define tg_write(x, n, ...) TG_TYPED_(tg_write, __VA_ARGS__)(TG_HERE, x, n, __VA_ARGS__)
#define tg_read(x, n, ...) TG_TYPED_(tg_read, __VA_ARGS__)(TG_HERE, x, n, __VA_ARGS__)

#ifndef __cplusplus
#define TG_TYPED_(function, ...)                                                                             \
    _Generic(*(__VA_ARGS__), TG_TYPED_VALUE_(function), TG_TYPED_OTHER_(function))
#define TG_TYPED_VALUES_(function, ...) _Generic(*(__VA_ARGS__), TG_TYPED_VALUE_(function))
#define TG_TYPED_VALUE_(function) float : function##_f32_at, double : function##_f64_at
#define TG_TYPED_OTHER_(function) bool : function##_bool_at, int64_t : function##_i64_at
#else
#define TG_TYPED_(function, ...) function##_typed_
#define TG_TYPED_VALUES_(function, ...) function##_typed_
#define TG_OVERLOADS_(type, suffix)                                                                          \
    inline tg_tensor tg_from_typed_(const char *where, tg_tape *tape, tg_shape shape, int64_t n,             \
                                    const type *values) {                                                    \
        return tg_from_##suffix##_at(where, tape, shape, n, values);                                         \
    }                                                                                                        \
    inline tg_status tg_write_typed_(const char *where, tg_tensor x, int64_t n, const type *values) {        \
        return tg_write_##suffix##_at(where, x, n, values);                                                  \
    }                                                                                                        \
    inline tg_status tg_read_typed_(const char *where, tg_tensor x, int64_t n, type *out) {                  \
        return tg_read_##suffix##_at(where, x, n, out);                                                      \
    }
TG_OVERLOADS_(float, f32)
TG_OVERLOADS_(double, f64)
TG_OVERLOADS_(int64_t, i64)
TG_OVERLOADS_(bool, bool)
#undef TG_OVERLOADS_
inline tg_tensor tg_param_typed_(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                 const float *values) {
    return tg_param_f32_at(where, tape, shape, n, values);
}
inline tg_tensor tg_param_typed_(const char *where, tg_tape *tape, tg_shape shape, int64_t n,
                                 const double *values) {
    return tg_param_f64_at(where, tape, shape, n, values);
}
#endif

#endif
