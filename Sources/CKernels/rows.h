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
// and the functions that are used below by these types' names. In vectors of several 128-bit
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

// MARK: Products

// One tile, `rows` × `panels` of 16 channels, its sums in registers throughout. Extents and kind
// are constants at every call, so that the loops over them unroll.
INLINE void tile(
    const struct ck_product *p, size_t row, size_t panel, const size_t rows, const size_t panels,
    const enum ck_kind kind) {
    const size_t columns = panels * VECTORS;
    const size_t panel_size = p->taps * p->quads * 64;
    const int8_t *filters = p->filters + panel * panel_size;
    ints acc[24];
    UNROLL for (size_t n = 0; n < columns; n++) {
        ints bias = first_sums(p->bias, p->filter_sums, panel * 16 + n * LANES);
        UNROLL for (size_t m = 0; m < rows; m++) acc[m * columns + n] = bias;
    }
    for (size_t tap = 0; tap < p->taps; tap++) {
        const int32_t *offsets = p->offsets + tap * p->offset_stride + row;
        const uint8_t *a[12];
        UNROLL for (size_t m = 0; m < rows; m++) a[m] = p->base + offsets[m];
        for (size_t quad = 0; quad < p->quads; quad++, filters += 64) {
            weights w[4];
            UNROLL for (size_t n = 0; n < columns; n++)
                w[n] = load_weights(
                    filters + n / VECTORS * panel_size + n % VECTORS * BLOCK, kind);
            UNROLL for (size_t m = 0; m < rows; m++) {
                operand x = broadcast(a[m] + quad * 4, kind);
                UNROLL for (size_t n = 0; n < columns; n++)
                    acc[m * columns + n] = dot(acc[m * columns + n], x, w[n], kind);
            }
        }
    }
    size_t channel = panel * 16;
    size_t count = least(p->outputs - channel, panels * 16);
    if (p->accumulators) {
        UNROLL for (size_t m = 0; m < rows; m++) {
            int32_t *out = p->accumulators + (row + m) * p->out_stride + channel;
            UNROLL for (size_t n = 0; n < columns; n++)
                if (n * LANES < count)
                    store_ints(out + n * LANES, acc[m * columns + n], count - n * LANES);
        }
        return;
    }
    floats multipliers[4];
    UNROLL for (size_t n = 0; n < columns; n++)
        multipliers[n] = load_floats(p->multipliers + channel + n * LANES);
    UNROLL for (size_t m = 0; m < rows; m++) {
        floats t[4];
        UNROLL for (size_t n = 0; n < columns; n++)
            t[n] = multiply(to_floats(acc[m * columns + n]), multipliers[n]);
        const size_t at = (row + m) * p->out_stride + channel;
        bytes y = p->sum ? summed(t, columns, &p->requantization, p->sum, p->sum->b + at)
                         : rounded(t, columns, &p->requantization);
        store_bytes(p->out + at, in_order(y), count, panels * 16);
    }
}

// Rows in tiles of nearly equal height, so that none is too low to hide the latency of `dot`.
INLINE void tiles(
    const struct ck_product *p, size_t row, size_t rows, size_t panel, const size_t panels,
    const enum ck_kind kind) {
    if (rows == 0) return;
    const size_t height = HEIGHT(panels, kind);
    // The panels that come next are fetched meanwhile where they are small: at batch 1 they come
    // from beyond the second cache, and are used too briefly for the CPU to run ahead by itself.
    const size_t size = p->taps * p->quads * 64, next = panel + panels;
    const int8_t *ahead = p->filters + next * size;
    const int8_t *end = ahead;
    if (next * 16 < p->outputs && panels * size <= AHEAD)
        end += (least(next + panels, (p->outputs + 15) / 16) - next) * size;
    const size_t share = (size_t)(end - ahead) * height / rows + 64;
    for (size_t left = (rows + height - 1) / height; left > 0; left--) {
        size_t count = (rows + left - 1) / left;
        for (size_t i = 0; i < share && ahead < end; i += 64, ahead += 64)
            __builtin_prefetch(ahead, 0, 2);
#define TILE(n) case n: if (n <= height) tile(p, row, panel, n, panels, kind); break
        switch (count) {
            TILE(1); TILE(2); TILE(3); TILE(4); TILE(5); TILE(6);
            TILE(7); TILE(8); TILE(9); TILE(10); TILE(11); TILE(12);
        }
#undef TILE
        row += count;
        rows -= count;
    }
}

