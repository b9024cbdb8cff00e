// The kernels of one instruction set, written once over a few vector primitives.
//
// The file of each instruction set defines the primitives, then includes this one:
//
//   ISA           the function attribute that enables the instructions
//   ROW(name)     the name of a public kernel in this row
//   LANES         the int32 lanes of a vector; 4 · LANES bytes fill it
//   MAX_PANELS    the most panels of 16 channels in a tile
//   HEIGHT(panels, kind)  the rows of the tile that fills the registers, 12 at most
//   DEPTHWISE_OUTPUTS     the positions of a depthwise convolution computed together, 4 at most
//   SEPARATE_NARROW       1 where filters within ±63 have a faster way
//   SIGNED_OPERANDS       1 where `dot` takes u8 as u8 − 128
//   WINOGRAD              1 where products of int16 are so quick that Winograd's transforms pay
//   ints, floats, bytes   vectors of int32, float and u8, and for Winograd words, of int16
//   operand, weights      what `dot` multiplies, as the kind of product wants them
//
// and the functions that the kernels use by these types' names. In vectors of several 128-bit
// lanes `interleave` and `rounded` work lane by lane; `in_order` sorts four-byte groups.

#include <string.h>

#define INLINE static inline __attribute__((always_inline)) ISA
#define UNROLL _Pragma("clang loop unroll(full)")

enum {
    VECTORS = 16 / LANES,   // of int32 in a panel
    BLOCK = 4 * LANES,      // bytes in a vector
    AHEAD = 1 << 16,        // bytes of filters fetched ahead at most
};

INLINE size_t least(size_t a, size_t b) { return a < b ? a : b; }

// The first value of sums of products: the bias and, where operands are u8 − 128, what that
// leaves out.
INLINE ints first_sums(const int32_t *bias, const int32_t *filter_sums, size_t at) {
    ints sums = load_ints(bias + at);
    if (!SIGNED_OPERANDS) return sums;
    return add_ints(sums, times_128(load_ints(filter_sums + at)));
}

// What `rounded(t)` would be, added to the bytes at `b`, both in natural order: what is rounded and
// clamped stays a float, which is the same number.
INLINE bytes summed(
    const floats t[4], const size_t count, const struct ck_requantization *r,
    const struct ck_add *p, const uint8_t *b) {
    const floats low = repeat_float((float)(r->low - r->zero_point));
    const floats high = repeat_float((float)(r->high - r->zero_point));
    const floats a_ratio = repeat_float(p->a_ratio), b_ratio = repeat_float(p->b_ratio);
    const ints b_zero = repeat_int(p->b_zero_point);
    floats sums[4];
    UNROLL for (size_t n = 0; n < count; n++) {
        floats a = min_floats(max_floats(round_floats(t[n]), low), high);
        ints second = subtract_ints(load_widened(b + n * LANES), b_zero);
        sums[n] = add(multiply(a, a_ratio), multiply(to_floats(second), b_ratio));
    }
    return rounded(sums, count, &p->requantization);
}

#include "product.h"
#include "depthwise.h"
#include "winograd.h"
#include "pool.h"
#include "distances.h"
