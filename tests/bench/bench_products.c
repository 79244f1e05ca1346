/* bench_products.c: products of matrices by the library's kernels and by OpenBLAS, shape by shape.
 *
 * One thread; f32 and f64; on every level of CPU that there is, against OpenBLAS's kernels for such a CPU.
 * Prints how often BLAS's time the kernels take, and where the library's choice between the two (`limits` in
 * core/small_product.c) is the slower one: those rows of the table are to be mended. */
#include "core/blas_product.h"
#define MEASURE_BUDGET_NS 1e7 /* there are many comparisons */
#include "measure.h"
#include "tapegrad.h"

#include <cblas.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOLERANCE 0.1

typedef struct shape {
    int64_t m, n, k;
} shape;

/* The products of the other benchmarks' networks, and matrices of every size. */
static const shape shapes[] = {
    {4, 400, 2},     {1, 400, 4},     {4, 400, 1},     {4, 2, 400},     {1, 4, 400},     {25, 1000, 400},
    {15, 1000, 25},  {1, 1000, 15},   {15, 1000, 1},   {25, 1000, 15},  {1, 15, 1000},   {15, 25, 1000},
    {25, 400, 1000}, {64, 128, 784},  {64, 10, 128},   {64, 128, 10},   {128, 10, 64},   {784, 128, 64},
    {128, 512, 784}, {128, 512, 512}, {4, 4, 4},       {8, 8, 8},       {12, 12, 12},    {16, 16, 16},
    {24, 24, 24},    {32, 32, 32},    {48, 48, 48},    {64, 64, 64},    {96, 96, 96},    {128, 128, 128},
    {192, 192, 192}, {256, 256, 256}, {384, 384, 384}, {512, 512, 512}, {300, 5, 200},   {5, 300, 200},
    {1, 1000, 1000}, {1, 1, 1000},    {64, 2, 400},    {1000, 2, 100},  {1000, 8, 1000}, {8, 1000, 1000},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, LARGEST = 1000 * 1000 };

typedef struct turn {
    tg_dtype dtype;
    struct tg_small_product product;
    struct tg_blas_operand a, b;
    tg_small_kernel *kernel;
} turn;

static void ours(void *context) {
    const turn *t = context;
    t->kernel(&t->product);
}

static void blas(void *context) {
    const turn *t = context;
    tg_blas_multiply(t->dtype, &t->product, t->a, t->b);
}

static struct tg_matrix matrix(const void *data, int64_t rows, int64_t columns, bool turned) {
    return (struct tg_matrix){data, turned ? 1 : columns, turned ? rows : 1};
}

/* Which of the limits a shape speaks of. */
static const char *limit_of(shape s, bool turn_a, bool turn_b) {
    const int64_t least = s.m < s.n ? s.m : s.n;
    if (!turn_a && turn_b && least <= 8) return "thin";
    return least < 16 ? "columns" : "work";
}

/* Returns whether the choice was the slower one. */
static bool compare(tg_cpu_level level, tg_dtype dtype, shape s, bool turn_a, bool turn_b,
                    void *const *data) {
    turn t = {.dtype = dtype,
              .product = {.m = s.m,
                          .n = s.n,
                          .k = s.k,
                          .a = matrix(data[0], s.m, s.k, turn_a),
                          .b = matrix(data[1], s.k, s.n, turn_b),
                          .c = data[2],
                          .c_row = s.n,
                          .c_column = 1}};
    t.a = tg_blas_describe(&t.product.a, s.m, s.k);
    t.b = tg_blas_describe(&t.product.b, s.k, s.n);
    t.kernel = tg_small_kernel_for(level, dtype, &t.product, true);
    contestant both[] = {{.name = "BLAS", .run = blas, .context = &t},
                         {.name = "ours", .run = ours, .context = &t}};
    measure(2, both);
    const double ratio = measure_spread(&both[1], &both[0]).median;
    const bool chosen = tg_small_kernel_for(level, dtype, &t.product, false) != NULL;
    const bool slower = chosen ? ratio > 1 + TOLERANCE : ratio < 1 - TOLERANCE;
    const double flops = 2 * (double)s.m * (double)s.n * (double)s.k;
    const double ns = measure_spread(&both[chosen], NULL).median;
    printf("  %4d x %4d%s @ %4d x %4d%s  %s %5.2f times BLAS, chosen: %s %9.0f ns %6.1f GFLOP/s", (int)s.m,
           (int)s.k, turn_a ? "'" : " ", (int)s.k, (int)s.n, turn_b ? "'" : " ", tg_dtype_name(dtype), ratio,
           chosen ? "ours" : "BLAS", ns, flops / ns);
    printf(slower ? "  the slower one: `%s`\n" : "\n", limit_of(s, turn_a, turn_b));
    return slower;
}

static int compare_all(tg_cpu_level level) {
    void *data[3];
    int n_slower = 0, n_all = 0;
    measure_threads(1);
    for (int i = 0; i < 3; i++) {
        data[i] = aligned_alloc(64, LARGEST * sizeof(double));
        if (!data[i]) return 1;
        memset(data[i], 0, LARGEST * sizeof(double));
    }
    printf("products on %s, beside OpenBLAS's for %s; ' stands for turned\n", tg_cpu_level_name(level),
           openblas_get_corename());
    for (int dtype = TG_F32; dtype <= TG_F64; dtype++)
        for (int i = 0; i < N_SHAPES; i++)
            for (int way = 0; way < 3; way++, n_all++)
                n_slower += compare(level, (tg_dtype)dtype, shapes[i], way == 1, way == 2, data);
    printf(" %d of %d choices are slower by more than %.0f%%\n", n_slower, n_all, 100 * TOLERANCE);
    for (int i = 0; i < 3; i++) free(data[i]);
    return 0;
}

/* OpenBLAS chooses its kernels when it is loaded: a process for each level. */
static int run_itself(const char *program, tg_cpu_level level) {
    static const char *const like[] = {"Nehalem", "Haswell", "SkylakeX"};
    int status = 1;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
#if defined(__x86_64__)
        setenv("OPENBLAS_CORETYPE", like[level], 0);
#endif
        setenv("TAPEGRAD_CPU", tg_cpu_level_name(level), 1);
        execl(program, program, "--level", (char *)NULL);
        _exit(127);
    }
    if (child > 0) waitpid(child, &status, 0);
    return status;
}

int main(int argc, char **argv) {
    int bad = 0;
    if (argc > 1) return compare_all(tg_cpu_level_chosen());
    for (int level = 0; level < TG_N_CPU_LEVELS && tg_cpu_has((tg_cpu_level)level); level++)
        bad |= run_itself(argv[0], (tg_cpu_level)level);
    return bad != 0;
}
