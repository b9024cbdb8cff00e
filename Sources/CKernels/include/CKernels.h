// The arithmetic kernels: the headers that rows.h includes have their algorithms, one C file per
// instruction set the vector primitives below them.
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
enum { CK_AVX2 = 1, CK_AVX512VNNI = 2, CK_AVXVNNI = 4, CK_DOTPROD = 8 };
uint32_t ck_cpu_features(void);

// Tells the CPU that this thread is looking out for another one's store.
static inline void ck_spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// How an accumulator becomes a u8: t = (float)acc * m, rounded half to even, plus zero_point,
// clamped to [low, high]. All three are within 0...255, and |t| is below 2^31.
struct ck_requantization {
    int32_t zero_point;
    int32_t low;
    int32_t high;
};

// What is multiplied: u8 with s8; u8 with s8 within -63...63; or s16 with s16, two to a quad,
// in rows that have Winograd's transforms.
enum ck_kind { CK_BYTES, CK_NARROW, CK_WORDS };

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

// Gathered rows times packed filters: convolution and linear layers.
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
    enum ck_kind kind;
    const int32_t *filter_sums;      // [panels * 16], of bytes; read by rows without u8 * s8
    const int32_t *bias;             // [panels * 16]
    const float *_Nullable multipliers;  // [panels * 16]; not read for accumulators
    struct ck_requantization requantization;
    size_t outputs;                  // channels, at most panels * 16
    uint8_t *_Nullable out;          // [row][out_stride]
    int32_t *_Nullable accumulators; // [row][out_stride], written in place of `out` if set
    size_t out_stride;
    // Added to the bytes before they are written: they are its `a`, in the format of
    // `requantization`; `b` is [row][out_stride] (readable); `out` is not read.
    const struct ck_add *_Nullable sum;
};

// One filter per channel, on one map [height][width][channels] (readable) that is followed by
// the value of positions outside it, `channels` bytes.
//
// Channels come in blocks of as many as there are bytes in a vector. In a block, channel
// 16 * lane + 4 * group + i comes at group * block / 4 + lane * 4 + i, so that what is
// interleaved and packed within 128-bit lanes needs no permutation.
struct ck_depthwise {
    const uint8_t *in;     // the first of the channels to compute
    size_t height;
    size_t width;
    size_t channels;       // of the map
    size_t count;          // to compute
    size_t kernel_height;  // 8 at most
    size_t kernel_width;   // 8 at most
    size_t stride;
    size_t top;
    size_t left;
    size_t out_width;
    enum ck_kind kind;
    const int8_t *filters;       // [blocks][kernel_width][(kernel_height + 3) / 4][block][4 rows]
    const int32_t *filter_sums;  // [blocks][block]; read by rows without u8 * s8
    const int32_t *bias;         // [blocks][block]
    const float *multipliers;    // [blocks][block]
    struct ck_requantization requantization;
    uint8_t *out;                // [position][channels], at the first channel to compute
};

// The transforms of Winograd's F(2x2, 3x3) around a product of words, in tiles of 2 x 2 outputs
// (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016).
struct ck_winograd {
    const uint8_t *in;  // as for a depthwise convolution
    size_t height;
    size_t width;
    size_t channels;
    size_t top;
    size_t left;
    size_t tile_columns;        // (out_width + 1) / 2
    int16_t *transformed;       // 16 times [tile][depth], transformed_stride apart
    size_t depth;               // channels, rounded up to even
    size_t transformed_stride;
    const int32_t *products;    // 16 times [tile][products_width], products_stride apart (readable)
    size_t products_width;
    size_t products_stride;
    const int32_t *bias;        // by channel
    const float *multipliers;   // by channel
    struct ck_requantization requantization;
    size_t out_height;
    size_t out_width;
    size_t outputs;
    uint8_t *out;               // [position][outputs]
    const struct ck_add *_Nullable sum;  // as for a product
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

// clang-format off
#define CK_DECLARE(isa)                                                                         \
    void ck_u8s8_product__##isa(const struct ck_product *product, size_t first_row, size_t rows, \
        size_t first_panel, size_t panels);                                                     \
    /* Rows are rows of the output map. */                                                      \
    void ck_u8s8_depthwise__##isa(const struct ck_depthwise *depthwise, size_t first_row,       \
        size_t rows);                                                                           \
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
CK_DECLARE(avxvnni)
CK_DECLARE(avx512vl)
CK_DECLARE(avx512vnni)
#elif defined(__aarch64__)
CK_DECLARE(neon)
#endif

#undef CK_DECLARE

#if defined(__x86_64__)
// Of `tiles` tiles the first is written to the first place.
void ck_u8_winograd_input__avx2(
    const struct ck_winograd *winograd, size_t first_tile, size_t tiles);
// `channels` outputs from `channel` on, whose products begin each row of products.
void ck_u8_winograd_output__avx2(
    const struct ck_winograd *winograd, size_t first_tile, size_t tiles, size_t channel,
    size_t channels);
#endif

#pragma clang assume_nonnull end

#endif
