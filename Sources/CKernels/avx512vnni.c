// AVX-512 with VNNI: VPDPBUSD adds four u8 × s8 products to each of 16 sums, unsaturated.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define ISA __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline)) ISA
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE __mmask16 first(size_t count) {
    return count >= 16 ? 0xFFFF : (__mmask16)((1u << count) - 1);
}

INLINE __m128i round_and_clamp(__m512 t, const struct ck_requantization *r) {
    t = _mm512_min_ps(_mm512_max_ps(t, _mm512_set1_ps(r->low)), _mm512_set1_ps(r->high));
    __m512i y = _mm512_add_epi32(_mm512_cvtps_epi32(t), _mm512_set1_epi32(r->zero_point));
    return _mm512_cvtepi32_epi8(y);
}

INLINE __m512i broadcast(const uint8_t *bytes) {
    int32_t quad;
    memcpy(&quad, bytes, 4);
    return _mm512_set1_epi32(quad);
}

// One tile, `rows` × `panels` of 16 channels, its sums in registers throughout. Both extents
// are constants at every call, so that the loops over them unroll.
INLINE void tile(
    const struct ck_product *p, size_t row, size_t panel, const size_t rows, const size_t panels) {
    const size_t panel_size = p->taps * p->quads * 64;
    const int8_t *filters = p->filters + panel * panel_size;
    __m512i acc[24];
    UNROLL for (size_t n = 0; n < panels; n++) {
        __m512i bias = _mm512_loadu_si512(p->bias + (panel + n) * 16);
        UNROLL for (size_t m = 0; m < rows; m++) acc[m * panels + n] = bias;
    }
    for (size_t tap = 0; tap < p->taps; tap++) {
        const int32_t *offsets = p->offsets + tap * p->offset_stride + row;
        const uint8_t *a[12];
        UNROLL for (size_t m = 0; m < rows; m++) a[m] = p->base + offsets[m];
        for (size_t quad = 0; quad < p->quads; quad++, filters += 64) {
            __m512i w[4];
            UNROLL for (size_t n = 0; n < panels; n++)
                w[n] = _mm512_loadu_si512(filters + n * panel_size);
            UNROLL for (size_t m = 0; m < rows; m++) {
                __m512i x = broadcast(a[m] + quad * 4);
                UNROLL for (size_t n = 0; n < panels; n++)
                    acc[m * panels + n] = _mm512_dpbusd_epi32(acc[m * panels + n], x, w[n]);
            }
        }
    }
    UNROLL for (size_t n = 0; n < panels; n++) {
        size_t channel = (panel + n) * 16;
        __mmask16 mask = first(p->outputs - channel);
        if (p->accumulators) {
            UNROLL for (size_t m = 0; m < rows; m++)
                _mm512_mask_storeu_epi32(
                    p->accumulators + (row + m) * p->out_stride + channel, mask,
                    acc[m * panels + n]);
        } else {
            __m512 multipliers = _mm512_loadu_ps(p->multipliers + channel);
            UNROLL for (size_t m = 0; m < rows; m++) {
                __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[m * panels + n]), multipliers);
                _mm_mask_storeu_epi8(
                    p->out + (row + m) * p->out_stride + channel, mask,
                    round_and_clamp(t, &p->requantization));
            }
        }
    }
}

#define ROWS(count, panels) \
    for (; rows >= count; rows -= count, row += count) tile(p, row, panel, count, panels)

// 24 sums fill the registers beside the filters and one broadcast: 12 × 1 cannot, but only
// networks of 16 channels and less end there.
ISA static void panels1(const struct ck_product *p, size_t row, size_t rows, size_t panel) {
    ROWS(12, 1);
    ROWS(4, 1);
    ROWS(1, 1);
}

ISA static void panels2(const struct ck_product *p, size_t row, size_t rows, size_t panel) {
    ROWS(12, 2);
    ROWS(6, 2);
    ROWS(3, 2);
    ROWS(1, 2);
}

ISA static void panels3(const struct ck_product *p, size_t row, size_t rows, size_t panel) {
    ROWS(8, 3);
    ROWS(4, 3);
    ROWS(2, 3);
    ROWS(1, 3);
}

ISA static void panels4(const struct ck_product *p, size_t row, size_t rows, size_t panel) {
    ROWS(6, 4);
    ROWS(3, 4);
    ROWS(1, 4);
}

