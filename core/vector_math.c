/* vector_math.c: which table of vector functions this CPU gets.
 *
 * Owns: the list of the tables. Must not know how the functions work: those are in
 * core/vector_math_kernels.c, compiled once for each level. */
#include "core/vector_math.h"

#include "core/cpu_level.h"

extern const struct tg_vector_math tg_vector_math_portable;
#if defined(__x86_64__)
extern const struct tg_vector_math tg_vector_math_avx2, tg_vector_math_avx512;
#endif

static const struct tg_vector_math *const tables[TG_N_CPU_LEVELS] = {
    [TG_CPU_PORTABLE] = &tg_vector_math_portable,
#if defined(__x86_64__)
    [TG_CPU_AVX2] = &tg_vector_math_avx2,
    [TG_CPU_AVX512] = &tg_vector_math_avx512,
#endif
};

const struct tg_vector_math *tg_vector_math_level(int level) {
    return level < TG_N_CPU_LEVELS && tg_cpu_has((tg_cpu_level)level) ? tables[level] : NULL;
}

const struct tg_vector_math *tg_vector_math(void) { return tables[tg_cpu_level_chosen()]; }
