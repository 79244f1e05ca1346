/* vector_math.c: which table of vector functions this CPU gets.
 *
 * Owns: the list of CPU levels, what each asks of the CPU, and the choice. Must not know how the functions
 * work: those are in core/vector_math_kernels.c, compiled once for each level. */
#include "core/kernel.h"
#include "core/vector_math.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern const struct tg_vector_math tg_vector_math_portable;
#if defined(__x86_64__)
extern const struct tg_vector_math tg_vector_math_avx2, tg_vector_math_avx512;
#endif

/* What is asked here and the -m flags of the build must be the same. __builtin_cpu_supports also asks
 * whether the operating system keeps the wide registers. */
const struct tg_vector_math *tg_vector_math_level(int level) {
    if (level == 0) return &tg_vector_math_portable;
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (level == 1 && avx2) return &tg_vector_math_avx2;
    if (level == 2 && avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq"))
        return &tg_vector_math_avx512;
#endif
    return NULL;
}

/* The named level, or the last that runs when the name is NULL, unknown or of a better CPU. */
static const struct tg_vector_math *choose(const char *name) {
    const struct tg_vector_math *best = NULL;
    for (int level = 0; tg_vector_math_level(level); ++level) {
        best = tg_vector_math_level(level);
        if (name && strcmp(name, best->cpu) == 0) break;
    }
    return best;
}

const struct tg_vector_math *tg_vector_math(void) {
    static const struct tg_vector_math *_Atomic chosen;
    const struct tg_vector_math *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (table) return table;
    const struct tg_vector_math *mine = choose(getenv("TAPEGRAD_CPU"));
    /* Threads that come here at once all take what the first one stored. */
    return atomic_compare_exchange_strong(&chosen, &table, mine) ? mine : table;
}

bool tg_cpu_is_wide(void) { return tg_vector_math() != &tg_vector_math_portable; }
