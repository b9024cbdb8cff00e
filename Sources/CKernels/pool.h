// Maximum and average over windows, and the sum of two maps.
// Included by rows.h, after an instruction set's primitives.

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
