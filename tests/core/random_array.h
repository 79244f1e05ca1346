/* random_array.h: arrays of random shapes and strides for tests, and the plain way to read them.
 *
 * Owns: the making of strided, reversed, broadcast and padded layouts. Values are small integers, so that
 * sums and products are exact in float and tests can ask for equality. */
#ifndef TAPEGRAD_TESTS_CORE_RANDOM_ARRAY_H
#define TAPEGRAD_TESTS_CORE_RANDOM_ARRAY_H

#include "core/array.h"
#include "core/random.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static uint64_t random_array_counter;

/* An integer in first..last. */
static inline int64_t random_between(int64_t first, int64_t last) {
    uint64_t bits = tg_random_bits(tg_key_new(7), random_array_counter++);
    return first + (int64_t)(bits % (uint64_t)(last - first + 1));
}

static inline bool one_in(int n) { return random_between(1, n) == 1; }

struct random_array {
    tg_array array;
    int64_t shape[TG_MAX_RANK], strides[TG_MAX_RANK];
    void *memory;
};

static inline void set_element(const tg_array *array, int64_t offset, int64_t value) {
    switch (array->dtype) {
        case TG_F32: ((float *)array->data)[offset] = (float)value; break;
        case TG_F64: ((double *)array->data)[offset] = (double)value; break;
        case TG_I64: ((int64_t *)array->data)[offset] = value; break;
        case TG_BOOL: ((bool *)array->data)[offset] = value % 2 != 0; break;
    }
}

static inline long double get_element(const tg_array *array, int64_t offset) {
    switch (array->dtype) {
        case TG_F32: return (long double)((const float *)array->data)[offset];
        case TG_F64: return (long double)((const double *)array->data)[offset];
        case TG_I64: return (long double)((const int64_t *)array->data)[offset];
        case TG_BOOL: return (long double)((const bool *)array->data)[offset];
    }
    return 0;
}

/* The element that stands at a place (in row-major order) of a shape to which the array broadcasts. */
static inline long double element_at(const tg_array *array, tg_shape shape, int64_t place) {
    int64_t offset = 0;
    for (int i = shape.rank - 1; i >= 0; i--) {
        int64_t index = place % shape.dim[i];
        int axis = i - (shape.rank - array->rank);
        place /= shape.dim[i];
        if (axis >= 0 && array->shape[axis] != 1) offset += index * array->strides[axis];
    }
    return get_element(array, offset);
}

/* Contiguous and filled with -4..4 when plain; else with permuted, reversed, padded and repeated axes. */
static inline struct random_array *random_array_new(tg_dtype dtype, tg_shape shape, bool plain) {
    struct random_array *x = calloc(1, sizeof *x);
    int64_t order[TG_MAX_RANK], run = 1, first = 0;
    for (int i = 0; i < shape.rank; i++) {
        int64_t j = plain || one_in(2) ? i : random_between(0, i);
        order[i] = order[j];
        order[j] = i;
        x->shape[i] = shape.dim[i];
    }
    for (int i = shape.rank - 1; i >= 0; i--) {
        const int64_t axis = order[i], size = shape.dim[axis], step = !plain && one_in(5) ? 2 : 1;
        if (!plain && one_in(8)) continue; /* stride 0 */
        x->strides[axis] = run * step;
        run *= step * (size > 0 ? size : 1);
        if (!plain && one_in(5)) run += 3;
        if (!plain && one_in(5) && size > 0) {
            first += (size - 1) * x->strides[axis];
            x->strides[axis] *= -1;
        }
    }
    x->memory = malloc((size_t)run * tg_dtype_size(dtype));
    x->array = (tg_array){x->memory, x->shape, x->strides, shape.rank, dtype};
    for (int64_t i = 0; i < run; i++) set_element(&x->array, i, random_between(-4, 4));
    x->array.data = (char *)x->memory + (size_t)first * tg_dtype_size(dtype);
    return x;
}

static inline void random_array_free(struct random_array *x) {
    free(x->memory);
    free(x);
}

static inline tg_shape random_shape(int rank, int64_t most) {
    tg_shape shape = {rank, {0}};
    for (int i = 0; i < rank; i++) shape.dim[i] = one_in(20) ? 0 : random_between(1, most);
    return shape;
}

static inline void use_threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

#endif
