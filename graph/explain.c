/* explain.c: the largest paths from y to x, and how many there are.
 *
 * Owns: the search: one loop from y down to x, in which every node hands the largest cotangents that single
 * paths brought it on to its inputs. Neither follows paths one by one nor recurses, so that 2^60 paths and
 * ten million nodes are nothing special. explain_print.c prints what is found here. */
#include "graph/explain.h"

#include "graph/node.h"

#include <math.h>
#include <string.h>

/* A path from y as far as one node. */
typedef struct prefix {
    struct prefix *before; /* without its last step; NULL: y itself */
    struct prefix *next;   /* the next smaller one at this node, or in the list of spare ones */
    uint32_t node;
    int input; /* of the node before, by which it came here */
    double factor, norm;
    double *cotangent, one; /* what it brings here; cotangent is &one, or memory until it is handed on */
} prefix;

typedef struct search {
    tg_tape *tape;
    const char *where;
    uint32_t low, high; /* x and y */
    int limit;
    const uint8_t *reaches;
    prefix **largest; /* by node - low: in descending order, at most limit */
    double *count;    /* by node - low: the paths from y */
    prefix *spare;
} search;

static bool out_of_memory(const search *s) {
    tg_tape_fail(s->tape, TG_ERR_MEMORY, s->where, "explain: out of memory");
    return false;
}

static int64_t size_of(const tg_tape *tape, uint32_t i) {
    const tg_array array = tg_node_array(tg_node_at(tape, i));
    return tg_array_size(&array);
}

