// Distances to centroids and dot products, in float.
// Included by rows.h, after an instruction set's primitives.

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
