/* local_node.c: a node taken out of its graph, so that its inputs can be moved one by one.
 *
 * Owns: the copies of inputs, the cotangent, backward's answer, running forward again; and leaving the tape
 * as it was. Must not judge: see local_check.c. */
#include "graph/local_check.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void *room(tg_local *l, int64_t n, size_t size) {
    void *memory = tg_arena_alloc(&l->tape->scratch, (size_t)n * size, 64);
    if (!memory)
        tg_tape_fail(l->tape, TG_ERR_MEMORY, tg_node_at(l->tape, l->node.node)->place,
                     "%s: out of memory to check it alone", l->op->name);
    return memory;
}

static double *numbers(tg_local *l, int64_t n) { return room(l, n, sizeof(double)); }

/* The elements in row-major order. */
static void read_out(const tg_array *from, double *out) {
    int64_t strides[TG_MAX_RANK];
    tg_strides_contiguous(tg_array_shape(from), strides);
    const tg_array to = {out, from->shape, strides, from->rank, TG_F64};
    if (tg_array_size(from)) tg_array_copy(&to, from);
}

static bool make_room(tg_local *l) {
    double **const arrays[] = {&l->recorded,     &l->at_point,     &l->cotangent,   &l->up,
                               &l->down,         &l->quotient[0],  &l->quotient[1], &l->quotient[2],
                               &l->slopes.value, &l->slopes.error, &l->slopes.left, &l->slopes.right};
    l->x = room(l, l->n_in, sizeof *l->x);
    l->inputs = room(l, l->n_in, sizeof *l->inputs);
    if (!l->x || !l->inputs) return false;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = numbers(l, l->n_out))) return false;
    return true;
}

/* The copy is contiguous however the input lies, and has an element of its own for each that is shown. */
static bool copy_input(tg_local *l, int k, bool needed) {
    const uint32_t in = tg_node_inputs(tg_node_at(l->tape, l->node.node))[k];
    const tg_array array = tg_node_array(tg_node_at(l->tape, in));
    tg_local_input *input = &l->inputs[k];
    *input = (tg_local_input){.size = tg_array_size(&array)};
    l->x[k] = tg_handle(l->tape, in);
    if (array.dtype != TG_F64) return true;
    l->x[k] = tg_zeros_at(tg_place(l->node), l->tape, tg_array_shape(&array));
    input->point = numbers(l, input->size);
    if (needed) input->backward = numbers(l, input->size);
    if (!tg_is_valid(l->x[k]) || !input->point || (needed && !input->backward)) return false;
    input->moved = tg_node_at(l->tape, l->x[k].node)->data;
    read_out(&array, input->point);
    if (input->size) memcpy(input->moved, input->point, (size_t)input->size * sizeof(double));
    return true;
}

static bool is_usable(const double *cotangent, int64_t n) {
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(cotangent[i])) return false;
        largest = fmax(largest, fabs(cotangent[i]));
    }
    return largest > DBL_MIN;
}

void tg_local_draw(tg_key key, int64_t n, double *out) {
    tg_random_uniform(key, n, out);
    for (int64_t i = 0; i < n; i++) out[i] = out[i] < 0.5 ? 0.5 + 2 * out[i] : 0.5 - 2 * out[i];
}

/* *dy is the cotangent as a tensor of the output's shape. */
static bool take_cotangent(tg_local *l, const tg_tensor *given, tg_key key, tg_tensor *dy) {
    if (given) {
        const tg_array array = tg_node_array(tg_node_at(l->tape, given->node));
        read_out(&array, l->cotangent);
        *dy = *given;
        if (is_usable(l->cotangent, l->n_out)) return true;
    }
    tg_local_draw(key, l->n_out, l->cotangent);
    *dy = tg_from_f64_at(tg_place(l->node), l->tape, l->shape, l->n_out, l->cotangent);
    return tg_is_valid(*dy);
}

/* Backward sees the inputs as they were recorded, with their strides. */
static bool run_backward(tg_local *l, const char *where, tg_tensor dy) {
    bool *needs = room(l, l->n_in, sizeof *needs);
    tg_tensor *dx = room(l, l->n_in, sizeof *dx);
    if (!needs || !dx) return false;
    for (int k = 0; k < l->n_in; k++) needs[k] = l->inputs[k].backward;
    if (!tg_node_gradients(where, l->node, dy, needs, dx)) return false;
    for (int k = 0; k < l->n_in; k++) {
        tg_local_input *input = &l->inputs[k];
        if (!input->backward) continue;
        if (input->size) memset(input->backward, 0, (size_t)input->size * sizeof(double));
        if (!dx[k].tape) continue;
        const tg_array array = tg_node_array(tg_node_at(l->tape, dx[k].node));
        read_out(&array, input->backward);
    }
    return true;
}

