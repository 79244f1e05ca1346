/* chain_runs.c: which calls of a chain become runs of the accumulator.
 *
 * Owns: tg_chain_join_calls. All that a chain computes is elementwise at the same places, so that calls may
 * take turns element by element as well as block by block. Must not know operations, only arithmetic. */
#include "core/map_chain.h"

#include <string.h>

enum {
    SHORTEST_LINE = 128, /* shorter ones are gathered: each line of a run is a call */
    REGISTERS = TG_IN_C - TG_IN_B + 1,
    CALL_STEPS = 4,                /* of a call at most, with what it has to put away */
    END_STEPS = 2 + 2 * REGISTERS, /* of the end of a run */
    MOST_STEPS = TG_CHAIN_STEPS,
    CONTIGUOUS = -1 /* line_bytes, until the run's lines are known */
};

typedef struct run_maker {
    tg_chain *chain;
    tg_accumulator_fn *function;
    /* By slot, of sources and of what is spread: where the elements come from, as lines of so many. */
    bool lined[TG_CHAIN_SLOTS];
    tg_chain_lines lines[TG_CHAIN_SLOTS];
    int64_t line[TG_CHAIN_SLOTS];
    int fold; /* the first that comes after the run began */
    tg_chain_steps run;
    uint8_t step[MOST_STEPS];
    tg_chain_lines operand[MOST_STEPS];
    bool narrow;
    bool any, stored;       /* the accumulator has a value; it is in its place as well */
    tg_chain_place a, copy; /* that place, and another in memory that has it too (or the same) */
    bool keeps[REGISTERS];  /* values that are in no other place */
    tg_chain_place kept[REGISTERS];
} run_maker;

static bool same_place(const tg_chain_place *a, const tg_chain_place *b) {
    return a->data == b->data && (a->data || a->slot == b->slot);
}

/* --- operands ------------------------------------------------------------------------------------------- */

static bool is_spread(const tg_chain_call *call) { return call->kernel == tg_chain_spread; }

/* Where a source's elements come from, where that is numbers or lines. */
static void note_source(run_maker *m, const tg_chain_source *source) {
    const tg_cursor *c = &source->cursor;
    const int64_t bytes = (int64_t)c->element_bytes, stride = c->stride[c->rank - 1];
    const bool constant = tg_cursor_is_constant(c);
    if (!constant && (c->rank != 2 || source->repeats || source->narrow || (stride != 0 && stride != 1)))
        return;
    if (!constant && c->size[1] < SHORTEST_LINE) return;
    m->lined[source->slot] = true;
    m->line[source->slot] = constant ? 0 : c->size[1];
    m->lines[source->slot] = (tg_chain_lines){c->data + c->offset * bytes, 0, constant ? 0 : stride * bytes,
                                              constant ? 0 : c->stride[0] * bytes};
}

/* The same of a call that spreads one number for each row. */
static void note_spread(run_maker *m, const tg_chain_call *call) {
    const tg_chain_place *from = &call->in[0];
    if (m->chain->row < SHORTEST_LINE) return;
    m->lined[call->out.slot] = true;
    m->line[call->out.slot] = m->chain->row;
    m->lines[call->out.slot] = (tg_chain_lines){from->data, from->slot, 0, from->element_bytes};
}

static bool is_lined(const run_maker *m, const tg_chain_place *place) {
    return !place->data && m->lined[place->slot];
}

static int64_t line_of(const run_maker *m, const tg_chain_place *place) {
    return is_lined(m, place) ? m->line[place->slot] : 0;
}

/* Whether steps can do the call; *line: the elements of its operands' lines, which are those of the others
 * unless either is 0. */
static bool has_steps(const run_maker *m, const tg_chain_call *call, int64_t *line) {
    if (call->arithmetic == TG_NO_ARITHMETIC || call->n_in > 3) return false;
    for (int k = 0; k < call->n_in; k++) {
        const int64_t of_operand = line_of(m, &call->in[k]);
        if (*line && of_operand && *line != of_operand) return false;
        if (of_operand) *line = of_operand;
    }
    return true;
}

/* Whether the block of a slot must be there, because others read it than steps. */
static bool needs_block(const run_maker *m, int slot) {
    const tg_chain *chain = m->chain;
    const tg_chain_place block = {.slot = slot};
    for (int i = 0; i < chain->n_folds; i++)
        if (same_place(&chain->folds[i].in, &block)) return true;
    for (int i = 0; i < chain->n_calls; i++) {
        int64_t line = 0;
        for (int k = 0; k < chain->calls[i].n_in; k++)
            if (same_place(&chain->calls[i].in[k], &block) && !has_steps(m, &chain->calls[i], &line))
                return true;
    }
    return false;
}

/* --- what is still needed ------------------------------------------------------------------------------- */

/* Whether who reads `in` reads what is in the place: as it is, or as lines. */
static bool reads(const run_maker *m, const tg_chain_place *in, const tg_chain_place *place) {
    if (same_place(in, place)) return true;
    if (!is_lined(m, in)) return false;
    const tg_chain_lines *lines = &m->lines[in->slot];
    return same_place(&(tg_chain_place){.data = lines->data, .slot = lines->slot}, place);
}