INLINE void product(
    const struct ck_product *p, size_t row, size_t rows, size_t panel, size_t panels,
    const enum ck_kind kind) {
    while (panels > 0) {
        // As many panels as there can be, but 5 and 6 of 4 are better split 3 + 2 and 3 + 3.
        size_t count = least(panels, MAX_PANELS);
        if (MAX_PANELS == 4 && (panels == 5 || panels == 6)) count = 3;
#define PANELS(n) case n: if (n <= MAX_PANELS) tiles(p, row, rows, panel, n, kind); break
        switch (count) { PANELS(1); PANELS(2); PANELS(3); PANELS(4); }
#undef PANELS
        panel += count;
        panels -= count;
    }
}

ISA void ROW(u8s8_product)(
    const struct ck_product *p, size_t first_row, size_t rows, size_t first_panel, size_t panels) {
    if (SEPARATE_NARROW && p->kind == CK_NARROW)
        product(p, first_row, rows, first_panel, panels, CK_NARROW);
    else if (WINOGRAD && p->kind == CK_WORDS)
        product(p, first_row, rows, first_panel, panels, CK_WORDS);
    else
        product(p, first_row, rows, first_panel, panels, CK_BYTES);
}

// MARK: Depthwise convolution

enum { SCRATCH = 1 << 14 };

// Four rows of a window, from which `columns` columns of one quad are made: `count` of them are
// there, the filters being zero below. A row outside the map has step 0 and stays at the margin.
INLINE void interleave_columns(
    const uint8_t *const rows[4], const size_t steps[4], size_t columns, size_t quads,
    uint8_t *scratch, const size_t count) {
    for (size_t column = 0; column < columns; column++, scratch += quads * 4 * BLOCK) {
        bytes v[4];
        UNROLL for (size_t i = 0; i < 4; i++)
            v[i] = i < count ? load_bytes(rows[i] + column * steps[i]) : zero_bytes();
        interleave(v);
        UNROLL for (size_t i = 0; i < 4; i++) store_vector(scratch + i * BLOCK, v[i]);
    }
}

// For each of `columns` columns from `first` on, as positions of the padded map, a quad of bytes
// a channel: the rows of the window, four at a time.
INLINE void interleave_rows(
    const struct ck_depthwise *p, size_t row, size_t channel, size_t first, size_t columns,
    uint8_t *scratch) {
    const size_t quads = (p->kernel_height + 3) / 4;
    const uint8_t *margin = p->in + p->height * p->width * p->channels + channel;
    const uint8_t *const outside[4] = {margin, margin, margin, margin};
    const size_t still[4] = {0, 0, 0, 0};
    // Columns left of the map, within it, and right of it.
    const size_t before = first < p->left ? least(p->left - first, columns) : 0;
    // Where all lie outside, a place in the map too: no pointer is made that leaves it.
    const size_t start = first + before;
    const size_t from = start > p->left ? least(start - p->left, p->width) : 0;
    const size_t within = least(p->width - from, columns - before);
    const size_t after = columns - before - within;
    for (size_t quad = 0; quad < quads; quad++, scratch += 4 * BLOCK) {
        const uint8_t *rows[4];
        size_t steps[4];
        const size_t count = least(p->kernel_height - quad * 4, 4);
        for (size_t i = 0; i < 4; i++) {
            ptrdiff_t y = (ptrdiff_t)(row * p->stride + quad * 4 + i) - (ptrdiff_t)p->top;
            int inside = i < count && y >= 0 && y < (ptrdiff_t)p->height;
            rows[i] = inside ? p->in + ((size_t)y * p->width + from) * p->channels + channel
                             : margin;
            steps[i] = inside ? p->channels : 0;
        }
        uint8_t *to = scratch;
        const size_t size = quads * 4 * BLOCK;
        interleave_columns(outside, still, before, quads, to, 4);
        to += before * size;
        switch (count) {
        case 1: interleave_columns(rows, steps, within, quads, to, 1); break;
        case 2: interleave_columns(rows, steps, within, quads, to, 2); break;
        case 3: interleave_columns(rows, steps, within, quads, to, 3); break;
        default: interleave_columns(rows, steps, within, quads, to, 4);
        }
        to += within * size;
        interleave_columns(outside, still, after, quads, to, 4);
    }
}

