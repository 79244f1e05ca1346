/* test_machine_peaks.c: peaks are found for both dtypes and any number of threads, and memory is given back.
 */
#include "core/machine_peaks.h"
#include "tests/core/random_array.h"

#include <math.h>
#include <stdlib.h>

/* Counts the bytes in use, and has none where limit is 0. */
struct heap {
    size_t limit, used, most;
};

static void *count(void *context, void *ptr, size_t old_bytes, size_t new_bytes) {
    struct heap *heap = context;
    if (new_bytes > heap->limit) return NULL;
    heap->used += new_bytes - old_bytes;
    if (heap->used > heap->most) heap->most = heap->used;
    if (new_bytes) return malloc(new_bytes);
    free(ptr);
    return NULL;
}

Test(machine_peaks, are_found_and_memory_is_given_back) {
    for (int threads = 1; threads <= 2; threads++) {
        use_threads(threads);
        for (tg_dtype dtype = TG_F32; dtype <= TG_F64; dtype++) {
            struct heap heap = {.limit = SIZE_MAX};
            const tg_allocator allocator = {count, &heap};
            const tg_peaks peaks = tg_peaks_measure(dtype, &allocator);
            cr_expect(isfinite(peaks.flops) && peaks.flops > 1e6, "%g", peaks.flops);
            cr_expect(isfinite(peaks.bytes) && peaks.bytes > 1e6, "%g", peaks.bytes);
            cr_expect_eq(heap.used, 0);
            cr_expect_gt(heap.most, 0);
        }
    }
}

Test(machine_peaks, without_memory_only_arithmetic_is_measured) {
    struct heap heap = {0};
    const tg_allocator allocator = {count, &heap};
    const tg_peaks peaks = tg_peaks_measure(TG_F32, &allocator);
    cr_expect_gt(peaks.flops, 0);
    cr_expect_eq(peaks.bytes, 0);
}

Test(machine_peaks, the_clock_goes_on) {
    const uint64_t start = tg_clock_ns();
    uint64_t now = start;
    while (now == start) now = tg_clock_ns();
    cr_expect_gt(now, start);
}
