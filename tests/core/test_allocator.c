/* test_allocator.c: the default allocator: alignment, large blocks, and sizes that cannot be. */
#include "core/allocator.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <string.h>

static const size_t large = (size_t)4 << 20;

static void expect_block(size_t bytes, size_t alignment) {
    const tg_allocator allocator = tg_allocator_default();
    char *block = allocator.call(allocator.context, NULL, 0, bytes);
    cr_assert_not_null(block);
    cr_assert_eq((uintptr_t)block % alignment, 0);
    memset(block, 1, bytes);
    cr_assert_null(allocator.call(allocator.context, block, bytes, 0));
}

Test(allocator, small_blocks_are_aligned_as_by_malloc) {
    for (size_t bytes = 1; bytes < 5000; bytes = bytes * 3 + 1) expect_block(bytes, alignof(max_align_t));
    expect_block(large - 1, alignof(max_align_t));
}

Test(allocator, large_blocks_are_aligned_to_huge_pages) {
    expect_block(large, (size_t)2 << 20);
    expect_block(large + 1, (size_t)2 << 20);
}

Test(allocator, freeing_nothing_is_harmless) {
    const tg_allocator allocator = tg_allocator_default();
    cr_assert_null(allocator.call(allocator.context, NULL, 0, 0));
}

Test(allocator, impossible_sizes_are_refused) {
    const tg_allocator allocator = tg_allocator_default();
    cr_assert_null(allocator.call(allocator.context, NULL, 0, SIZE_MAX - large));
    cr_assert_null(allocator.call(allocator.context, NULL, 0, SIZE_MAX));
}
