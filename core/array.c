/* array.c: sizes, strides and strided copies with conversion.
 *
 * Owns: the conversions between the four element types. Must not know of tapes, nor how a strided array is
 * walked: that is cursor.c. */
#include "core/array.h"

#include "core/cursor.h"

#include <math.h>
#include <string.h>

int64_t tg_array_size(const tg_array *array) {
    int64_t size = 1;
    for (int i = 0; i < array->rank; i++) {
        if (array->shape[i] == 0) return 0; /* the others alone may overflow */
        size *= array->shape[i];
    }
    return size;
}

tg_shape tg_array_shape(const tg_array *array) {
    tg_shape shape = {array->rank, {0}};
    for (int i = 0; i < array->rank; i++) shape.dim[i] = array->shape[i];
    return shape;
}

bool tg_array_is_contiguous(const tg_array *array) {
    int64_t expected = 1;
    bool dense = true;
    for (int i = array->rank - 1; i >= 0; i--) {
        if (array->shape[i] == 0) return true;
        if (array->shape[i] == 1) continue;
        if (array->strides[i] != expected) dense = false;
        if (!dense) continue; /* expected may no longer fit, and a 0 may still follow */
        expected *= array->shape[i];
    }
    return dense;
}

void tg_strides_contiguous(tg_shape shape, int64_t *strides) {
    int64_t stride = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        strides[i] = stride;
        if (shape.dim[i] > 0) stride *= shape.dim[i];
    }
}

/* Conversions of n elements side by side: one expression for each pair of types, in a table. */

typedef void convert_fn(int64_t n, void *to, const void *from);

/* 2^63 is the first value that does not fit; -2^63 still does. */
static int64_t saturated(double x) {
    if (isnan(x)) return 0;
    if (x >= 0x1p63) return INT64_MAX;
    return x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

#define TG_CONVERSION(to_name, to_type, from_name, from_type, expression)                                    \
    static void from_name##_to_##to_name(int64_t n, void *to, const void *from) {                            \
        const from_type *in = from;                                                                          \
        to_type *out = to;                                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                                    \
            from_type x = in[i];                                                                             \
            out[i] = (to_type)(expression);                                                                  \
        }                                                                                                    \
    }
#define TG_CONVERSIONS_FROM(name, type, to_integer)                                                          \
    TG_CONVERSION(f32, float, name, type, x)                                                                 \
    TG_CONVERSION(f64, double, name, type, x)                                                                \
    TG_CONVERSION(i64, int64_t, name, type, to_integer)                                                      \
    TG_CONVERSION(mask, bool, name, type, x != 0)

TG_CONVERSIONS_FROM(f32, float, saturated((double)x))
TG_CONVERSIONS_FROM(f64, double, saturated(x))
TG_CONVERSIONS_FROM(i64, int64_t, x)
TG_CONVERSIONS_FROM(mask, bool, x)

static convert_fn *const conversions[4][4] = {
    [TG_F32] = {f32_to_f32, f32_to_f64, f32_to_i64, f32_to_mask},
    [TG_F64] = {f64_to_f32, f64_to_f64, f64_to_i64, f64_to_mask},
    [TG_I64] = {i64_to_f32, i64_to_f64, i64_to_i64, i64_to_mask},
    [TG_BOOL] = {mask_to_f32, mask_to_f64, mask_to_i64, mask_to_mask},
};

enum { BLOCK = 256 };

/* Reads a block, converts it, writes it: each step is left out where it would change nothing. */
static void copy_blocks(const tg_array *dst, const tg_array *src, int64_t size) {
    _Alignas(64) char read[BLOCK * sizeof(double)], converted[BLOCK * sizeof(double)];
    tg_cursor from, to;
    bool same_type = dst->dtype == src->dtype;
    tg_cursor_over(&from, src);
    tg_cursor_over(&to, dst);
    for (int64_t done = 0; done < size;) {
        int64_t n = size - done < BLOCK ? size - done : BLOCK;
        const void *x = read;
        if (tg_cursor_run(&from) >= n)
            x = tg_cursor_take(&from, n);
        else
            tg_cursor_read(&from, n, read);
        if (same_type) {
            tg_cursor_write(&to, n, x);
        } else {
            conversions[src->dtype][dst->dtype](n, converted, x);
            tg_cursor_write(&to, n, converted);
        }
        done += n;
    }
}

void tg_array_copy(const tg_array *dst, const tg_array *src) {
    int64_t size = tg_array_size(dst);
    if (size == 0 || dst->data == src->data) return;
    if (!tg_array_is_contiguous(dst)) {
        copy_blocks(dst, src, size);
    } else if (dst->dtype == src->dtype) {
        tg_cursor from;
        tg_cursor_over(&from, src);
        tg_cursor_read(&from, size, dst->data);
    } else if (tg_array_is_contiguous(src)) {
        conversions[src->dtype][dst->dtype](size, dst->data, src->data);
    } else {
        copy_blocks(dst, src, size);
    }
}
