/* gradcheck_model.c: the model under a gradient check: recorded at the point, and with entries moved.
 *
 * Owns: every call of the model, and that it leaves no trace; whether it is deterministic, what it reaches,
 * how noisy it is. Must not judge gradients. */
#include "graph/branches.h"
#include "graph/gradcheck_parts.h"
#include "graph/inner_product.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* --- one recording -------------------------------------------------------------------------------------- */

/* The projection of the gradient by the check's directions: for order 2, this is the loss. */
static bool project_gradient(const tg_check *c, tg_tensor *loss) {
    const tg_arena_position scratch = tg_arena_here(&c->model.tape->scratch);
    tg_tensor *gradients =
        tg_arena_alloc(&c->model.tape->scratch, (size_t)c->model.n * sizeof *gradients, 64);
    if (!gradients) tg_tape_fail(c->model.tape, TG_ERR_MEMORY, c->model.where, "gradcheck: out of memory");
    bool good =
        gradients && tg_gradients_at(c->model.where, *loss, c->model.n, c->model.params, gradients) == TG_OK;
    for (int k = 0; good && k < c->model.n; k++)
        gradients[k] = tg_inner_product(c->model.where, gradients[k], c->projections[k]);
    if (good) *loss = tg_accumulate_at(c->model.where, c->model.n, gradients);
    tg_arena_rewind(&c->model.tape->scratch, scratch);
    return c->model.tape->status == TG_OK;
}

/* Records the model once more; false, with an error on the tape, when it gives no loss. */
static bool record(const tg_check *c, tg_tensor *loss) {
    const bool was = tg_tape_set_grad(c->model.tape, true); /* the model may differentiate */
    c->report->evaluations++;
    bool good = tg_checked_model_record(&c->model, loss);
    if (good && c->projections && c->model.n > 0) good = project_gradient(c, loss);
    tg_tape_set_grad(c->model.tape, was);
    return good;
}

/* Records it, and reads the loss and its branches into the sample; the tape is left as it was. */
static bool sample_loss(const tg_check *c, tg_sample *sample) {
    const tg_mark mark = tg_tape_mark(c->model.tape);
    tg_tensor loss;
    bool good = record(c, &loss);
    if (good) {
        sample->value = tg_item_at(c->model.where, loss);
        good = tg_branches_hash(c->model.where, loss, mark.n_nodes, &sample->branches);
    }
    return tg_tape_rewind_at(c->model.where, c->model.tape, mark) == TG_OK && good;
}

/* --- away from the point -------------------------------------------------------------------------------- */

double tg_check_size(const tg_check *c, int64_t entry) { return fmax(1, fabs(c->values[entry])); }

void tg_check_turn(tg_check *c, tg_motion motion) {
    uint64_t bits = 0;
    c->motion = motion;
    for (int64_t e = motion.first; e < motion.last; e++) {
        if (motion.random && (e == motion.first || e % 64 == 0))
            bits = tg_random_bits(motion.key, (uint64_t)e / 64);
        c->units[e] = (bits >> e % 64 & 1 ? -1 : 1) * tg_check_size(c, e);
    }
}

/* Writes every entry that the motion moves. */
static void move(const tg_check *c, double offset) {
    int64_t begin = 0;
    for (int k = 0; k < c->model.n; k++) {
        const int64_t n = c->report->results[k].entries;
        double *x = tg_node_at(c->model.tape, c->model.params[k].node)->data;
        const int64_t first = c->motion.first > begin ? c->motion.first : begin;
        const int64_t last = c->motion.last < begin + n ? c->motion.last : begin + n;
        for (int64_t e = first; e < last; e++)
            x[e - begin] = offset == 0 ? c->values[e] : c->values[e] + offset * c->units[e];
        begin += n;
    }
}

bool tg_check_line(void *context, double offset, tg_sample *sample) {
    tg_check *c = context;
    sample->at = offset;
    if (c->motion.last == c->motion.first + 1) { /* the step that is taken, not the one that was meant */
        const double x = c->values[c->motion.first], unit = c->units[c->motion.first];
        sample->at = (x + offset * unit - x) / unit;
    }
    move(c, offset);
    const bool good = sample_loss(c, sample);
    move(c, 0);
    if (good && fabs(offset) > c->options.step / 2 && isfinite(sample->value))
        c->swing = fmax(c->swing, fabs((sample->value - c->base.value) / offset));
    return good;
}

