/* test_plan_profile.c: where the time of a plan goes, as a table and as a trace.
 *
 * Owns: tg_plan_profile and TAPEGRAD_PROFILE: which runs they make, what they write and where, what they do
 * without memory or files. Times are looked at for their form only. */
#include "counting_allocator.h"
#include "expect_error.h"
#include "graph/plan_parts.h"
#include "tapegrad.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static char table[20000], trace[400000];

static void threads(int n) {
#ifdef _OPENMP
    omp_set_num_threads(n);
#else
    (void)n;
#endif
}

/* A counter that each run raises by one, and two steps more. */
static tg_plan *counting_plan(tg_tape *tape, tg_tensor *counter) {
    *counter = tg_scalar(tape, 0);
    tg_tensor outputs[3];
    const tg_tensor x = tg_ones(tape, TG_SHAPE(30, 40));
    outputs[0] = tg_assign(*counter, tg_add(*counter, tg_num(1)));
    outputs[1] = tg_matmul_at("a \"b\"\\c.c:7\t", x, tg_transpose(x));
    outputs[2] = tg_sum_at("sum.c:9", tg_exp(x));
    tg_plan *plan = tg_plan_new_at("main.c:3", tape, 3, outputs);
    cr_assert(plan, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_write_f64(*counter, 1, (double[]){0}), TG_OK);
    return plan;
}

static tg_status profile(tg_plan *plan, int n_runs) {
    FILE *to = fmemopen(table, sizeof table, "w"), *json = fmemopen(trace, sizeof trace, "w");
    const tg_status status = tg_plan_profile(to, json, plan, n_runs);
    fclose(to);
    fclose(json);
    return status;
}

/* --- JSON, as far as a trace has it ----------------------------------------------------------------------
 */

static const char *skip(const char *s) {
    while (isspace((unsigned char)*s)) s++;
    return s;
}

/* The end of the string or number that begins at s; NULL: neither. */
static const char *scalar_end(const char *s) {
    char *end;
    if (*s != '"') return strtod(s, &end), end > s ? end : NULL;
    for (s++; *s && *s != '"'; s++) {
        if ((unsigned char)*s < 0x20 || (*s == '\\' && !strchr("\"\\u", s[1]))) return NULL;
        if (*s == '\\') s++;
    }
    return *s ? s + 1 : NULL;
}

/* The end of the value that begins at s, at most 8 brackets deep; NULL: it is not well formed. */
static const char *value_end(const char *s, int depth) {
    s = skip(s);
    if (*s != '{' && *s != '[') return scalar_end(s);
    const char close = *s == '{' ? '}' : ']';
    if (*(s = skip(s + 1)) == close) return s + 1;
    for (;; s = skip(s + 1)) {
        if (close == '}') {
            s = *s == '"' ? scalar_end(s) : NULL;
            if (!s || *(s = skip(s)) != ':') return NULL;
            s++;
        }
        if (depth == 8 || !(s = value_end(s, depth + 1))) return NULL;
        s = skip(s);
        if (*s == close) return s + 1;
        if (*s != ',') return NULL;
    }
}

static int count(const char *text, const char *what) {
    int n = 0;
    for (; (text = strstr(text, what)) != NULL; text++) n++;
    return n;
}

/* --- asked for -------------------------------------------------------------------------------------------
 */

