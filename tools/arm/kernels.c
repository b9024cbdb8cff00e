// The kernels of one row against plain loops, on random layers. For rows that the machine at hand
// cannot run: `run` compiles it for ARM and runs it in an emulator.
//
// TESTED_ROW is its name, WIDTH the channels that its depthwise kernel takes at once.

#include "CKernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define PASTE(a, b) a##__##b
#define NAME(a, b) PASTE(a, b)
#define KERNEL(name) NAME(name, TESTED_ROW)
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

static uint64_t state;
static size_t current;

// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
static uint64_t next(void) {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}
static size_t below(size_t n) { return next() % n; }
static size_t between(size_t low, size_t high) { return low + below(high - low + 1); }

// Random bytes, with the slack that kernels may read.
static void *noise(size_t size) {
    uint8_t *bytes = aligned_alloc(64, (size + 64 + 63) / 64 * 64);
    for (size_t i = 0; i < (size + 127) / 64 * 64; i++) bytes[i] = (uint8_t)next();
    return bytes;
}
static int8_t *weights(size_t count, int limit) {
    int8_t *w = noise(count);
    for (size_t i = 0; i < count; i++) w[i] = (int8_t)((int)below(2 * (size_t)limit + 1) - limit);
    return w;
}
static int32_t *biases(size_t count) {
    int32_t *bias = noise(count * 4 + 256);
    for (size_t i = 0; i < count + 64; i++) bias[i] = (int32_t)below(10001) - 5000;
    return bias;
}
static float *multipliers(size_t count, size_t depth) {
    float *m = noise(count * 4 + 256);
    for (size_t i = 0; i < count + 64; i++)
        m[i] = (float)(0.002 + 0.02 * (double)below(1000) / 1000) / sqrtf((float)depth);
    return m;
}
static struct ck_requantization format(void) {
    int32_t low = (int32_t)below(128), high = low + (int32_t)below(128);
    if (below(2)) return (struct ck_requantization){(int32_t)below(256), 0, 255};
    return (struct ck_requantization){(int32_t)between((size_t)low, (size_t)high), low, high};
}

static uint8_t byte(float t, const struct ck_requantization *r) {
    float low = (float)(r->low - r->zero_point), high = (float)(r->high - r->zero_point);
    t = t < low ? low : t > high ? high : t;
    return (uint8_t)(r->zero_point + (int32_t)rintf(t));
}
static uint8_t sum_of(uint8_t a, uint8_t b, const struct ck_add *p) {
    float first = (float)(a - p->a_zero_point) * p->a_ratio;
    float second = (float)(b - p->b_zero_point) * p->b_ratio;
    return byte(first + second, &p->requantization);
}
static struct ck_add random_sum(const uint8_t *b) {
    return (struct ck_add){
        .b = b, .a_zero_point = (int32_t)below(256), .b_zero_point = (int32_t)below(256),
        .a_ratio = 0.25f + (float)below(100) / 100, .b_ratio = 0.25f + (float)below(100) / 100,
        .requantization = format()};
}

static void check(const char *what, const void *found, const void *expected, size_t size) {
    if (!memcmp(found, expected, size)) return;
    size_t i = 0;
    while (((const uint8_t *)found)[i] == ((const uint8_t *)expected)[i]) i++;
    printf("%s of row " TEXT(TESTED_ROW) " differs at byte %zu of %zu in case %zu\n", what, i, size,
        current);
    exit(1);
}

