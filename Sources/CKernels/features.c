#include "CKernels.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

// The compiler's probe reads CPUID and, for what needs wider registers, XGETBV: a feature
// counts only where the operating system saves those registers.
uint32_t ck_cpu_features(void) {
    uint32_t features = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) features |= CK_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        features |= CK_AVX512VNNI;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni"))
        features |= CK_AVXVNNI;
#elif defined(__aarch64__)
    const unsigned long dot_product = 1 << 20;  // HWCAP_ASIMDDP
    if (getauxval(AT_HWCAP) & dot_product) features |= CK_DOTPROD;
#endif
    return features;
}