/* --- noise ---------------------------------------------------------------------------------------------- */

enum { VALUES = 8, ORDERS = 5 };

/* The noise in values at equal distances, from their differences of high order: what is smooth has nearly
 * none of those (R. W. Hamming, Introduction to Applied Numerical Analysis, 1971, ch. 6). */
static double noise_of(const double *values) {
    double d[VALUES], most = 0, scale = 1;
    memcpy(d, values, sizeof d);
    for (int order = 1; order <= ORDERS; order++) {
        double sum = 0;
        for (int i = 0; i < VALUES - order; i++) {
            d[i] = d[i + 1] - d[i];
            sum += d[i] * d[i];
        }
        scale *= (4.0 * order - 2) / order; /* (2k)! / (k!)^2: the variance of a difference of order k */
        if (order > 2) most = fmax(most, sqrt(sum / (VALUES - order) / scale));
    }
    return 3 * most;
}

/* Eight values at equal distances around the point; how many lie on its smooth piece, side by side. */
static bool values_around(tg_check *c, double apart, double *values, int *n) {
    *n = 0;
    for (int i = 0; i < VALUES; i++) {
        tg_sample sample;
        if (!tg_check_line(c, (i - VALUES / 2) * apart, &sample)) return false;
        if (sample.branches == c->base.branches && isfinite(sample.value)) values[(*n)++] = sample.value;
    }
    return true;
}

/* The loss may be computed to more or to fewer digits than a double has. Where it stands still though
 * backward says that it moves it is made of steps, and their height is its noise. */
static bool measure_noise(tg_check *c) {
    double slope = 0, values[VALUES];
    tg_check_turn(c, (tg_motion){0, c->n_entries, true, tg_key_split(c->options.key, 0)});
    for (int64_t k = 0, e = 0; k < c->model.n; k++)
        for (int64_t i = 0; i < c->report->results[k].entries; i++, e++)
            slope += c->report->results[k].analytics[i] * c->units[e];
    const double rounding = DBL_EPSILON * fabs(c->base.value), finest = 0x1p-44;
    for (double apart = finest; apart < 0x1p-10; apart *= 0x1p8) {
        double longest = 0;
        int n;
        if (!values_around(c, apart, values, &n)) return false;
        for (int i = 1; i < n; i++) longest = fmax(longest, fabs(values[i] - values[i - 1]));
        c->report->noise = apart == finest && n == VALUES ? noise_of(values) : longest;
        if (longest > 0 || !(fabs(slope) * apart > 16 * rounding)) return true;
    }
    c->report->noise = DBL_EPSILON * c->scale; /* it never moved: anything may have been rounded away */
    return true;
}

/* --- the same each time? -------------------------------------------------------------------------------- */

static bool same_values(const tg_node *a, const tg_node *b) {
    const tg_array x = tg_node_array(a), y = tg_node_array(b);
    return tg_array_hash(0, &x) == tg_array_hash(0, &y);
}

/* "relu at net.c:12", or what else made a node. */
static void describe(const tg_node *node, size_t capacity, char *text) {
    snprintf(text, capacity, "%s at %s", node->op ? node->op->name : "the tensor made", node->place);
}

/* The node i or the first after it that is no number: numbers are made once and shared by recordings. */
static uint32_t next_made(const tg_tape *tape, uint32_t i) {
    while (i < tape->n_nodes && !tg_node_at(tape, i)->op && !tg_node_at(tape, i)->extra.leaf) i++;
    return i;
}

