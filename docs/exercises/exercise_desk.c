/* exercise_desk.c: comparing an answer with what is right, and with what people give in its place. */
#include "exercise_desk.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

exercise_desk desk_open(const char *title, const char *file) {
    printf("%s\n\n", title);
    return (exercise_desk){.file = file};
}

int desk_close(const exercise_desk *desk) {
    if (desk->n_wrong == 0) {
        printf("\nAll %d right.\n", desk->n_right);
        return 0;
    }
    printf("\n%d right, %d wrong. The file to change is %s; add --hint for a hint.\n", desk->n_right,
           desk->n_wrong, desk->file);
    return 1;
}

bool desk_right(exercise_desk *desk, const char *what) {
    printf("  right  %s\n", what);
    desk->n_right++;
    return true;
}

bool desk_wrong(exercise_desk *desk, const char *what, const char *advice, ...) {
    printf("  WRONG  %s\n         ", what);
    desk->n_wrong++;
    va_list values;
    va_start(values, advice);
    vprintf(advice, values);
    va_end(values);
    printf("\n");
    return false;
}

static int64_t size_of(tg_shape shape) {
    int64_t n = 1;
    for (int i = 0; i < shape.rank; i++) n *= shape.dim[i];
    return n;
}

static double largest(int64_t n, const double *values) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(values[i]));
    return most;
}

/* How many entries differ, and the first that does. */
static int64_t differing(int64_t n, const double *yours, const double *right, double allowed,
                         int64_t *first) {
    int64_t count = 0;
    for (int64_t i = n; i-- > 0;) {
        if (fabs(yours[i] - right[i]) <= allowed) continue; /* a NaN differs */
        count++;
        *first = i;
    }
    return count;
}

static void print_index(tg_shape shape, int64_t i) {
    int64_t index[TG_MAX_RANK];
    for (int axis = shape.rank; axis-- > 0; i /= shape.dim[axis]) index[axis] = i % shape.dim[axis];
    printf("[");
    for (int axis = 0; axis < shape.rank; axis++) printf("%s%lld", axis ? ", " : "", (long long)index[axis]);
    printf("]");
}

/* What the pattern of right and wrong entries looks like, when it looks like something. */
static void name_mistake(const exercise_desk *desk, tg_shape shape, const double *yours,
                         const double *right) {
    int64_t sizes[TG_MAX_RANK + DESK_SIZES];
    int n = 0;
    for (int axis = 0; axis < shape.rank; axis++) sizes[n++] = shape.dim[axis];
    for (int i = 0; i < DESK_SIZES && desk->sizes[i]; i++) sizes[n++] = desk->sizes[i];
    const tg_mistake_evidence evidence = {
        .shape = shape, .wrong = yours, .right = right, .sizes = sizes, .n_sizes = n};
    tg_mistake mistake;
    if (tg_mistake_find(&evidence, &mistake)) printf("         The mistake: %s.\n", mistake.text);
}

bool desk_compare(exercise_desk *desk, const char *what, tg_shape shape, const double *yours,
                  const double *right, double tolerance, const known_answer *known) {
    const int64_t n = size_of(shape);
    const double allowed = tolerance * largest(n, right);
    int64_t first = 0;
    const int64_t wrong = differing(n, yours, right, allowed, &first);
    if (wrong == 0) return desk_right(desk, what);
    desk->n_wrong++;
    printf("  WRONG  %s: ", what);
    if (n > 1) {
        printf("%lld of %lld entries; at ", (long long)wrong, (long long)n);
        print_index(shape, first);
        printf(" ");
    }
    printf("yours is %.6g, and it should be %.6g.\n", yours[first], right[first]);
    if (isnan(yours[first])) {
        printf("         NaN: this is not written yet, or something was divided by 0.\n");
        return false;
    }
    for (; known && known->advice; known++) {
        int64_t other;
        if (differing(n, yours, known->values, tolerance * largest(n, known->values), &other)) continue;
        printf("         %s\n", known->advice);
        return false;
    }
    name_mistake(desk, shape, yours, right);
    return false;
}

bool desk_number(exercise_desk *desk, const char *what, double yours, double right, double tolerance,
                 const known_answer *known) {
    return desk_compare(desk, what, TG_SCALAR, &yours, &right, tolerance, known);
}

/* --- gradients ------------------------------------------------------------------------------------------ */