Test(plan_profile, runs_as_often_as_asked_and_each_run_counts) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor counter;
    tg_plan *plan = counting_plan(tape, &counter);
    threads(1);
    cr_assert_eq(profile(plan, 5), TG_OK);
    cr_expect_eq(tg_item(counter), 5);
    cr_expect(strstr(table, "\n5 runs, medians of the last 5\n"), "%s", table);
    cr_expect_eq(count(trace, "\"name\":\"run "), 5);
    cr_assert_eq(tg_plan_profile(NULL, NULL, plan, 0), TG_OK);
    cr_expect_eq(tg_item(counter), 5 + 64);
    cr_assert_eq(profile(plan, 70), TG_OK);
    cr_expect(strstr(table, "\n70 runs, medians of the last 64\n"), "%s", table);
    cr_expect_eq(count(trace, "\"name\":\"run "), 64, "those that the table is made of");
    cr_expect_not(plan->timing, "later runs are not timed");
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan_profile, the_table_has_a_line_a_step_with_shares_of_what_the_machine_can_do) {
    tg_tape *tape = tg_tape_new(TG_F32);
    tg_tensor counter;
    tg_plan *plan = counting_plan(tape, &counter);
    threads(1);
    cr_assert_eq(profile(plan, 3), TG_OK);
    cr_expect(strstr(table, "profile of the plan made at main.c:3\n") == table, "%s", table);
    cr_expect(strstr(table, "with 1 thread, in f32"), "%s", table);
    cr_expect_eq(count(table, "flop/s"), 1);
    const char *row = strstr(table, "\n    0 ");
    for (uint32_t i = 0; row && i < plan->n_steps; i++) {
        unsigned long step;
        double time, share;
        char unit[3];
        cr_expect_eq(sscanf(row, "%lu %lf %2s %lf%%", &step, &time, unit, &share), 4, "%s", table);
        cr_expect(step == i && time >= 0 && share >= 0 && share <= 100, "%s", table);
        row = strchr(row + 1, '\n');
    }
    cr_assert(row && strncmp(row, "\n  all ", 7) == 0, "%s", table);
    cr_expect(strstr(row, " 100.0% "), "%s", table);
    cr_expect(strstr(table, "sum.c:9"), "%s", table);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

#ifdef _OPENMP
Test(plan_profile, with_several_threads_one_is_tried_too) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor counter;
    tg_plan *plan = counting_plan(tape, &counter);
    threads(2);
    cr_assert_eq(profile(plan, 4), TG_OK);
    cr_expect_eq(tg_item(counter), 8);
    cr_expect(strstr(table, "threads  kind"), "%s", table);
    cr_expect_eq(count(trace, "\"name\":\"run "), 4, "the trace has those with all threads");
    cr_expect_eq(omp_get_max_threads(), 2, "and the limit is what it was");
    tg_plan_free(plan);
    tg_tape_free(tape);
}
#endif

Test(plan_profile, the_trace_is_json_whatever_lines_are_called) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor counter;
    tg_plan *plan = counting_plan(tape, &counter);
    cr_assert_eq(profile(plan, 2), TG_OK);
    const char *end = value_end(trace, 0);
    cr_assert(end, "%s", trace);
    cr_expect_eq(*skip(end), 0);
    cr_expect(strstr(trace, "\"line\":\"a \\\"b\\\"\\\\c.c:7\\u0009\""), "%s", trace);
    cr_expect_eq(count(trace, "\"operations\":[\"matmul\"]"), 2);
    cr_expect_null(value_end("{\"a\":[1,2}", 0), "the check sees mistakes");
    cr_expect_null(value_end("[\"\n\"]", 0));
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan_profile, a_run_that_fails_is_the_error_of_the_profile) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_ones(tape, TG_SHAPE(2, 3)),
                    labels = tg_from_i64(tape, TG_SHAPE(2), 2, (int64_t[]){0, 1});
    const tg_tensor loss = tg_cross_entropy_at("model.c:9", x, labels);
    tg_plan *plan = tg_plan_new(tape, 1, &loss);
    cr_expect_eq(tg_write_i64(labels, 2, (int64_t[]){0, 3}), TG_OK);
    cr_expect_eq(profile(plan, 2), TG_ERR_VALUE);
    cr_expect_eq(profile(plan, 2), TG_ERR_VALUE, "it sticks");
    EXPECT_ERROR(tape, TG_ERR_VALUE, "model.c:9", "label 3");
    cr_expect_eq(profile(NULL, 2), TG_ERR_HANDLE);
    tg_plan_free(plan);
    tg_tape_free(tape);
}

