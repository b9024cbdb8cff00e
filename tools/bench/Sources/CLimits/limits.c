#include "CLimits.h"

// The operands never change, which the compiler must not know, or it would multiply once.
#define HIDE(v) __asm__ volatile("" : "+x"(v))

#if defined(__x86_64__)

#include <immintrin.h>

#define VNNI512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define AVXVNNI __attribute__((target("avx2,avxvnni")))
#define AVX2 __attribute__((target("avx2")))

// Twelve sums hide a latency of up to six cycles at two instructions a cycle.
enum { SUMS = 12 };
#define EACH _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++)

VNNI512 static uint64_t dpbusd_512(uint64_t iterations) {
    __m512i sums[SUMS], x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(-5);
    EACH sums[i] = _mm512_setzero_si512();
    for (uint64_t n = 0; n < iterations; n++) EACH {
        sums[i] = _mm512_dpbusd_epi32(sums[i], x, w);
        __asm__ volatile("" : "+v"(sums[i]));
    }
    return iterations * SUMS * 64;
}

VNNI512 static uint64_t dpbusd_256(uint64_t iterations) {
    __m256i sums[SUMS], x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
    EACH sums[i] = _mm256_setzero_si256();
    for (uint64_t n = 0; n < iterations; n++) EACH {
        sums[i] = _mm256_dpbusd_epi32(sums[i], x, w);
        __asm__ volatile("" : "+v"(sums[i]));
    }
    return iterations * SUMS * 32;
}

AVXVNNI static uint64_t dpbusd_vex(uint64_t iterations) {
    __m256i sums[SUMS], x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
    EACH sums[i] = _mm256_setzero_si256();
    for (uint64_t n = 0; n < iterations; n++) EACH {
        sums[i] = _mm256_dpbusd_avx_epi32(sums[i], x, w);
        HIDE(sums[i]);
    }
    return iterations * SUMS * 32;
}

AVX2 static uint64_t maddubs(uint64_t iterations) {
    __m256i sums[SUMS], x = _mm256_set1_epi8(3), w = _mm256_set1_epi8(-5);
    __m256i ones = _mm256_set1_epi16(1);
    EACH sums[i] = _mm256_setzero_si256();
    for (uint64_t n = 0; n < iterations; n++) EACH {
        HIDE(x);
        __m256i pairs = _mm256_maddubs_epi16(x, w);
        sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs, ones));
        HIDE(sums[i]);
    }
    return iterations * SUMS * 32;
}

AVX2 static uint64_t maddwd(uint64_t iterations) {
    __m256i sums[SUMS], x = _mm256_set1_epi16(3), w = _mm256_set1_epi16(-5);
    EACH sums[i] = _mm256_setzero_si256();
    for (uint64_t n = 0; n < iterations; n++) EACH {
        HIDE(x);
        sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(x, w));
        HIDE(sums[i]);
    }
    return iterations * SUMS * 16;
}

int cl_has(enum cl_way way) {
    __builtin_cpu_init();
    switch (way) {
    case CL_DPBUSD_512:
    case CL_DPBUSD_256:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    case CL_DPBUSD_VEX: return __builtin_cpu_supports("avxvnni") != 0;
    case CL_MADDUBS:
    case CL_MADDWD: return __builtin_cpu_supports("avx2") != 0;
    case CL_DOT_NEON: return 0;
    }
    return 0;
}

uint64_t cl_multiply(enum cl_way way, uint64_t iterations) {
    if (!cl_has(way)) return 0;
    switch (way) {
    case CL_DPBUSD_512: return dpbusd_512(iterations);
    case CL_DPBUSD_256: return dpbusd_256(iterations);
    case CL_DPBUSD_VEX: return dpbusd_vex(iterations);
    case CL_MADDUBS: return maddubs(iterations);
    case CL_MADDWD: return maddwd(iterations);
    case CL_DOT_NEON: return 0;
    }
    return 0;
}

#elif defined(__aarch64__)

#include <arm_neon.h>
#include <sys/auxv.h>

#define DOT __attribute__((target("dotprod")))
enum { SUMS = 16 };
#define EACH _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++)

DOT static uint64_t dot(uint64_t iterations) {
    int32x4_t sums[SUMS];
    int8x16_t x = vdupq_n_s8(3), w = vdupq_n_s8(-5);
    EACH sums[i] = vdupq_n_s32(0);
    for (uint64_t n = 0; n < iterations; n++) EACH {
        sums[i] = vdotq_s32(sums[i], x, w);
        __asm__ volatile("" : "+w"(sums[i]));
    }
    return iterations * SUMS * 16;
}

// Bit 20 of AT_HWCAP is HWCAP_ASIMDDP.
int cl_has(enum cl_way way) { return way == CL_DOT_NEON && (getauxval(AT_HWCAP) >> 20 & 1); }

uint64_t cl_multiply(enum cl_way way, uint64_t iterations) {
    return cl_has(way) ? dot(iterations) : 0;
}

#else

int cl_has(enum cl_way way) { return way < 0; }
uint64_t cl_multiply(enum cl_way way, uint64_t iterations) { return way < 0 ? iterations : 0; }

#endif

// Eight streams of independent sums; the compiler makes the widest loads of the baseline of
// them, which memory, not the core, holds up.
uint64_t cl_read(const void *memory, size_t bytes) {
    const uint64_t *words = memory;
    uint64_t sums[8] = {0};
    for (size_t n = 0; n < bytes / 64; n++)
        for (int i = 0; i < 8; i++) sums[i] ^= words[n * 8 + i];
    uint64_t all = 0;
    for (int i = 0; i < 8; i++) all ^= sums[i];
    return all;
}
