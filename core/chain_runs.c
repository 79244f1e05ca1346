/* chain_runs.c: which calls of a chain become one run of the accumulator.
 *
 * Owns: tg_chain_join_calls. All that a chain computes is elementwise at the same places, so that calls may
 * take turns element by element as well as block by block. Must not know operations, only arithmetic. */
#include "core/map_chain.h"

static bool same_place(const tg_chain_place *a, const tg_chain_place *b) {
    return a->data == b->data && (a->data || a->slot == b->slot);
}

/* --- what is still needed ------------------------------------------------------------------------------- */

/* Whether anything from call `from` on, or a fold from `fold` on, reads the block that `place` is. */
static bool read_later(const tg_chain *chain, int from, int fold, const tg_chain_place *place) {
    for (int i = from; i <= chain->n_calls; i++) {
        for (; fold < chain->n_folds && chain->folds[fold].after <= i; fold++)
            if (same_place(&chain->folds[fold].in, place)) return true;
        if (i == chain->n_calls) return false;
        const tg_chain_call *call = &chain->calls[i];
        for (int k = 0; k < call->n_in; k++)
            if (same_place(&call->in[k], place)) return true;
        if (same_place(&call->out, place)) return false;
    }
    return false;
}

/* --- one run -------------------------------------------------------------------------------------------- */

typedef struct run_maker {
    const tg_chain *chain;
    int fold; /* the first that comes after the run began */
    tg_chain_steps *run;
    const tg_chain_call *last; /* whose result is in the accumulator, ... */
    tg_chain_place also;       /* ... and here: what it has copied, or the same place */
} run_maker;

static void push(run_maker *m, int step, const tg_chain_place *at) {
    m->run->step[m->run->n] = (uint8_t)step;
    m->run->at[m->run->n++] = *at;
}

static bool is_accumulator(const run_maker *m, const tg_chain_place *place) {
    return same_place(place, &m->last->out) || same_place(place, &m->also);
}

/* Which operand of the call is the accumulator's; -1: it cannot go on from there. */
static int operand_of(const run_maker *m, const tg_chain_call *call) {
    if (call->arithmetic == TG_NO_ARITHMETIC || call->narrow != m->last->narrow || call->n_in > 3) return -1;
    if (call->arithmetic == TG_COPY)
        return is_accumulator(m, &call->in[call->n_in - 1]) ? call->n_in - 1 : -1;
    for (int k = 0; k < call->n_in && k < 2; k++)
        if (is_accumulator(m, &call->in[k])) return k;
    return -1;
}

static int reversed(tg_arithmetic arithmetic) {
    if (arithmetic == TG_SUBTRACT) return TG_STEP_SUBTRACT_FROM;
    return arithmetic == TG_DIVIDE ? (int)TG_STEP_DIVIDE_INTO : (int)arithmetic;
}

/* The steps of a call, one of whose operands is in the accumulator. */
static void push_call(run_maker *m, const tg_chain_call *call, int operand) {
    m->also = call->arithmetic == TG_COPY && m->last ? m->last->out : call->out;
    m->last = call;
    if (call->arithmetic == TG_COPY) return;
    if (call->n_in == 1)
        push(m, (int)call->arithmetic, &call->in[0]);
    else
        push(m, operand ? reversed(call->arithmetic) : (int)call->arithmetic, &call->in[1 - operand]);
    if (call->n_in == 3) push(m, TG_ADD, &call->in[2]);
}

static bool begin(run_maker *m, int i) {
    const tg_chain_call *call = &m->chain->calls[i];
    if (call->arithmetic == TG_NO_ARITHMETIC || call->n_in > 3) return false;
    push(m, TG_STEP_LOAD, &call->in[call->arithmetic == TG_COPY ? call->n_in - 1 : 0]);
    push_call(m, call, 0);
    return true;
}

/* Goes on with call i, if it continues, and nothing is to be folded before. */
static bool go_on(run_maker *m, int i) {
    const tg_chain_call *call = &m->chain->calls[i];
    const int operand = operand_of(m, call);
    if (operand < 0 || m->run->n + 4 > TG_ACCUMULATOR_STEPS) return false;
    if (m->fold < m->chain->n_folds && m->chain->folds[m->fold].after <= i) return false;
    for (int k = 0; k < call->n_in && call->arithmetic != TG_COPY; k++)
        if (k != operand && is_accumulator(m, &call->in[k])) return false; /* both operands */
    const tg_chain_place *out = &m->last->out;
    if (out->data || (!same_place(out, &call->out) && read_later(m->chain, i + 1, m->fold, out)))
        push(m, TG_STEP_STORE, out);
    push_call(m, call, operand);
    return true;
}

/* --- all of them ---------------------------------------------------------------------------------------- */

void tg_chain_join_calls(tg_chain *chain, tg_chain_steps *runs) {
    const tg_dtype dtype = chain->value_bytes == sizeof(float) ? TG_F32 : TG_F64;
    int made = 0, fold = 0;
    for (int i = 0, end; i < chain->n_calls; i = end) {
        for (; fold < chain->n_folds && chain->folds[fold].after <= i; fold++)
            chain->folds[fold].after = made;
        run_maker m = {.chain = chain, .fold = fold, .run = runs};
        *runs = (tg_chain_steps){.function = tg_accumulator_for(dtype)};
        end = i + 1;
        if (begin(&m, i))
            while (end < chain->n_calls && go_on(&m, end)) end++;
        if (end == i + 1) {
            chain->calls[made++] = chain->calls[i];
            continue;
        }
        if (m.last->out.data || read_later(chain, end, fold, &m.last->out))
            push(&m, TG_STEP_STORE, &m.last->out);
        chain->calls[made++] = (tg_chain_call){.run = runs++, .narrow = m.last->narrow};
    }
    for (; fold < chain->n_folds; fold++) chain->folds[fold].after = made;
    chain->n_calls = made;
}
