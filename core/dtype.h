/* dtype.h: the four element types.
 *
 * Owns: tg_dtype and its sizes and names. Values are f32 or f64 (a tape has one of them), i64 is for
 * indices and labels, bool for masks. */
#ifndef TAPEGRAD_CORE_DTYPE_H
#define TAPEGRAD_CORE_DTYPE_H

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tg_dtype {
    TG_F32 = 0, /* float */
    TG_F64 = 1, /* double */
    TG_I64 = 2, /* int64_t */
    TG_BOOL = 3 /* bool, one byte, 0 or 1 */
} tg_dtype;

/* Bytes of one element: 4, 8, 8, 1. */
TG_API size_t tg_dtype_size(tg_dtype dtype);

/* "f32", "f64", "i64", "bool"; "?" for anything else. Static. */
TG_API const char *tg_dtype_name(tg_dtype dtype);

/* Whether the type holds values that can be differentiated: f32 and f64. */
static inline bool tg_dtype_is_value(tg_dtype dtype) { return dtype == TG_F32 || dtype == TG_F64; }

#ifdef __cplusplus
}
#endif
#endif
