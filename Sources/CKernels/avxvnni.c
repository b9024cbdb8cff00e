// AVX-VNNI, for CPUs with VNNI but without AVX-512.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__x86_64__)

#define ISA __attribute__((target("avx2,avxvnni")))
#define ROW(name) ck_##name##__avxvnni
#define DPBUSD _mm256_dpbusd_avx_epi32

#include "vnni-256.h"

#endif
