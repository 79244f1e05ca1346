/* test_arena.c: memory handed out in order and taken back in reverse.
 *
 * Owns: the promises of core/arena.h: alignment, no overlap, nothing moves, nothing is asked for twice. */
#include "core/arena.h"

#include "core/random.h"
#include "tests/graph/counting_allocator.h"

#include <criterion/criterion.h>

static counting memory;
static tg_arena arena;
static void open_arena(void) { tg_arena_init(&arena, counting_allocator(&memory)); }
static void close_arena(void) {
    tg_arena_free(&arena);
    cr_expect_eq(memory.bytes, 0);
    cr_expect_eq(memory.blocks, 0);
    cr_expect_eq(memory.wrong_sizes, 0);
}

TestSuite(arena, .init = open_arena, .fini = close_arena);

Test(arena, asks_for_nothing_before_it_is_used) {
    cr_expect_eq(memory.allocations, 0);
    cr_expect_eq(arena.held, 0);
    tg_arena_rewind(&arena, tg_arena_here(&arena));
    tg_arena_free(&arena);
}

Test(arena, gives_aligned_memory_that_does_not_overlap_and_never_moves) {
    enum { MANY = 2000 };
    static unsigned char *block[MANY];
    static size_t size[MANY];
    for (size_t i = 0; i < MANY; i++) {
        const uint64_t bits = tg_random_bits(tg_key_new(3), i);
        const size_t align = (size_t)1 << bits % 7;
        size[i] = i % 97 == 0 ? 100000 + bits / 7 % 50000 : bits / 7 % 300;
        block[i] = tg_arena_alloc(&arena, size[i], align);
        cr_assert_not_null(block[i]);
        cr_expect_eq((uintptr_t)block[i] % align, 0, "block %d of %d bytes, aligned to %d", (int)i,
                     (int)size[i], (int)align);
        if (size[i]) memset(block[i], (int)(i % 251), size[i]);
    }
    for (size_t i = 0; i < MANY; i++)
        for (size_t k = 0; k < size[i]; k++) cr_assert_eq(block[i][k], i % 251, "block %d", (int)i);
    cr_expect_eq(arena.held, memory.bytes);
}

Test(arena, gives_the_same_memory_again_after_a_rewind) {
    void *first = tg_arena_alloc(&arena, 100, 8);
    const tg_arena_position here = tg_arena_here(&arena);
    static const size_t sizes[] = {1000, 70000, 8, 500000, 64, 70000, 3000000};
    enum { N = sizeof sizes / sizeof *sizes };
    void *blocks[N];
    long settled = 0;
    for (int turn = 0; turn < 5; turn++) {
        for (int i = 0; i < N; i++) {
            void *block = tg_arena_alloc(&arena, sizes[i], 64);
            cr_assert_not_null(block);
            if (turn > 0) cr_expect_eq(block, blocks[i], "turn %d, block %d", turn, i);
            blocks[i] = block;
            memset(block, turn, sizes[i]);
        }
        if (turn == 0) settled = memory.allocations;
        tg_arena_rewind(&arena, here);
    }
    cr_expect_eq(memory.allocations, settled);
    cr_expect_eq(tg_arena_here(&arena).offset, here.offset);
    memset(first, 1, 100);
}

Test(arena, finds_room_for_other_sizes_in_what_it_has) {
    const tg_arena_position start = tg_arena_here(&arena);
    static const size_t up[] = {10, 200000, 400000, 3000000}, down[] = {3000000, 400000, 10, 200000};
    for (int i = 0; i < 4; i++) cr_assert_not_null(tg_arena_alloc(&arena, up[i], 64));
    const long settled = memory.allocations;
    tg_arena_rewind(&arena, start);
    for (int i = 0; i < 4; i++) cr_assert_not_null(tg_arena_alloc(&arena, down[i], 64));
    cr_expect_eq(memory.allocations, settled, "the largest first, out of a later chunk");
}

Test(arena, rewinds_to_marks_that_nest_whatever_happened_between) {
    struct {
        tg_arena_position position;
        unsigned char *block;
        size_t bytes;
    } marks[40];
    int depth = 0;
    for (uint64_t turn = 0; turn < 3000; turn++) {
        const uint64_t bits = tg_random_bits(tg_key_new(4), turn);
        if (depth < 40 && bits % 5 < 3) {
            marks[depth].position = tg_arena_here(&arena);
            marks[depth].bytes = bits % 11 == 0 ? bits / 16 % 200000 : bits / 16 % 500;
            marks[depth].block = tg_arena_alloc(&arena, marks[depth].bytes, 16);
            cr_assert_not_null(marks[depth].block);
            if (marks[depth].bytes) memset(marks[depth].block, depth, marks[depth].bytes);
            depth++;
        } else if (depth > 0) {
            depth -= 1 + (int)(bits / 8 % (uint64_t)depth);
            tg_arena_rewind(&arena, marks[depth].position);
        }
        for (int i = 0; i < depth; i++)
            if (marks[i].bytes)
                cr_assert(marks[i].block[0] == i && marks[i].block[marks[i].bytes - 1] == i,
                          "turn %d, mark %d", (int)turn, i);
    }
    cr_expect_lt(memory.allocations, 60, "%d allocations", (int)memory.allocations);
}

Test(arena, grows_by_few_large_chunks) {
    for (int i = 0; i < 300000; i++) cr_assert_not_null(tg_arena_alloc(&arena, 100, 8));
    cr_expect_lt(memory.allocations, 20, "%d allocations for 30 MB", (int)memory.allocations);
    cr_expect_lt(arena.held, 3 * (size_t)30000000, "and at most twice as much as was needed");
}

Test(arena, nothing_is_a_valid_pointer_to_nothing) {
    cr_expect_not_null(tg_arena_alloc(&arena, 0, 64));
    void *a = tg_arena_alloc(&arena, 8, 8);
    cr_expect_not_null(tg_arena_alloc(&arena, 0, 1));
    void *b = tg_arena_alloc(&arena, 8, 8);
    cr_expect_neq(a, b);
}

Test(arena, absurd_sizes_are_refused_and_change_nothing) {
    void *a = tg_arena_alloc(&arena, 100, 8);
    const tg_arena_position here = tg_arena_here(&arena);
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 4 + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        cr_expect_null(tg_arena_alloc(&arena, sizes[i], 64), "%zu bytes", sizes[i]);
    cr_expect_eq(tg_arena_here(&arena).offset, here.offset);
    cr_expect_eq((char *)tg_arena_alloc(&arena, 4, 4) - (char *)a, 100);
}

Test(arena, each_allocation_may_fail_and_be_asked_for_again) {
    for (long k = 0; k < 12; k++) {
        memory.fail_at = memory.allocations + k;
        const tg_arena_position start = tg_arena_here(&arena);
        int refused = 0;
        for (int i = 0; i < 30; i++) {
            unsigned char *block = tg_arena_alloc(&arena, (size_t)40000 << i % 5, 64);
            if (!block) block = tg_arena_alloc(&arena, (size_t)40000 << i % 5, 64), refused++;
            cr_assert_not_null(block, "the second time there is memory");
            memset(block, i, (size_t)40000 << i % 5);
        }
        cr_expect_leq(refused, 1);
        cr_expect_eq(arena.held, memory.bytes);
        tg_arena_rewind(&arena, start);
        tg_arena_free(&arena);
    }
    cr_expect_gt(memory.failed, 0);
}