// `outputs` positions in a row, whose first column begins `scratch` and the others `step` bytes
// apart; a window is `quads` quads a channel. Where windows overlap and both are constants, the
// columns that they share are loaded once.
INLINE void depthwise_tile(
    const struct ck_depthwise *p, const uint8_t *scratch, const size_t step, size_t channel,
    uint8_t *out, const size_t quads, const size_t outputs, const enum ck_kind kind) {
    const int8_t *filters = p->filters + channel * quads * 4;
    floats t[4][4];
    // Two vectors at a time: eight sums hide the latency of `dot`.
    UNROLL for (size_t pair = 0; pair < 4; pair += 2) {
        ints acc[8];
        UNROLL for (size_t n = 0; n < 2; n++) {
            ints bias = first_sums(p->bias, p->filter_sums, channel + (pair + n) * LANES);
            UNROLL for (size_t m = 0; m < outputs; m++) acc[m * 2 + n] = bias;
        }
        for (size_t i = 0; i < quads; i++) {
            UNROLL for (size_t n = 0; n < 2; n++) {
                const size_t at = (i * 4 + pair + n) * BLOCK;
                weights w = load_weights(filters + at, kind);
                UNROLL for (size_t m = 0; m < outputs; m++)
                    acc[m * 2 + n] = dot(
                        acc[m * 2 + n], load_operand(scratch + m * step + at, kind), w, kind);
            }
        }
        UNROLL for (size_t n = 0; n < 2; n++) {
            floats multipliers = load_floats(p->multipliers + channel + (pair + n) * LANES);
            UNROLL for (size_t m = 0; m < outputs; m++)
                t[m][pair + n] = multiply(to_floats(acc[m * 2 + n]), multipliers);
        }
    }
    size_t count = least(p->count - channel, BLOCK);
    UNROLL for (size_t m = 0; m < outputs; m++)
        store_bytes(out + m * p->channels, rounded(t[m], 4, &p->requantization), count, BLOCK);
}

// `left` positions in a row.
INLINE void depthwise_row(
    const struct ck_depthwise *p, const uint8_t *scratch, const size_t step, size_t channel,
    uint8_t *out, size_t left, const size_t quads, const enum ck_kind kind) {
    while (left > 0) {
        size_t count = least(left, DEPTHWISE_OUTPUTS);
#define OUTPUTS(n)                                                                   \
    case n:                                                                          \
        if (n <= DEPTHWISE_OUTPUTS)                                                  \
            depthwise_tile(p, scratch, step, channel, out, quads, n, kind);          \
        break
        switch (count) { OUTPUTS(1); OUTPUTS(2); OUTPUTS(3); OUTPUTS(4); }
#undef OUTPUTS
        scratch += count * step;
        out += count * p->channels;
        left -= count;
    }
}

INLINE void depthwise(
    const struct ck_depthwise *p, size_t first_row, size_t rows, const enum ck_kind kind) {
    _Alignas(64) uint8_t scratch[SCRATCH];
    const size_t column_size = (p->kernel_height + 3) / 4 * 4 * BLOCK;
    const size_t quads = (p->kernel_height + 3) / 4 * p->kernel_width;
    const size_t span = (SCRATCH / column_size - p->kernel_width) / p->stride + 1;
    const size_t step = p->stride * column_size;
    for (size_t channel = 0; channel < p->count; channel += BLOCK) {
        for (size_t row = first_row; row < first_row + rows; row++) {
            for (size_t x = 0; x < p->out_width; x += span) {
                size_t left = least(span, p->out_width - x);
                interleave_rows(
                    p, row, channel, x * p->stride, (left - 1) * p->stride + p->kernel_width,
                    scratch);
                uint8_t *out = p->out + (row * p->out_width + x) * p->channels + channel;
                // Of 3x3 windows at stride 1 and 2 the steps are constants; larger ones would spill.
                if (quads == 3 && step == 4 * BLOCK)
                    depthwise_row(p, scratch, 4 * BLOCK, channel, out, left, 3, kind);
                else if (quads == 3 && step == 8 * BLOCK)
                    depthwise_row(p, scratch, 8 * BLOCK, channel, out, left, 3, kind);
                else
                    depthwise_row(p, scratch, step, channel, out, left, quads, kind);
            }
        }
    }
}

