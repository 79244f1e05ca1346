/* plan_postpone.c: which cheap operations wait for those that read them.
 *
 * Owns: the choice not to compute 1 - y * y as soon as y is there, as tanh's gradient records it, but in the
 * chain that multiplies by it: there it stays in registers, and until then only y is in memory. Who reads
 * what. Must not know how chains grow. */
#include "graph/plan_parts.h"

#include <string.h>

enum {
    FEWEST = 64, /* elements: fewer are not worth the search */
    MOST_READERS = 4,
    FAR = 4 /* operations on the way to one that cannot wait */
};

/* Calls `note` with every value that is computed and the root of each of its inputs. */
static void for_each_reading(tg_planning *p, void (*note)(tg_planning *p, uint32_t root, uint32_t reader)) {
    for (uint32_t i = 0; i < p->n_values; i++) {
        const tg_value *v = &p->values[i];
        if (v->role != TG_ROLE_COMPUTED || v->same != i) continue;
        for (uint32_t k = 0; k < v->node->n_in; k++) note(p, tg_value_input(p, v, k)->root, i);
    }
}

static void count_reader(tg_planning *p, uint32_t root, uint32_t reader) {
    (void)reader;
    p->first_reader[root + 2]++;
}

/* Leaves in first_reader[root + 1] where those of the next root begin. */
static void add_reader(tg_planning *p, uint32_t root, uint32_t reader) {
    p->readers[p->first_reader[root + 1]++] = reader;
}

bool tg_plan_find_readers(tg_planning *p) {
    const size_t n = (size_t)p->n_values + 2;
    p->first_reader = tg_planning_temporary(p, n, sizeof *p->first_reader);
    if (!p->first_reader) return false;
    memset(p->first_reader, 0, n * sizeof *p->first_reader);
    for_each_reading(p, count_reader);
    for (size_t i = 1; i < n; i++) p->first_reader[i] += p->first_reader[i - 1];
    p->readers = tg_planning_temporary(p, p->first_reader[n - 1], sizeof *p->readers);
    if (!p->readers) return false;
    for_each_reading(p, add_reader);
    return true;
}

/* Whether v is arithmetic that nobody reads but elementwise operations of its size, and these as it is. */
static bool is_cheap(const tg_planning *p, const tg_value *v) {
    const uint32_t id = tg_value_id(p, v), *r = &p->first_reader[id];
    const tg_arithmetic arithmetic = v->node->op ? v->node->op->arithmetic : TG_NO_ARITHMETIC;
    if (v->role != TG_ROLE_COMPUTED || v->kept || arithmetic <= TG_COPY || v->node->n_in > 3) return false;
    if (r[1] == r[0] || r[1] - r[0] > MOST_READERS || v->node->dtype != p->tape->dtype) return false;
    for (uint32_t i = r[0]; i < r[1]; i++) {
        const tg_value *w = &p->values[p->readers[i]];
        if (w->node->op->kind != TG_MAP || tg_value_size(w) != tg_value_size(v)) return false;
        for (uint32_t k = 0; k < w->node->n_in; k++) {
            const tg_value *x = tg_value_input(p, w, k);
            if (x->root == id && x != v) return false;
        }
    }
    return true;
}

/* The one value in memory that v, and what is computed for v alone, are made from, but for numbers; NULL
 * where there are several, so that waiting would keep more of them. */
static const tg_value *only_base(const tg_planning *p, const tg_value *v, int far) {
    const tg_value *base = NULL;
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const tg_value *x = tg_value_input(p, v, k), *root = tg_value_root(p, x);
        if (root->assigned || x->node->dtype != v->node->dtype) return NULL;
        if (tg_value_size(x) == 1 && root->role == TG_ROLE_GIVEN) continue;
        if (!tg_value_is_whole(p, x) || tg_value_size(x) != tg_value_size(v)) return NULL;
        if (root->role == TG_ROLE_COMPUTED && root->unit == TG_NONE && far > 0 && is_cheap(p, root))
            root = only_base(p, root, far - 1);
        if (!root || (base && base != root)) return NULL;
        base = root;
    }
    return base;
}

static bool can_wait(const tg_planning *p, const tg_value *v) {
    return is_cheap(p, v) && only_base(p, v, FAR) != NULL;
}

/* Whether one that cannot wait reads v, by way of others that can, and finds all else that it reads: there
 * now, or when the values before `turn` have been computed. */
static bool is_read(const tg_planning *p, const tg_value *v, uint32_t turn, int far) {
    const uint32_t *r = &p->first_reader[tg_value_id(p, v)];
    for (uint32_t i = r[0]; i < r[1]; i++) {
        const tg_value *w = &p->values[p->readers[i]];
        bool there = true;
        for (uint32_t k = 0; k < w->node->n_in; k++) {
            const tg_value *x = tg_value_root(p, tg_value_input(p, w, k));
            there &= x == v || x->role == TG_ROLE_GIVEN || x->unit != TG_NONE || tg_value_id(p, x) < turn;
        }
        if (there && (far == 0 || !can_wait(p, w) || is_read(p, w, turn, far - 1))) return true;
    }
    return false;
}

bool tg_value_waits(const tg_planning *p, const tg_value *v) {
    return tg_value_size(v) >= FEWEST && can_wait(p, v) && !is_read(p, v, 0, FAR) &&
           is_read(p, v, tg_value_id(p, v), FAR);
}
