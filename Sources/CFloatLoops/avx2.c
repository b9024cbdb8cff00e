#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(function) function##__avx2
#define VECTOR __m256
#define LANES 8
#define LOAD(pointer) _mm256_loadu_ps(pointer)
#define STORE(pointer, vector) _mm256_storeu_ps(pointer, vector)
#define ALL(number) _mm256_set1_ps(number)
#define FMA(a, b, sum) _mm256_fmadd_ps(a, b, sum)
#define MAX(bound, vector) _mm256_max_ps(bound, vector)
#define MIN(bound, vector) _mm256_min_ps(bound, vector)
// Of 16 registers.
#define ROWS_OF_1 12
#define ROWS_OF_2 6
#define ROWS_OF_3 4

#include "loops.h"

#endif
