/* plan_memory.c: where the intermediate results of a plan lie.
 *
 * Owns: how long each result is needed, and the slab that they share: best fit, 64-byte alignment, in place
 * where an operand is read for the last time. Must not know how steps are run. */
#include "graph/plan_parts.h"

#include <string.h>

/* --- how long ------------------------------------------------------------------------------------------- */

/* Notes who reads v's inputs: another unit, which therefore finds them in memory, or a member after it. */
static void note_reads(tg_planning *p, uint32_t unit, const tg_value *v) {
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        tg_value *root = tg_value_root(p, tg_value_input(p, v, k));
        root->last_unit = unit;
        if (root->unit != unit) root->in_memory |= root->role == TG_ROLE_COMPUTED;
    }
}

static void note_lifetimes(tg_planning *p) {
    for (uint32_t u = 0; u < p->n_units; u++) {
        const tg_unit *unit = &p->units[u];
        for (uint32_t i = 0; i < unit->n; i++) {
            tg_value *v = &p->values[p->members[unit->first + i]];
            if (v->root != tg_value_id(p, v)) continue; /* an assign writes to its leaf */
            v->last_unit = u;
            const bool within = unit->adds && i == 0; /* a sum that is made with it lies there */
            v->in_memory |= v->kept || (i < tg_unit_first_in_blocks(unit) && !within) || v->late;
        }
        for (uint32_t i = 0; i < unit->n; i++) note_reads(p, u, &p->values[p->members[unit->first + i]]);
    }
}

/* --- the slab ------------------------------------------------------------------------------------------- */

typedef struct hole {
    size_t offset, bytes;
} hole;

typedef struct slab {
    hole *holes; /* by offset, no two adjacent */
    size_t n, end;
} slab;

static size_t take(slab *s, size_t bytes) {
    size_t best = s->n;
    for (size_t i = 0; i < s->n; i++)
        if (s->holes[i].bytes >= bytes && (best == s->n || s->holes[i].bytes < s->holes[best].bytes))
            best = i;
    if (best == s->n) { /* at the end, where the last hole may help */
        const bool joins = s->n && s->holes[s->n - 1].offset + s->holes[s->n - 1].bytes == s->end;
        const size_t at = joins ? s->holes[--s->n].offset : s->end;
        s->end = at + bytes;
        return at;
    }
    hole *h = &s->holes[best];
    const size_t at = h->offset;
    h->offset += bytes;
    h->bytes -= bytes;
    if (!h->bytes) memmove(h, h + 1, (--s->n - best) * sizeof *h);
    return at;
}

static void give_back(slab *s, size_t offset, size_t bytes) {
    size_t i = s->n;
    while (i > 0 && s->holes[i - 1].offset > offset) i--;
    const bool before = i > 0 && s->holes[i - 1].offset + s->holes[i - 1].bytes == offset;
    const bool after = i < s->n && offset + bytes == s->holes[i].offset;
    if (before && after) {
        s->holes[i - 1].bytes += bytes + s->holes[i].bytes;
        memmove(&s->holes[i], &s->holes[i + 1], (--s->n - i) * sizeof *s->holes);
    } else if (before) {
        s->holes[i - 1].bytes += bytes;
    } else if (after) {
        s->holes[i].offset = offset;
        s->holes[i].bytes += bytes;
    } else {
        memmove(&s->holes[i + 1], &s->holes[i], (s->n++ - i) * sizeof *s->holes);
        s->holes[i] = (hole){offset, bytes};
    }
}

static bool in_slab(const tg_value *v) {
    return v->role == TG_ROLE_COMPUTED && v->in_memory && !v->kept && v->into == TG_NONE;
}

/* --- in place ------------------------------------------------------------------------------------------- */

/* Notes for all that the unit reads which member is the last to do so. What another unit from `first` on
 * reads as well, at the same time, stays where it is. */
static void note_last_readers(tg_planning *p, uint32_t first, uint32_t u) {
    const tg_unit *unit = &p->units[u];
    for (uint32_t i = 0; i < unit->n; i++) {
        const tg_value *v = &p->values[p->members[unit->first + i]];
        const bool reduces = unit->kind == TG_STEP_CHAIN && v->node->op->kind == TG_REDUCE;
        const int64_t n = reduces ? unit->form.n : tg_value_size(v);
        for (uint32_t k = 0; k < v->node->n_in; k++) {
            const tg_value *x = tg_value_input(p, v, k);
            tg_value *root = tg_value_root(p, x);
            /* A product reads all of it for each of its panels, and what it adds after it has written. */
            const bool by_panel = unit->kind == TG_STEP_PRODUCT && i < tg_unit_first_in_blocks(unit);
            const bool whole = !by_panel && tg_value_is_whole(p, x) && tg_value_is_direct(x, n);
            const bool others = root->read_in != TG_NONE && root->read_in >= first && root->read_in != u;
            root->whole_here = whole && !others && (root->read_in != u || root->whole_here);
            root->read_in = u;
            root->last_here = i;
        }
    }
}

