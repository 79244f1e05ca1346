/* planted_mistakes.c: what tg_gradcheck says of mistakes that were planted, in the order and under the names
 * of pytorch_planted_mistakes.py.
 *
 * For each it prints a line: name, verdict with the default options, verdict in fast mode, and what is said
 * of the place and the kind of mistake. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <tapegrad.h>

/* --- operations with a wrong backward ------------------------------------------------------------------- */

static void wrong_tanh(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_neg(tg_mul(dy, tg_sub(tg_num(1), tg_square(c->y))));
}
static void half_square(const tg_call *c, tg_tensor dy, tg_tensor *dx) { dx[0] = tg_mul(dy, c->x[0]); }
static void sum_for_mean(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_broadcast_to(dy, tg_shape_of(c->x[0]));
}
static void wrong_matmul(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_matmul(c->x[1], tg_transpose(dy));
    dx[1] = tg_matmul(tg_transpose(c->x[0]), dy);
}
static void swapped_mul(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, c->x[0]);
    dx[1] = tg_mul(dy, c->x[1]);
}
static void detached_sigmoid(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    const tg_tensor y = tg_detach(c->y);
    dx[0] = tg_mul(dy, tg_mul(y, tg_sub(tg_num(1), y)));
}
static void bias_first_row(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = dy;
    dx[1] = tg_reshape(tg_slice(dy, 0, 0, 1, 1), tg_shape_of(c->x[1]));
}
static void entry_1234(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    double factors[3000];
    for (int i = 0; i < 3000; i++) factors[i] = i == 1234 ? 2.02 : 2;
    dx[0] = tg_mul(dy, tg_mul(c->x[0], tg_from_f64(c->tape, TG_SHAPE(3000), 3000, factors)));
}

TG_MAP_KERNELS_1(small_square, (T)1e-7 * x * x)
static void small_square_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(dy, tg_mul(tg_num(1e-6), c->x[0]));
}
static const struct tg_op small_square = {.name = "small_square",
                                          .kind = TG_MAP,
                                          .n_inputs = 1,
                                          .map_f32 = small_square_f32,
                                          .map_f64 = small_square_f64,
                                          .backward = small_square_backward};

TG_MAP_KERNELS_1(square_plus_3x, x *x + 3 * x)
static void square_plus_3x_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_mul(tg_num(2), tg_mul(dy, c->x[0]));
    dx[0] = tg_mul(tg_num(3), dy);
}
static const struct tg_op square_plus_3x = {.name = "square_plus_3x",
                                            .kind = TG_MAP,
                                            .n_inputs = 1,
                                            .map_f32 = square_plus_3x_f32,
                                            .map_f64 = square_plus_3x_f64,
                                            .backward = square_plus_3x_backward};

TG_MAP_KERNELS_1(wrong_leaky_relu, x > 0 ? x : (T)0.01 * x)
static tg_tensor is_positive(const tg_call *c) { return tg_greater(c->x[0], tg_num(0)); }
static void wrong_leaky_relu_backward(const tg_call *c, tg_tensor dy, tg_tensor *dx) {
    dx[0] = tg_where(is_positive(c), dy, tg_num(0));
}
static const struct tg_op wrong_leaky_relu = {.name = "wrong_leaky_relu",
                                              .kind = TG_MAP,
                                              .n_inputs = 1,
                                              .map_f32 = wrong_leaky_relu_f32,
                                              .map_f64 = wrong_leaky_relu_f64,
                                              .branch = is_positive,
                                              .backward = wrong_leaky_relu_backward};

/* --- models --------------------------------------------------------------------------------------------- */

/* One row: an operation of the library with another backward, or one of those above, in a loss. */
typedef struct planted {
    const char *name;
    const char *copy_of; /* the library's operation, given `backward` and called `as`; NULL: take `op` */
    const char *as;
    tg_backward_fn *backward;
    const struct tg_op *op;
    tg_shape shapes[4];
    int n;
    int order;
    tg_model *model; /* NULL: the sum of the operation's result, each element weighted */
    struct tg_op made;
} planted;

static const struct tg_op *operation(const planted *p) { return p->copy_of ? &p->made : p->op; }

/* Weights of both signs and different size, so that no two mistakes cancel. */
static tg_tensor weighted(tg_tape *tape, tg_tensor y) {
    double w[3000];
    const int64_t n = tg_size(y);
    tg_random_normal(tg_key_new(5), n, w);
    return tg_sum(tg_mul(y, tg_from_f64(tape, tg_shape_of(y), n, w)));
}

static tg_tensor alone(tg_tape *tape, const tg_tensor *x, void *context) {
    const planted *p = context;
    const tg_reduction all = {.mask = 1};
    return weighted(tape, tg_apply(operation(p), p->n, x, operation(p)->kind == TG_REDUCE ? &all : NULL));
}

static tg_tensor network(tg_tape *tape, const tg_tensor *p, void *context) {
    const tg_tensor hidden = tg_relu(tg_matmul(p[0], p[1]));
    return weighted(
        tape, tg_matmul(tg_apply(operation(context), 1, (tg_tensor[]){tg_matmul(hidden, p[2])}, NULL), p[3]));
}

static tg_tensor not_deterministic(tg_tape *tape, const tg_tensor *x, void *context) {
    static uint64_t calls;
    double r;
    (void)context;
    tg_random_uniform(tg_key_split(tg_key_new(1), calls++), 1, &r);
    return weighted(tape, tg_mul(tg_num(r), x[0]));
}

