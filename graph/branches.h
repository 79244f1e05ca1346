/* branches.h: which branches the operations of a recorded graph took. Internal: not installed.
 *
 * Owns: the pattern of branches as one number. Must not know why anybody asks. */
#ifndef TAPEGRAD_GRAPH_BRANCHES_H
#define TAPEGRAD_GRAPH_BRANCHES_H

#include "graph/op.h"

/* A number that is the same for two recordings when the same operations were recorded between node `from` and
 * y, as far as y needs them, and all took the same branches: what they tell themselves (branch in struct
 * tg_op), and every result of bool or i64. Records behind the end of the tape, which is the caller's to
 * rewind. False, with an error on the tape, when memory is out or a branch function fails. */
bool tg_branches_hash(const char *where, tg_tensor y, uint32_t from, uint64_t *hash);

/* The hash of an array's elements, bit for bit, going on from a hash so far. */
uint64_t tg_array_hash(uint64_t hash, const tg_array *array);

/* What the operation of a computed node tells of its branches; a zeroed handle where it tells nothing.
 * Records on the tape. False, with an error, as above. */
bool tg_node_branch(tg_tensor y, tg_tensor *branch);

#endif
