/* plan_trace.c: the runs of a plan as a trace to look at.
 *
 * Owns: the JSON of chrome://tracing and Perfetto. Numbers are written from integers, so that a program's
 * locale cannot put commas into them. */
#include "graph/plan_timing.h"

static void write_string(FILE *stream, const char *text) {
    fputc('"', stream);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(stream, "\\%c", c);
        else if (c < 0x20)
            fprintf(stream, "\\u%04x", c);
        else
            fputc(c, stream);
    }
    fputc('"', stream);
}

/* An event from ns `begin` to `end`; the format has microseconds. Its arguments are to follow. */
static void open_event(FILE *stream, const char *kind, uint64_t begin, uint64_t end) {
    const unsigned long long at = begin, long_ = end - begin;
    fprintf(stream,
            ",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"cat\":\"%s\",\"ts\":%llu.%03llu,\"dur\":%llu.%03llu,",
            kind, at / 1000, at % 1000, long_ / 1000, long_ % 1000);
}

static void write_step(FILE *stream, uint32_t i, const tg_step *step, uint64_t begin, uint64_t end) {
    char shape[TG_SHAPE_TEXT];
    open_event(stream, tg_step_name(step), begin, end);
    fprintf(stream, "\"name\":");
    write_string(stream, step->ops[0]->name);
    fprintf(stream, ",\"args\":{\"step\":%lu,\"line\":", (unsigned long)i);
    write_string(stream, step->place);
    fprintf(stream, ",\"result\":\"%s\",\"flops\":%.0f,\"bytes\":%.0f,\"operations\":[",
            tg_shape_format(tg_array_shape(&step->shown), sizeof shape, shape), step->work.flops,
            step->work.bytes);
    for (uint32_t k = 0; k < step->n_ops; k++) {
        if (k) fputc(',', stream);
        write_string(stream, step->ops[k]->name);
    }
    fprintf(stream, "]}}");
}

void tg_timing_write_trace(FILE *stream, const tg_plan *plan, const tg_timing *t) {
    const uint64_t kept = tg_timing_kept(t), oldest = t->n_runs - kept;
    const uint64_t start = kept ? tg_timing_run(plan, t, oldest)[0] : 0;
    fprintf(stream, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
                    "{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"process_name\",\"args\":{\"name\":");
    write_string(stream, plan->place);
    fprintf(stream, "}}");
    for (uint64_t run = oldest; run < t->n_runs; run++) {
        const uint64_t *at = tg_timing_run(plan, t, run);
        open_event(stream, "run", at[0] - start, at[plan->n_steps] - start);
        fprintf(stream, "\"name\":\"run %llu\",\"args\":{}}", (unsigned long long)run + 1);
        for (uint32_t i = 0; i < plan->n_steps; i++)
            write_step(stream, i, &plan->steps[i], at[i] - start, at[i + 1] - start);
    }
    fprintf(stream, "\n]}\n");
}
