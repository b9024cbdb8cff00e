// The inner loops of float convolutions for instruction sets that Swift cannot compile into a
// program that has to run on processors without them as well. Each function exists once for each
// set, with its name behind two underscores.
//
// Every sum is made by fused multiply-adds, one product after another in the order of the inputs,
// so that its bytes depend neither on the instruction set nor on where a tile begins.
#ifndef CFLOATLOOPS_H
#define CFLOATLOOPS_H

#include <stddef.h>

// The floats of the widest vector: what is packed has a multiple of so many outputs.
enum { CFL_WIDEST = 16 };

// Whether this processor can run the functions of a set.
int cfl_has_avx2(void);
int cfl_has_avx512f(void);

// What becomes of a sum: `min(max(sum * scale + shift, low), high)`, the first part rounded once,
// each channel with its own scale and shift. A scale of NULL is one; without a shift there is no
// scale either. What is not a number stays so.
struct cfl_ending {
    const float *scale, *shift;
    float low, high;
};

// The sizes of a depthwise convolution of square filters over maps `[height][width][channels]`.
struct cfl_depthwise {
    size_t height, width, channels, output_width;
    size_t side, stride, top, left;
};

// Writes the rows of a matrix, `[outputs][inputs]`, in the order in which `cfl_multiply` of the
// same set reads them; there must be room for `outputs`, rounded up to CFL_WIDEST, times `inputs`.
// There must be as many outputs as a vector has floats: 16 with AVX-512, 8 with AVX2.
void cfl_pack__avx2(const float *weights, size_t outputs, size_t inputs, float *packed);
void cfl_pack__avx512f(const float *weights, size_t outputs, size_t inputs, float *packed);

// `y = ending(x * weights^T)` for `rows` rows of x, which begin `x_step` floats apart, as those
// of y do `y_step` floats.
void cfl_multiply__avx2(const float *x, size_t x_step, size_t rows, const float *packed,
                        size_t inputs, size_t outputs, const struct cfl_ending *ending, float *y,
                        size_t y_step);
void cfl_multiply__avx512f(const float *x, size_t x_step, size_t rows, const float *packed,
                           size_t inputs, size_t outputs, const struct cfl_ending *ending,
                           float *y, size_t y_step);

// One row of outputs of one picture, `[output_width][channels]`. The filters have a side of 3 or
// 5, a stride of 1 or 2 and the order `[side][side][channels]`; there must be as many channels as
// a vector has floats.
void cfl_depthwise_row__avx2(const struct cfl_depthwise *sizes, const float *x, size_t row,
                             const float *filters, const struct cfl_ending *ending, float *y);
void cfl_depthwise_row__avx512f(const struct cfl_depthwise *sizes, const float *x, size_t row,
                                const float *filters, const struct cfl_ending *ending, float *y);

#endif
