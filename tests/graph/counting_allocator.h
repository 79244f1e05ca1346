/* counting_allocator.h: an allocator for tests that counts, and that fails where it is told to.
 *
 * Owns: the count of calls and bytes, and the check that the library gives back each block with the size that
 * it asked for. The memory itself is malloc's, so that sanitizers see it. */
#ifndef TAPEGRAD_TESTS_COUNTING_ALLOCATOR_H
#define TAPEGRAD_TESTS_COUNTING_ALLOCATOR_H

#include "core/allocator.h"

#include <stdlib.h>
#include <string.h>

typedef struct counting {
    long allocations;    /* asked for, granted or not */
    long fail_at;        /* the one that fails, counted from 0; negative: none */
    bool fail_after;     /* all that follow fail as well */
    long failed, blocks; /* refused; not yet given back */
    size_t bytes, most_bytes;
    long wrong_sizes; /* blocks given back with another size than was asked for */
} counting;

static inline void *counting_call(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    enum { HEAD = 16 }; /* keeps malloc's alignment; holds the size */
    counting *c = context;
    if (new_bytes == 0) {
        if (!ptr) return NULL;
        char *raw = (char *)ptr - HEAD;
        size_t bytes;
        memcpy(&bytes, raw, sizeof bytes);
        c->wrong_sizes += bytes != old_bytes;
        c->bytes -= bytes;
        c->blocks--;
        free(raw);
        return NULL;
    }
    const long i = c->allocations++;
    if (c->fail_at >= 0 && (i == c->fail_at || (c->fail_after && i > c->fail_at))) {
        c->failed++;
        return NULL;
    }
    if (new_bytes > SIZE_MAX / 4) return NULL;
    char *raw = malloc(new_bytes + HEAD);
    if (!raw) return NULL;
    memcpy(raw, &new_bytes, sizeof new_bytes);
    c->bytes += new_bytes;
    c->blocks++;
    if (c->bytes > c->most_bytes) c->most_bytes = c->bytes;
    return raw + HEAD;
}

/* An allocator that fails nothing; set c->fail_at for more. */
static inline tg_allocator counting_allocator(counting *c) {
    *c = (counting){.fail_at = -1};
    return (tg_allocator){counting_call, c};
}

#endif