/* Whether anything from call `from` on, or a fold from `fold` on, reads what is in the place now. */
static bool read_later(const run_maker *m, int from, int fold, const tg_chain_place *place) {
    const tg_chain *chain = m->chain;
    for (int i = from; i <= chain->n_calls; i++) {
        for (; fold < chain->n_folds && chain->folds[fold].after <= i; fold++)
            if (reads(m, &chain->folds[fold].in, place)) return true;
        if (i == chain->n_calls) return false;
        const tg_chain_call *call = &chain->calls[i];
        for (int k = 0; k < call->n_in; k++)
            if (reads(m, &call->in[k], place)) return true;
        if (same_place(&call->out, place)) return false;
    }
    return false;
}

/* --- one run -------------------------------------------------------------------------------------------- */

static void push(run_maker *m, int step, int operand) {
    m->step[m->run.n_steps++] = (uint8_t)TG_STEP(step, operand);
}

/* A step whose operand is in a place: perhaps kept in a register, or lines. */
static void push_with(run_maker *m, int step, const tg_chain_place *place) {
    for (int r = 0; r < REGISTERS; r++)
        if (m->keeps[r] && same_place(&m->kept[r], place)) {
            push(m, step, TG_IN_B + r);
            return;
        }
    tg_chain_lines *to = &m->operand[m->run.n_operands++];
    *to = (tg_chain_lines){place->data, place->slot, place->element_bytes, CONTIGUOUS};
    if (is_lined(m, place)) *to = m->lines[place->slot];
    push(m, step, to->element_bytes ? TG_IN_MEMORY : TG_IS_NUMBER);
}

static bool in_accumulator(const run_maker *m, const tg_chain_place *place) {
    return m->any && (same_place(place, &m->a) || same_place(place, &m->copy));
}

static void store(run_maker *m) {
    if (!m->stored) push_with(m, TG_STEP_STORE, &m->a);
    m->stored = true;
}

/* Before the accumulator changes: what it has goes where it will be read, by an operand of call i other than
 * `but`, or later. */
static void put_away(run_maker *m, int i, int but) {
    const tg_chain_call *call = &m->chain->calls[i];
    if (!m->any || m->stored) return;
    bool wanted = !same_place(&call->out, &m->a) && read_later(m, i + 1, m->fold, &m->a);
    for (int k = 0; k < call->n_in; k++) wanted |= k != but && in_accumulator(m, &call->in[k]);
    for (int r = 0; r < tg_accumulator_registers() && wanted && !m->a.data; r++)
        if (!m->keeps[r]) {
            push(m, TG_STEP_STORE, TG_IN_B + r);
            m->keeps[r] = m->stored = true;
            m->kept[r] = m->a;
            return;
        }
    if (wanted || m->a.data) store(m);
}

/* Those whose values call i was the last to read. */
static void free_registers(run_maker *m, int i) {
    const tg_chain_place *out = &m->chain->calls[i].out;
    for (int r = 0; r < REGISTERS; r++)
        m->keeps[r] &= !same_place(&m->kept[r], out) && read_later(m, i + 1, m->fold, &m->kept[r]);
}

static int reversed(tg_arithmetic arithmetic) {
    if (arithmetic == TG_SUBTRACT) return TG_STEP_SUBTRACT_FROM;
    return arithmetic == TG_DIVIDE ? (int)TG_STEP_DIVIDE_INTO : (int)arithmetic;
}

static void hold(run_maker *m, const tg_chain_place *place, bool stored) {
    m->any = true;
    m->stored = stored;
    m->a = m->copy = *place;
}

/* The steps of call i. */
static void push_call(run_maker *m, int i) {
    const tg_chain_call *call = &m->chain->calls[i];
    const int n_in = call->arithmetic == TG_COPY ? 1 : call->n_in;
    const tg_chain_place *in = &call->in[call->n_in - n_in]; /* an assign copies its last */
    const int operand = n_in > 1 && !in_accumulator(m, &in[0]) && in_accumulator(m, &in[1]);
    if (!in_accumulator(m, &in[operand])) {
        put_away(m, i, -1);
        push_with(m, TG_STEP_LOAD, &in[0]);
        hold(m, &in[0], true);
    }
    if (call->arithmetic == TG_COPY) {
        push_with(m, TG_STEP_STORE, &call->out);
        m->copy = call->out;
        return;
    }
    put_away(m, i, operand);
    if (n_in == 1)
        push(m, (int)call->arithmetic, TG_NO_OPERAND);
    else
        push_with(m, operand ? reversed(call->arithmetic) : (int)call->arithmetic, &in[1 - operand]);
    if (n_in == 3) push_with(m, TG_ADD, &in[2]);
    hold(m, &call->out, false);
    free_registers(m, i);
}

