/* plan_work.c: how much a plan computes and how much memory it goes through, step by step.
 *
 * Owns: the count of floating-point operations and of bytes. Both follow from shapes, so that they are the
 * same on every machine. Must not know how steps are run, or how long they take. */
#include "graph/plan_parts.h"

/* What an element of a costly function counts for: exp takes 20 in f32 (core/vector_math_template.h). */
enum { COSTLY_FLOPS = 20 };

/* A multiplication and an addition for each element of a row of A, for each element of C. */
static double flops_of_product(const tg_call *call) {
    tg_product product;
    call->op->product(call, &product);
    return 2 * (double)tg_array_size(&call->out) * (double)product.k;
}

/* By the rule that op.h gives. */
static bool add_flops(const tg_planning *p, const tg_value *v, double *flops) {
    const struct tg_op *op = v->node->op;
    if (op->flops || op->product) {
        tg_call call;
        if (!tg_value_call(p, v, &call)) return false;
        *flops += op->flops ? op->flops(&call) : flops_of_product(&call);
        return true;
    }
    if (op->kind == TG_VIEW || op == &tg_assign_op) return true;
    int64_t elements = tg_value_size(v);
    for (uint32_t k = 0; k < v->node->n_in; k++) {
        const int64_t n = tg_value_size(tg_value_input(p, v, k));
        if (n > elements) elements = n;
    }
    *flops += (double)elements * (op->cost == TG_COSTLY ? COSTLY_FLOPS : op->kind != TG_OTHER);
    return true;
}

/* Bytes of the elements that v shows, each once however often it is repeated. */
static double bytes_shown(const tg_value *v) {
    const tg_array array = tg_node_array(v->node);
    double bytes = (double)tg_dtype_size(array.dtype);
    for (int i = 0; i < array.rank; i++)
        if (array.strides[i] != 0 || array.shape[i] == 0) bytes *= (double)array.shape[i];
    return bytes;
}

/* What v takes from memory, each operand once for all units from u on that are one step, and what it leaves
 * there. What members of a unit read of each other is in the nearest cache. */
static double bytes_of(const tg_planning *p, uint32_t u, const tg_value *v) {
    const bool assigns = v->node->op == &tg_assign_op;
    double bytes = (assigns && !v->done) || v->in_memory ? (double)tg_value_bytes(v) : 0;
    for (uint32_t k = assigns ? 1 : 0; k < v->node->n_in; k++) {
        tg_value *x = tg_value_input(p, v, k);
        if (x->counted_in == u || tg_value_root(p, x)->unit == v->unit) continue;
        x->counted_in = u;
        bytes += bytes_shown(x);
    }
    return bytes;
}

bool tg_plan_count_work(tg_planning *p) {
    tg_work *total = &p->plan->work;
    uint32_t first = 0;
    for (uint32_t u = 0, s = 0; u < p->n_units; u += p->units[u].at_once, s++) {
        tg_work *work = &p->plan->steps[s].work;
        for (const uint32_t end = first + p->plan->steps[s].n_ops; first < end; first++) {
            const tg_value *v = &p->values[p->members[first]];
            if (!add_flops(p, v, &work->flops)) return false;
            work->bytes += bytes_of(p, u, v);
        }
        total->flops += work->flops;
        total->bytes += work->bytes;
    }
    return true;
}
