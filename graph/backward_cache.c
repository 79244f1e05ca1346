/* backward_cache.c: which gradients a tape has plans for.
 *
 * Making a plan takes longer than running the pass over small arrays, so a graph must have been seen before;
 * where arrays are large it pays at once, in time and in memory. What is kept is bounded by what the tape
 * holds without it: the newest plan, but for the cotangents that computing at once would hold as well; and
 * all plans if there are more. */
#include "graph/backward_cache.h"

#include <string.h>

enum {
    LARGE = 1 << 15,     /* bytes a node, on the average of the tape, from which a plan pays at once */
    MOST_SPAN = 1 << 16, /* nodes of a graph: a plan needs about 1 KB a node while it is made */
    MOST_PATIENCE = 1 << 16
};

/* --- plans ---------------------------------------------------------------------------------------------- */

tg_backward_plan *tg_backward_cache_find(tg_tape *tape, tg_tensor y, const tg_tensor *given) {
    tg_backward_plan **plans = tape->backwards.plans;
    for (int k = 0; k < TG_BACKWARD_PLANS && plans[k]; k++) {
        tg_backward_plan *found = plans[k];
        if (!tg_backward_plan_fits(found, y, given)) continue;
        for (; k > 0; k--) plans[k] = plans[k - 1];
        plans[0] = found;
        tape->backwards.patience = 1;
        return found;
    }
    return NULL;
}

tg_backward_plan *tg_backward_cache_new(const char *where, tg_tape *tape) {
    tg_backward_plan *b = tg_memory_new(&tape->memory, sizeof *b);
    if (!b) return NULL;
    *b = (tg_backward_plan){.n_outputs = 0};
    tg_plan_open(&b->plan, where, tape, tape->memory);
    return b;
}

void tg_backward_plan_free(tg_tape *tape, tg_backward_plan *b) {
    if (!b) return;
    tg_plan_close(&b->plan);
    tg_memory_free(&tape->memory, b, sizeof *b);
}

static void free_last(tg_tape *tape) {
    int last = TG_BACKWARD_PLANS - 1;
    while (last > 0 && !tape->backwards.plans[last]) last--;
    tg_backward_plan_free(tape, tape->backwards.plans[last]);
    tape->backwards.plans[last] = NULL;
}

size_t tg_backward_cache_bytes(const tg_tape *tape) {
    size_t bytes = 0;
    for (int k = 0; k < TG_BACKWARD_PLANS && tape->backwards.plans[k]; k++)
        bytes += tg_backward_plan_bytes(tape->backwards.plans[k]);
    return bytes;
}

bool tg_backward_cache_keep(tg_tape *tape, tg_backward_plan *b) {
    tg_backward_cache *cache = &tape->backwards;
    const size_t most = tg_tape_bytes(tape) - tg_backward_cache_bytes(tape);
    if (tg_backward_plan_bytes(b) - b->plan.counts.slab_bytes > most) return false;
    if (cache->plans[TG_BACKWARD_PLANS - 1]) free_last(tape);
    memmove(cache->plans + 1, cache->plans, (TG_BACKWARD_PLANS - 1) * sizeof *cache->plans);
    cache->plans[0] = b;
    if (cache->patience < MOST_PATIENCE) cache->patience *= 2; /* until one is used */
    while (cache->plans[1] && tg_backward_cache_bytes(tape) > most) free_last(tape);
    return true;
}

bool tg_backward_cache_drop(tg_tape *tape) {
    if (tape->backwards.running || !tape->backwards.plans[0]) return false;
    while (tape->backwards.plans[0]) free_last(tape);
    return true;
}

/* --- what was seen -------------------------------------------------------------------------------------- */

static tg_sighting *find_sighting(tg_tape *tape, tg_tensor y) {
    const struct tg_op *op = tg_node_at(tape, y.node)->op;
    const size_t bytes = tg_arena_used(&tape->arena);
    for (int k = 0; k < TG_SIGHTINGS; k++) {
        tg_sighting *s = &tape->backwards.sightings[k];
        if (s->times && s->y == y.node && s->op == op && s->bytes == bytes) return s;
    }
    return NULL;
}

bool tg_backward_cache_wants(tg_tape *tape, tg_tensor y, uint32_t span, uint64_t *since) {
    tg_backward_cache *cache = &tape->backwards;
    const size_t bytes = tg_arena_used(&tape->arena);
    tg_sighting *s = find_sighting(tape, y);
    *since = s ? s->epoch : 0;
    if (!s) {
        s = &cache->sightings[cache->next_sighting++ % TG_SIGHTINGS];
        *s = (tg_sighting){.op = tg_node_at(tape, y.node)->op, .bytes = bytes, .y = y.node};
    }
    s->epoch = tape->epoch;
    s->times++;
    if (s->refused || span > MOST_SPAN) return false;
    const bool large = bytes / LARGE >= tape->n_nodes;
    if (s->times <= cache->patience && !(large && cache->patience == 1)) return false;
    s->times = 1;
    return true;
}

void tg_backward_cache_refuse(tg_tape *tape, tg_tensor y) {
    tg_sighting *s = find_sighting(tape, y);
    if (s) s->refused = true;
}
