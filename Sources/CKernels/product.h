// Products of u8 rows with s8 filters: convolutions of one group and linear layers.
// Included by rows.h, after an instruction set's primitives.

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
