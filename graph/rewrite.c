/* rewrite.c: applications that are written another way before they are recorded.
 *
 * Owns: asking an operation for its other way, and what it may ask about its inputs. Which ways there are is
 * the operations' business. */
#include "graph/node.h"

bool tg_is_number(tg_tensor x, double number) { return tg_is_num(x) && tg_item(x) == number; }

bool tg_made_by(tg_tensor y, const struct tg_op *op, tg_tensor *x, const void **attr) {
    if (!tg_is_valid(y)) return false;
    tg_tape *tape = y.tape;
    const tg_node *node = tg_node_at(tape, y.node);
    if (node->op != op || node->n_in != 1) return false;
    /* Written anew, the gradient would flow where it was stopped, ... */
    if (node->flags & TG_NODE_BARRIER && tape->grad_on) return false;
    const uint32_t in = tg_node_inputs(node)[0];
    const uint32_t under = tg_leaf_under(tape, in);
    const tg_leaf *leaf = under == TG_NO_NODE ? NULL : tg_node_at(tape, under)->extra.leaf;
    /* ... and a leaf that was changed would be read again. */
    if (leaf && tg_leaf_changed_since(leaf, node, y.node)) return false;
    *x = tg_handle(tape, in);
    if (attr) *attr = op->attr_size ? node->extra.attr : NULL;
    return true;
}

tg_tensor tg_rewrite(tg_tape *tape, const char *where, const struct tg_op *op, int n, const tg_tensor *x,
                     const void *attr) {
    if (!op->rewrite || n != op->n_inputs || tape->status || tape->backward_of) return (tg_tensor){0};
    const char *const place = tape->place;
    const tg_call call = {.op = op, .tape = tape, .where = where, .n_in = n, .x = x, .attr = attr};
    tape->place = where;
    const tg_tensor y = op->rewrite(&call);
    tape->place = place;
    return y;
}
