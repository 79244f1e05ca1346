/* cotangent.c: where paths meet, cotangents are summed.
 *
 * A node that has more than one keeps them in a list. A part of rank r is the sum of 8^r cotangents: whenever
 * eight of one rank have gathered they are summed to one of the next, so that the list stays short and the
 * error grows with log n however many there are. */
#include "graph/cotangent.h"

#include <string.h>

typedef struct tg_contribution {
    struct tg_contribution *next;
    uint32_t node;
    uint16_t rank, run; /* run: how many of this rank there are from here on */
} contribution;

/* Puts the node of a part before the rest of its list. */
static void put(contribution *at, uint32_t node, unsigned rank, contribution *rest) {
    const unsigned run = rest && rest->rank == rank ? rest->run + 1U : 1;
    *at = (contribution){rest, node, (uint16_t)rank, (uint16_t)run};
}

bool tg_cotangents_open(tg_cotangents *c, tg_tape *tape, const char *where, uint32_t low, uint32_t high) {
    const size_t n = (size_t)(high - low) + 1;
    *c = (tg_cotangents){.tape = tape, .where = where, .low = low};
    c->slots = tg_arena_alloc(&tape->scratch, n * sizeof *c->slots, 64);
    if (c->slots) memset(c->slots, 0, n * sizeof *c->slots);
    if (!c->slots) tg_tape_fail(tape, TG_ERR_MEMORY, where, "gradient: out of memory for %zu cotangents", n);
    return c->slots;
}

static contribution *new_contribution(tg_cotangents *c, uint32_t node, contribution *next) {
    contribution *made = c->spare;
    if (made)
        c->spare = made->next;
    else
        made = tg_arena_alloc(&c->tape->scratch, sizeof *made, sizeof(void *));
    if (made)
        put(made, node, 0, next);
    else
        tg_tape_fail(c->tape, TG_ERR_MEMORY, c->where, "gradient: out of memory for a cotangent");
    return made;
}

/* Sums eight parts of one rank at the head of the list to one of the next rank, as often as there are such.
 */
static bool carry(tg_cotangents *c, contribution *list) {
    while (list->run == TG_MAX_MAP_INPUTS) {
        tg_tensor parts[TG_MAX_MAP_INPUTS];
        contribution *part = list, *last = NULL;
        for (int n = 0; n < TG_MAX_MAP_INPUTS; n++, last = part, part = part->next)
            parts[n] = tg_handle(c->tape, part->node);
        const tg_tensor sum = tg_accumulate_at(c->where, TG_MAX_MAP_INPUTS, parts);
        if (sum.node == TG_NO_NODE) return false;
        last->next = c->spare; /* all but the head are spare now */
        c->spare = list->next;
        put(list, sum.node, list->rank + 1U, part);
    }
    return true;
}

bool tg_cotangent_add_another(tg_cotangents *c, tg_cotangent_slot *slot, uint32_t cotangent) {
    contribution *list =
        *slot & 1 ? new_contribution(c, (uint32_t)(*slot >> 1), NULL) : (contribution *)*slot;
    contribution *head = list ? new_contribution(c, cotangent, list) : NULL;
    if (!head) return false;
    *slot = (tg_cotangent_slot)head;
    return carry(c, head);
}

tg_tensor tg_cotangent_total(tg_cotangents *c, uint32_t i) {
    tg_cotangent_slot *slot = &c->slots[i - c->low];
    while (!(*slot & 1)) {
        tg_tensor parts[TG_MAX_MAP_INPUTS];
        contribution *last, *rest = (contribution *)*slot;
        int n = 0;
        do { /* the newest, the smallest sums, first */
            parts[n++] = tg_handle(c->tape, rest->node);
            last = rest;
            rest = rest->next;
        } while (rest && n < TG_MAX_MAP_INPUTS);
        const tg_tensor sum = tg_accumulate_at(c->where, n, parts);
        if (sum.node == TG_NO_NODE) return sum;
        if (rest) put(last, sum.node, 0, rest);
        *slot = rest ? (tg_cotangent_slot)last : (tg_cotangent_slot)sum.node << 1 | 1;
    }
    return tg_handle(c->tape, (uint32_t)(*slot >> 1));
}