static void products(void) {
    enum ck_kind kind = below(2) ? CK_NARROW : CK_BYTES;
    int limit = kind == CK_NARROW ? 63 : 127;
    size_t rows = between(1, 40), outputs = between(1, 90), taps = between(1, 4);
    size_t quads = between(1, 9), panels = (outputs + 15) / 16, depth = quads * 4;
    size_t stride = outputs + below(5);
    uint8_t *base = noise(4096);
    int32_t *offsets = noise(taps * rows * 4);
    for (size_t i = 0; i < taps * rows; i++) offsets[i] = (int32_t)below(4096 - depth);
    int8_t *filters = weights(panels * taps * quads * 64, limit);
    int32_t *bias = biases(panels * 16), *sums = noise(panels * 64);
    float *m = multipliers(panels * 16, taps * depth);
    uint8_t *found = noise(rows * stride), *expected = noise(rows * stride);
    int32_t *acc = noise(rows * stride * 4), *expected_acc = noise(rows * stride * 4);
    memcpy(expected, found, rows * stride);
    memcpy(expected_acc, acc, rows * stride * 4);
    struct ck_add sum = random_sum(noise(rows * stride));
    struct ck_product p = {
        .base = base, .offsets = offsets, .offset_stride = rows, .taps = taps, .quads = quads,
        .filters = filters, .kind = kind, .filter_sums = sums, .bias = bias, .multipliers = m,
        .requantization = format(), .outputs = outputs, .out = found, .out_stride = stride,
        .sum = below(2) ? &sum : NULL};
    sum.a_zero_point = p.requantization.zero_point;
    for (size_t o = 0; o < panels * 16; o++) {
        sums[o] = 0;
        for (size_t i = 0; i < taps * depth; i++)
            sums[o] += filters[(o / 16 * taps * quads + i / 4) * 64 + o % 16 * 4 + i % 4];
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < outputs; o++) {
            int32_t total = bias[o];
            for (size_t t = 0; t < taps; t++) {
                const uint8_t *x = base + offsets[t * rows + r];
                const int8_t *w = filters + (o / 16 * taps + t) * quads * 64 + o % 16 * 4;
                for (size_t i = 0; i < depth; i++) total += x[i] * w[i / 4 * 64 + i % 4];
            }
            expected_acc[r * stride + o] = total;
            uint8_t y = byte((float)total * m[o], &p.requantization);
            expected[r * stride + o] = p.sum ? sum_of(y, sum.b[r * stride + o], &sum) : y;
        }
    }
    size_t cut = below(rows + 1), middle = below(panels + 1);
    for (int pass = 0; pass < 2; pass++) {
        KERNEL(ck_u8s8_product)(&p, 0, cut, 0, middle);
        KERNEL(ck_u8s8_product)(&p, cut, rows - cut, 0, middle);
        KERNEL(ck_u8s8_product)(&p, 0, rows, middle, panels - middle);
        p.accumulators = acc;
    }
    check("product", found, expected, rows * stride);
    check("accumulators", acc, expected_acc, rows * stride * 4);
}

// The byte of a map, or of what stands behind it for all outside.
static uint8_t at(
    const uint8_t *map, ptrdiff_t y, ptrdiff_t x, size_t height, size_t width, size_t channels,
    size_t c) {
    int inside = y >= 0 && x >= 0 && y < (ptrdiff_t)height && x < (ptrdiff_t)width;
    return map[(inside ? (size_t)y * width + (size_t)x : height * width) * channels + c];
}

static void depthwise(void) {
    size_t kh = between(1, 8), kw = between(1, 8), stride = between(1, 3);
    size_t height = between(kh, kh + 6), width = between(kw, kw + 30);
    size_t channels = between(1, 80), top = below(kh), left = below(kw);
    size_t oh = (height + 2 * top - kh) / stride + 1, ow = (width + 2 * left - kw) / stride + 1;
    size_t quads = (kh + 3) / 4, padded = (channels + WIDTH - 1) / WIDTH * WIDTH;
    int limit = below(2) ? 63 : 127;
    int8_t *w = weights(channels * kh * kw, limit), *packed = noise(padded * kw * quads * 4);
    int32_t *bias = biases(channels), *bias_in_order = noise(padded * 4 + 256);
    int32_t *sums_in_order = noise(padded * 4 + 256);
    float *m = multipliers(channels, kh * kw), *m_in_order = noise(padded * 4 + 256);
    memset(packed, 0, padded * kw * quads * 4);
    for (size_t c = 0; c < channels; c++) {
        size_t first = c / WIDTH * WIDTH;
        size_t place = c % 16 / 4 * (WIDTH / 4) + c % WIDTH / 16 * 4 + c % 4;
        bias_in_order[first + place] = bias[c];
        m_in_order[first + place] = m[c];
        sums_in_order[first + place] = 0;
        for (size_t t = 0; t < kh * kw; t++) {
            size_t quad = first * kw * quads + (t % kw * quads + t / kw / 4) * WIDTH;
            packed[(quad + place) * 4 + t / kw % 4] = w[c * kh * kw + t];
            sums_in_order[first + place] += w[c * kh * kw + t];
        }
    }
    uint8_t *in = noise((height * width + 1) * channels);
    uint8_t *found = noise(oh * ow * channels), *expected = noise(oh * ow * channels);
    struct ck_depthwise p = {
        .in = in, .height = height, .width = width, .channels = channels, .count = channels,
        .kernel_height = kh, .kernel_width = kw, .stride = stride, .top = top, .left = left,
        .out_width = ow, .kind = limit == 63 ? CK_NARROW : CK_BYTES, .filters = packed,
        .filter_sums = sums_in_order, .bias = bias_in_order, .multipliers = m_in_order,
        .requantization = format(), .out = found};
    for (size_t i = 0; i < oh * ow * channels; i++) {
        size_t c = i % channels, x = i / channels % ow, y = i / channels / ow;
        int32_t total = bias[c];
        for (size_t t = 0; t < kh * kw; t++)
            total += w[c * kh * kw + t] *
                     at(in, (ptrdiff_t)(y * stride + t / kw) - (ptrdiff_t)top,
                        (ptrdiff_t)(x * stride + t % kw) - (ptrdiff_t)left, height, width,
                        channels, c);
        expected[i] = byte((float)total * m[c], &p.requantization);
    }
    size_t cut = below(oh + 1);
    KERNEL(ck_u8s8_depthwise)(&p, 0, cut);
    KERNEL(ck_u8s8_depthwise)(&p, cut, oh - cut);
    check("depthwise convolution", found, expected, oh * ow * channels);
}

