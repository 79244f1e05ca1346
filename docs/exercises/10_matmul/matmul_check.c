/* matmul_check.c: checks exercise 10: the product of two square matrices in a loss, against nudging. */
#include "matmul.h"

#include "exercise_desk.h"

enum { SIDE = 3, N = SIDE * SIDE };

static bool product_infer(tg_call *c) {
    c->out_shape = TG_SHAPE(SIDE, SIDE);
    return true;
}

static bool product_forward(const tg_call *c) {
    double *out = c->out.data;
    const tg_array *A = &c->in[0], *B = &c->in[1];
    const double *a = A->data, *b = B->data;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            out[SIDE * i + j] = 0;
            for (int k = 0; k < SIDE; k++)
                out[SIDE * i + j] +=
                    a[i * A->strides[0] + k * A->strides[1]] * b[k * B->strides[0] + j * B->strides[1]];
        }
    }
    return true;
}

static const struct tg_op my_matmul = {.name = "my_matmul",
                                       .kind = TG_OTHER,
                                       .n_inputs = 2,
                                       .infer = product_infer,
                                       .forward = product_forward,
                                       .backward = my_matmul_backward};

/* The sum of w * (A B), so that dY is w. */
static tg_tensor cost(tg_tape *tape, const tg_tensor *p, void *context) {
    (void)tape;
    return tg_sum(tg_mul(*(const tg_tensor *)context, tg_apply_2("check", &my_matmul, p[0], p[1])));
}

static void multiply(const double *a, bool transpose_a, const double *b, bool transpose_b, double *out) {
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            out[SIDE * i + j] = 0;
            for (int k = 0; k < SIDE; k++)
                out[SIDE * i + j] += (transpose_a ? a[SIDE * k + i] : a[SIDE * i + k]) *
                                     (transpose_b ? b[SIDE * j + k] : b[SIDE * k + j]);
        }
    }
}

int main(void) {
    exercise_desk desk =
        desk_open("10. The backward of a matrix product", "docs/exercises/10_matmul/matmul.c");
    double a[N], b[N], w[N], dA[N], dB[N], dA_transposed[N], dB_transposed[N], dA_plain[N], dB_plain[N];
    tg_random_normal(tg_key_new(10), N, a);
    tg_random_normal(tg_key_new(11), N, b);
    desk_weights(N, w);
    multiply(w, false, b, true, dA);
    multiply(a, true, w, false, dB);
    multiply(b, false, w, true, dA_transposed);
    multiply(w, true, a, false, dB_transposed);
    multiply(w, false, b, false, dA_plain);
    multiply(a, false, w, false, dB_plain);
    const known_answer for_A[] = {
        {dB, "This is dB, the gradient of the other input: dx[0] belongs to A, dx[1] to B."},
        {dA_transposed, "This is dA transposed. (X Y)' = Y' X': the order turns round."},
        {dA_plain, "This is dY B, and B has to be transposed: tg_transpose(c->x[1])."},
        {NULL, NULL}};
    const known_answer for_B[] = {
        {dA, "This is dA, the gradient of the other input: dx[0] belongs to A, dx[1] to B."},
        {dB_transposed, "This is dB transposed. (X Y)' = Y' X': the order turns round."},
        {dB_plain, "This is A dY, and A has to be transposed: tg_transpose(c->x[0])."},
        {NULL, NULL}};
    const known_answer *const known[] = {for_A, for_B};
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor weights = tg_from_f64(tape, TG_SHAPE(SIDE, SIDE), N, w);
    const tg_tensor p[2] = {tg_set_name(tg_param_f64(tape, TG_SHAPE(SIDE, SIDE), N, a), "A"),
                            tg_set_name(tg_param_f64(tape, TG_SHAPE(SIDE, SIDE), N, b), "B")};
    desk_gradcheck(&desk, tape, cost, &weights, 2, p, known);
    tg_tape_free(tape);
    return desk_close(&desk);
}
