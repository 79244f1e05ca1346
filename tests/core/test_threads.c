/* test_threads.c: parallel loops cover their range once, in ranges as long as they must be, and do not nest.
 */
#include "core/threads.h"
#include "tests/core/random_array.h"

#include <stdatomic.h>

enum { MOST = 1000 };

struct seen {
    int64_t n, grain;
    atomic_int count[MOST], calls, inner_calls;
};

static void mark(void *context, int64_t begin, int64_t end) {
    struct seen *seen = context;
    atomic_fetch_add(&seen->calls, 1);
    cr_assert(0 <= begin && begin < end && end <= seen->n);
    cr_assert(end - begin > seen->grain - 64 || (begin == 0 && end == seen->n));
    cr_assert(seen->grain >= 64 || end - begin >= seen->grain || end == seen->n);
    cr_assert(seen->grain < 64 || begin % 64 == 0);
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&seen->count[i], 1);
}

Test(threads, every_index_is_visited_once_in_ranges_of_a_grain_or_more) {
    for (int threads = 1; threads <= 5; threads++) {
        use_threads(threads);
        for (int turn = 0; turn < 100; turn++) {
            struct seen seen = {.n = random_between(1, MOST), .grain = random_between(1, 200)};
            tg_parallel_for(seen.n, seen.grain, mark, &seen);
            for (int64_t i = 0; i < seen.n; i++) cr_assert_eq(atomic_load(&seen.count[i]), 1);
            cr_assert_leq(atomic_load(&seen.calls), tg_thread_count());
        }
    }
}

Test(threads, short_loops_stay_in_one_call_and_empty_ones_make_none) {
    use_threads(4);
    struct seen seen = {.n = 99, .grain = 50};
    tg_parallel_for(99, 50, mark, &seen);
    cr_assert_eq(atomic_load(&seen.calls), 1, "a second thread would have less than a grain");
    tg_parallel_for(0, 50, mark, &seen);
    tg_parallel_for(-3, 50, mark, &seen);
    cr_assert_eq(atomic_load(&seen.calls), 1);
}

#ifdef _OPENMP
static void note_length(void *context, int64_t begin, int64_t end) {
    atomic_llong *longest = context;
    long long seen = atomic_load(longest);
    while (end - begin > seen && !atomic_compare_exchange_weak(longest, &seen, end - begin)) {}
}

/* Else the longer range is all that counts, and the second thread brings nothing. */
Test(threads, ranges_are_equally_long) {
    use_threads(2);
    static const int64_t sizes[] = {200, 299, 1000, 100000, 150000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        atomic_llong longest = 0;
        tg_parallel_for(sizes[i], 100, note_length, &longest);
        cr_assert_leq(atomic_load(&longest), sizes[i] / 2 + 64);
        cr_assert_geq(atomic_load(&longest), sizes[i] / 2);
    }
}
#endif

static void count_call(void *context, int64_t begin, int64_t end) {
    struct seen *seen = context;
    (void)begin, (void)end;
    atomic_fetch_add(&seen->inner_calls, 1);
}

static void nest(void *context, int64_t begin, int64_t end) {
    struct seen *seen = context;
    (void)begin, (void)end;
    atomic_fetch_add(&seen->calls, 1);
    tg_parallel_for(100, 1, count_call, seen);
}

Test(threads, loops_within_loops_run_in_their_thread) {
    use_threads(3);
    struct seen seen = {.n = 3, .grain = 1};
    tg_parallel_for(3, 1, nest, &seen);
    cr_assert_eq(atomic_load(&seen.calls), atomic_load(&seen.inner_calls));
}

Test(threads, the_number_of_threads_is_openmps) {
    use_threads(3);
#ifdef _OPENMP
    cr_assert_eq(tg_thread_count(), 3);
#else
    cr_assert_eq(tg_thread_count(), 1);
#endif
}

static void add_length(void *context, int64_t begin, int64_t end) {
    atomic_llong *covered = context;
    atomic_fetch_add(covered, end - begin);
}

Test(threads, the_longest_loop_does_not_overflow) {
    use_threads(4);
    atomic_llong covered = 0;
    tg_parallel_for(INT64_MAX, 7, add_length, &covered);
    cr_assert_eq(atomic_load(&covered), INT64_MAX);
}
