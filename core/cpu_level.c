/* cpu_level.c: which instructions the kernels may use.
 *
 * Owns: what is asked of the CPU, which must be what the build's flags (vector math) and target attributes
 * (products) rely on, and the environment variable. Must not know any kernel. */
#include "core/cpu_level.h"

#include "core/kernel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *tg_cpu_level_name(tg_cpu_level level) {
    static const char *const names[] = {"portable", "avx2", "avx512"};
    return names[level];
}

/* __builtin_cpu_supports also asks whether the operating system keeps the wide registers. */
bool tg_cpu_has(tg_cpu_level level) {
    if (level == TG_CPU_PORTABLE) return true;
#if defined(__x86_64__)
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (level == TG_CPU_AVX2) return avx2;
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

/* The named level, or the last that runs when the name is NULL, unknown or of a better CPU. */
static tg_cpu_level choose(const char *name) {
    int best = TG_CPU_PORTABLE;
    for (int level = best; level < TG_N_CPU_LEVELS && tg_cpu_has((tg_cpu_level)level); level++) {
        best = level;
        if (name && strcmp(name, tg_cpu_level_name((tg_cpu_level)level)) == 0) break;
    }
    return (tg_cpu_level)best;
}

tg_cpu_level tg_cpu_level_chosen(void) {
    static atomic_int chosen = -1;
    int level = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (level >= 0) return (tg_cpu_level)level;
    const int mine = (int)choose(getenv("TAPEGRAD_CPU"));
    /* Threads that come here at once all take what the first one stored. */
    return (tg_cpu_level)(atomic_compare_exchange_strong(&chosen, &level, mine) ? mine : level);
}

bool tg_cpu_is_wide(void) { return tg_cpu_level_chosen() != TG_CPU_PORTABLE; }
