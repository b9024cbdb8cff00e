// The loops in terms of one vector type. The file that includes this names the instructions:
// VECTOR and LANES, LOAD, STORE, ALL (one number in every lane), FMA, MAX and MIN, the attribute
// TARGET, NAMED(f), and how many rows of sums fit into the registers, ROWS_OF_1 vector, _2 or _3.
//
// Where channels or outputs are no multiple of the lanes, the last vector begins earlier and
// makes some of the results a second time, the same ones.

#include "CFloatLoops.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline)) TARGET
#define UNROLLED _Pragma("clang loop unroll(full)")

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

INLINE VECTOR finished(VECTOR sum, const struct cfl_ending *ending, size_t channel) {
    VECTOR one = ALL(1);
    if (ending->shift)
        sum = FMA(sum, ending->scale ? LOAD(ending->scale + channel) : one,
                  LOAD(ending->shift + channel));
    // In this order what is not a number passes.
    return MIN(ALL(ending->high), MAX(ALL(ending->low), sum));
}

// MARK: Products

// The vectors of the next panel of outputs: three, but rather two and two than three and one.
INLINE size_t panel_vectors(size_t vectors) {
    return vectors == 1 ? 1 : vectors == 2 || vectors == 4 ? 2 : 3;
}

TARGET void NAMED(cfl_pack)(const float *weights, size_t outputs, size_t inputs, float *packed) {
    size_t vectors = (outputs + LANES - 1) / LANES;
    for (size_t first = 0, count; first < vectors; first += count) {
        count = panel_vectors(vectors - first);
        for (size_t vector = 0; vector < count; vector++) {
            size_t output = smaller((first + vector) * LANES, outputs - LANES);
            float *target = packed + first * LANES * inputs + vector * LANES;
            for (size_t lane = 0; lane < LANES; lane++)
                for (size_t k = 0; k < inputs; k++)
                    target[k * count * LANES + lane] = weights[(output + lane) * inputs + k];
        }
    }
}

// The sums of some rows and vectors of outputs, all in registers.
INLINE void tile(size_t rows, size_t vectors, const float *x, size_t x_step, const float *panel,
                 size_t inputs, const size_t *outputs, const struct cfl_ending *ending, float *y,
                 size_t y_step) {
    VECTOR sums[ROWS_OF_1][3];
    UNROLLED for (size_t r = 0; r < rows; r++)
        UNROLLED for (size_t v = 0; v < vectors; v++) sums[r][v] = ALL(0);
    // A pointer for every fourth row: addresses of the others need no register of their own.
    const float *fourth[ROWS_OF_1 / 4];
    UNROLLED for (size_t r = 0; r < rows; r += 4) fourth[r / 4] = x + r * x_step;
    size_t three = 3 * x_step;
    for (size_t k = 0; k < inputs; k++) {
        VECTOR w[3];
        UNROLLED for (size_t v = 0; v < vectors; v++) w[v] = LOAD(panel + v * LANES);
        panel += vectors * LANES;
        UNROLLED for (size_t r = 0; r < rows; r++) {
            size_t offset = r % 4 == 3 ? three : r % 4 * x_step;
            VECTOR a = ALL(fourth[r / 4][offset]);
            UNROLLED for (size_t v = 0; v < vectors; v++) sums[r][v] = FMA(a, w[v], sums[r][v]);
        }
        UNROLLED for (size_t r = 0; r < rows; r += 4) {
            fourth[r / 4]++;
            // Keeps the compiler from a pointer for every row.
            __asm__("" : "+r"(fourth[r / 4]));
        }
    }
    UNROLLED for (size_t r = 0; r < rows; r++)
        UNROLLED for (size_t v = 0; v < vectors; v++)
            STORE(y + r * y_step + outputs[v], finished(sums[r][v], ending, outputs[v]));
}

// All rows of one panel: tiles as high as the registers allow, smaller ones for the rest.
INLINE void strip(size_t height, size_t vectors, const float *x, size_t x_step, size_t rows,
                  const float *panel, size_t inputs, const size_t *outputs,
                  const struct cfl_ending *ending, float *y, size_t y_step) {
#define TILES(count, limit)                                                                    \
    for (; (count) < (limit) && rows >= (count); rows -= (count)) {                            \
        tile(count, vectors, x, x_step, panel, inputs, outputs, ending, y, y_step);            \
        x += (count) * x_step;                                                                 \
        y += (count) * y_step;                                                                 \
    }
    TILES(height, height + 1)
    TILES((size_t)16, height)
    TILES((size_t)8, height)
    TILES((size_t)4, height)
    TILES((size_t)2, height)
    TILES((size_t)1, height)
#undef TILES
}

