/* plan_profile.c: where the time of a plan goes.
 *
 * Owns: tg_plan_profile, the table, and what TAPEGRAD_PROFILE asks for. A run is timed by plan_run.c, into a
 * tg_timing; a plan without one reads no clock. */
#include "core/machine_peaks.h"
#include "core/threads.h"
#include "graph/plan_timing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- medians -------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds from the beginning of step `first` to that of step `last`. */
static double median(const tg_plan *plan, const tg_timing *t, uint32_t first, uint32_t last) {
    uint64_t ns[TG_TIMED_RUNS];
    const size_t n = (size_t)tg_timing_kept(t);
    for (size_t i = 0; i < n; i++) {
        const uint64_t *at = tg_timing_run(plan, t, i);
        ns[i] = at[last] - at[first];
    }
    qsort(ns, n, sizeof *ns, compare);
    return n ? (double)(ns[(n - 1) / 2] + ns[n / 2]) / 2 : 0;
}

/* --- the table ------------------------------------------------------------------------------------------ */

typedef struct profile {
    const tg_plan *plan;
    const tg_timing *all, *alone; /* with all threads; with one, NULL where that was not tried */
    tg_peaks peaks;
    double whole; /* ns of a run */
} profile;

static void print_time(FILE *stream, double ns) {
    if (ns < 9999.5)
        fprintf(stream, "%6.0f ns", ns);
    else if (ns < 9999.5e3)
        fprintf(stream, "%6.1f us", ns / 1e3);
    else
        fprintf(stream, "%6.1f ms", ns / 1e6);
}

/* A quantity, and how much of the most that the machine could do in that time it is. */
static void print_share(FILE *stream, double amount, double ns, double peak) {
    char text[TG_QUANTITY_TEXT];
    fprintf(stream, "  %8s ", tg_quantity(amount, text));
    if (peak > 0 && ns > 0)
        fprintf(stream, "%4.0f%%", 100 * amount / (ns * 1e-9 * peak));
    else
        fprintf(stream, "%5s", "");
}

/* Steps [first, last), as one line up to the words. */
static void print_numbers(FILE *stream, const profile *f, uint32_t first, uint32_t last,
                          const tg_work *work) {
    const double ns = median(f->plan, f->all, first, last);
    fprintf(stream, "  ");
    print_time(stream, ns);
    fprintf(stream, "  %5.1f%%", f->whole > 0 ? 100 * ns / f->whole : 0);
    print_share(stream, work->flops, ns, f->peaks.flops);
    print_share(stream, work->bytes, ns, f->peaks.bytes);
    if (f->alone) fprintf(stream, "  %7.2f", ns > 0 ? median(f->plan, f->alone, first, last) / ns : 1);
}

static void print_head(FILE *stream, const profile *f) {
    const tg_plan *plan = f->plan;
    const int threads = tg_thread_count();
    char flops[TG_QUANTITY_TEXT], bytes[TG_QUANTITY_TEXT];
    fprintf(stream, "profile of the plan made at %s\n%llu runs, medians of the last %llu\n", plan->place,
            (unsigned long long)f->all->n_runs, (unsigned long long)tg_timing_kept(f->all));
    fprintf(stream, "peaks measured here with %d thread%s, in %s: %sflop/s, ", threads,
            threads == 1 ? "" : "s", tg_dtype_name(plan->tape->dtype), tg_quantity(f->peaks.flops, flops));
    if (f->peaks.bytes > 0)
        fprintf(stream, "%sB/s; what caches hold can go faster\n", tg_quantity(f->peaks.bytes, bytes));
    else
        fprintf(stream, "no memory to measure B/s\n");
}

static void print_table(FILE *stream, profile *f) {
    const tg_plan *plan = f->plan;
    const tg_step_widths widths = tg_step_widths_of(plan);
    const tg_allocator allocator = plan->tape->allocator;
    f->peaks = tg_peaks_measure(plan->tape->dtype, &allocator);
    f->whole = median(plan, f->all, 0, plan->n_steps);
    print_head(stream, f);
    fprintf(stream, "%5s  %9s  %6s  %8s %5s  %8s %5s%s", "step", "time", "share", "flops", "peak", "bytes",
            "peak", f->alone ? "  threads" : "");
    tg_print_step_heading(stream, widths);
    for (uint32_t i = 0; i < plan->n_steps; i++) {
        fprintf(stream, "%5lu", (unsigned long)i);
        print_numbers(stream, f, i, i + 1, &plan->steps[i].work);
        tg_print_step_text(stream, widths, &plan->steps[i]);
    }
    fprintf(stream, "%5s", "all");
    print_numbers(stream, f, 0, plan->n_steps, &plan->work);
    fprintf(stream, "\n");
}

/* --- a profile that is asked for ------------------------------------------------------------------------ */

