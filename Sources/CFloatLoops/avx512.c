#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f")))
#define NAMED(function) function##__avx512f
#define VECTOR __m512
#define LANES 16
#define LOAD(pointer) _mm512_loadu_ps(pointer)
#define STORE(pointer, vector) _mm512_storeu_ps(pointer, vector)
#define ALL(number) _mm512_set1_ps(number)
#define FMA(a, b, sum) _mm512_fmadd_ps(a, b, sum)
#define MAX(bound, vector) _mm512_max_ps(bound, vector)
#define MIN(bound, vector) _mm512_min_ps(bound, vector)
// Of 32 registers.
#define ROWS_OF_1 24
#define ROWS_OF_2 14
#define ROWS_OF_3 9

#include "loops.h"

#endif
