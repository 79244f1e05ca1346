/* op_list.c: the list of operations, from ops.def.
 *
 * Owns: looking an operation up. Must not know what any of them does. */
#include "ops/op_list.h"

#include "ops/descriptors.h"

#include <string.h>

#define TG_OP(name) &tg_op_##name,
static const struct tg_op *const ops[] = {
#include "ops/ops.def"
};
#undef TG_OP

int tg_op_count(void) { return (int)(sizeof ops / sizeof ops[0]); }

const struct tg_op *tg_op_at(int i) { return i >= 0 && i < tg_op_count() ? ops[i] : NULL; }

const struct tg_op *tg_op_find(const char *name) {
    for (int i = 0; i < tg_op_count(); i++)
        if (strcmp(ops[i]->name, name) == 0) return ops[i];
    return NULL;
}
