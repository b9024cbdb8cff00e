// Loops that do nothing but one thing, as fast as this CPU can: what a kernel's share of the
// limit is measured against.

#ifndef CLIMITS_H
#define CLIMITS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Ways to multiply u8 by s8 and add up in 32 bits, all operands in registers.
enum cl_way {
    CL_DPBUSD_512,  // vpdpbusd on 64 bytes
    CL_DPBUSD_256,  // vpdpbusd on 32 bytes, as AVX-512 VL encodes it
    CL_DPBUSD_VEX,  // the same, as AVX-VNNI does
    CL_MADDUBS,     // vpmaddubsw, vpmaddwd, vpaddd: exact for weights within -63...63
    CL_MADDWD,      // vpmaddwd, vpaddd on int16: exact for all weights
    CL_DOT_NEON,    // sdot on 16 bytes
};

// Whether this CPU can run the loop.
int cl_has(enum cl_way way);

// Runs the loop; returns the number of products added up, 0 where the CPU lacks it.
uint64_t cl_multiply(enum cl_way way, uint64_t iterations);

// Reads `bytes` bytes (a multiple of 64) at `memory`, aligned to 8, and returns a number that
// depends on all of them.
uint64_t cl_read(const void *memory, size_t bytes);

#pragma clang assume_nonnull end

#endif
