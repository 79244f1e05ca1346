/* picture_file.c: the files of a picture. Owns: paths, folders, opening and closing. */
#include "models/picture_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static tg_status fail(tg_tape *tape, const char *path, const char *what) {
    return tg_tape_fail(tape, TG_ERR_FILE, path, "%s", what);
}

/* Makes every folder of the path that is missing. */
static tg_status make_folder(tg_tape *tape, const char *folder) {
    char path[TG_PATH_TEXT];
    if ((size_t)snprintf(path, sizeof path, "%s", folder) >= sizeof path) {
        return fail(tape, folder, "the path is too long");
    }
    struct stat found;
    for (char *at = path; *at; at++) {
        if (*at != '/' || at == path) continue;
        *at = 0;
        if (mkdir(path, 0777) != 0 && errno != EEXIST) return fail(tape, path, strerror(errno));
        *at = '/';
    }
    if (mkdir(path, 0777) == 0) return TG_OK;
    if (errno != EEXIST) return fail(tape, path, strerror(errno));
    if (stat(path, &found) == 0 && S_ISDIR(found.st_mode)) return TG_OK;
    return fail(tape, path, "is in the way: not a folder");
}

tg_status tg_picture_path(tg_tape *tape, const char *folder, const char *name, const char *ending,
                          char path[TG_PATH_TEXT]) {
    if (!folder || !*folder || !name || !*name || strchr(name, '/')) {
        return tg_tape_fail(tape, TG_ERR_VALUE, TG_HERE,
                            "picture: needs a folder, and a name without a slash, not '%s'",
                            name ? name : "");
    }
    const tg_status status = make_folder(tape, folder);
    if (status != TG_OK) return status;
    const int n = snprintf(path, TG_PATH_TEXT, "%s/%s.%s", folder, name, ending);
    return n < TG_PATH_TEXT ? TG_OK : fail(tape, name, "the path is too long");
}

FILE *tg_picture_open(tg_tape *tape, const char *folder, const char *name, const char *ending) {
    char path[TG_PATH_TEXT];
    if (tg_picture_path(tape, folder, name, ending, path) != TG_OK) return NULL;
    FILE *file = fopen(path, "w");
    if (!file) (void)fail(tape, path, strerror(errno));
    return file;
}

tg_status tg_picture_close(tg_tape *tape, FILE *file, const char *name) {
    const bool written = !ferror(file);
    errno = 0;
    if (fclose(file) == 0 && written) return TG_OK;
    return fail(tape, name, errno ? strerror(errno) : "could not be written");
}
