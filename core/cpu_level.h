/* cpu_level.h: which instructions the kernels may use.
 *
 * Owns: the levels of CPU that kernels are compiled for, what each asks of the CPU, and the choice. Must not
 * know any kernel. Internal: not installed. */
#ifndef TAPEGRAD_CORE_CPU_LEVEL_H
#define TAPEGRAD_CORE_CPU_LEVEL_H

#include "core/status.h"

/* Each has all that the one before has. Other machines than x86-64 have the portable one. */
typedef enum tg_cpu_level { TG_CPU_PORTABLE, TG_CPU_AVX2, TG_CPU_AVX512, TG_N_CPU_LEVELS } tg_cpu_level;

/* "portable", "avx2", "avx512". */
const char *tg_cpu_level_name(tg_cpu_level level);

/* Whether this CPU, and the operating system, can run kernels of a level. */
bool tg_cpu_has(tg_cpu_level level);

/* The level for this process: the highest, or the one that the environment variable TAPEGRAD_CPU names if the
 * CPU has it. Chosen once; safe to call from any thread. */
tg_cpu_level tg_cpu_level_chosen(void);

#endif
