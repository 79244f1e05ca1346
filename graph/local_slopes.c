/* local_slopes.c: the slopes of a node's forward.
 *
 * Owns: moving the inputs of a node along a line, and what the elements of the output do there: Richardson's
 * extrapolation as in ridders.c, for all elements at once. An elementwise operation shows every entry of an
 * input in one such move; others are moved entry by entry. Must not judge: see local_check.c. */
#include "graph/local_slopes.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Large steps extrapolate best; small ones stay clear of kinks and of the end of the domain. */
static const double steps[] = {1e-2, 1e-4, 1e-6, 1e-8};
const int tg_local_n_steps = sizeof steps / sizeof *steps;

void tg_local_start(tg_local *l) {
    for (int64_t i = 0; i < l->n_out; i++) {
        l->slopes.value[i] = l->slopes.left[i] = l->slopes.right[i] = NAN;
        l->slopes.error[i] = INFINITY;
    }
}

/* Forward with entries from..to of the input moved by h times the direction; they are put back after. */
static bool forward_at(tg_local *l, int k, int64_t from, int64_t to, double h, double *out) {
    const tg_local_input *input = &l->inputs[k];
    for (int64_t j = from; j < to; j++) input->moved[j] = input->point[j] + h * l->direction[j];
    const bool good = tg_local_evaluate(l, out);
    memcpy(input->moved + from, input->point + from, (size_t)(to - from) * sizeof(double));
    return good;
}

/* Central differences with h, h/2 and h/4 to step 0; the error is seen from the neighbours, and from
 * rounding, which an element that does not move has none of. */
static void extrapolate(tg_local *l, double h) {
    const tg_local_slopes *slopes = &l->slopes;
    for (int64_t i = 0; i < l->n_out; i++) {
        const double up = l->up[i], down = l->down[i], here = l->at_point[i];
        const double a = l->quotient[0][i], b = l->quotient[1][i], c = l->quotient[2][i];
        const double ab = (4 * b - a) / 3, bc = (4 * c - b) / 3, abc = (16 * bc - ab) / 15;
        const bool still = up == here && down == here && a == 0 && b == 0;
        const double rounding = still ? 0 : (fabs(up) + fabs(down)) * DBL_EPSILON / (2 * h);
        const double error = fmax(fabs(abc - bc), fabs(abc - ab)) + rounding;
        const double right = (up - here) / h, left = (here - down) / h;
        if (error < slopes->error[i]) slopes->error[i] = error, slopes->value[i] = abc;
        if (h > 1e-7 && isfinite(left) && isfinite(right)) /* with less, rounding would look like a kink */
            slopes->left[i] = left, slopes->right[i] = right;
    }
}

bool tg_local_move(tg_local *l, int k, int64_t from, int64_t to, int step) {
    double h = steps[step];
    for (int m = 0; m < 3; m++, h /= 2) {
        if (!forward_at(l, k, from, to, h, l->up) || !forward_at(l, k, from, to, -h, l->down)) return false;
        for (int64_t i = 0; i < l->n_out; i++) l->quotient[m][i] = (l->up[i] - l->down[i]) / (2 * h);
    }
    extrapolate(l, 2 * h);
    return true;
}

double tg_local_scale(const tg_local *l, int k, int64_t j) { return fmax(1, fabs(l->inputs[k].point[j])); }

/* --- from the output's elements to the input's entries -------------------------------------------------- */

void tg_local_add(const tg_local *l, int64_t i, double scale, tg_local_entry *entry) {
    const double weight = l->cotangent[i] / scale;
    const double left = weight * l->slopes.left[i], right = weight * l->slopes.right[i];
    entry->numeric += weight * l->slopes.value[i];
    entry->error = hypot(entry->error, weight * l->slopes.error[i]);
    entry->low += fmin(left, right);
    entry->high += fmax(left, right);
}

/* The entry of input k that an elementwise operation combines into element i of the output. */
static int64_t entry_under(const tg_local *l, const tg_array *input, int64_t i) {
    int64_t entry = 0, stride = 1;
    for (int axis = l->shape.rank - 1, in = input->rank - 1; in >= 0; axis--, in--) {
        if (input->shape[in] != 1) entry += i % l->shape.dim[axis] * stride;
        i /= l->shape.dim[axis];
        stride *= input->shape[in];
    }
    return entry;
}

