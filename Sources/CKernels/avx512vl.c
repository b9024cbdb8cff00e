// The AVX-VNNI row in AVX-512's encoding, so that CPUs of that kind test it too.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__x86_64__)

#define ISA __attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512vnni")))
#define ROW(name) ck_##name##__avx512vl
#define DPBUSD _mm256_dpbusd_epi32

#include "vnni-256.h"

#endif