ISA void ck_u8s8_product__avx512vnni(
    const struct ck_product *p, size_t first_row, size_t rows, size_t first_panel, size_t panels) {
    size_t panel = first_panel;
    size_t left = panels;
    while (left > 0) {
        // Four at a time, but 5 and 6 are better split 3 + 2 and 3 + 3.
        size_t count = left == 5 || left == 6 ? 3 : left < 4 ? left : 4;
        switch (count) {
        case 1: panels1(p, first_row, rows, panel); break;
        case 2: panels2(p, first_row, rows, panel); break;
        case 3: panels3(p, first_row, rows, panel); break;
        default: panels4(p, first_row, rows, panel);
        }
        panel += count;
        left -= count;
    }
}

// Two taps are joined into pairs of int16, which VPDPWSSD multiplies and adds exactly.
ISA void ck_u8s8_depthwise__avx512vnni(
    const struct ck_depthwise *p, size_t first_row, size_t rows) {
    const size_t padded = (p->channels + 15) & ~(size_t)15;
    for (size_t row = first_row; row < first_row + rows; row++) {
        for (size_t c = 0; c < p->channels; c += 16) {
            __mmask16 mask = first(p->channels - c);
            __m512i acc = _mm512_loadu_si512(p->bias + c);
            const int16_t *filters = p->filters + c * 2;
            for (size_t tap = 0; tap < p->taps; tap += 2, filters += padded * 2) {
                const int32_t *offsets = p->offsets + tap * p->offset_stride + row;
                __m512i x = _mm512_cvtepu8_epi32(
                    _mm_maskz_loadu_epi8(mask, p->base + offsets[0] + c));
                if (tap + 1 < p->taps) {
                    __m512i next = _mm512_cvtepu8_epi32(
                        _mm_maskz_loadu_epi8(mask, p->base + offsets[p->offset_stride] + c));
                    x = _mm512_or_si512(x, _mm512_slli_epi32(next, 16));
                }
                acc = _mm512_dpwssd_epi32(acc, x, _mm512_loadu_si512(filters));
            }
            __m512 t = _mm512_mul_ps(
                _mm512_cvtepi32_ps(acc), _mm512_loadu_ps(p->multipliers + c));
            _mm_mask_storeu_epi8(
                p->out + row * p->channels + c, mask, round_and_clamp(t, &p->requantization));
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

ISA void ck_u8_maxpool__avx512vnni(const struct ck_pool *p, size_t first_row, size_t rows) {
    for (size_t oy = first_row; oy < first_row + rows; oy++) {
        struct range y = inside(oy * p->stride, p->top, p->kernel_height, p->height);
        for (size_t ox = 0; ox < p->out_width; ox++) {
            struct range x = inside(ox * p->stride, p->left, p->kernel_width, p->width);
            uint8_t *out = p->out + (oy * p->out_width + ox) * p->channels;
            for (size_t c = 0; c < p->channels; c += 64) {
                size_t left = p->channels - c;
                __mmask64 mask = left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1;
                __m512i most = _mm512_setzero_si512();
                for (size_t iy = y.from; iy < y.to; iy++)
                    for (size_t ix = x.from; ix < x.to; ix++)
                        most = _mm512_max_epu8(
                            most, _mm512_maskz_loadu_epi8(
                                      mask, p->in + (iy * p->width + ix) * p->channels + c));
                _mm512_mask_storeu_epi8(out + c, mask, most);
            }
        }
    }
}

ISA void ck_u8_averagepool__avx512vnni(const struct ck_pool *p, size_t first_row, size_t rows) {
    for (size_t oy = first_row; oy < first_row + rows; oy++) {
        struct range y = inside(oy * p->stride, p->top, p->kernel_height, p->height);
        for (size_t ox = 0; ox < p->out_width; ox++) {
            struct range x = inside(ox * p->stride, p->left, p->kernel_width, p->width);
            size_t position = oy * p->out_width + ox;
            uint32_t counted = (uint32_t)((y.to - y.from) * (x.to - x.from));
            int32_t offset = (int32_t)(0u - counted * (uint32_t)p->in_zero_point);
            for (size_t c = 0; c < p->channels; c += 16) {
                __mmask16 mask = first(p->channels - c);
                __m512i acc = _mm512_set1_epi32(offset);
                for (size_t iy = y.from; iy < y.to; iy++)
                    for (size_t ix = x.from; ix < x.to; ix++)
                        acc = _mm512_add_epi32(
                            acc, _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(
                                     mask, p->in + (iy * p->width + ix) * p->channels + c)));
                __m512 t = _mm512_mul_ps(
                    _mm512_cvtepi32_ps(acc), _mm512_set1_ps(p->multipliers[position]));
                _mm_mask_storeu_epi8(
                    p->out + position * p->channels + c, mask,
                    round_and_clamp(t, &p->requantization));
            }
        }
    }
}

ISA void ck_u8_add__avx512vnni(const struct ck_add *p, size_t start, size_t count) {
    for (size_t i = start; i < start + count; i += 16) {
        __mmask16 mask = first(start + count - i);
        __m512i a = _mm512_sub_epi32(
            _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, p->a + i)),
            _mm512_set1_epi32(p->a_zero_point));
        __m512i b = _mm512_sub_epi32(
            _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, p->b + i)),
            _mm512_set1_epi32(p->b_zero_point));
        __m512 t = _mm512_add_ps(
            _mm512_mul_ps(_mm512_cvtepi32_ps(a), _mm512_set1_ps(p->a_ratio)),
            _mm512_mul_ps(_mm512_cvtepi32_ps(b), _mm512_set1_ps(p->b_ratio)));
        _mm_mask_storeu_epi8(p->out + i, mask, round_and_clamp(t, &p->requantization));
    }
}