ISA void ROW(u8s8_depthwise)(const struct ck_depthwise *p, size_t first_row, size_t rows) {
    if (SEPARATE_NARROW && p->kind == CK_NARROW)
        depthwise(p, first_row, rows, CK_NARROW);
    else
        depthwise(p, first_row, rows, CK_BYTES);
}

#if WINOGRAD

// MARK: Winograd's F(2×2, 3×3)

// What lies outside a map is read from its margin, one position of zero points behind it.
INLINE const uint8_t *position(
    const uint8_t *map, ptrdiff_t y, ptrdiff_t x, size_t height, size_t width, size_t channels) {
    int inside = y >= 0 && x >= 0 && y < (ptrdiff_t)height && x < (ptrdiff_t)width;
    return map + (inside ? (size_t)y * width + (size_t)x : height * width) * channels;
}

// V = Bᵀ d B of each 4×4 tile d of the input: at most 4 · 255 in size.
ISA void ROW(u8_winograd_input)(
    const struct ck_winograd *p, size_t first_tile, size_t tiles) {
    for (size_t tile = 0; tile < tiles; tile++) {
        size_t at = first_tile + tile;
        ptrdiff_t y = (ptrdiff_t)(at / p->tile_columns * 2) - (ptrdiff_t)p->top;
        ptrdiff_t x = (ptrdiff_t)(at % p->tile_columns * 2) - (ptrdiff_t)p->left;
        const uint8_t *d[16];
        for (ptrdiff_t i = 0; i < 16; i++)
            d[i] = position(p->in, y + i / 4, x + i % 4, p->height, p->width, p->channels);
        int16_t *out = p->transformed + tile * p->depth;
        for (size_t c = 0; c < p->channels; c += 2 * LANES) {
            size_t count = least(p->depth - c, 2 * LANES);
            words v[16];
            UNROLL for (size_t j = 0; j < 4; j++) {
                words d0 = load_words(d[j] + c), d1 = load_words(d[4 + j] + c);
                words d2 = load_words(d[8 + j] + c), d3 = load_words(d[12 + j] + c);
                v[j] = subtract_words(d0, d2);
                v[4 + j] = add_words(d1, d2);
                v[8 + j] = subtract_words(d2, d1);
                v[12 + j] = subtract_words(d1, d3);
            }
            UNROLL for (size_t i = 0; i < 4; i++) {
                words *t = v + 4 * i;
                int16_t *to = out + 4 * i * p->transformed_stride + c;
                store_words(to, subtract_words(t[0], t[2]), count);
                store_words(to + p->transformed_stride, add_words(t[1], t[2]), count);
                store_words(to + 2 * p->transformed_stride, subtract_words(t[2], t[1]), count);
                store_words(to + 3 * p->transformed_stride, subtract_words(t[1], t[3]), count);
            }
        }
    }
}

// Y = (Aᵀ M A) / 4, exactly: filters are scaled by two on each side.
INLINE void inverse(const int32_t *m, size_t stride, ints y[4]) {
    ints sums[2][4];
    UNROLL for (size_t j = 0; j < 4; j++) {
        ints m0 = load_ints(m + j * stride), m1 = load_ints(m + (4 + j) * stride);
        ints m2 = load_ints(m + (8 + j) * stride), m3 = load_ints(m + (12 + j) * stride);
        sums[0][j] = add_ints(add_ints(m0, m1), m2);
        sums[1][j] = subtract_ints(subtract_ints(m1, m2), m3);
    }
    UNROLL for (size_t i = 0; i < 2; i++) {
        ints *t = sums[i];
        y[2 * i] = quarter_ints(add_ints(add_ints(t[0], t[1]), t[2]));
        y[2 * i + 1] = quarter_ints(subtract_ints(subtract_ints(t[1], t[2]), t[3]));
    }
}