static bool take_out(tg_local *l, const char *where, const tg_tensor *dy, const bool *needs, tg_key key) {
    int64_t widest = 0;
    tg_tensor cotangent;
    if (!make_room(l)) return false;
    for (int k = 0; k < l->n_in; k++) {
        if (!copy_input(l, k, !needs || needs[k])) return false;
        if (l->inputs[k].moved && l->inputs[k].size > widest) widest = l->inputs[k].size;
    }
    l->direction = numbers(l, widest);
    if (!l->direction || !take_cotangent(l, dy, key, &cotangent)) return false;
    const uint32_t n_nodes = l->tape->n_nodes;
    const tg_arena_position nodes = tg_arena_here(&l->tape->arena);
    const bool good = run_backward(l, where, cotangent);
    tg_tape_cut(l->tape, n_nodes, nodes, NULL);
    const tg_array recorded = tg_node_array(tg_node_at(l->tape, l->node.node));
    read_out(&recorded, l->recorded);
    return good && tg_local_evaluate(l, l->at_point);
}

bool tg_local_open(tg_local *l, const char *where, tg_tensor y, const tg_tensor *dy, const bool *needs,
                   tg_key key) {
    tg_tape *tape = y.tape;
    const tg_node *node = tg_node_at(tape, y.node);
    const tg_array array = tg_node_array(node);
    *l = (tg_local){.tape = tape,
                    .op = node->op,
                    .node = y,
                    .n_in = (int)node->n_in,
                    .shape = tg_array_shape(&array),
                    .n_out = tg_array_size(&array),
                    .mark = tg_tape_mark(tape),
                    .scratch = tg_arena_here(&tape->scratch),
                    .grad_on = tape->grad_on,
                    .values_on = tape->values_on,
                    .nan_check = tape->nan_check,
                    .rewriting = tape->rewriting,
                    .broadcast = tape->broadcast};
    tape->grad_on = tape->rewriting = tape->nan_check = false; /* a step may leave the domain */
    tape->values_on = true;
    tape->broadcast = TG_BROADCAST_NUMPY; /* what was allowed when it was recorded */
    return take_out(l, where, dy, needs, key);
}

void tg_local_close(tg_local *l) {
    tg_arena_rewind(&l->tape->scratch, l->scratch);
    tg_tape_cut(l->tape, l->mark.n_nodes, (tg_arena_position){l->mark.chunk, l->mark.offset}, NULL);
    l->tape->grad_on = l->grad_on;
    l->tape->values_on = l->values_on;
    l->tape->nan_check = l->nan_check;
    l->tape->rewriting = l->rewriting;
    l->tape->broadcast = l->broadcast;
}

bool tg_local_evaluate(tg_local *l, double *out) {
    const tg_node *node = tg_node_at(l->tape, l->node.node);
    const uint32_t n_nodes = l->tape->n_nodes;
    const tg_arena_position nodes = tg_arena_here(&l->tape->arena);
    const tg_tensor y =
        tg_apply_at(node->place, l->op, l->n_in, l->x, l->op->attr_size ? node->extra.attr : NULL);
    if (!tg_is_valid(y)) return false;
    const tg_array array = tg_node_array(tg_node_at(l->tape, y.node));
    read_out(&array, out);
    tg_tape_cut(l->tape, n_nodes, nodes, NULL);
    l->evaluations++;
    return true;
}

bool tg_local_repeats(const tg_local *l, int64_t *element) {
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < l->n_out; i++)
        if (isfinite(l->recorded[i])) largest = fmax(largest, fabs(l->recorded[i]));
    for (int64_t i = 0; i < l->n_out; i++) {
        const double first = l->recorded[i], second = l->at_point[i];
        const double difference = isnan(first) != isnan(second) ? INFINITY : fabs(first - second);
        if (!(difference > worst)) continue; /* two NaN, or equal infinities, too */
        worst = difference;
        *element = i;
    }
    return worst <= 1e-6 * largest;
}
