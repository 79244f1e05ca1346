/* status.h: what every other header stands on: export marks, status codes, and the caller's place.
 *
 * Owns: tg_status, TG_HERE, TG_API. Must not know of arrays, tapes or operations. */
#ifndef TAPEGRAD_CORE_STATUS_H
#define TAPEGRAD_CORE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TG_VERSION_MAJOR 0
#define TG_VERSION_MINOR 1
#define TG_VERSION_PATCH 0
#define TG_VERSION "0.1.0"

#if defined(__GNUC__)
#define TG_API __attribute__((visibility("default")))
#define TG_MUST_USE __attribute__((warn_unused_result))
#define TG_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define TG_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define TG_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#else
#define TG_API
#define TG_MUST_USE
#define TG_PRINTF(text, first)
#define TG_LIKELY(condition) (condition)
#define TG_UNLIKELY(condition) (condition)
#endif

/* The caller's place as one string, "model.c:42". Every public builder is a macro that adds it. */
#define TG_STRINGIZE_(x) #x
#define TG_STRINGIZE(x) TG_STRINGIZE_(x)
#define TG_HERE __FILE__ ":" TG_STRINGIZE(__LINE__)

/* What went wrong, in kind. The message that belongs to it is tg_tape_error(). */
typedef enum tg_status {
    TG_OK = 0,
    TG_ERR_MEMORY,   /* the allocator returned NULL, or a size is larger than memory can be */
    TG_ERR_SHAPE,    /* shapes, axes or lengths that do not fit */
    TG_ERR_DTYPE,    /* element types that do not fit */
    TG_ERR_HANDLE,   /* an invalid or stale handle, tensors of two tapes, a foreign or stale mark */
    TG_ERR_VALUE,    /* a value out of its range: a label, a learning rate, a slice step of 0 */
    TG_ERR_GRADIENT, /* nothing to differentiate, not differentiable, or changed since it was recorded */
    TG_ERR_NAN,      /* the NaN check found one */
    TG_ERR_FILE,     /* a file cannot be opened, read, written or understood */
    TG_ERR_OP        /* a struct tg_op that is incomplete, or an operation that failed of itself */
} tg_status;

/* A short name, "shape" for TG_ERR_SHAPE. Static; never NULL. */
TG_API const char *tg_status_name(tg_status status);

/* The version of the library that runs, "0.1.0"; TG_VERSION is that of the header. */
TG_API const char *tg_version(void);

#ifdef __cplusplus
}
#endif
#endif