ISA void ROW(u8_winograd_output)(
    const struct ck_winograd *p, size_t first_tile, size_t tiles, size_t channel, size_t channels) {
    for (size_t tile = 0; tile < tiles; tile++) {
        size_t row = (first_tile + tile) / p->tile_columns * 2;
        size_t column = (first_tile + tile) % p->tile_columns * 2;
        for (size_t c = 0; c < channels; c += BLOCK) {
            const int32_t *m = p->products + tile * p->products_width + c;
            floats t[4][4];
            UNROLL for (size_t n = 0; n < 4; n++) {
                ints y[4];
                // Products are whole panels, so vectors beyond `channels` can be read.
                inverse(m + n * LANES, p->products_stride, y);
                ints bias = load_ints(p->bias + channel + c + n * LANES);
                floats multipliers = load_floats(p->multipliers + channel + c + n * LANES);
                UNROLL for (size_t i = 0; i < 4; i++)
                    t[i][n] = multiply(to_floats(add_ints(y[i], bias)), multipliers);
            }
            size_t count = least(channels - c, BLOCK);
            UNROLL for (size_t i = 0; i < 4; i++) {
                size_t y = row + i / 2, x = column + i % 2;
                if (y >= p->out_height || x >= p->out_width) continue;
                const size_t at = (y * p->out_width + x) * p->outputs + channel + c;
                bytes sums = p->sum ? summed(t[i], 4, &p->requantization, p->sum, p->sum->b + at)
                                    : rounded(t[i], 4, &p->requantization);
                store_bytes(p->out + at, in_order(sums), count, BLOCK);
            }
        }
    }
}

#endif

// MARK: Pools and sums

// The part of a window that lies inside the map, along one dimension.
struct range { size_t from, to; };

INLINE struct range inside(size_t at, size_t before, size_t kernel, size_t size) {
    size_t from = at < before ? 0 : at - before;
    size_t to = at + kernel < before ? 0 : at + kernel - before;
    return (struct range){from, least(to, size)};
}

ISA void ROW(u8_maxpool)(const struct ck_pool *p, size_t first_row, size_t rows) {
    for (size_t oy = first_row; oy < first_row + rows; oy++) {
        struct range y = inside(oy * p->stride, p->top, p->kernel_height, p->height);
        for (size_t ox = 0; ox < p->out_width; ox++) {
            struct range x = inside(ox * p->stride, p->left, p->kernel_width, p->width);
            uint8_t *out = p->out + (oy * p->out_width + ox) * p->channels;
            for (size_t c = 0; c < p->channels; c += BLOCK) {
                bytes most = zero_bytes();
                for (size_t iy = y.from; iy < y.to; iy++)
                    for (size_t ix = x.from; ix < x.to; ix++)
                        most = max_bytes(
                            most, load_bytes(p->in + (iy * p->width + ix) * p->channels + c));
                store_bytes(out + c, most, p->channels - c, BLOCK);
            }
        }
    }
}

ISA void ROW(u8_averagepool)(const struct ck_pool *p, size_t first_row, size_t rows) {
    for (size_t oy = first_row; oy < first_row + rows; oy++) {
        struct range y = inside(oy * p->stride, p->top, p->kernel_height, p->height);
        for (size_t ox = 0; ox < p->out_width; ox++) {
            struct range x = inside(ox * p->stride, p->left, p->kernel_width, p->width);
            size_t at = oy * p->out_width + ox;
            uint32_t counted = (uint32_t)((y.to - y.from) * (x.to - x.from));
            ints offset = repeat_int((int32_t)(0u - counted * (uint32_t)p->in_zero_point));
            floats multiplier = repeat_float(p->multipliers[at]);
            for (size_t c = 0; c < p->channels; c += BLOCK) {
                ints acc[4], terms[4];
                UNROLL for (size_t n = 0; n < 4; n++) acc[n] = offset;
                for (size_t iy = y.from; iy < y.to; iy++) {
                    for (size_t ix = x.from; ix < x.to; ix++) {
                        widen(load_bytes(p->in + (iy * p->width + ix) * p->channels + c), terms);
                        UNROLL for (size_t n = 0; n < 4; n++) acc[n] = add_ints(acc[n], terms[n]);
                    }
                }
                floats t[4];
                UNROLL for (size_t n = 0; n < 4; n++) t[n] = multiply(to_floats(acc[n]), multiplier);
                store_bytes(
                    p->out + at * p->channels + c, rounded(t, 4, &p->requantization),
                    p->channels - c, BLOCK);
            }
        }
    }
}