static size_t bytes_of_times(const tg_plan *plan) {
    return ((size_t)plan->n_steps + 1) * TG_TIMED_RUNS * sizeof(uint64_t);
}

static tg_status run_timed(const char *where, tg_plan *plan, tg_timing *t) {
    tg_timing *const kept = plan->timing;
    plan->timing = t;
    const tg_status status = tg_plan_run_at(where, plan);
    plan->timing = kept;
    return status;
}

/* In turn, so that what disturbs the machine disturbs both. */
static tg_status run_both(const char *where, tg_plan *plan, int n_runs, tg_timing *all, tg_timing *alone) {
    tg_status status = TG_OK;
    for (int i = 0; status == TG_OK && i < n_runs; i++) {
        status = run_timed(where, plan, all);
        if (!alone || status != TG_OK) continue;
        const int threads = tg_thread_limit(1);
        status = run_timed(where, plan, alone);
        tg_thread_limit(threads);
    }
    return status;
}

tg_status tg_plan_profile_at(const char *where, FILE *table, FILE *trace, tg_plan *plan, int n_runs) {
    if (!plan) return TG_ERR_HANDLE;
    tg_tape *tape = plan->tape;
    if (tape->status) return tape->status;
    const tg_allocator allocator = tape->allocator;
    const size_t bytes = bytes_of_times(plan);
    tg_timing all = {.at = tg_memory_new(&allocator, bytes)},
              alone = {.at = tg_memory_new(&allocator, bytes)};
    const bool compares = table && tg_thread_count() > 1;
    tg_status status = TG_OK;
    if (all.at && alone.at)
        status = run_both(where, plan, n_runs > 0 ? n_runs : TG_TIMED_RUNS, &all, compares ? &alone : NULL);
    else
        status = tg_tape_fail(tape, TG_ERR_MEMORY, where, "plan_profile: out of memory");
    if (status == TG_OK && table)
        print_table(table, &(profile){.plan = plan, .all = &all, .alone = compares ? &alone : NULL});
    if (status == TG_OK && trace) tg_timing_write_trace(trace, plan, &all);
    tg_memory_free(&allocator, all.at, bytes);
    tg_memory_free(&allocator, alone.at, bytes);
    if (status == TG_OK && ((table && ferror(table)) || (trace && ferror(trace)))) return TG_ERR_FILE;
    return status;
}

/* --- TAPEGRAD_PROFILE ----------------------------------------------------------------------------------- */

bool tg_timing_by_environment(tg_plan *plan) {
    const char *wish = getenv("TAPEGRAD_PROFILE");
    if (!wish || !*wish || strcmp(wish, "0") == 0) return true;
    if (strcmp(wish, "1") == 0) wish = "tapegrad-profile";
    tg_timing *t = tg_arena_alloc(&plan->arena, sizeof *t, 64);
    char *prefix = tg_arena_alloc(&plan->arena, strlen(wish) + 1, 1);
    uint64_t *at = tg_arena_alloc(&plan->arena, bytes_of_times(plan), 64);
    if (!t || !prefix || !at) return false;
    strcpy(prefix, wish);
    *t = (tg_timing){.at = at, .prefix = prefix};
    plan->timing = t;
    return true;
}

/* The first file PREFIX-N ENDING, N = first or later, that is not there yet; NULL when it cannot be made. */
static FILE *new_file(const char *prefix, const char *ending, int *number, size_t capacity, char *path) {
    FILE *file = NULL;
    do {
        const int length = snprintf(path, capacity, "%s-%d%s", prefix, *number, ending);
        if (length < 0 || (size_t)length >= capacity)
            errno = ENAMETOOLONG;
        else
            file = fopen(path, "wx");
    } while (!file && errno == EEXIST && ++*number < 100000);
    return file;
}

static bool write_file(const tg_plan *plan, const char *ending, int *number, size_t capacity, char *path) {
    FILE *file = new_file(plan->timing->prefix, ending, number, capacity, path);
    if (!file) return false;
    if (strcmp(ending, ".txt") == 0)
        print_table(file, &(profile){.plan = plan, .all = plan->timing});
    else
        tg_timing_write_trace(file, plan, plan->timing);
    const bool good = !ferror(file);
    return fclose(file) == 0 && good;
}

void tg_timing_write_files(const tg_plan *plan) {
    char path[1024];
    int number = 1;
    if (!plan->timing || plan->timing->n_runs == 0) return;
    errno = 0;
    if (write_file(plan, ".txt", &number, sizeof path, path) &&
        write_file(plan, ".json", &number, sizeof path, path))
        return;
    const tg_call call = {
        .op = &(const struct tg_op){.name = "profile"}, .tape = plan->tape, .where = plan->place};
    tg_warn(&call, "%.300s cannot be written: %s", path, strerror(errno));
}
