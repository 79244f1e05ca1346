/* descriptors.h: declares the struct tg_op of every operation in ops.def, tg_op_add and so on.
 *
 * For the files of ops/ only, which define them. Internal: not installed. */
#ifndef TAPEGRAD_OPS_DESCRIPTORS_H
#define TAPEGRAD_OPS_DESCRIPTORS_H

#include "graph/op.h"

#define TG_OP(name) extern const struct tg_op tg_op_##name;
#include "ops/ops.def"
#undef TG_OP

#endif