INLINE bytes added(bytes first, bytes second, const struct ck_add *p) {
    ints a[4], b[4];
    widen(first, a);
    widen(second, b);
    const ints a_zero = repeat_int(p->a_zero_point), b_zero = repeat_int(p->b_zero_point);
    floats t[4];
    UNROLL for (size_t n = 0; n < 4; n++)
        t[n] = add(
            multiply(to_floats(subtract_ints(a[n], a_zero)), repeat_float(p->a_ratio)),
            multiply(to_floats(subtract_ints(b[n], b_zero)), repeat_float(p->b_ratio)));
    return rounded(t, 4, &p->requantization);
}

ISA void ROW(u8_add)(const struct ck_add *p, size_t start, size_t count) {
    for (size_t i = start; i < start + count; i += BLOCK)
        store_bytes(
            p->out + i, added(load_bytes(p->a + i), load_bytes(p->b + i), p), start + count - i,
            BLOCK);
}

// MARK: Float distances

// Four blocks at a time hide the latency of the addition.
INLINE void distances(
    const float *point, size_t dimension, const float *centroids, const size_t blocks,
    float *out) {
    floats sums[4 * VECTORS];
    UNROLL for (size_t n = 0; n < blocks * VECTORS; n++) sums[n] = repeat_float(0);
    for (size_t d = 0; d < dimension; d++) {
        floats e = repeat_float(point[d]);
        UNROLL for (size_t n = 0; n < blocks * VECTORS; n++) {
            const float *block = centroids + (n / VECTORS * dimension + d) * 16;
            floats difference = subtract(e, load_floats(block + n % VECTORS * LANES));
            sums[n] = add(sums[n], multiply(difference, difference));
        }
    }
    UNROLL for (size_t n = 0; n < blocks * VECTORS; n++) store_floats(out + n * LANES, sums[n]);
}

ISA void ROW(f32_distances)(
    const float *point, size_t dimension, const float *centroids, size_t blocks, float *out) {
    size_t b = 0;
    for (; b + 4 <= blocks; b += 4)
        distances(point, dimension, centroids + b * dimension * 16, 4, out + b * 16);
    for (; b < blocks; b++)
        distances(point, dimension, centroids + b * dimension * 16, 1, out + b * 16);
}

INLINE void dots(
    const float *query, const float *rows, size_t dimension, const size_t count, float *out) {
    floats sums[4 * VECTORS];
    UNROLL for (size_t n = 0; n < count * VECTORS; n++) sums[n] = repeat_float(0);
    size_t d = 0;
    for (; d + 16 <= dimension; d += 16) {
        UNROLL for (size_t v = 0; v < VECTORS; v++) {
            floats q = load_floats(query + d + v * LANES);
            UNROLL for (size_t r = 0; r < count; r++)
                sums[r * VECTORS + v] = add(
                    sums[r * VECTORS + v],
                    multiply(q, load_floats(rows + r * dimension + d + v * LANES)));
        }
    }
    // A lane past the end adds 0 · 0, which changes no sum: none is ever −0.
    UNROLL for (size_t v = 0; v < VECTORS; v++) {
        const size_t at = d + v * LANES;
        if (at < dimension) {
            floats q = load_first_floats(query + at, dimension - at);
            UNROLL for (size_t r = 0; r < count; r++)
                sums[r * VECTORS + v] = add(
                    sums[r * VECTORS + v],
                    multiply(q, load_first_floats(rows + r * dimension + at, dimension - at)));
        }
    }
    UNROLL for (size_t r = 0; r < count; r++) out[r] = sum_of_sixteen(sums + r * VECTORS);
}

ISA void ROW(f32_dots)(
    const float *query, const float *rows, size_t dimension, size_t count, float *out) {
    size_t r = 0;
    for (; r + 4 <= count; r += 4) dots(query, rows + r * dimension, dimension, 4, out + r);
    for (; r < count; r++) dots(query, rows + r * dimension, dimension, 1, out + r);
}
