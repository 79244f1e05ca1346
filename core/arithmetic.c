/* arithmetic.c: several cheap elementwise operations, one after the other, in registers.
 *
 * Owns: the versions of core/accumulator_template.h by type and CPU. Without FMA: every step rounds as the
 * kernel of its operation does. Must not know operations. */
#include "core/arithmetic.h"

#include "core/cpu_level.h"

#include <math.h>
#include <string.h>

/* Where the CPU has no masks: memcpy of the bytes that there are. */
#define LOAD_BYTES(x, bytes) (memcpy(&v, x, bytes), v)
#define STORE_BYTES(x, v, bytes) memcpy(x, &v, bytes)

#define REAL float
#define BITS uint32_t
#define SQUARE_ROOT sqrtf
#define VECTOR_BYTES 16
#define TARGET
#define REGISTERS 0
#define LOAD_PART LOAD_BYTES
#define STORE_PART STORE_BYTES
#define T(name) name##_f32_portable
#include "core/accumulator_template.h"

#define REAL double
#define BITS uint64_t
#define SQUARE_ROOT sqrt
#define VECTOR_BYTES 16
#define TARGET
#define REGISTERS 0
#define LOAD_PART LOAD_BYTES
#define STORE_PART STORE_BYTES
#define T(name) name##_f64_portable
#include "core/accumulator_template.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define REAL float
#define BITS uint32_t
#define SQUARE_ROOT sqrtf
#define VECTOR_BYTES 32
#define TARGET __attribute__((target("avx2")))
#define REGISTERS 0
#define LOAD_PART LOAD_BYTES
#define STORE_PART STORE_BYTES
#define T(name) name##_f32_avx2
#include "core/accumulator_template.h"

#define REAL double
#define BITS uint64_t
#define SQUARE_ROOT sqrt
#define VECTOR_BYTES 32
#define TARGET __attribute__((target("avx2")))
#define REGISTERS 0
#define LOAD_PART LOAD_BYTES
#define STORE_PART STORE_BYTES
#define T(name) name##_f64_avx2
#include "core/accumulator_template.h"

#define REAL float
#define BITS uint32_t
#define SQUARE_ROOT sqrtf
#define VECTOR_BYTES 64
#define TARGET __attribute__((target("avx512f")))
#define REGISTERS 1
#define LOAD_PART(x, bytes) _mm512_maskz_loadu_ps((__mmask16)((1U << bytes / 4) - 1), x)
#define STORE_PART(x, v, bytes) _mm512_mask_storeu_ps(x, (__mmask16)((1U << bytes / 4) - 1), v)
#define T(name) name##_f32_avx512
#include "core/accumulator_template.h"

#define REAL double
#define BITS uint64_t
#define SQUARE_ROOT sqrt
#define VECTOR_BYTES 64
#define TARGET __attribute__((target("avx512f")))
#define REGISTERS 1
#define LOAD_PART(x, bytes) _mm512_maskz_loadu_pd((__mmask8)((1U << bytes / 8) - 1), x)
#define STORE_PART(x, v, bytes) _mm512_mask_storeu_pd(x, (__mmask8)((1U << bytes / 8) - 1), v)
#define T(name) name##_f64_avx512
#include "core/accumulator_template.h"
#endif

tg_accumulator_fn *tg_accumulator_for(tg_dtype dtype) {
#if defined(__x86_64__)
    const tg_cpu_level level = tg_cpu_level_chosen();
    if (level == TG_CPU_AVX512) return dtype == TG_F32 ? accumulate_f32_avx512 : accumulate_f64_avx512;
    if (level == TG_CPU_AVX2) return dtype == TG_F32 ? accumulate_f32_avx2 : accumulate_f64_avx2;
#endif
    return dtype == TG_F32 ? accumulate_f32_portable : accumulate_f64_portable;
}

int tg_accumulator_registers(void) {
#if defined(__x86_64__)
    return tg_cpu_level_chosen() == TG_CPU_AVX512 ? TG_IN_C - TG_IN_B + 1 : 0;
#else
    return 0;
#endif
}