static double norm_of(int64_t n, const double *x) {
    double sum = 0;
    if (n == 1) return fabs(x[0]);
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* --- paths that meet at a node -------------------------------------------------------------------------- */

static void forget_cotangent(const search *s, prefix *p) {
    if (p->cotangent && p->cotangent != &p->one)
        tg_memory_free(&s->tape->allocator, p->cotangent,
                       (size_t)size_of(s->tape, p->node) * sizeof *p->cotangent);
    p->cotangent = NULL;
}

/* A NaN on the way is what one wants to see: it counts as the largest. */
static bool is_larger(double norm, double than) { return !isnan(than) && !(norm <= than); }

/* A new path to the node, linked in where `link` says; the smallest there is dropped if it is one too many.
 */
static prefix *insert(search *s, prefix **link, uint32_t node, int64_t size) {
    prefix *p = s->spare;
    if (p)
        s->spare = p->next;
    else if (!(p = tg_arena_alloc(&s->tape->scratch, sizeof *p, 64)))
        return NULL;
    *p = (prefix){.node = node, .next = *link};
    p->cotangent = size == 1 ? &p->one : tg_memory_new(&s->tape->allocator, (size_t)size * sizeof(double));
    *link = p;
    int length = 0;
    for (link = &s->largest[node - s->low]; *link && length < s->limit; link = &(*link)->next) length++;
    prefix *dropped = *link;
    if (dropped) {
        forget_cotangent(s, dropped);
        *link = NULL;
        dropped->next = s->spare;
        s->spare = dropped;
    }
    return p->cotangent || size == 0 ? p : NULL;
}

/* The path goes on by `input` of its node to the given one, with the cotangent scale * dx there. */
static bool arrive(search *s, prefix *before, int input, uint32_t node, double scale, const double *dx) {
    const int64_t size = size_of(s->tape, node);
    const bool from_number = size_of(s->tape, before->node) == 1;
    const double local = size == 1 ? dx[0] : norm_of(size, dx), norm = fabs(scale * local);
    prefix **link = &s->largest[node - s->low];
    int rank = 0;
    for (; *link && !is_larger(norm, (*link)->norm); link = &(*link)->next) rank++;
    if (rank == s->limit) return true;
    prefix *p = insert(s, link, node, size);
    if (!p) return out_of_memory(s);
    p->before = before;
    p->input = input;
    p->factor = from_number ? local : before->norm > 0 ? local / before->norm : 0;
    p->norm = norm;
    for (int64_t i = 0; i < size; i++) p->cotangent[i] = scale * dx[i];
    return true;
}

/* --- one operation -------------------------------------------------------------------------------------- */

/* The operation applied once more, to inputs of its own, so that what it hands to each of them alone can be
 * asked for; also where one input was computed from another, or is the same. */
typedef struct local {
    tg_tensor y, *in, *wanted, *dx;
    uint32_t n; /* wanted */
    int *which; /* of in */
    double *values;
} local;

static bool apply_again(search *s, uint32_t i, local *l) {
    tg_tape *tape = s->tape;
    const tg_node *node = tg_node_at(tape, i);
    const uint32_t n_in = node->n_in, *in = tg_node_inputs(node);
    tg_arena *arena = &tape->arena; /* cut, with the nodes, once the operation is done with */
    int64_t most = 1;
    *l = (local){.in = tg_arena_alloc(arena, n_in * sizeof *l->in, 64),
                 .wanted = tg_arena_alloc(arena, n_in * sizeof *l->wanted, 64),
                 .dx = tg_arena_alloc(arena, n_in * sizeof *l->dx, 64),
                 .which = tg_arena_alloc(arena, n_in * sizeof *l->which, 64)};
    if (!l->in || !l->wanted || !l->dx || !l->which) return out_of_memory(s);
    for (uint32_t k = 0; k < n_in; k++) {
        l->in[k] = tg_handle(tape, in[k]);
        if (in[k] < s->low || !s->reaches[in[k] - s->low]) continue;
        l->in[k] = l->wanted[l->n] = tg_detach_at(node->place, l->in[k]);
        l->which[l->n++] = (int)k;
        const int64_t size = size_of(tape, in[k]);
        if (size > most) most = size;
    }
    l->values = tg_arena_alloc(arena, (size_t)most * sizeof *l->values, 64);
    if (!l->values) return out_of_memory(s);
    l->y =
        tg_apply_at(node->place, node->op, (int)n_in, l->in, node->op->attr_size ? node->extra.attr : NULL);
    return tg_is_valid(l->y);
}

/* dx of the operation for a cotangent; NULL: of one. */
static bool differentiate(const search *s, local *l, const double *cotangent) {
    const tg_node *node = tg_node_at(s->tape, l->y.node);
    const tg_array array = tg_node_array(node);
    const tg_shape shape = tg_array_shape(&array);
    const tg_tensor dy = cotangent
                             ? tg_from_f64_at(node->place, s->tape, shape, tg_shape_size(shape), cotangent)
                             : tg_ones_at(node->place, s->tape, shape);
    return tg_gradients_from_at(node->place, l->y, dy, (int)l->n, l->wanted, l->dx) == TG_OK;
}

/* Every path at node i goes on to each input that depends on x. A number's derivatives are those for a
 * cotangent of 1, times the cotangents; a tensor's have to be asked for path by path. */
static bool hand_on(search *s, uint32_t i) {
    tg_tape *tape = s->tape;
    const uint32_t *in = tg_node_inputs(tg_node_at(tape, i));
    const bool number = size_of(tape, i) == 1;
    local l;
    bool good = apply_again(s, i, &l);
    const uint32_t n_nodes = tape->n_nodes;
    const tg_arena_position here = tg_arena_here(&tape->arena);
    for (uint32_t k = 0; good && k < l.n; k++) s->count[in[l.which[k]] - s->low] += s->count[i - s->low];
    for (prefix *p = s->largest[i - s->low]; good && p; p = p->next) {
        if (!number) tg_tape_cut(tape, n_nodes, here, NULL);
        if (!number || p == s->largest[i - s->low]) good = differentiate(s, &l, number ? NULL : p->cotangent);
        for (uint32_t k = 0; good && k < l.n; k++) {
            const uint32_t to = in[l.which[k]];
            good = tg_read_f64_at(s->where, l.dx[k], size_of(tape, to), l.values) == TG_OK &&
                   arrive(s, p, l.which[k], to, number ? p->one : 1, l.values);
        }
        forget_cotangent(s, p);
    }
    return good;
}

/* From y down: a node's paths are complete when it is reached, as all that uses it is newer. */
static bool find_paths(search *s) {
    tg_tape *tape = s->tape;
    prefix *first = insert(s, &s->largest[s->high - s->low], s->high, 1);
    if (!first) return out_of_memory(s);
    first->one = first->factor = first->norm = 1;
    first->input = -1;
    s->count[s->high - s->low] = 1;
    bool good = true;
    for (uint32_t i = s->high; good && i > s->low; i--) {
        if (!s->largest[i - s->low]) continue;
        const uint32_t n_nodes = tape->n_nodes;
        const tg_arena_position here = tg_arena_here(&tape->arena);
        good = hand_on(s, i);
        tg_tape_cut(tape, n_nodes, here, NULL);
    }
    return good;
}

static bool open_search(search *s) {
    const size_t n = (size_t)(s->high - s->low) + 1;
    const tg_tensor x = tg_handle(s->tape, s->low);
    s->largest = tg_arena_alloc(&s->tape->scratch, n * sizeof(prefix *), 64);
    s->count = tg_arena_alloc(&s->tape->scratch, n * sizeof *s->count, 64);
    s->reaches = tg_reach(s->tape, s->low, s->high, 1, &x);
    if (!s->largest || !s->count || !s->reaches) return out_of_memory(s);
    memset(s->largest, 0, n * sizeof(prefix *));
    memset(s->count, 0, n * sizeof *s->count);
    return true;
}

static void forget_cotangents(search *s) {
    for (uint32_t i = s->low; i <= s->high; i++)
        for (prefix *p = s->largest[i - s->low]; p; p = p->next) forget_cotangent(s, p);
}

/* --- what was found ------------------------------------------------------------------------------------- */

/* Copies a path out; its steps are linked from x to y. */
static bool keep_path(const search *s, tg_explanation *e, const prefix *at_x, tg_path *path) {
    int64_t n = 0;
    for (const prefix *p = at_x; p; p = p->before) n++;
    path->steps = tg_memory_new(&e->allocator, (size_t)n * sizeof *path->steps);
    if (!path->steps) return out_of_memory(s);
    path->n = n;
    int input = -1;
    for (const prefix *p = at_x; p; p = p->before) {
        path->steps[--n] = (tg_path_step){tg_handle(s->tape, p->node), input, p->factor, p->norm};
        input = p->input;
        e->numbers &= size_of(s->tape, p->node) == 1;
    }
    return true;
}

/* Copies the paths at x out, and takes them from the gradient: what stays is the rest. */
static bool keep_paths(const search *s, tg_explanation *e, double *gradient) {
    const int64_t size = size_of(s->tape, s->low);
    const prefix *first = s->largest[0];
    double square = 0;
    int n = 0;
    for (const prefix *p = first; p; p = p->next) n++;
    for (int64_t i = 0; i < size; i++) square += gradient[i] * gradient[i];
    e->gradient = size == 1 ? gradient[0] : sqrt(square);
    e->n_paths = s->count[0];
    e->numbers = true;
    if (n == 0) return true;
    e->paths = tg_memory_new(&e->allocator, (size_t)n * sizeof *e->paths);
    if (!e->paths) return out_of_memory(s);
    memset(e->paths, 0, (size_t)n * sizeof *e->paths);
    e->n = n; /* also the size with which they are given back */
    tg_path *path = e->paths;
    for (const prefix *p = first; p; p = p->next, path++) {
        double product = 0;
        for (int64_t i = 0; i < size; i++) product += p->cotangent[i] * gradient[i];
        path->value = size == 1 ? p->one : p->norm;
        path->share = product / square;
        if (!keep_path(s, e, p, path)) return false;
    }
    for (const prefix *p = first; p; p = p->next)
        for (int64_t i = 0; i < size; i++) gradient[i] -= p->cotangent[i];
    if (e->n_paths > e->n) e->rest = size == 1 ? gradient[0] : norm_of(size, gradient);
    return true;
}

static bool explain(search *s, tg_tensor y, tg_tensor x, double *gradient, tg_explanation *e) {
    tg_tape *tape = s->tape;
    const uint32_t n_nodes = tape->n_nodes;
    const tg_arena_position here = tg_arena_here(&tape->arena);
    tg_tensor dx;
    bool good = tg_gradients_at(s->where, y, 1, &x, &dx) == TG_OK &&
                tg_read_f64_at(s->where, dx, size_of(tape, x.node), gradient) == TG_OK;
    tg_tape_cut(tape, n_nodes, here, NULL);
    if (good && x.node <= y.node) {
        s->low = x.node;
        s->high = y.node;
        good = open_search(s);
        if (!good) return false;
        good = find_paths(s) && keep_paths(s, e, gradient);
        forget_cotangents(s);
    }
    return good;
}

tg_status tg_explain_paths_at(const char *where, tg_tensor y, tg_tensor x, int limit,
                              tg_explanation *explanation) {
    *explanation = (tg_explanation){.y = y, .x = x, .numbers = true};
    if (!y.tape || tg_is_num(y)) return TG_ERR_HANDLE;
    tg_tape *tape = y.tape;
    if (tape->status) return tape->status;
    const tg_node *node = x.tape == tape ? tg_node_of(where, "explain", x) : NULL;
    if (!node) return tg_tape_fail(tape, TG_ERR_HANDLE, where, "explain: x is not a tensor of y's tape");
    explanation->allocator = tape->allocator;
    search s = {.tape = tape, .where = where, .limit = limit > 0 ? limit : 8};
    const tg_arena_position scratch = tg_arena_here(&tape->scratch);
    const bool was = tg_tape_set_grad(tape, true);
    double *gradient = tg_arena_alloc(&tape->scratch, (size_t)size_of(tape, x.node) * sizeof *gradient, 64);
    const bool good = gradient ? explain(&s, y, x, gradient, explanation) : out_of_memory(&s);
    tg_tape_set_grad(tape, was);
    tg_arena_rewind(&tape->scratch, scratch);
    if (!good) tg_explanation_free(explanation);
    return good ? TG_OK : tape->status;
}

void tg_explanation_free(tg_explanation *explanation) {
    for (int k = 0; k < explanation->n; k++)
        tg_memory_free(&explanation->allocator, explanation->paths[k].steps,
                       (size_t)explanation->paths[k].n * sizeof *explanation->paths[k].steps);
    tg_memory_free(&explanation->allocator, explanation->paths,
                   (size_t)explanation->n * sizeof *explanation->paths);
    *explanation = (tg_explanation){0};
}