static tg_tensor large_loss(tg_tape *tape, const tg_tensor *x, void *context) {
    (void)tape, (void)context;
    return tg_add(tg_num(1e9), tg_sum(tg_square(x[0])));
}

/* --- the table ------------------------------------------------------------------------------------------ */

static planted rows[] = {
    {.name = "wrong sign",
     .copy_of = "tanh",
     .as = "wrong_tanh",
     .backward = wrong_tanh,
     .n = 1,
     .shapes = {{1, {5}}}},
    {.name = "factor 1/2",
     .copy_of = "square",
     .as = "half_square",
     .backward = half_square,
     .n = 1,
     .shapes = {{1, {5}}}},
    {.name = "5 times too big where it is small", .op = &small_square, .n = 1, .shapes = {{1, {7}}}},
    {.name = "missing 1/m",
     .copy_of = "mean",
     .as = "sum_for_mean",
     .backward = sum_for_mean,
     .n = 1,
     .shapes = {{1, {40}}}},
    {.name = "transposed",
     .copy_of = "matmul",
     .as = "wrong_matmul",
     .backward = wrong_matmul,
     .n = 2,
     .shapes = {{2, {3, 3}}, {2, {3, 3}}}},
    {.name = "gradient of the wrong input",
     .copy_of = "mul",
     .as = "swapped_mul",
     .backward = swapped_mul,
     .n = 2,
     .shapes = {{1, {5}}, {1, {5}}}},
    {.name = "overwritten, not accumulated", .op = &square_plus_3x, .n = 1, .shapes = {{1, {5}}}},
    {.name = "off at one branch", .op = &wrong_leaky_relu, .n = 1, .shapes = {{1, {40}}}},
    {.name = "not summed over a broadcast axis",
     .copy_of = "add",
     .as = "bias_first_row",
     .backward = bias_first_row,
     .n = 2,
     .shapes = {{2, {5, 3}}, {1, {3}}}},
    {.name = "1% in one entry of 3000",
     .copy_of = "square",
     .as = "entry_1234",
     .backward = entry_1234,
     .n = 1,
     .shapes = {{1, {3000}}}},
    {.name = "inside a network",
     .copy_of = "tanh",
     .as = "wrong_tanh",
     .backward = wrong_tanh,
     .n = 4,
     .shapes = {{2, {6, 4}}, {2, {4, 5}}, {2, {5, 3}}, {2, {3, 1}}},
     .model = network},
    {.name = "wrong second derivative only",
     .copy_of = "sigmoid",
     .as = "detached_sigmoid",
     .backward = detached_sigmoid,
     .n = 1,
     .shapes = {{1, {5}}},
     .order = 2},
    {.name = "not deterministic", .n = 1, .shapes = {{1, {5}}}, .model = not_deterministic},
    {.name = "right: relu at its kink", .copy_of = "relu", .as = "relu", .n = 1, .shapes = {{1, {3}}}},
    {.name = "right: a small part of a large loss", .n = 1, .shapes = {{1, {4}}}, .model = large_loss}};

static void make_parameters(tg_tape *tape, const planted *p, tg_tensor *params) {
    for (int i = 0; i < p->n; i++)
        params[i] = tg_param_normal(tape, p->shapes[i], tg_key_new((uint64_t)(7 + i)), 1);
    const double kink[3] = {-1, 0, 2};
    if (strcmp(p->name, "right: relu at its kink") == 0) params[0] = tg_param_f64(tape, TG_SHAPE(3), 3, kink);
}

/* Operation, input and kind of mistake; tg_blame_format adds line, element and values. */
static void name(const tg_blame_finding *found, size_t capacity, char *text) {
    if (found->kind == TG_BLAME_BARRIER)
        snprintf(text, capacity, "%s: no gradient flows through it, and the loss depends on x so",
                 found->operation);
    else
        snprintf(text, capacity, "%s, input %d%s%s", found->operation, found->input,
                 found->mistake.kind ? ": " : "", found->mistake.kind ? found->mistake.text : "");
}

static void check(planted *p) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor params[4];
    if (p->copy_of) {
        p->made = *tg_op_find(p->copy_of);
        if (p->backward) p->made.backward = p->backward;
        p->made.name = p->as;
    }
    make_parameters(tape, p, params);
    tg_model *model = p->model ? p->model : alone;
    const char *verdicts[2] = {"", ""};
    char said[512] = "";
    for (int fast = 0; fast < 2; fast++) {
        const tg_gradcheck_options options = {.fast = fast, .order = p->order};
        tg_gradcheck_report report;
        if (tg_gradcheck(tape, model, p, p->n, params, &options, &report) != TG_OK) {
            fprintf(stderr, "%s: %s\n", p->name, tg_tape_error(tape));
            break;
        }
        verdicts[fast] = tg_verdict_name(report.verdict);
        if (!fast && report.blame.n > 0) name(&report.blame.findings[0], sizeof said, said);
        if (!fast && !said[0] && strstr(report.note, "; "))
            snprintf(said, sizeof said, "%s", strstr(report.note, "; ") + 2);
        tg_gradcheck_report_free(&report);
    }
    printf("%s\t%s\t%s\t%s\n", p->name, verdicts[0], verdicts[1], said);
    tg_tape_free(tape);
}

int main(void) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check(&rows[i]);
    return 0;
}
