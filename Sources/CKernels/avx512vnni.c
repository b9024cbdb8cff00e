// AVX-512 with VNNI: VPDPBUSD adds four u8 × s8 products to each of 16 sums, unsaturated.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define ISA __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define ROW(name) ck_##name##__avx512vnni
#define LANES 16
#define MAX_PANELS 4
// 24 sums fill the registers beside the filters and one broadcast; 12 × 1 cannot, but only
// networks of 16 channels and less end there.
#define HEIGHT(panels, kind) ((panels) == 1 ? 12 : 24 / (panels))
#define DEPTHWISE_OUTPUTS 4
#define SIGNED_OPERANDS 0
#define SEPARATE_NARROW 0
#define WINOGRAD 0

#define PRIMITIVE static inline __attribute__((always_inline)) ISA

typedef __m512i ints;
typedef __m512 floats;
typedef __m512i bytes;
typedef __m512i operand;
typedef __m512i weights;

static inline __mmask16 first(size_t count) {
    return count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1);
}

PRIMITIVE ints load_ints(const int32_t *p) { return _mm512_loadu_si512(p); }
PRIMITIVE ints repeat_int(int32_t v) { return _mm512_set1_epi32(v); }
PRIMITIVE ints add_ints(ints a, ints b) { return _mm512_add_epi32(a, b); }
PRIMITIVE ints subtract_ints(ints a, ints b) { return _mm512_sub_epi32(a, b); }
PRIMITIVE ints times_128(ints a) { return _mm512_slli_epi32(a, 7); }
PRIMITIVE void store_ints(int32_t *p, ints v, size_t count) {
    if (count >= 16)
        _mm512_storeu_si512(p, v);
    else
        _mm512_mask_storeu_epi32(p, first(count), v);
}

PRIMITIVE floats load_floats(const float *p) { return _mm512_loadu_ps(p); }
PRIMITIVE floats load_first_floats(const float *p, size_t count) {
    return _mm512_maskz_loadu_ps(first(count), p);
}
PRIMITIVE void store_floats(float *p, floats v) { _mm512_storeu_ps(p, v); }
PRIMITIVE floats repeat_float(float v) { return _mm512_set1_ps(v); }
PRIMITIVE floats to_floats(ints v) { return _mm512_cvtepi32_ps(v); }
PRIMITIVE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
PRIMITIVE floats subtract(floats a, floats b) { return _mm512_sub_ps(a, b); }
PRIMITIVE floats multiply(floats a, floats b) { return _mm512_mul_ps(a, b); }
PRIMITIVE floats min_floats(floats a, floats b) { return _mm512_min_ps(a, b); }
PRIMITIVE floats max_floats(floats a, floats b) { return _mm512_max_ps(a, b); }
PRIMITIVE floats round_floats(floats v) {
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
PRIMITIVE float sum_of_sixteen(const floats *v) {
    __m256 eight = _mm256_add_ps(
        _mm512_castps512_ps256(*v),
        _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(*v), 1)));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

PRIMITIVE bytes load_bytes(const uint8_t *p) { return _mm512_loadu_si512(p); }
PRIMITIVE bytes zero_bytes(void) { return _mm512_setzero_si512(); }
PRIMITIVE bytes max_bytes(bytes a, bytes b) { return _mm512_max_epu8(a, b); }
PRIMITIVE void store_vector(uint8_t *p, bytes v) { _mm512_store_si512(p, v); }
// `count` bytes of which at most `most`, a constant, are there to be stored.
PRIMITIVE void store_bytes(uint8_t *p, bytes v, size_t count, const size_t most) {
    if (count < most) {
        _mm512_mask_storeu_epi8(p, ((__mmask64)1 << count) - 1, v);
        return;
    }
    if (most == 64) {
        _mm512_storeu_si512(p, v);
    } else if (most == 48) {
        _mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(v));
        _mm_storeu_si128((__m128i *)(p + 32), _mm512_extracti32x4_epi32(v, 2));
    } else if (most == 32) {
        _mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256(v));
    } else {
        _mm_storeu_si128((__m128i *)p, _mm512_castsi512_si128(v));
    }
}
PRIMITIVE void interleave(bytes v[4]) {
    bytes low01 = _mm512_unpacklo_epi8(v[0], v[1]), high01 = _mm512_unpackhi_epi8(v[0], v[1]);
    bytes low23 = _mm512_unpacklo_epi8(v[2], v[3]), high23 = _mm512_unpackhi_epi8(v[2], v[3]);
    v[0] = _mm512_unpacklo_epi16(low01, low23);
    v[1] = _mm512_unpackhi_epi16(low01, low23);
    v[2] = _mm512_unpacklo_epi16(high01, high23);
    v[3] = _mm512_unpackhi_epi16(high01, high23);
}
PRIMITIVE void widen(bytes v, ints out[4]) {
    const __m512i zero = _mm512_setzero_si512();
    __m512i low = _mm512_unpacklo_epi8(v, zero), high = _mm512_unpackhi_epi8(v, zero);
    out[0] = _mm512_unpacklo_epi16(low, zero);
    out[1] = _mm512_unpackhi_epi16(low, zero);
    out[2] = _mm512_unpacklo_epi16(high, zero);
    out[3] = _mm512_unpackhi_epi16(high, zero);
}
// The packs saturate, which clamps to 0...255.
PRIMITIVE bytes rounded(const floats t[4], const size_t count, const struct ck_requantization *r) {
    const __m512i zero = _mm512_set1_epi16((int16_t)r->zero_point);
    __m512i y[4];
    _Pragma("clang loop unroll(full)") for (size_t n = 0; n < 4; n++)
        y[n] = n < count ? _mm512_cvtps_epi32(t[n]) : _mm512_setzero_si512();
    __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(y[0], y[1]), zero);
    __m512i high =
        count > 2 ? _mm512_adds_epi16(_mm512_packs_epi32(y[2], y[3]), zero) : low;
    __m512i all = _mm512_max_epu8(_mm512_packus_epi16(low, high), _mm512_set1_epi8((char)r->low));
    return _mm512_min_epu8(all, _mm512_set1_epi8((char)r->high));
}
PRIMITIVE bytes in_order(bytes v) {
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
}

// 16 bytes as int32, in natural order.
PRIMITIVE ints load_widened(const uint8_t *p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}

PRIMITIVE operand broadcast(const uint8_t *p, const enum ck_kind kind) {
    (void)kind;
    int32_t quad;
    memcpy(&quad, p, 4);
    return _mm512_set1_epi32(quad);
}
PRIMITIVE operand load_operand(const uint8_t *p, const enum ck_kind kind) {
    (void)kind;
    return _mm512_loadu_si512(p);
}
PRIMITIVE weights load_weights(const int8_t *p, const enum ck_kind kind) {
    (void)kind;
    return _mm512_loadu_si512(p);
}
PRIMITIVE ints dot(ints sum, operand x, weights w, const enum ck_kind kind) {
    (void)kind;
    return _mm512_dpbusd_epi32(sum, x, w);
}

#include "rows.h"

#endif
