/* cotangent.h: the cotangents in flight during a reverse pass.
 *
 * Owns: which nodes have one, and their sum where paths meet. Knows nodes, not operations. Internal: not
 * installed. */
#ifndef TAPEGRAD_GRAPH_COTANGENT_H
#define TAPEGRAD_GRAPH_COTANGENT_H

#include "graph/node.h"

/* One slot a node: 0 none, an odd number one (its node, shifted left and marked), else a list. Most nodes
 * have one cotangent, so that a chain of n operations costs n slots and no lists. */
typedef uintptr_t tg_cotangent_slot;

typedef struct tg_cotangents {
    tg_tape *tape;
    const char *where;
    uint32_t low;
    tg_cotangent_slot *slots;
    struct tg_contribution *spare; /* list entries to be used again */
} tg_cotangents;

/* None yet, for nodes low..high. In scratch memory of the tape, to be given back by the caller; false, with
 * an error, when memory is out. */
bool tg_cotangents_open(tg_cotangents *c, tg_tape *tape, const char *where, uint32_t low, uint32_t high);

/* Gives node i one more cotangent. */
bool tg_cotangent_add_another(tg_cotangents *c, tg_cotangent_slot *slot, uint32_t cotangent);
static inline bool tg_cotangent_add(tg_cotangents *c, uint32_t i, uint32_t cotangent) {
    tg_cotangent_slot *slot = &c->slots[i - c->low];
    if (*slot) return tg_cotangent_add_another(c, slot, cotangent);
    *slot = (tg_cotangent_slot)cotangent << 1 | 1;
    return true;
}

/* Whether node i has any. */
static inline bool tg_cotangent_any(const tg_cotangents *c, uint32_t i) { return c->slots[i - c->low] != 0; }

/* Their sum, which then is the only one; an invalid handle, with an error, when memory is out. */
tg_tensor tg_cotangent_total(tg_cotangents *c, uint32_t i);

/* The node of the only one. */
static inline uint32_t tg_cotangent_node(const tg_cotangents *c, uint32_t i) {
    return (uint32_t)(c->slots[i - c->low] >> 1);
}

#endif