static bool nudge(exercise_desk *desk, tg_tape *tape, tg_model *model, void *context, int n,
                  const tg_tensor *params, tg_gradcheck_report *report) {
    if (tg_gradcheck(tape, model, context, n, params, NULL, report) == TG_OK) return true;
    return desk_wrong(desk, "the loss", "%s", tg_tape_error(tape) ? tg_tape_error(tape) : "out of memory");
}

bool desk_gradcheck(exercise_desk *desk, tg_tape *tape, tg_model *model, void *context, int n,
                    const tg_tensor *params, const known_answer *const *known) {
    tg_gradcheck_report report;
    if (!nudge(desk, tape, model, context, n, params, &report)) return false;
    tg_gradcheck_print(stdout, &report);
    printf("\n");
    bool good = true;
    for (int i = 0; i < n; i++) {
        const tg_gradcheck_result *r = &report.results[i];
        char what[96];
        snprintf(what, sizeof what, "the gradient of %s", r->name);
        if (r->verdict == TG_FAIL)
            good =
                desk_compare(desk, what, r->shape, r->analytics, r->numerics, 1e-5, known ? known[i] : NULL);
        else
            desk_right(desk, what);
    }
    tg_gradcheck_report_free(&report);
    return good;
}

/* Says that a gradient has the wrong shape; and why, where it was broadcast and not summed. */
static bool refuse_shape(exercise_desk *desk, const char *what, tg_tensor param, tg_shape shape) {
    const tg_shape right = tg_shape_of(param);
    char text[TG_SHAPE_TEXT], wanted[TG_SHAPE_TEXT];
    tg_shape_format(shape, sizeof text, text), tg_shape_format(right, sizeof wanted, wanted);
    for (int i = 0; i < right.rank && shape.rank == right.rank; i++)
        if (right.dim[i] == 1 && shape.dim[i] > 1)
            return desk_wrong(
                desk, what,
                "It has shape %s and not %s: not summed over axis %d. Forward, the one number was used %lld "
                "times along that axis; backward, all of them bring something back.",
                text, wanted, i, (long long)shape.dim[i]);
    return desk_wrong(desk, what, "It has shape %s, and has to have %s.", text, wanted);
}

bool desk_gradients(exercise_desk *desk, tg_tape *tape, tg_model *model, void *context, int n,
                    const tg_tensor *params, const tg_tensor *yours, const known_answer *const *known) {
    if (tg_tape_error(tape)) return desk_wrong(desk, "the operations", "%s", tg_tape_error(tape));
    tg_gradcheck_report report;
    if (!nudge(desk, tape, model, context, n, params, &report)) return false;
    bool good = true;
    for (int i = 0; i < n; i++) {
        const tg_gradcheck_result *r = &report.results[i];
        char what[96];
        snprintf(what, sizeof what, "d%s", r->name);
        if (!tg_is_valid(yours[i])) {
            good = desk_wrong(desk, what, "It was not given: the handle is invalid. Is it written yet?");
        } else if (!tg_shape_equal(tg_shape_of(yours[i]), r->shape)) {
            good = refuse_shape(desk, what, params[i], tg_shape_of(yours[i]));
        } else {
            double *values = malloc((size_t)r->entries * sizeof *values);
            good = values && tg_read_f64(yours[i], r->entries, values) == TG_OK &&
                   desk_compare(desk, what, r->shape, values, r->numerics, 1e-5, known ? known[i] : NULL) &&
                   good;
            free(values);
        }
    }
    tg_gradcheck_report_free(&report);
    return good;
}

void desk_weights(int64_t n, double *w) { tg_random_normal(tg_key_new(3), n, w); }

typedef struct operation_context {
    const struct tg_op *op;
    tg_tensor weights;
} operation_context;

static tg_tensor weighted_sum(tg_tape *tape, const tg_tensor *params, void *context) {
    const operation_context *c = context;
    (void)tape;
    return tg_sum(tg_mul(c->weights, tg_apply_1("check", c->op, params[0], NULL)));
}

bool desk_operation(exercise_desk *desk, const struct tg_op *op, int64_t n, const double *x,
                    const known_answer *known) {
    tg_tape *tape = tg_tape_new(TG_F64);
    double *w = malloc((size_t)n * sizeof *w);
    bool good = false;
    if (w) {
        desk_weights(n, w);
        operation_context context = {op, tg_from_f64(tape, TG_SHAPE(n), n, w)};
        const tg_tensor param = tg_set_name(tg_param_f64(tape, TG_SHAPE(n), n, x), "x");
        good = desk_gradcheck(desk, tape, weighted_sum, &context, 1, &param, &known);
    }
    free(w);
    tg_tape_free(tape);
    return good;
}