// Panels are not cut along the inputs: read from the second-level cache they keep up, and sums
// never leave the registers.
TARGET void NAMED(cfl_multiply)(const float *x, size_t x_step, size_t rows, const float *packed,
                                size_t inputs, size_t outputs, const struct cfl_ending *ending,
                                float *y, size_t y_step) {
    size_t vectors = (outputs + LANES - 1) / LANES;
    for (size_t first = 0, count; first < vectors; first += count) {
        count = panel_vectors(vectors - first);
        const float *panel = packed + first * LANES * inputs;
        size_t places[3];
        for (size_t v = 0; v < count; v++)
            places[v] = smaller((first + v) * LANES, outputs - LANES);
        if (count == 3)
            strip(ROWS_OF_3, 3, x, x_step, rows, panel, inputs, places, ending, y, y_step);
        else if (count == 2)
            strip(ROWS_OF_2, 2, x, x_step, rows, panel, inputs, places, ending, y, y_step);
        else
            strip(ROWS_OF_1, 1, x, x_step, rows, panel, inputs, places, ending, y, y_step);
    }
}

// MARK: Depthwise convolution

// Outputs of a row that are made at once: a divisor of the widths in networks for 224 pixels.
enum { ACROSS = 7 };

// Some outputs of a row, up to ACROSS; unless all of their inputs lie in the map, `is_edge`.
INLINE void depthwise_block(size_t side, size_t stride, int is_edge,
                            const struct cfl_depthwise *sizes, const float *x, ptrdiff_t line,
                            ptrdiff_t column, size_t count, const float *filters,
                            const struct cfl_ending *ending, float *y) {
    size_t channels = sizes->channels, width = sizes->width;
    ptrdiff_t below = (ptrdiff_t)sizes->height - line;
    size_t begin = line < 0 ? (size_t)-line : 0;
    size_t end = below < 0 ? 0 : smaller(side, (size_t)below);
    for (size_t next = 0; next < channels; next += LANES) {
        size_t c = smaller(next, channels - LANES);
        VECTOR sums[ACROSS];
        UNROLLED for (size_t o = 0; o < ACROSS; o++) sums[o] = ALL(0);
        for (size_t ky = begin; ky < end; ky++) {
            VECTOR w[5];
            UNROLLED for (size_t kx = 0; kx < side; kx++)
                w[kx] = LOAD(filters + (ky * side + kx) * channels + c);
            const float *source =
                x + ((line + (ptrdiff_t)ky) * (ptrdiff_t)width + column) * (ptrdiff_t)channels + c;
            UNROLLED for (size_t j = 0; j < (ACROSS - 1) * stride + side; j++) {
                if (!is_edge || (size_t)(column + (ptrdiff_t)j) < width) {
                    VECTOR input = LOAD(source);
                    UNROLLED for (size_t o = 0; o < ACROSS; o++)
                        if (j >= o * stride && j - o * stride < side)
                            sums[o] = FMA(input, w[j - o * stride], sums[o]);
                }
                source += channels;
            }
        }
        UNROLLED for (size_t o = 0; o < ACROSS; o++)
            if (!is_edge || o < count) STORE(y + o * channels + c, finished(sums[o], ending, c));
    }
}

INLINE void depthwise(size_t side, size_t stride, const struct cfl_depthwise *sizes,
                      const float *x, size_t row, const float *filters,
                      const struct cfl_ending *ending, float *y) {
    ptrdiff_t line = (ptrdiff_t)(row * stride) - (ptrdiff_t)sizes->top;
    for (size_t first = 0; first < sizes->output_width; first += ACROSS) {
        size_t count = smaller(ACROSS, sizes->output_width - first);
        ptrdiff_t column = (ptrdiff_t)(first * stride) - (ptrdiff_t)sizes->left;
        size_t last = first * stride + (ACROSS - 1) * stride + side;
        float *target = y + first * sizes->channels;
        if (count < ACROSS || column < 0 || last > sizes->width + sizes->left)
            depthwise_block(side, stride, 1, sizes, x, line, column, count, filters, ending,
                            target);
        else
            depthwise_block(side, stride, 0, sizes, x, line, column, count, filters, ending,
                            target);
    }
}

TARGET void NAMED(cfl_depthwise_row)(const struct cfl_depthwise *sizes, const float *x,
                                     size_t row, const float *filters,
                                     const struct cfl_ending *ending, float *y) {
    switch (sizes->side * 10 + sizes->stride) {
        case 31: depthwise(3, 1, sizes, x, row, filters, ending, y); break;
        case 32: depthwise(3, 2, sizes, x, row, filters, ending, y); break;
        case 51: depthwise(5, 1, sizes, x, row, filters, ending, y); break;
        case 52: depthwise(5, 2, sizes, x, row, filters, ending, y); break;
    }
}
