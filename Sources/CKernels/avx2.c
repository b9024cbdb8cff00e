// AVX2, for CPUs without VNNI.
//
// VPMADDUBSW multiplies u8 × s8 directly but saturates its int16 sums; it is exact only where
// filters keep within ±63 (2 · 255 · 63 < 2¹⁵). Filters of full range go through VPMADDWD on
// both operands widened to int16: the even bytes of a quad and then its odd ones, since masking
// and shifting within 16 bits widens without any shuffle.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__x86_64__)

#define ISA __attribute__((target("avx2")))
#define ROW(name) ck_##name##__avx2
#define HEIGHT(panels, kind) ((kind) == CK_BYTES ? 4 : 6)
#define SIGNED_OPERANDS 0
#define SEPARATE_NARROW 1
#define WINOGRAD 1

#include "x86-256.h"

typedef __m256i words;

PRIMITIVE words load_words(const uint8_t *p) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
}
PRIMITIVE words add_words(words a, words b) { return _mm256_add_epi16(a, b); }
PRIMITIVE words subtract_words(words a, words b) { return _mm256_sub_epi16(a, b); }
// `count` is even.
PRIMITIVE void store_words(int16_t *p, words v, size_t count) {
    if (count >= 16)
        _mm256_storeu_si256((__m256i *)p, v);
    else
        _mm256_maskstore_epi32((int *)p, first(count / 2), v);
}

PRIMITIVE ints quarter_ints(ints a) { return _mm256_srai_epi32(a, 2); }

// Of words and narrow bytes only `even` is used.
typedef struct { __m256i even, odd; } operand;
typedef struct { __m256i even, odd; } weights;

PRIMITIVE operand split(__m256i x, const enum ck_kind kind) {
    if (kind != CK_BYTES) return (operand){x, x};
    return (operand){_mm256_and_si256(x, _mm256_set1_epi16(0xFF)), _mm256_srli_epi16(x, 8)};
}
PRIMITIVE operand broadcast(const uint8_t *p, const enum ck_kind kind) {
    return split(broadcast_quad(p), kind);
}
PRIMITIVE operand load_operand(const uint8_t *p, const enum ck_kind kind) {
    return split(load(p), kind);
}
PRIMITIVE weights load_weights(const int8_t *p, const enum ck_kind kind) {
    __m256i w = load(p);
    if (kind != CK_BYTES) return (weights){w, w};
    return (weights){_mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), _mm256_srai_epi16(w, 8)};
}
PRIMITIVE ints dot(ints sum, operand x, weights w, const enum ck_kind kind) {
    if (kind == CK_NARROW) {
        __m256i pairs = _mm256_maddubs_epi16(x.even, w.even);
        return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x.even, w.even));
    if (kind == CK_WORDS) return sum;
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x.odd, w.odd));
}

#include "rows.h"

#endif
