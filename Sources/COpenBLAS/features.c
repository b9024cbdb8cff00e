#include "COpenBLAS.h"

// The compiler's probe reads CPUID and, for what needs wider registers, XGETBV: a feature counts
// only where the operating system saves those registers.
uint32_t cob_cpu_features(void) {
    uint32_t features = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features |= COB_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        features |= COB_AVX512;
#endif
    return features;
}
