/* test_long_chain.c: ten million operations in a row: no recursion, and at most 256 bytes an operation.
 *
 * Owns: what graph/gradient.c promises of long tapes. Under sanitizers, which multiply memory and time, the
 * chains are shorter. */
#include "tapegrad.h"
#include "tests/graph/counting_allocator.h"
#include "tests/graph/expect_error.h"

#include <math.h>

#if defined(__SANITIZE_ADDRESS__)
#define SHORT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHORT 1
#endif
#endif
#ifdef SHORT
enum { LONG = 200000 };
#else
enum { LONG = 10000000 };
#endif

/* y = p + p f + p f^2 + ..., one multiplication an operation, differentiated; bytes per operation. */
static double bytes_per_operation(tg_dtype dtype, int64_t n, bool factor_is_parameter) {
    counting memory;
    tg_tape *tape = tg_tape_new_with(dtype, counting_allocator(&memory));
    const tg_tensor p = tg_param_scalar(tape, 3);
    const tg_tensor f = factor_is_parameter ? tg_param_scalar(tape, 1) : tg_scalar(tape, 1);
    tg_tensor y = p;
    for (int64_t i = 0; i < n; i++) y = tg_mul(y, f);
    cr_expect_eq(tg_backward(y), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_item(tg_grad(p)), 1);
    if (factor_is_parameter) cr_expect_eq(tg_item(tg_grad(f)), 3 * (double)n);
    tg_tape_free(tape);
    cr_expect_eq(memory.bytes, 0);
    return (double)memory.most_bytes / (double)n;
}

Test(long_chain, of_ten_million_operations_is_differentiated_in_256_bytes_each) {
    const double bytes = bytes_per_operation(TG_F64, LONG, false);
    cr_expect_leq(bytes, 256, "%g bytes an operation", bytes);
}

Test(long_chain, through_one_shared_parameter_needs_no_more) {
    const double bytes = bytes_per_operation(TG_F32, LONG / 10, true);
    cr_expect_leq(bytes, 256, "%g bytes an operation", bytes);
}

Test(long_chain, is_differentiated_twice_without_recursion) {
    tg_tape *tape = tg_tape_new(TG_F64);
    const tg_tensor x = tg_param_scalar(tape, 1);
    tg_tensor y = x, dx, ddx;
    enum { N = LONG / 100 };
    for (int i = 1; i < N; i++) y = tg_mul(y, x); /* x^N */
    cr_expect_eq(tg_gradients(y, 1, &x, &dx), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_eq(tg_item(dx), N);
    cr_expect_eq(tg_gradients(dx, 1, &x, &ddx), TG_OK, "%s", tg_tape_error(tape));
    cr_expect_float_eq(tg_item(ddx), (double)N * (N - 1), 1e-3);
    tg_tape_free(tape);
}

Test(long_chain, is_drawn_without_recursion) {
    tg_tape *tape = tg_tape_new(TG_F64);
    tg_tensor y = tg_param_scalar(tape, 1);
    for (int i = 0; i < 20000; i++) y = tg_neg(y);
    cr_expect_eq(tg_draw("/dev/null", y, NULL), TG_OK, "%s", tg_tape_error(tape));
    tg_tape_free(tape);
}
