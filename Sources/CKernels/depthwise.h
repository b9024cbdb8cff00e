// Depthwise convolutions: each channel has filters of its own.
// Included by rows.h, after an instruction set's primitives.

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
