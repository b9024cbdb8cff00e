// NEON with the dot product of ARMv8.2: SDOT adds four s8 × s8 products to each of 4 sums.
//
// Activations are u8: x − 128 fits s8, and 128 · Σw is added to the sums beforehand.

#pragma STDC FP_CONTRACT OFF

#include "CKernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#define ISA __attribute__((target("dotprod")))
#define ROW(name) ck_##name##__neon
#define LANES 4
#define MAX_PANELS 1
#define HEIGHT(panels, kind) 6
#define DEPTHWISE_OUTPUTS 4
#define SEPARATE_NARROW 0
#define WINOGRAD 0
#define SIGNED_OPERANDS 1
#define PRIMITIVE static inline __attribute__((always_inline)) ISA

typedef int32x4_t ints;
typedef float32x4_t floats;
typedef uint8x16_t bytes;
typedef int8x16_t operand;
typedef int8x16_t weights;

PRIMITIVE ints load_ints(const int32_t *p) { return vld1q_s32(p); }
PRIMITIVE ints repeat_int(int32_t v) { return vdupq_n_s32(v); }
PRIMITIVE ints add_ints(ints a, ints b) { return vaddq_s32(a, b); }
PRIMITIVE ints subtract_ints(ints a, ints b) { return vsubq_s32(a, b); }
PRIMITIVE ints times_128(ints a) { return vshlq_n_s32(a, 7); }
PRIMITIVE void store_ints(int32_t *p, ints v, size_t count) {
    if (count >= 4)
        vst1q_s32(p, v);
    else
        memcpy(p, &v, count * 4);
}

PRIMITIVE floats load_floats(const float *p) { return vld1q_f32(p); }
PRIMITIVE floats load_first_floats(const float *p, size_t count) {
    floats v = vdupq_n_f32(0);
    memcpy(&v, p, (count < 4 ? count : 4) * 4);
    return v;
}
PRIMITIVE void store_floats(float *p, floats v) { vst1q_f32(p, v); }
PRIMITIVE floats repeat_float(float v) { return vdupq_n_f32(v); }
PRIMITIVE floats to_floats(ints v) { return vcvtq_f32_s32(v); }
PRIMITIVE floats add(floats a, floats b) { return vaddq_f32(a, b); }
PRIMITIVE floats subtract(floats a, floats b) { return vsubq_f32(a, b); }
PRIMITIVE floats multiply(floats a, floats b) { return vmulq_f32(a, b); }
PRIMITIVE floats min_floats(floats a, floats b) { return vminq_f32(a, b); }
PRIMITIVE floats max_floats(floats a, floats b) { return vmaxq_f32(a, b); }
PRIMITIVE floats round_floats(floats v) { return vrndnq_f32(v); }
PRIMITIVE float sum_of_sixteen(const floats *v) {
    floats four = vaddq_f32(vaddq_f32(v[0], v[2]), vaddq_f32(v[1], v[3]));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

PRIMITIVE bytes load_bytes(const uint8_t *p) { return vld1q_u8(p); }
PRIMITIVE bytes zero_bytes(void) { return vdupq_n_u8(0); }
PRIMITIVE bytes max_bytes(bytes a, bytes b) { return vmaxq_u8(a, b); }
PRIMITIVE void store_vector(uint8_t *p, bytes v) { vst1q_u8(p, v); }
PRIMITIVE void store_bytes(uint8_t *p, bytes v, size_t count, const size_t most) {
    if (count < most)
        memcpy(p, &v, count);
    else
        vst1q_u8(p, v);
}
PRIMITIVE void interleave(bytes v[4]) {
    bytes low01 = vzip1q_u8(v[0], v[1]), high01 = vzip2q_u8(v[0], v[1]);
    bytes low23 = vzip1q_u8(v[2], v[3]), high23 = vzip2q_u8(v[2], v[3]);
    uint16x8_t a = vreinterpretq_u16_u8(low01), b = vreinterpretq_u16_u8(low23);
    uint16x8_t c = vreinterpretq_u16_u8(high01), d = vreinterpretq_u16_u8(high23);
    v[0] = vreinterpretq_u8_u16(vzip1q_u16(a, b));
    v[1] = vreinterpretq_u8_u16(vzip2q_u16(a, b));
    v[2] = vreinterpretq_u8_u16(vzip1q_u16(c, d));
    v[3] = vreinterpretq_u8_u16(vzip2q_u16(c, d));
}
PRIMITIVE void widen(bytes v, ints out[4]) {
    uint16x8_t low = vmovl_u8(vget_low_u8(v)), high = vmovl_u8(vget_high_u8(v));
    out[0] = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(low)));
    out[1] = vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(low)));
    out[2] = vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(high)));
    out[3] = vreinterpretq_s32_u32(vmovl_u16(vget_high_u16(high)));
}
// Every narrowing saturates, which clamps to 0...255.
PRIMITIVE bytes rounded(const floats t[4], const size_t count, const struct ck_requantization *r) {
    (void)count;
    const int16x8_t zero = vdupq_n_s16((int16_t)r->zero_point);
    int32x4_t y[4];
    for (size_t n = 0; n < 4; n++) y[n] = vcvtnq_s32_f32(t[n]);
    int16x8_t low = vqaddq_s16(vcombine_s16(vqmovn_s32(y[0]), vqmovn_s32(y[1])), zero);
    int16x8_t high = vqaddq_s16(vcombine_s16(vqmovn_s32(y[2]), vqmovn_s32(y[3])), zero);
    bytes all = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
    return vminq_u8(
        vmaxq_u8(all, vdupq_n_u8((uint8_t)r->low)), vdupq_n_u8((uint8_t)r->high));
}
PRIMITIVE bytes in_order(bytes v) { return v; }

// 4 bytes as int32.
PRIMITIVE ints load_widened(const uint8_t *p) {
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vld1_u8(p)))));
}

PRIMITIVE operand centred(uint8x16_t x) {
    return vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(0x80)));
}
PRIMITIVE operand broadcast(const uint8_t *p, const enum ck_kind kind) {
    (void)kind;
    uint32_t quad;
    memcpy(&quad, p, 4);
    return centred(vreinterpretq_u8_u32(vdupq_n_u32(quad)));
}
PRIMITIVE operand load_operand(const uint8_t *p, const enum ck_kind kind) {
    (void)kind;
    return centred(vld1q_u8(p));
}
PRIMITIVE weights load_weights(const int8_t *p, const enum ck_kind kind) {
    (void)kind;
    return vld1q_s8(p);
}
PRIMITIVE ints dot(ints sum, operand x, weights w, const enum ck_kind kind) {
    (void)kind;
    return vdotq_s32(sum, x, w);
}

#include "rows.h"

#endif
