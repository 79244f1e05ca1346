/* map_driver.c: runs an elementwise kernel over arrays of any strides.
 *
 * Owns: which operands a kernel reads where they lie and which are gathered into blocks on the stack, and
 * the threads of elementwise work. Knows kernels, not operations. */
#include "core/map_driver.h"

#include "core/cursor.h"
#include "core/threads.h"

/* A block of every operand stays in L1: 512 elements of 4 bytes, 256 of 8. */
#define BLOCK_BYTES 2048

/* Elements side by side that are worth a call of the kernel. */
#define LONG_RUN 128

struct map_work {
    tg_map_kernel *kernel;
    const void *attr;
    char *out;
    int n_in;
    int64_t out_bytes, block; /* of an element, in elements */
    int64_t in_bytes[TG_MAX_MAP_INPUTS];
    const char *direct[TG_MAX_MAP_INPUTS]; /* NULL: gathered through its cursor */
    tg_cursor cursor[TG_MAX_MAP_INPUTS];
};

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }

/* All operands lie as the kernel wants them: one call. */
static void map_direct(void *context, int64_t begin, int64_t end) {
    const struct map_work *work = context;
    const void *x[TG_MAX_MAP_INPUTS];
    for (int i = 0; i < work->n_in; i++) x[i] = work->direct[i] + begin * work->in_bytes[i];
    work->kernel(end - begin, work->out + begin * work->out_bytes, x, work->attr);
}

/* Points x at operand i for the next n elements: where they lie, or gathered into the buffer. */
static const void *next_block(const struct map_work *work, int i, tg_cursor *cursor, int64_t at, int64_t n,
                              char *buffer) {
    if (work->direct[i] != NULL) return work->direct[i] + at * work->in_bytes[i];
    if (tg_cursor_run(cursor) >= n) return tg_cursor_take(cursor, n);
    if (!tg_cursor_is_constant(cursor)) tg_cursor_read(cursor, n, buffer);
    return buffer;
}

static void map_blocks(void *context, int64_t begin, int64_t end) {
    const struct map_work *work = context;
    _Alignas(64) char buffer[TG_MAX_MAP_INPUTS][BLOCK_BYTES];
    tg_cursor cursor[TG_MAX_MAP_INPUTS];
    for (int i = 0; i < work->n_in; i++) {
        if (work->direct[i] != NULL) continue;
        cursor[i] = work->cursor[i];
        tg_cursor_seek(&cursor[i], begin);
        /* A constant fills its buffer once. */
        if (tg_cursor_is_constant(&cursor[i])) {
            tg_cursor_read(&cursor[i], min(end - begin, work->block), buffer[i]);
        }
    }
    for (int64_t at = begin, n; at < end; at += n) {
        n = min(end - at, work->block);
        /* A block ends where a long run of an operand does, so that it need not be gathered. */
        for (int i = 0; i < work->n_in; i++) {
            int64_t run = work->direct[i] != NULL ? 0 : tg_cursor_run(&cursor[i]);
            if (run >= LONG_RUN) n = min(n, run);
        }
        const void *x[TG_MAX_MAP_INPUTS];
        for (int i = 0; i < work->n_in; i++) x[i] = next_block(work, i, &cursor[i], at, n, buffer[i]);
        work->kernel(n, work->out + at * work->out_bytes, x, work->attr);
    }
}

void tg_map_run(tg_map_kernel *kernel, int n_in, const tg_array *in, const tg_array *out, const void *attr,
                tg_cost cost) {
    struct map_work work;
    int64_t n = tg_array_size(out);
    if (n == 0) return;
    work.kernel = kernel;
    work.attr = attr;
    work.n_in = n_in;
    work.out = out->data;
    work.out_bytes = (int64_t)tg_dtype_size(out->dtype);
    int64_t widest = work.out_bytes < 4 ? 4 : work.out_bytes;
    bool all_direct = true;
    for (int i = 0; i < n_in; i++) {
        work.in_bytes[i] = (int64_t)tg_dtype_size(in[i].dtype);
        if (work.in_bytes[i] > widest) widest = work.in_bytes[i];
        /* A shape that broadcasts to out's and has as many elements is out's but for leading ones. */
        if (tg_array_size(&in[i]) == n && tg_array_is_contiguous(&in[i])) {
            work.direct[i] = in[i].data;
        } else {
            all_direct = false;
            work.direct[i] = NULL;
            tg_cursor_over_broadcast(&work.cursor[i], &in[i], out->rank, out->shape);
        }
    }
    work.block = BLOCK_BYTES / widest;
    tg_parallel_for(n, tg_thread_grain(tg_work_of(cost)), all_direct ? map_direct : map_blocks, &work);
}
