// Winograd's F(2×2, 3×3), for 3×3 convolutions of stride 1.
// Included by rows.h, after an instruction set's primitives.

#if WINOGRAD

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
