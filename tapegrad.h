/* tapegrad.h: all of tapegrad, in the order in which one reads it.
 *
 * core/ is numbers in memory, graph/ records and differentiates, ops/ is the vocabulary, models/ is what
 * people build from it. docs/guide.md is the way in. */
#ifndef TAPEGRAD_H
#define TAPEGRAD_H

#include "core/status.h"
#include "core/dtype.h"
#include "core/shape.h"
#include "core/array.h"
#include "core/allocator.h"
#include "core/random.h"
#include "core/kernel.h"
#include "core/product.h"

#include "graph/tape.h"
#include "graph/tensor.h"
#include "graph/op.h"
#include "graph/gradient.h"
#include "graph/plan.h"
#include "graph/gradcheck.h"
#include "graph/taylor.h"
#include "graph/op_check.h"
#include "graph/explain.h"
#include "graph/mistake.h"
#include "graph/blame.h"
#include "graph/drawing.h"

#include "ops/elementwise.h"
#include "ops/reduction.h"
#include "ops/views.h"
#include "ops/linear_algebra.h"
#include "ops/indexing.h"
#include "ops/losses.h"
#include "ops/axes.h"
#include "ops/op_list.h"

#include "models/optimizer.h"
#include "models/training.h"

#endif
