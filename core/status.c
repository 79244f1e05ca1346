/* status.c: the names of the status codes, and the version.
 *
 * Owns: nothing but these strings. Must not know what the codes are used for. */
#include "core/status.h"

const char *tg_status_name(tg_status status) {
    static const char *const names[] = {
        [TG_OK] = "ok",
        [TG_ERR_MEMORY] = "memory",
        [TG_ERR_SHAPE] = "shape",
        [TG_ERR_DTYPE] = "dtype",
        [TG_ERR_HANDLE] = "handle",
        [TG_ERR_VALUE] = "value",
        [TG_ERR_GRADIENT] = "gradient",
        [TG_ERR_NAN] = "nan",
        [TG_ERR_FILE] = "file",
        [TG_ERR_OP] = "op",
    };
    size_t i = (size_t)status;
    return i < sizeof names / sizeof names[0] ? names[i] : "?";
}

const char *tg_version(void) { return TG_VERSION; }
