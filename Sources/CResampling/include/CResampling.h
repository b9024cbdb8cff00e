// The two passes of resizing with AVX2, which Swift cannot compile into a program that has to run
// on processors without it as well. The arithmetic is that of Resampling.swift, bit for bit.
#ifndef CRESAMPLING_H
#define CRESAMPLING_H

#include <stddef.h>
#include <stdint.h>

// Whether this processor can run the functions below.
int crs_has_avx2(void);

// One row of the horizontal pass. `source` is the row's first of `pixels` pixels of 3 bytes;
// output x is made of the `counts[x]` pixels from `firsts[x]` on, `taps` of them at most, by the
// weights from `weights + x * span` on, which have 22 bits behind the point; those behind its
// count, up to `taps`, are zero. Writes 3 bytes an output.
void crs_shrink_row(const uint8_t *source, size_t pixels, const int32_t *firsts,
                    const int32_t *counts, size_t taps, const int32_t *weights, size_t span,
                    size_t outputs, uint8_t *target);

// One row of the vertical pass: `stride` bytes, each made of the bytes at its place in `count`
// rows that lie `stride` bytes apart, by one weight a row.
void crs_mix_rows(const uint8_t *source, size_t count, size_t stride, const int32_t *weights,
                  uint8_t *target);

#endif
