// AVX2, for CPUs without VNNI.
//
// VPMADDUBSW multiplies u8 × s8 directly but saturates its int16 sums; it is exact only where
// filters keep within ±63 (2 · 255 · 63 < 2¹⁵). Filters of full range go through VPMADDWD on
// both operands widened to int16: the even bytes of a quad and then its odd ones, since masking
// and shifting within 16 bits widens without any shuffle.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define ISA __attribute__((target("avx2")))
#define INLINE static inline __attribute__((always_inline)) ISA
#define UNROLL _Pragma("clang loop unroll(full)")

// Two blocks of 8 channels, 32 bytes of filters each, make a panel.
enum { HALVES = 2 };

INLINE __m256i load(const void *bytes) { return _mm256_loadu_si256((const __m256i *)bytes); }

INLINE __m256i round_and_clamp(__m256 t, const struct ck_requantization *r) {
    t = _mm256_min_ps(_mm256_max_ps(t, _mm256_set1_ps(r->low)), _mm256_set1_ps(r->high));
    return _mm256_add_epi32(_mm256_cvtps_epi32(t), _mm256_set1_epi32(r->zero_point));
}

// The low bytes of 8 int32, each within 0...255.
INLINE __m128i narrowed(__m256i v) {
    __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return _mm_packus_epi16(words, words);
}

// Stores the first `count` of 8 bytes; beyond lies another row that a neighbour may be writing.
INLINE void store(uint8_t *out, __m128i bytes, size_t count) {
    if (count >= 8) {
        _mm_storel_epi64((__m128i *)out, bytes);
    } else {
        uint64_t all = (uint64_t)_mm_cvtsi128_si64(bytes);
        for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(all >> (8 * i));
    }
}

INLINE __m256i broadcast(const uint8_t *bytes) {
    int32_t quad;
    memcpy(&quad, bytes, 4);
    return _mm256_set1_epi32(quad);
}

// −1 in the first `count` of 8 lanes.
INLINE __m256i lanes(size_t count) {
    return _mm256_cmpgt_epi32(
        _mm256_set1_epi32(count < 8 ? (int32_t)count : 8),
        _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// acc[m][n] += x[m] · w[n] over one quad of bytes, exact for any filters.
INLINE void add_wide(
    __m256i acc[12], const uint8_t *const a[6], size_t at, const int8_t *filters,
    const size_t rows) {
    __m256i even[HALVES], odd[HALVES];
    UNROLL for (size_t n = 0; n < HALVES; n++) {
        __m256i w = load(filters + n * 32);
        even[n] = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8);
        odd[n] = _mm256_srai_epi16(w, 8);
    }
    UNROLL for (size_t m = 0; m < rows; m++) {
        __m256i x = broadcast(a[m] + at);
        __m256i x_even = _mm256_and_si256(x, _mm256_set1_epi16(0xFF));
        __m256i x_odd = _mm256_srli_epi16(x, 8);
        UNROLL for (size_t n = 0; n < HALVES; n++) {
            __m256i *sum = &acc[m * HALVES + n];
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x_even, even[n]));
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x_odd, odd[n]));
        }
    }
}

// The same for filters within ±63.
INLINE void add_narrow(
    __m256i acc[12], const uint8_t *const a[6], size_t at, const int8_t *filters,
    const size_t rows) {
    __m256i w[HALVES];
    UNROLL for (size_t n = 0; n < HALVES; n++) w[n] = load(filters + n * 32);
    UNROLL for (size_t m = 0; m < rows; m++) {
        __m256i x = broadcast(a[m] + at);
        UNROLL for (size_t n = 0; n < HALVES; n++) {
            __m256i pairs = _mm256_maddubs_epi16(x, w[n]);
            acc[m * HALVES + n] = _mm256_add_epi32(
                acc[m * HALVES + n], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
        }
    }
}

// One tile, `rows` × 16 channels, its sums in registers throughout. `rows` and `narrow` are
// constants at every call, so that the loops unroll.
INLINE void tile(
    const struct ck_product *p, size_t row, size_t panel, const size_t rows, const int narrow) {
    const int8_t *filters = p->filters + panel * p->taps * p->quads * 64;
    size_t channel = panel * 16;
    __m256i acc[12];
    UNROLL for (size_t n = 0; n < HALVES; n++) {
        __m256i bias = load(p->bias + channel + n * 8);
        UNROLL for (size_t m = 0; m < rows; m++) acc[m * HALVES + n] = bias;
    }
    for (size_t tap = 0; tap < p->taps; tap++) {
        const int32_t *offsets = p->offsets + tap * p->offset_stride + row;
        const uint8_t *a[6];
        UNROLL for (size_t m = 0; m < rows; m++) a[m] = p->base + offsets[m];
        for (size_t quad = 0; quad < p->quads; quad++, filters += 64) {
            if (narrow)
                add_narrow(acc, a, quad * 4, filters, rows);
            else
                add_wide(acc, a, quad * 4, filters, rows);
        }
    }
    UNROLL for (size_t n = 0; n < HALVES; n++, channel += 8) {
        if (channel >= p->outputs) break;
        size_t count = p->outputs - channel < 8 ? p->outputs - channel : 8;
        if (p->accumulators) {
            UNROLL for (size_t m = 0; m < rows; m++)
                _mm256_maskstore_epi32(
                    p->accumulators + (row + m) * p->out_stride + channel, lanes(count),
                    acc[m * HALVES + n]);
        } else {
            __m256 multipliers = _mm256_loadu_ps(p->multipliers + channel);
            UNROLL for (size_t m = 0; m < rows; m++) {
                __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(acc[m * HALVES + n]), multipliers);
                store(
                    p->out + (row + m) * p->out_stride + channel,
                    narrowed(round_and_clamp(t, &p->requantization)), count);
            }
        }
    }
}