/* Says in the report where two recordings, of the nodes from a and from b on, part. */
static void explain_difference(const tg_check *c, uint32_t a, uint32_t b, double other) {
    const tg_tape *tape = c->model.tape;
    char text[2][150];
    tg_gradcheck_report *report = c->report;
    const char *both = "the model is not deterministic: the loss was";
    for (uint32_t i = next_made(tape, a), j = next_made(tape, b); i < b && j < tape->n_nodes;
         i = next_made(tape, i + 1), j = next_made(tape, j + 1)) {
        const tg_node *x = tg_node_at(tape, i), *y = tg_node_at(tape, j);
        describe(x, sizeof text[0], text[0]);
        describe(y, sizeof text[1], text[1]);
        if (x->op != y->op || x->place != y->place || x->dtype != y->dtype || x->rank != y->rank) {
            snprintf(report->note, sizeof report->note,
                     "%s %.17g and then %.17g at the same point, by another graph: where there was %s, there "
                     "was then %s",
                     both, report->loss, other, text[0], text[1]);
            return;
        }
        const tg_array p = tg_node_array(x), q = tg_node_array(y);
        if (tg_shape_equal(tg_array_shape(&p), tg_array_shape(&q)) && same_values(x, y)) continue;
        snprintf(report->note, sizeof report->note,
                 "%s %.17g and then %.17g at the same point; %s is the first that gave other values", both,
                 report->loss, other, text[0]);
        return;
    }
    snprintf(report->note, sizeof report->note, "%s %.17g and then %.17g at the same point", both,
             report->loss, other);
}

/* --- what is reached ------------------------------------------------------------------------------------ */

/* Marks what the loss was recorded from; through barriers too, or along paths of gradients alone. */
static void mark_sources(const tg_tape *tape, uint32_t loss, bool through, uint8_t *marks) {
    memset(marks, 0, (size_t)loss + 1);
    marks[loss] = 1;
    for (uint32_t i = loss + 1; i-- > 0;) {
        const tg_node *node = tg_node_at(tape, i);
        if (!marks[i] || !node->op) continue;
        if (!through && ((node->flags & TG_NODE_BARRIER) || !tg_dtype_is_value((tg_dtype)node->dtype)))
            continue;
        const uint32_t *in = tg_node_inputs(node);
        for (uint32_t k = 0; k < node->n_in; k++) marks[in[k]] = 1;
    }
}

/* The newest node between parameter and loss that lets no gradient through; TG_NO_NODE: there is no path. */
static uint32_t find_barrier(const tg_tape *tape, uint32_t parameter, uint32_t loss, const uint8_t *sources,
                             uint8_t *depends) {
    uint32_t barrier = TG_NO_NODE;
    memset(depends, 0, (size_t)loss + 1);
    depends[parameter] = 1;
    for (uint32_t i = parameter + 1; i <= loss; i++) {
        const tg_node *node = tg_node_at(tape, i);
        const uint32_t *in = tg_node_inputs(node);
        bool from_value = false;
        for (uint32_t k = 0; node->op && k < node->n_in; k++) {
            depends[i] |= depends[in[k]];
            from_value |= depends[in[k]] && tg_dtype_is_value((tg_dtype)tg_node_at(tape, in[k])->dtype);
        }
        const bool stops = (node->flags & TG_NODE_BARRIER) || !tg_dtype_is_value((tg_dtype)node->dtype);
        if (depends[i] && from_value && sources[i] && stops) barrier = i;
    }
    return barrier;
}

static bool find_reach(const tg_check *c, uint32_t loss) {
    const tg_tape *tape = c->model.tape;
    tg_arena *scratch = &c->model.tape->scratch;
    uint8_t *marks = tg_arena_alloc(scratch, (size_t)loss + 1, 64);
    uint8_t *sources = tg_arena_alloc(scratch, (size_t)loss + 1, 64);
    uint8_t *depends = tg_arena_alloc(scratch, (size_t)loss + 1, 64);
    if (!marks || !sources || !depends) {
        tg_tape_fail(c->model.tape, TG_ERR_MEMORY, c->model.where, "gradcheck: out of memory");
        return false;
    }
    mark_sources(tape, loss, false, marks);
    mark_sources(tape, loss, true, sources);
    for (int k = 0; k < c->model.n; k++) {
        tg_gradcheck_result *result = &c->report->results[k];
        const uint32_t i = c->model.params[k].node;
        result->reaches = i <= loss && marks[i];
        if (result->reaches || i > loss || !sources[i]) continue;
        char text[120];
        const uint32_t barrier = find_barrier(tape, i, loss, sources, depends);
        if (barrier == TG_NO_NODE) continue;
        describe(tg_node_at(tape, barrier), sizeof text, text);
        snprintf(result->note, sizeof result->note, "gradients stop at %s", text);
    }
    return true;
}

/* --- at the point --------------------------------------------------------------------------------------- */

