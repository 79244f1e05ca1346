/* bench_threads.c: from how much work on a second thread pays.
 *
 * What it costs to start two threads, when they are awake and when they have gone to sleep; then sums and
 * exponentials of more and more elements, by one thread and by two, whatever the library would choose. What
 * it does choose is in core/threads.h: the bench says for which sizes that was right here. */
#include "core/threads.h"
#include "core/vector_math.h"
#include "measure.h"
#include "tapegrad.h"

enum { MOST = 1 << 18, PAUSE_NS = 2000000 };

static float in[MOST], more[MOST], out[MOST];

typedef struct work {
    int64_t n;
    tg_range_fn *body;
} work;

static void sums(void *context, int64_t begin, int64_t end) {
    (void)context;
    for (int64_t i = begin; i < end; i++) out[i] = in[i] + more[i];
}

static void exponentials(void *context, int64_t begin, int64_t end) {
    (void)context;
    tg_vector_math()->exp_f32(end - begin, out + begin, in + begin);
}

static void nothing(void *context, int64_t begin, int64_t end) { (void)context, (void)begin, (void)end; }

static void by_one(void *context) {
    const work *w = context;
    w->body(NULL, 0, w->n);
}

static void by_two(void *context) {
    const work *w = context;
    tg_parallel_for(w->n, w->n / 2, w->body, NULL);
}

static void start_two(void) {
    work w = {2, nothing};
    contestant start[] = {{.name = "starting two threads", .run = by_two, .context = &w}};
    measure(1, start);
    measure_print(1, start, 1);
    double slept[51];
    for (int i = 0; i < 51; i++) {
        nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
        const double from = measure_now_ns();
        by_two(&w);
        slept[i] = measure_now_ns() - from;
    }
    qsort(slept, 51, sizeof *slept, measure_compare);
    printf("  %-36s", "the same after a pause of 2 ms");
    measure_print_time(slept[25]);
    printf("\n");
}

static void compare(const char *title, tg_range_fn *body, int64_t grain) {
    printf("%s, f32; the library takes two threads from %lld elements on:\n", title, (long long)(2 * grain));
    for (int64_t n = 1 << 10; n <= MOST; n *= 2) {
        work w = {n, body};
        char name[40];
        snprintf(name, sizeof name, "%lld by one thread", (long long)n);
        contestant all[] = {{.name = name, .run = by_one, .context = &w},
                            {.name = "by two", .run = by_two, .context = &w}};
        measure(2, all);
        measure_print(2, all, 1);
    }
}

int main(void) {
    if (!measure_threads(2)) {
        printf("built without OpenMP: there is one thread\n");
        return 0;
    }
    for (int i = 0; i < MOST; i++) in[i] = more[i] = (float)(i % 1000) / 500;
    start_two();
    compare("sums", sums, TG_THREAD_WORK);
    compare("exponentials", exponentials, TG_THREAD_WORK / TG_COSTLY_WORK);
    return 0;
}