#define ROWS(count, narrow) \
    for (; rows >= count; rows -= count, row += count) tile(p, row, panel, count, narrow)

ISA static void panel_wide(const struct ck_product *p, size_t row, size_t rows, size_t panel) {
    ROWS(4, 0);
    ROWS(1, 0);
}

ISA static void panel_narrow(const struct ck_product *p, size_t row, size_t rows, size_t panel) {
    ROWS(6, 1);
    ROWS(3, 1);
    ROWS(1, 1);
}

ISA void ck_u8s8_product__avx2(
    const struct ck_product *p, size_t first_row, size_t rows, size_t first_panel, size_t panels) {
    for (size_t panel = first_panel; panel < first_panel + panels; panel++) {
        if (p->narrow)
            panel_narrow(p, first_row, rows, panel);
        else
            panel_wide(p, first_row, rows, panel);
    }
}

// Two taps are joined into pairs of int16, which VPMADDWD multiplies and adds exactly.
ISA void ck_u8s8_depthwise__avx2(const struct ck_depthwise *p, size_t first_row, size_t rows) {
    const size_t padded = (p->channels + 15) & ~(size_t)15;
    for (size_t row = first_row; row < first_row + rows; row++) {
        for (size_t c = 0; c < p->channels; c += 8) {
            __m256i acc = load(p->bias + c);
            const int16_t *filters = p->filters + c * 2;
            for (size_t tap = 0; tap < p->taps; tap += 2, filters += padded * 2) {
                const int32_t *offsets = p->offsets + tap * p->offset_stride + row;
                __m256i x = _mm256_cvtepu8_epi32(
                    _mm_loadl_epi64((const __m128i *)(p->base + offsets[0] + c)));
                if (tap + 1 < p->taps) {
                    __m256i next = _mm256_cvtepu8_epi32(_mm_loadl_epi64(
                        (const __m128i *)(p->base + offsets[p->offset_stride] + c)));
                    x = _mm256_or_si256(x, _mm256_slli_epi32(next, 16));
                }
                acc = _mm256_add_epi32(acc, _mm256_madd_epi16(x, load(filters)));
            }
            __m256 t = _mm256_mul_ps(
                _mm256_cvtepi32_ps(acc), _mm256_loadu_ps(p->multipliers + c));
            store(
                p->out + row * p->channels + c, narrowed(round_and_clamp(t, &p->requantization)),
                p->channels - c);
        }
    }
}

// The part of a window that lies inside the map, along one dimension.
struct range { size_t from, to; };

static inline struct range inside(size_t at, size_t before, size_t kernel, size_t size) {
    size_t from = at < before ? 0 : at - before;
    size_t to = at + kernel < before ? 0 : at + kernel - before;
    return (struct range){from, to < size ? to : size};
}

ISA void ck_u8_maxpool__avx2(const struct ck_pool *p, size_t first_row, size_t rows) {
    for (size_t oy = first_row; oy < first_row + rows; oy++) {
        struct range y = inside(oy * p->stride, p->top, p->kernel_height, p->height);
        for (size_t ox = 0; ox < p->out_width; ox++) {
            struct range x = inside(ox * p->stride, p->left, p->kernel_width, p->width);
            uint8_t *out = p->out + (oy * p->out_width + ox) * p->channels;
            for (size_t c = 0; c < p->channels; c += 32) {
                __m256i most = _mm256_setzero_si256();
                for (size_t iy = y.from; iy < y.to; iy++)
                    for (size_t ix = x.from; ix < x.to; ix++)
                        most = _mm256_max_epu8(
                            most, load(p->in + (iy * p->width + ix) * p->channels + c));
                if (p->channels - c >= 32)
                    _mm256_storeu_si256((__m256i *)(out + c), most);
                else
                    memcpy(out + c, &most, p->channels - c);
            }
        }
    }
}

