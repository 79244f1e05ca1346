/* dtype.c: sizes and names of the four element types.
 *
 * Owns: one table. Must not know of arrays. */
#include "core/dtype.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {
    [TG_F32] = {"f32", sizeof(float)},
    [TG_F64] = {"f64", sizeof(double)},
    [TG_I64] = {"i64", sizeof(int64_t)},
    [TG_BOOL] = {"bool", sizeof(bool)},
};

static bool is_known(tg_dtype dtype) { return (size_t)dtype < sizeof dtypes / sizeof dtypes[0]; }

size_t tg_dtype_size(tg_dtype dtype) { return is_known(dtype) ? dtypes[dtype].size : 0; }

const char *tg_dtype_name(tg_dtype dtype) { return is_known(dtype) ? dtypes[dtype].name : "?"; }
