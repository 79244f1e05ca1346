/* op_list.h: the vocabulary as a list: every operation that the library brings, by name or by number.
 *
 * For tables, benchmarks and programs that apply operations by name; a program's own operations need no list.
 */
#ifndef TAPEGRAD_OPS_OP_LIST_H
#define TAPEGRAD_OPS_OP_LIST_H

#include "graph/op.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many there are, and the i-th in the order of ops/ops.def; NULL when i is out of range. Static. */
TG_API int tg_op_count(void);
TG_API const struct tg_op *tg_op_at(int i);

/* The operation of that name ("matmul"), for tg_apply; NULL when there is none. Attributes are the business
 * of the builders: where op->attr_size is not 0, prefer those. */
TG_API const struct tg_op *tg_op_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