ISA void ck_u8_averagepool__avx2(const struct ck_pool *p, size_t first_row, size_t rows) {
    for (size_t oy = first_row; oy < first_row + rows; oy++) {
        struct range y = inside(oy * p->stride, p->top, p->kernel_height, p->height);
        for (size_t ox = 0; ox < p->out_width; ox++) {
            struct range x = inside(ox * p->stride, p->left, p->kernel_width, p->width);
            size_t position = oy * p->out_width + ox;
            uint32_t counted = (uint32_t)((y.to - y.from) * (x.to - x.from));
            int32_t offset = (int32_t)(0u - counted * (uint32_t)p->in_zero_point);
            for (size_t c = 0; c < p->channels; c += 8) {
                __m256i acc = _mm256_set1_epi32(offset);
                for (size_t iy = y.from; iy < y.to; iy++)
                    for (size_t ix = x.from; ix < x.to; ix++)
                        acc = _mm256_add_epi32(
                            acc, _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(
                                     p->in + (iy * p->width + ix) * p->channels + c))));
                __m256 t = _mm256_mul_ps(
                    _mm256_cvtepi32_ps(acc), _mm256_set1_ps(p->multipliers[position]));
                store(
                    p->out + position * p->channels + c,
                    narrowed(round_and_clamp(t, &p->requantization)), p->channels - c);
            }
        }
    }
}

ISA void ck_u8_add__avx2(const struct ck_add *p, size_t start, size_t count) {
    for (size_t i = start; i < start + count; i += 8) {
        __m256i a = _mm256_sub_epi32(
            _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(p->a + i))),
            _mm256_set1_epi32(p->a_zero_point));
        __m256i b = _mm256_sub_epi32(
            _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(p->b + i))),
            _mm256_set1_epi32(p->b_zero_point));
        __m256 t = _mm256_add_ps(
            _mm256_mul_ps(_mm256_cvtepi32_ps(a), _mm256_set1_ps(p->a_ratio)),
            _mm256_mul_ps(_mm256_cvtepi32_ps(b), _mm256_set1_ps(p->b_ratio)));
        store(p->out + i, narrowed(round_and_clamp(t, &p->requantization)), start + count - i);
    }
}

INLINE void distances(
    const float *point, size_t dimension, const float *centroids, const size_t halves,
    float *out) {
    __m256 sums[8];
    UNROLL for (size_t h = 0; h < halves; h++) sums[h] = _mm256_setzero_ps();
    for (size_t d = 0; d < dimension; d++) {
        __m256 e = _mm256_set1_ps(point[d]);
        UNROLL for (size_t h = 0; h < halves; h++) {
            const float *block = centroids + h / HALVES * dimension * 16;
            __m256 difference =
                _mm256_sub_ps(e, _mm256_loadu_ps(block + d * 16 + h % HALVES * 8));
            sums[h] = _mm256_add_ps(sums[h], _mm256_mul_ps(difference, difference));
        }
    }
    UNROLL for (size_t h = 0; h < halves; h++) _mm256_storeu_ps(out + h * 8, sums[h]);
}

// Four blocks at a time hide the latency of the addition.
ISA void ck_f32_distances__avx2(
    const float *point, size_t dimension, const float *centroids, size_t blocks, float *out) {
    size_t b = 0;
    for (; b + 4 <= blocks; b += 4)
        distances(point, dimension, centroids + b * dimension * 16, 8, out + b * 16);
    for (; b < blocks; b++)
        distances(point, dimension, centroids + b * dimension * 16, 2, out + b * 16);
}

INLINE float sum_of_lanes(__m256 low, __m256 high) {
    __m256 eight = _mm256_add_ps(low, high);
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

INLINE void dots(
    const float *query, const float *rows, size_t dimension, const size_t count, float *out) {
    __m256 sums[8];
    UNROLL for (size_t r = 0; r < count * HALVES; r++) sums[r] = _mm256_setzero_ps();
    size_t d = 0;
    for (; d + 16 <= dimension; d += 16) {
        UNROLL for (size_t h = 0; h < HALVES; h++) {
            __m256 q = _mm256_loadu_ps(query + d + h * 8);
            UNROLL for (size_t r = 0; r < count; r++)
                sums[r * HALVES + h] = _mm256_add_ps(
                    sums[r * HALVES + h],
                    _mm256_mul_ps(q, _mm256_loadu_ps(rows + r * dimension + d + h * 8)));
        }
    }
    // A lane past the end adds 0 · 0, which changes no sum: none is ever −0.
    UNROLL for (size_t h = 0; h < HALVES; h++, d += 8) {
        if (d >= dimension) break;
        __m256i mask = lanes(dimension - d);
        __m256 q = _mm256_maskload_ps(query + d, mask);
        UNROLL for (size_t r = 0; r < count; r++)
            sums[r * HALVES + h] = _mm256_add_ps(
                sums[r * HALVES + h],
                _mm256_mul_ps(q, _mm256_maskload_ps(rows + r * dimension + d, mask)));
    }
    UNROLL for (size_t r = 0; r < count; r++)
        out[r] = sum_of_lanes(sums[r * HALVES], sums[r * HALVES + 1]);
}

ISA void ck_f32_dots__avx2(
    const float *query, const float *rows, size_t dimension, size_t count, float *out) {
    size_t r = 0;
    for (; r + 4 <= count; r += 4) dots(query, rows + r * dimension, dimension, 4, out + r);
    for (; r < count; r++) dots(query, rows + r * dimension, dimension, 1, out + r);
}

#endif
