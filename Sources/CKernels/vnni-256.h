// VNNI on 256 bits, the same source for AVX-VNNI and for AVX-512 with VL: VPDPBUSD adds four
// u8 × s8 products to each of 8 sums, unsaturated. DPBUSD names the intrinsic.

#define HEIGHT(panels, kind) 6
#define SIGNED_OPERANDS 0
#define SEPARATE_NARROW 0
#define WINOGRAD 0

#include "x86-256.h"

typedef __m256i operand;
typedef __m256i weights;

PRIMITIVE operand broadcast(const uint8_t *p, const enum ck_kind kind) {
    (void)kind;
    return broadcast_quad(p);
}
PRIMITIVE operand load_operand(const uint8_t *p, const enum ck_kind kind) {
    (void)kind;
    return load(p);
}
PRIMITIVE weights load_weights(const int8_t *p, const enum ck_kind kind) {
    (void)kind;
    return load(p);
}
PRIMITIVE ints dot(ints sum, operand x, weights w, const enum ck_kind kind) {
    (void)kind;
    return DPBUSD(sum, x, w);
}

#include "rows.h"