/* Stores what is read after the run, which ends before call i. */
static void put_all_away(run_maker *m, int i) {
    if (m->a.data || read_later(m, i, m->fold, &m->a)) store(m);
    for (int r = 0; r < REGISTERS; r++) {
        if (!m->keeps[r]) continue;
        push(m, TG_STEP_LOAD, TG_IN_B + r);
        m->keeps[r] = false;
        push_with(m, TG_STEP_STORE, &m->kept[r]);
    }
    for (int k = 0; k < m->run.n_operands; k++)
        if (m->operand[k].line_bytes == CONTIGUOUS)
            m->operand[k].line_bytes = m->run.line * m->operand[k].element_bytes;
}

/* Whether call i can be in the run: now it is. */
static bool try_call(run_maker *m, int i) {
    const tg_chain_call *call = &m->chain->calls[i];
    int64_t line = m->run.line;
    if (m->run.n_steps + CALL_STEPS + END_STEPS > MOST_STEPS || !has_steps(m, call, &line)) return false;
    if (m->any && call->narrow != m->narrow) return false;
    if (m->fold < m->chain->n_folds && m->chain->folds[m->fold].after <= i) return false;
    m->run.line = line;
    m->narrow = call->narrow;
    push_call(m, i);
    return true;
}

/* The run that begins with call i; returns the call after it, or i where that has no steps. */
static int make_run(run_maker *m, int i) {
    int end = i;
    m->run = (tg_chain_steps){.function = m->function};
    m->any = false;
    while (end < m->chain->n_calls && try_call(m, end)) end++;
    if (end == i) return i;
    put_all_away(m, end);
    m->step[m->run.n_steps++] = TG_STEP_END;
    return end;
}

/* --- all of them ---------------------------------------------------------------------------------------- */

/* The run in memory of its own; NULL when that is out. */
static const tg_chain_steps *keep_run(const run_maker *m, tg_arena *arena) {
    const size_t steps = (size_t)m->run.n_steps, operands = (size_t)m->run.n_operands;
    tg_chain_steps *run = tg_arena_alloc(arena, sizeof *run, 64);
    uint8_t *step = tg_arena_alloc(arena, steps, 1);
    tg_chain_lines *operand = tg_arena_alloc(arena, operands * sizeof *operand, 64);
    if (!run || !step || !operand) return NULL;
    *run = m->run;
    run->step = memcpy(step, m->step, steps);
    run->operand = memcpy(operand, m->operand, operands * sizeof *operand);
    return run;
}

/* Leaves out what fills blocks that nobody but steps reads. */
static void drop_blocks(run_maker *m) {
    tg_chain *chain = m->chain;
    bool dropped[TG_CHAIN_SLOTS];
    int made = 0, fold = 0;
    for (int slot = 0; slot < TG_CHAIN_SLOTS; slot++) dropped[slot] = m->lined[slot] && !needs_block(m, slot);
    for (int i = 0; i < chain->n_sources; i++)
        if (!dropped[chain->sources[i].slot]) chain->sources[made++] = chain->sources[i];
    chain->n_sources = made;
    made = 0;
    for (int i = 0; i < chain->n_calls; i++) {
        for (; fold < chain->n_folds && chain->folds[fold].after <= i; fold++)
            chain->folds[fold].after = made;
        if (!is_spread(&chain->calls[i]) || !dropped[chain->calls[i].out.slot])
            chain->calls[made++] = chain->calls[i];
    }
    for (; fold < chain->n_folds; fold++) chain->folds[fold].after = made;
    chain->n_calls = made;
}

bool tg_chain_join_calls(tg_chain *chain, tg_arena *arena) {
    run_maker m = {.chain = chain,
                   .function = tg_accumulator_for(chain->value_bytes == sizeof(float) ? TG_F32 : TG_F64)};
    int made = 0;
    int64_t line = 1;
    for (int i = 0; i < chain->n_sources; i++) note_source(&m, &chain->sources[i]);
    for (int i = 0; i < chain->n_calls; i++)
        if (is_spread(&chain->calls[i])) note_spread(&m, &chain->calls[i]);
    drop_blocks(&m);
    for (int i = 0; i < chain->n_calls;) {
        for (; m.fold < chain->n_folds && chain->folds[m.fold].after <= i; m.fold++)
            chain->folds[m.fold].after = made;
        const int end = make_run(&m, i);
        if (end == i) {
            chain->calls[made++] = chain->calls[i++];
            continue;
        }
        const tg_chain_steps *run = keep_run(&m, arena);
        if (!run) return false;
        chain->calls[made++] = (tg_chain_call){.run = run, .narrow = m.narrow};
        if (run->line) line = run->line;
        i = end;
    }
    for (; m.fold < chain->n_folds; m.fold++) chain->folds[m.fold].after = made;
    chain->n_calls = made;
    /* Where blocks may end anywhere, let them end with lines. */
    if (chain->n_folds == 0 && line % chain->unit == 0 && line < chain->block)
        chain->block -= chain->block % line;
    return true;
}