bool tg_local_move_all(tg_local *l, int k, int step, tg_local_entry *entries) {
    const tg_local_input *input = &l->inputs[k];
    const tg_array array = tg_node_array(tg_node_at(l->tape, l->x[k].node));
    for (int64_t j = 0; j < input->size; j++) {
        l->direction[j] = tg_local_scale(l, k, j);
        entries[j] = (tg_local_entry){0};
    }
    if (!tg_local_move(l, k, 0, input->size, step)) return false;
    for (int64_t i = 0; i < l->n_out; i++) {
        const int64_t j = input->size == l->n_out ? i : entry_under(l, &array, i);
        tg_local_add(l, i, l->direction[j], &entries[j]);
    }
    return true;
}

bool tg_local_move_one(tg_local *l, int k, int64_t j, int step, tg_local_entry *entry) {
    l->direction[j] = tg_local_scale(l, k, j);
    if (!tg_local_move(l, k, j, j + 1, step)) return false;
    *entry = (tg_local_entry){0};
    for (int64_t i = 0; i < l->n_out; i++) tg_local_add(l, i, l->direction[j], entry);
    return true;
}

/* --- gradients for those who look closer ---------------------------------------------------------------- */

/* Known to nine digits: smaller steps would not better it. */
static bool is_known(const tg_local_entry *entry) { return entry->error <= 1e-9 * fabs(entry->numeric); }

static bool entry_slope(tg_local *l, int k, int64_t j, tg_local_entry *entry) {
    tg_local_start(l);
    for (int step = 0; step < tg_local_n_steps; step++) {
        if (!tg_local_move_one(l, k, j, step, entry)) return false;
        if (is_known(entry)) break;
    }
    return true;
}

/* All entries of an input of an elementwise operation. */
static bool all_slopes(tg_local *l, int k, tg_local_entry *entries) {
    tg_local_start(l);
    for (int step = 0; step < tg_local_n_steps; step++) {
        if (!tg_local_move_all(l, k, step, entries)) return false;
        int64_t known = 0;
        while (known < l->inputs[k].size && is_known(&entries[known])) known++;
        if (known == l->inputs[k].size) break;
    }
    return true;
}

bool tg_local_gradient(tg_local *l, int k, int64_t n, const int64_t *entries, tg_local_entry *out) {
    if (l->op->kind == TG_MAP && !entries && n == l->inputs[k].size) return all_slopes(l, k, out);
    for (int64_t j = 0; j < n; j++)
        if (!entry_slope(l, k, entries ? entries[j] : j, &out[j])) return false;
    return true;
}

bool tg_local_parts(tg_local *l, int k, int axis, double *parts) {
    const tg_array array = tg_node_array(tg_node_at(l->tape, l->x[k].node));
    const int64_t size = l->inputs[k].size, length = l->shape.dim[axis];
    const bool is_map = l->op->kind == TG_MAP;
    int64_t stride = 1;
    for (int i = axis + 1; i < l->shape.rank; i++) stride *= l->shape.dim[i];
    for (int64_t j = 0; j < size * length; j++) parts[j] = 0;
    const tg_arena_position scratch = tg_arena_here(&l->tape->scratch);
    tg_local_entry *entries = tg_arena_alloc(&l->tape->scratch, (size_t)size * sizeof *entries, 64);
    if (!entries) {
        tg_tape_fail(l->tape, TG_ERR_MEMORY, tg_place(l->node), "%s: out of memory for %lld slopes",
                     l->op->name, (long long)size);
        return false;
    }
    bool good = true;
    for (int64_t m = 0; good && m < (is_map ? 1 : size); m++) {
        good = is_map ? all_slopes(l, k, entries) : entry_slope(l, k, m, &entries[m]);
        for (int64_t i = 0; good && i < l->n_out; i++) {
            const int64_t j = is_map ? entry_under(l, &array, i) : m;
            parts[i / stride % length * size + j] += l->cotangent[i] * l->slopes.value[i] / l->direction[j];
        }
    }
    tg_arena_rewind(&l->tape->scratch, scratch);
    return good;
}
