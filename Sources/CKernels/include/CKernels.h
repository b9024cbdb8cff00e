// The arithmetic kernels, one C file per instruction set.
//
// C, because Swift has no intrinsics for these instructions. Each operation is called
// ck_<type>_<operation>__<instruction set>; all rows of one operation give the same bits,
// and the row written in Swift (Kernels/Reference*.swift) says which. Nothing here allocates,
// keeps state or checks its arguments: the one importer, Kernels, does that.
//
// Reading: where a comment says "readable", up to 63 bytes beyond the last element of a
// row may be loaded (never used), so buffers end in 64 bytes of slack.

#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// What this CPU and its operating system can do, as bits.
enum { CK_AVX2 = 1, CK_AVX512VNNI = 2 };
uint32_t ck_cpu_features(void);

// How an accumulator becomes a u8: t = (float)acc * m, clamped to [low, high] = [lo - z,
// hi - z], rounded half to even, plus z.
struct ck_requantization {
    float low;
    float high;
    int32_t zero_point;
};

// Gathered u8 rows times packed s8 filters: convolution and linear layers.
//
// Row r of the left matrix is made of `taps` runs of 4 * quads bytes (readable); run t
// starts at base + offsets[t * offset_stride + r].
struct ck_product {
    const uint8_t *base;
    const int32_t *offsets;
    size_t offset_stride;
    size_t taps;
    size_t quads;
    const int8_t *filters;           // [panels][taps][quads][16 channels][4 bytes]
    int32_t narrow;                  // not 0: every filter byte lies within -63...63
    const int32_t *bias;             // [panels * 16]
    const float *_Nullable multipliers;  // [panels * 16]; not read for accumulators
    struct ck_requantization requantization;
    size_t outputs;                  // channels, at most panels * 16
    uint8_t *_Nullable out;          // [row][out_stride]
    int32_t *_Nullable accumulators; // [row][out_stride], written in place of `out` if set
    size_t out_stride;
};

// One filter per channel, in pairs of taps.
//
// Position r reads `channels` bytes (readable) at base + offsets[t * offset_stride + r].
struct ck_depthwise {
    const uint8_t *base;
    const int32_t *offsets;
    size_t offset_stride;
    size_t taps;
    const int16_t *filters;  // [(taps + 1) / 2][blocks of 16 channels][16][2 taps]
    const int32_t *bias;     // [blocks * 16]
    const float *multipliers;
    struct ck_requantization requantization;
    size_t channels;
    uint8_t *out;            // [position][channels]
};

// A window sliding over one map [height][width][channels]; positions outside are left out.
struct ck_pool {
    const uint8_t *in;
    size_t height;
    size_t width;
    size_t channels;
    size_t kernel_height;
    size_t kernel_width;
    size_t stride;
    size_t top;
    size_t left;
    size_t out_width;
    uint8_t *out;
    // Averages only: acc = sum of (x - in_zero_point), multiplied by the entry of its output
    // position.
    const float *_Nullable multipliers;  // [out_height * out_width]
    int32_t in_zero_point;
    struct ck_requantization requantization;
};

// t = (float)(a - a_zero) * a_ratio + (float)(b - b_zero) * b_ratio, then as above.
struct ck_add {
    const uint8_t *a;
    const uint8_t *b;
    uint8_t *out;
    int32_t a_zero_point;
    int32_t b_zero_point;
    float a_ratio;
    float b_ratio;
    struct ck_requantization requantization;
};

// clang-format off
#define CK_DECLARE(isa)                                                                         \
    void ck_u8s8_product__##isa(const struct ck_product *product, size_t first_row, size_t rows, \
        size_t first_panel, size_t panels);                                                     \
    void ck_u8s8_depthwise__##isa(const struct ck_depthwise *depthwise, size_t first_row,       \
        size_t rows);                                                                           \
    /* Rows are rows of the output map. */                                                      \
    void ck_u8_maxpool__##isa(const struct ck_pool *pool, size_t first_row, size_t rows);       \
    void ck_u8_averagepool__##isa(const struct ck_pool *pool, size_t first_row, size_t rows);   \
    void ck_u8_add__##isa(const struct ck_add *add, size_t first, size_t count);                \
    /* Squared distances of `point` to centroids packed as [blocks][dimension][16]: each sum   \
       runs over the dimensions in order, every operation rounded. */                           \
    void ck_f32_distances__##isa(const float *point, size_t dimension, const float *centroids,  \
        size_t blocks, float *out);                                                             \
    /* Dot products of `query` with rows [count][dimension]: element i is added to sum i % 16,  \
       then sums j and j + 8, j + 4, j + 2, j + 1 are added up. */                              \
    void ck_f32_dots__##isa(const float *query, const float *rows, size_t dimension,            \
        size_t count, float *out);
// clang-format on

#if defined(__x86_64__)
CK_DECLARE(avx2)
CK_DECLARE(avx512vnni)
#endif

#undef CK_DECLARE

#pragma clang assume_nonnull end

#endif