/* An input of member i whose memory its result may take over: read for the last time here, by this member or
 * ones before it, in the same places. NULL: none. */
static tg_value *operand_to_replace(const tg_planning *p, uint32_t u, uint32_t i, const tg_value *v) {
    const tg_unit *unit = &p->units[u];
    if (v->node->op->kind != TG_MAP) return NULL;
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        tg_value *root = tg_value_root(p, tg_value_input(p, v, k));
        if (!in_slab(root) || root->last_unit != u || root->replaced) continue;
        if (root->unit == u && unit->kind == TG_STEP_CHAIN) continue; /* may be folded later */
        if (root->node->dtype != v->node->dtype || tg_value_bytes(root) != tg_value_bytes(v)) continue;
        if (root->last_here <= i && root->whole_here) return root;
    }
    return NULL;
}

static void place_member(tg_planning *p, slab *s, uint32_t u, uint32_t i) {
    tg_value *v = &p->values[p->members[p->units[u].first + i]];
    if (v->root != tg_value_id(p, v)) return;
    p->plan->counts.all_bytes += tg_slab_bytes(tg_value_bytes(v));
    if (!in_slab(v)) return;
    tg_value *old = operand_to_replace(p, u, i, v);
    if (old) {
        v->offset = old->offset;
        old->replaced = true;
    } else {
        v->offset = take(s, tg_slab_bytes(tg_value_bytes(v)));
    }
}

/* Gives back what unit u is the last to read, or computed for nobody. */
static void release(slab *s, uint32_t u, tg_value *root) {
    if (!in_slab(root) || root->last_unit != u || root->replaced) return;
    root->replaced = true;
    give_back(s, root->offset, tg_slab_bytes(tg_value_bytes(root)));
}

static void place_unit(tg_planning *p, slab *s, uint32_t u) {
    tg_unit *unit = &p->units[u];
    size_t parts = 0;
    for (uint32_t i = 0; i < unit->n; i++) {
        place_member(p, s, u, i);
        parts += p->values[p->members[unit->first + i]].late;
    }
    if (parts == 0) return;
    parts *= tg_slab_bytes((size_t)tg_chain_partials(&unit->form) * unit->form.value_bytes);
    unit->parts_offset = take(s, tg_slab_bytes(parts));
    give_back(s, unit->parts_offset, tg_slab_bytes(parts));
}

static void release_unit(tg_planning *p, slab *s, uint32_t u) {
    const tg_unit *unit = &p->units[u];
    for (uint32_t i = 0; i < unit->n; i++) {
        tg_value *v = &p->values[p->members[unit->first + i]];
        for (uint32_t k = 0; k < v->node->n_in; k++) release(s, u, tg_value_root(p, tg_value_input(p, v, k)));
        if (v->root == tg_value_id(p, v)) release(s, u, v);
    }
}

/* Units that are computed at once: nothing is given back before all of them have a place. */
static void place_step(tg_planning *p, slab *s, uint32_t first) {
    const uint32_t end = first + p->units[first].at_once;
    for (uint32_t u = first; u < end; u++) note_last_readers(p, first, u);
    for (uint32_t u = first; u < end; u++) place_unit(p, s, u);
    for (uint32_t u = first; u < end; u++) release_unit(p, s, u);
}

bool tg_plan_place(tg_planning *p) {
    note_lifetimes(p);
    tg_plan_write_through(p);
    slab s = {.holes = tg_planning_temporary(p, (size_t)p->n_computed + p->n_units + 1, sizeof *s.holes)};
    if (!s.holes) return false;
    for (uint32_t u = 0; u < p->n_units; u += p->units[u].at_once) place_step(p, &s, u);
    p->plan->counts.slab_bytes = s.end;
    p->slab = tg_planning_memory(p, s.end + 1, 1);
    if (p->slab) memset(p->slab, 0, s.end + 1); /* forwards are tried on it before anything is computed */
    return p->slab != NULL;
}
