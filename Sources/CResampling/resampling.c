#include "CResampling.h"

enum { PRECISION = 22, HALF = 1 << (PRECISION - 1) };

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))

static inline uint8_t rounded(uint32_t sum) {
    sum >>= PRECISION;
    return sum < 255 ? (uint8_t)sum : 255;
}

int crs_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }

// The sum of `taps` pixels by their weights. Reads a byte behind the last one.
AVX2 static inline __m128i sum_of(const uint8_t *from, const int32_t *weight, size_t taps) {
    __m128i sum = _mm_set1_epi32(HALF);
    for (size_t tap = 0; tap < taps; tap++) {
        int32_t bytes;
        memcpy(&bytes, from + 3 * tap, sizeof bytes);
        __m128i pixel = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
        sum = _mm_add_epi32(sum, _mm_mullo_epi32(pixel, _mm_set1_epi32(weight[tap])));
    }
    return sum;
}

AVX2 static inline void store(__m128i sum, uint8_t *target) {
    sum = _mm_srli_epi32(sum, PRECISION);
    sum = _mm_packus_epi16(_mm_packus_epi32(sum, sum), sum);  // 256 becomes 255
    uint32_t bytes = (uint32_t)_mm_cvtsi128_si32(sum);
    memcpy(target, &bytes, 3);
}

// The outputs before `end`, each of as many pixels, some by weights of zero: the loops within
// then have one length, which the processor predicts and, for the usual lengths, is unrolled.
AVX2 static inline void shrink(const uint8_t *source, const int32_t *firsts, size_t taps,
                               const int32_t *weights, size_t span, size_t end, uint8_t *target) {
    for (size_t x = 0; x < end; x++)
        store(sum_of(source + 3 * (size_t)firsts[x], weights + x * span, taps), target + 3 * x);
}

AVX2 void crs_shrink_row(const uint8_t *source, size_t pixels, const int32_t *firsts,
                         const int32_t *counts, size_t taps, const int32_t *weights, size_t span,
                         size_t outputs, uint8_t *target) {
    // The last outputs would read beyond the row.
    size_t end = outputs;
    while (end > 0 && (size_t)firsts[end - 1] + taps >= pixels) end--;
    switch (taps) {
        case 1: shrink(source, firsts, 1, weights, span, end, target); break;
        case 2: shrink(source, firsts, 2, weights, span, end, target); break;
        case 3: shrink(source, firsts, 3, weights, span, end, target); break;
        case 4: shrink(source, firsts, 4, weights, span, end, target); break;
        case 5: shrink(source, firsts, 5, weights, span, end, target); break;
        case 6: shrink(source, firsts, 6, weights, span, end, target); break;
        default: shrink(source, firsts, taps, weights, span, end, target); break;
    }
    for (size_t x = end; x < outputs; x++) {
        uint32_t sum[3] = {HALF, HALF, HALF};
        for (size_t tap = 0; tap < (size_t)counts[x]; tap++)
            for (size_t channel = 0; channel < 3; channel++)
                sum[channel] += (uint32_t)weights[x * span + tap] *
                                source[3 * ((size_t)firsts[x] + tap) + channel];
        for (size_t channel = 0; channel < 3; channel++)
            target[3 * x + channel] = rounded(sum[channel]);
    }
}

AVX2 void crs_mix_rows(const uint8_t *source, size_t count, size_t stride, const int32_t *weights,
                       uint8_t *target) {
    size_t x = 0;
    for (; x + 16 <= stride; x += 16) {
        __m256i low = _mm256_set1_epi32(HALF), high = low;
        for (size_t row = 0; row < count; row++) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(source + row * stride + x));
            __m256i weight = _mm256_set1_epi32(weights[row]);
            low = _mm256_add_epi32(
                low, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(bytes), weight));
            high = _mm256_add_epi32(
                high,
                _mm256_mullo_epi32(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)), weight));
        }
        low = _mm256_srli_epi32(low, PRECISION);
        high = _mm256_srli_epi32(high, PRECISION);
        // Packing works in halves of 128 bits, hence the order.
        __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, high), 0xD8);
        __m128i result = _mm_packus_epi16(
            _mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
        _mm_storeu_si128((__m128i *)(target + x), result);
    }
    for (; x < stride; x++) {
        uint32_t sum = HALF;
        for (size_t row = 0; row < count; row++)
            sum += (uint32_t)source[row * stride + x] * (uint32_t)weights[row];
        target[x] = rounded(sum);
    }
}

#else

#include <stdlib.h>

int crs_has_avx2(void) { return 0; }

void crs_shrink_row(const uint8_t *source, size_t pixels, const int32_t *firsts,
                    const int32_t *counts, size_t taps, const int32_t *weights, size_t span,
                    size_t outputs, uint8_t *target) {
    (void)source, (void)pixels, (void)firsts, (void)counts, (void)taps, (void)weights;
    (void)span, (void)outputs, (void)target;
    abort();
}

void crs_mix_rows(const uint8_t *source, size_t count, size_t stride, const int32_t *weights,
                  uint8_t *target) {
    (void)source, (void)count, (void)stride, (void)weights, (void)target;
    abort();
}

#endif
