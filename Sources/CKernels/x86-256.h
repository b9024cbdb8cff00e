// The vector primitives of 256 bits that AVX2 and the 256-bit VNNI rows share.

#include <immintrin.h>
#include <string.h>

#define LANES 8
#define MAX_PANELS 1
#define DEPTHWISE_OUTPUTS 4
#define PRIMITIVE static inline __attribute__((always_inline)) ISA

typedef __m256i ints;
typedef __m256 floats;
typedef __m256i bytes;

// −1 in the first `count` of 8 lanes.
PRIMITIVE __m256i first(size_t count) {
    return _mm256_cmpgt_epi32(
        _mm256_set1_epi32(count < 8 ? (int32_t)count : 8),
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

PRIMITIVE __m256i load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

PRIMITIVE ints load_ints(const int32_t *p) { return load(p); }
PRIMITIVE ints repeat_int(int32_t v) { return _mm256_set1_epi32(v); }
PRIMITIVE ints add_ints(ints a, ints b) { return _mm256_add_epi32(a, b); }
PRIMITIVE ints subtract_ints(ints a, ints b) { return _mm256_sub_epi32(a, b); }
PRIMITIVE ints times_128(ints a) { return _mm256_slli_epi32(a, 7); }
PRIMITIVE void store_ints(int32_t *p, ints v, size_t count) {
    if (count >= 8)
        _mm256_storeu_si256((__m256i *)p, v);
    else
        _mm256_maskstore_epi32(p, first(count), v);
}

PRIMITIVE floats load_floats(const float *p) { return _mm256_loadu_ps(p); }
PRIMITIVE floats load_first_floats(const float *p, size_t count) {
    return _mm256_maskload_ps(p, first(count));
}
PRIMITIVE void store_floats(float *p, floats v) { _mm256_storeu_ps(p, v); }
PRIMITIVE floats repeat_float(float v) { return _mm256_set1_ps(v); }
PRIMITIVE floats to_floats(ints v) { return _mm256_cvtepi32_ps(v); }
PRIMITIVE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
PRIMITIVE floats subtract(floats a, floats b) { return _mm256_sub_ps(a, b); }
PRIMITIVE floats multiply(floats a, floats b) { return _mm256_mul_ps(a, b); }
PRIMITIVE floats min_floats(floats a, floats b) { return _mm256_min_ps(a, b); }
PRIMITIVE floats max_floats(floats a, floats b) { return _mm256_max_ps(a, b); }
PRIMITIVE floats round_floats(floats v) {
    return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
PRIMITIVE float sum_of_sixteen(const floats *v) {
    __m256 eight = _mm256_add_ps(v[0], v[1]);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

PRIMITIVE bytes load_bytes(const uint8_t *p) { return load(p); }
PRIMITIVE bytes zero_bytes(void) { return _mm256_setzero_si256(); }
PRIMITIVE bytes max_bytes(bytes a, bytes b) { return _mm256_max_epu8(a, b); }
PRIMITIVE void store_vector(uint8_t *p, bytes v) { _mm256_store_si256((__m256i *)p, v); }
// `count` bytes of which at most `most`, a constant, are there to be stored; beyond lies another
// row that a neighbour may be writing.
PRIMITIVE void store_bytes(uint8_t *p, bytes v, size_t count, const size_t most) {
    if (count < most) {
        __m128i half = _mm256_castsi256_si128(v);
        if (count >= 16) {
            _mm_storeu_si128((__m128i *)p, half);
            half = _mm256_extracti128_si256(v, 1);
            p += 16;
            count -= 16;
        }
        uint64_t eight = (uint64_t)_mm_cvtsi128_si64(half);
        if (count >= 8) {
            memcpy(p, &eight, 8);
            eight = (uint64_t)_mm_extract_epi64(half, 1);
            p += 8;
            count -= 8;
        }
        for (; count > 0; count--, eight >>= 8) *p++ = (uint8_t)eight;
    } else if (most == 32) {
        _mm256_storeu_si256((__m256i *)p, v);
    } else {
        _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(v));
    }
}
PRIMITIVE void interleave(bytes v[4]) {
    bytes low01 = _mm256_unpacklo_epi8(v[0], v[1]), high01 = _mm256_unpackhi_epi8(v[0], v[1]);
    bytes low23 = _mm256_unpacklo_epi8(v[2], v[3]), high23 = _mm256_unpackhi_epi8(v[2], v[3]);
    v[0] = _mm256_unpacklo_epi16(low01, low23);
    v[1] = _mm256_unpackhi_epi16(low01, low23);
    v[2] = _mm256_unpacklo_epi16(high01, high23);
    v[3] = _mm256_unpackhi_epi16(high01, high23);
}
PRIMITIVE void widen(bytes v, ints out[4]) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i low = _mm256_unpacklo_epi8(v, zero), high = _mm256_unpackhi_epi8(v, zero);
    out[0] = _mm256_unpacklo_epi16(low, zero);
    out[1] = _mm256_unpackhi_epi16(low, zero);
    out[2] = _mm256_unpacklo_epi16(high, zero);
    out[3] = _mm256_unpackhi_epi16(high, zero);
}
// The packs saturate, which clamps to 0...255.
PRIMITIVE bytes rounded(const floats t[4], const size_t count, const struct ck_requantization *r) {
    const __m256i zero = _mm256_set1_epi16((int16_t)r->zero_point);
    __m256i y[4];
    _Pragma("clang loop unroll(full)") for (size_t n = 0; n < 4; n++)
        y[n] = n < count ? _mm256_cvtps_epi32(t[n]) : _mm256_setzero_si256();
    __m256i low = _mm256_adds_epi16(_mm256_packs_epi32(y[0], y[1]), zero);
    __m256i high =
        count > 2 ? _mm256_adds_epi16(_mm256_packs_epi32(y[2], y[3]), zero) : low;
    __m256i all = _mm256_max_epu8(_mm256_packus_epi16(low, high), _mm256_set1_epi8((char)r->low));
    return _mm256_min_epu8(all, _mm256_set1_epi8((char)r->high));
}
PRIMITIVE bytes in_order(bytes v) {
    return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// 8 bytes as int32, in natural order.
PRIMITIVE ints load_widened(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

PRIMITIVE __m256i broadcast_quad(const uint8_t *p) {
    int32_t quad;
    memcpy(&quad, p, 4);
    return _mm256_set1_epi32(quad);
}