/* Those that the caller brought; where they are finite or not is for the verdict to say. */
static bool take_gradients(const tg_check *c) {
    for (int k = 0; k < c->model.n; k++) {
        tg_gradcheck_result *result = &c->report->results[k];
        const size_t bytes = (size_t)result->entries * sizeof *result->analytics;
        result->reaches = true;
        if (bytes) memcpy(result->analytics, c->options.gradients[k], bytes);
    }
    return true;
}

/* Backward's own answer, copied out so that the tape can be rewound. */
static bool read_gradients(const tg_check *c, tg_tensor loss) {
    tg_tensor *gradients =
        tg_arena_alloc(&c->model.tape->scratch, (size_t)c->model.n * sizeof *gradients, 64);
    if (!gradients) tg_tape_fail(c->model.tape, TG_ERR_MEMORY, c->model.where, "gradcheck: out of memory");
    bool good =
        gradients && tg_gradients_at(c->model.where, loss, c->model.n, c->model.params, gradients) == TG_OK;
    for (int k = 0; good && k < c->model.n; k++) {
        const tg_gradcheck_result *result = &c->report->results[k];
        good = tg_read_f64_at(c->model.where, gradients[k], result->entries, result->analytics) == TG_OK;
    }
    return good;
}

/* The largest number in the nodes from first to the loss, and in what they read. */
static double largest_number(const tg_tape *tape, uint32_t first, uint32_t loss) {
    double most = 0;
    for (uint32_t i = first; i <= loss; i++) {
        const tg_node *node = tg_node_at(tape, i);
        const tg_array array = tg_node_array(node);
        if (array.dtype != TG_F64 || (node->flags & TG_NODE_VIEW)) continue;
        const double *x = array.data;
        const int64_t n = tg_array_size(&array);
        for (int64_t e = 0; e < n; e++)
            if (isfinite(x[e])) most = fmax(most, fabs(x[e]));
    }
    return most;
}

/* What is recorded here is taken back by tg_check_point. */
static bool look_at_point(tg_check *c, bool *usable) {
    tg_tensor loss, again;
    const uint32_t first = c->model.tape->n_nodes;
    if (!record(c, &loss)) return false;
    c->report->loss = tg_item_at(c->model.where, loss);
    *usable = isfinite(c->report->loss);
    if (!*usable) {
        snprintf(c->report->note, sizeof c->report->note,
                 "%s is %g, and nothing can be compared with that; tg_tape_set_nan_check names the operation "
                 "that it comes from",
                 c->projections ? "the projection of the gradient" : "the loss", c->report->loss);
        return true;
    }
    const uint32_t second = c->model.tape->n_nodes;
    if (!record(c, &again)) return false;
    const double values[2] = {c->report->loss, tg_item_at(c->model.where, again)};
    *usable = memcmp(&values[0], &values[1], sizeof *values) == 0;
    if (!*usable) {
        explain_difference(c, first, second, values[1]);
        return true;
    }
    c->base = (tg_sample){0, c->report->loss, 0};
    c->scale = largest_number(c->model.tape, first, loss.node);
    tg_check_gather_sizes(c, first, loss.node);
    return tg_branches_hash(c->model.where, loss, first, &c->base.branches) &&
           (c->options.gradients ? take_gradients(c) : find_reach(c, loss.node) && read_gradients(c, loss));
}

bool tg_check_point(tg_check *c, bool *usable) {
    const tg_mark mark = tg_tape_mark(c->model.tape);
    const tg_arena_position scratch = tg_arena_here(&c->model.tape->scratch);
    bool good = look_at_point(c, usable);
    tg_arena_rewind(&c->model.tape->scratch, scratch);
    good &= tg_tape_rewind_at(c->model.where, c->model.tape, mark) == TG_OK;
    if (good && *usable) good = measure_noise(c);
    return good;
}

bool tg_check_blame(tg_check *c) {
    const tg_mark mark = tg_tape_mark(c->model.tape);
    const bool was = tg_tape_set_grad(c->model.tape, true);
    tg_tensor loss;
    const bool good = record(c, &loss) && tg_blame_at(c->model.where, c->model.tape, loss, c->model.n,
                                                      c->model.params, NULL, &c->report->blame) == TG_OK;
    tg_tape_set_grad(c->model.tape, was);
    return tg_tape_rewind_at(c->model.where, c->model.tape, mark) == TG_OK && good;
}