static void pools(void) {
    size_t kh = between(1, 5), kw = between(1, 5), stride = between(1, 3), top = below(kh);
    size_t left = below(kw), height = between(kh, kh + 5), width = between(kw, kw + 5);
    size_t channels = between(1, 70);
    size_t oh = (height + 2 * top - kh) / stride + 1, ow = (width + 2 * left - kw) / stride + 1;
    uint8_t *in = noise(height * width * channels);
    uint8_t *found = noise(oh * ow * channels), *expected = noise(oh * ow * channels);
    float *m = multipliers(oh * ow, 1);
    struct ck_pool p = {
        .in = in, .height = height, .width = width, .channels = channels, .kernel_height = kh,
        .kernel_width = kw, .stride = stride, .top = top, .left = left, .out_width = ow,
        .out = found, .multipliers = m, .in_zero_point = (int32_t)below(256),
        .requantization = format()};
    for (int average = 0; average < 2; average++) {
        for (size_t i = 0; i < oh * ow * channels; i++) {
            size_t c = i % channels, x = i / channels % ow, y = i / channels / ow;
            int32_t total = 0, most = 0;
            for (size_t t = 0; t < kh * kw; t++) {
                ptrdiff_t iy = (ptrdiff_t)(y * stride + t / kw) - (ptrdiff_t)top;
                ptrdiff_t ix = (ptrdiff_t)(x * stride + t % kw) - (ptrdiff_t)left;
                if (iy < 0 || ix < 0 || iy >= (ptrdiff_t)height || ix >= (ptrdiff_t)width) continue;
                int32_t v = at(in, iy, ix, height, width, channels, c);
                total += v - p.in_zero_point;
                most = v > most ? v : most;
            }
            expected[i] = average ? byte((float)total * m[i / channels], &p.requantization)
                                  : (uint8_t)most;
        }
        if (average) KERNEL(ck_u8_averagepool)(&p, 0, oh);
        else KERNEL(ck_u8_maxpool)(&p, 0, oh);
        check(average ? "average pool" : "max pool", found, expected, oh * ow * channels);
    }
}

static void sums(void) {
    size_t count = between(1, 300), start = below(count);
    uint8_t *a = noise(count), *found = noise(count), *expected = noise(count);
    struct ck_add p = random_sum(noise(count));
    p.a = a;
    p.out = found;
    memcpy(expected, found, count);
    for (size_t i = start; i < count; i++) expected[i] = sum_of(a[i], p.b[i], &p);
    KERNEL(ck_u8_add)(&p, start, count - start);
    check("sum", found, expected, count);
}

static void floats(void) {
    size_t dimension = between(1, 70), blocks = between(1, 9), count = between(1, 9);
    float *point = multipliers(dimension, 1), *centroids = multipliers(blocks * dimension * 16, 1);
    float found[144], expected[144];
    KERNEL(ck_f32_distances)(point, dimension, centroids, blocks, found);
    for (size_t i = 0; i < blocks * 16; i++) {
        expected[i] = 0;
        for (size_t d = 0; d < dimension; d++) {
            float difference = point[d] - centroids[(i / 16 * dimension + d) * 16 + i % 16];
            expected[i] += difference * difference;
        }
    }
    check("distances", found, expected, blocks * 64);
    KERNEL(ck_f32_dots)(point, centroids, dimension, count, found);
    for (size_t r = 0; r < count; r++) {
        float lanes[16] = {0};
        for (size_t d = 0; d < dimension; d++) lanes[d % 16] += point[d] * centroids[r * dimension + d];
        for (size_t half = 8; half > 0; half /= 2)
            for (size_t i = 0; i < half; i++) lanes[i] += lanes[i + half];
        expected[r] = lanes[0];
    }
    check("dot products", found, expected, count * 4);
}

int main(int argc, char **argv) {
    size_t cases = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    static void (*const kinds[])(void) = {products, depthwise, pools, sums, floats};
    for (size_t seed = 0; seed < cases; seed++) {
        state = seed * 7919;
        current = seed;
        kinds[seed % 5]();
    }
    printf("%zu random cases of row " TEXT(TESTED_ROW) " agree with plain loops\n", cases);
    return 0;
}