INLINE void distances(
    const float *point, size_t dimension, const float *centroids, const size_t blocks,
    float *out) {
    __m512 sums[4];
    UNROLL for (size_t b = 0; b < blocks; b++) sums[b] = _mm512_setzero_ps();
    for (size_t d = 0; d < dimension; d++) {
        __m512 e = _mm512_set1_ps(point[d]);
        UNROLL for (size_t b = 0; b < blocks; b++) {
            __m512 difference =
                _mm512_sub_ps(e, _mm512_loadu_ps(centroids + (b * dimension + d) * 16));
            sums[b] = _mm512_add_ps(sums[b], _mm512_mul_ps(difference, difference));
        }
    }
    UNROLL for (size_t b = 0; b < blocks; b++) _mm512_storeu_ps(out + b * 16, sums[b]);
}

// Four blocks at a time hide the latency of the addition.
ISA void ck_f32_distances__avx512vnni(
    const float *point, size_t dimension, const float *centroids, size_t blocks, float *out) {
    size_t b = 0;
    for (; b + 4 <= blocks; b += 4)
        distances(point, dimension, centroids + b * dimension * 16, 4, out + b * 16);
    for (; b < blocks; b++)
        distances(point, dimension, centroids + b * dimension * 16, 1, out + b * 16);
}

INLINE float sum_of_lanes(__m512 v) {
    __m256 eight = _mm256_add_ps(
        _mm512_castps512_ps256(v),
        _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

INLINE void dots(
    const float *query, const float *rows, size_t dimension, const size_t count, float *out) {
    __m512 sums[4];
    UNROLL for (size_t r = 0; r < count; r++) sums[r] = _mm512_setzero_ps();
    for (size_t d = 0; d < dimension; d += 16) {
        // A lane past the end adds 0 · 0, which changes no sum: none is ever −0.
        __mmask16 mask = first(dimension - d);
        __m512 q = _mm512_maskz_loadu_ps(mask, query + d);
        UNROLL for (size_t r = 0; r < count; r++)
            sums[r] = _mm512_add_ps(
                sums[r],
                _mm512_mul_ps(q, _mm512_maskz_loadu_ps(mask, rows + r * dimension + d)));
    }
    UNROLL for (size_t r = 0; r < count; r++) out[r] = sum_of_lanes(sums[r]);
}

ISA void ck_f32_dots__avx512vnni(
    const float *query, const float *rows, size_t dimension, size_t count, float *out) {
    size_t r = 0;
    for (; r + 4 <= count; r += 4) dots(query, rows + r * dimension, dimension, 4, out + r);
    for (; r < count; r++) dots(query, rows + r * dimension, dimension, 1, out + r);
}

#endif
