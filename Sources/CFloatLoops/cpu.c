#include "CFloatLoops.h"

#if defined(__x86_64__)

int cfl_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
int cfl_has_avx512f(void) { return __builtin_cpu_supports("avx512f") != 0; }

#else

int cfl_has_avx2(void) { return 0; }
int cfl_has_avx512f(void) { return 0; }

#endif
