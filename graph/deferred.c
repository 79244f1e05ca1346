/* deferred.c: recording without computing, and making up for it.
 *
 * A value that is looked at all the same settles everything, because what is recorded next may depend on it;
 * so does a change of a leaf, because what was recorded before it has to find the values of before. */
#include "graph/deferred.h"

void tg_deferral_begin(tg_deferral *deferral, tg_tape *tape, tg_arena *arena) {
    *deferral = (tg_deferral){.arena = tape->arena, .first = tape->n_nodes, .values_on = tape->values_on};
    tape->arena = *arena;
    tape->deferral = deferral;
    tape->deferring = true;
    tape->values_on = false;
}

static void stop(tg_tape *tape) {
    if (tape->deferring) tape->values_on = tape->deferral->values_on;
    tape->deferring = false;
}

void tg_deferral_end(tg_tape *tape, tg_arena *arena) {
    if (!tape->deferral) return;
    stop(tape);
    *arena = tape->arena;
    tape->arena = tape->deferral->arena;
    tape->deferral = NULL;
}

bool tg_settle_now(tg_tape *tape) {
    bool good = true;
    stop(tape);
    for (uint32_t i = tape->deferral->first; good && i < tape->n_nodes; i++)
        if (tg_node_at(tape, i)->flags & TG_NODE_NO_VALUES) good = tg_node_compute(tape, i);
    return good;
}