Test(plan_profile, without_memory_it_fails_or_does_without_the_speed_of_memory) {
    for (long at = 0; at < 4; at++) {
        counting c;
        tg_tape *tape = tg_tape_new_with(TG_F64, counting_allocator(&c));
        tg_tensor counter;
        tg_plan *plan = counting_plan(tape, &counter);
        threads(1);
        c.fail_at = c.allocations + at;
        const tg_status status = profile(plan, 1);
        cr_expect_eq(status, at < 2 ? TG_ERR_MEMORY : TG_OK);
        if (at < 2) EXPECT_ERROR(tape, TG_ERR_MEMORY, "test_plan_profile.c", "out of memory");
        if (at == 2) cr_expect(strstr(table, "no memory to measure"), "%s", table);
        if (at == 3) cr_expect_eq(c.failed, 0);
        c.fail_at = -1;
        tg_plan_free(plan);
        tg_tape_free(tape);
        cr_expect_eq(c.blocks, 0);
        cr_expect_eq(c.wrong_sizes, 0);
    }
}

/* --- by the environment ----------------------------------------------------------------------------------
 */

static char folder[] = "/tmp/tapegrad-test-XXXXXX";

static bool holds(const char *name, const char *what) {
    char path[100];
    static char text[400000];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return strstr(text, what) != NULL;
}

static void remove_folder(void) {
    static const char *const names[] = {
        "p-1.txt", "p-1.json", "p-2.txt", "p-2.json", "tapegrad-profile-1.txt", "tapegrad-profile-1.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[100];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    cr_expect_eq(rmdir(folder), 0, "nothing else was written");
}

static void run_profiled(const char *wish, int n_runs, const char *warning) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor counter;
    cr_assert_eq(setenv("TAPEGRAD_PROFILE", wish, 1), 0);
    tg_plan *plan = counting_plan(tape, &counter);
    for (int i = 0; i < n_runs; i++) cr_expect_eq(tg_plan_run(plan), TG_OK);
    cr_expect_eq(tg_item(counter), n_runs);
    tg_plan_free(plan);
    EXPECT_NO_ERROR(tape);
    if (warning)
        cr_expect(tg_tape_warning(tape) && strstr(tg_tape_warning(tape), warning), "%s",
                  tg_tape_warning(tape));
    else
        cr_expect_null(tg_tape_warning(tape));
    tg_tape_free(tape);
}

Test(plan_profile, the_environment_may_ask_for_files) {
    char wish[100];
    cr_assert(mkdtemp(folder));
    snprintf(wish, sizeof wish, "%s/p", folder);
    run_profiled(wish, 3, NULL);
    run_profiled(wish, 100, NULL);
    run_profiled(wish, 0, NULL);
    cr_expect(holds("p-1.txt", "3 runs, medians of the last 3"));
    cr_expect(holds("p-1.json", "\"run 3\"") && !holds("p-1.json", "\"run 4\""));
    cr_expect(holds("p-2.txt", "100 runs, medians of the last 64"), "what is there is not overwritten");
    cr_expect(holds("p-2.json", "\"run 100\"") && !holds("p-2.json", "\"run 36\""));
    cr_assert_eq(chdir(folder), 0);
    run_profiled("1", 1, NULL);
    cr_expect(holds("tapegrad-profile-1.txt", "main.c:3"));
    run_profiled("0", 1, NULL);
    run_profiled("", 1, NULL);
    remove_folder();
}

Test(plan_profile, files_that_cannot_be_written_are_a_warning) {
    char wish[2000];
    run_profiled("/nowhere/p", 1, "main.c:3: profile: /nowhere/p-1.txt cannot be written: ");
    memset(wish, 'p', sizeof wish);
    wish[sizeof wish - 1] = 0;
    run_profiled(wish, 1, "cannot be written: ");
}
