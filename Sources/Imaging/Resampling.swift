import CResampling

/// The weights that turn one side of a picture from one length into another: Pillow's bilinear
/// filter, a triangle that grows with the scale when shrinking, so that nothing aliases.
///
/// The weights are rounded to 22 bits after the point exactly as Pillow's `Resample.c` does it for
/// 8 bit pixels: results equal Pillow's, byte for byte.
struct ResampleWeights {
    /// What Pillow calls PRECISION_BITS: 32 − 8 − 2.
    static let precision: Int32 = 22

    /// The number of weights that are kept for an output pixel.
    let span: Int
    /// For each output pixel: the first input pixel.
    private(set) var firsts: [Int32] = []
    /// For each output pixel: how many there are.
    private(set) var counts: [Int32] = []
    /// The most pixels that one of these outputs is made of, at most `span`.
    private(set) var taps = 0
    /// For each output pixel: `span` weights, those behind its count zero.
    private(set) var weights: [Int32] = []

    /// The weights of the outputs in `window` alone, of the `outputs` that a side of `inputs`
    /// pixels becomes.
    init(inputs: Int, outputs: Int, window: Range<Int>) {
        let scale = Double(inputs) / Double(outputs)
        let support = max(scale, 1)  // the triangle's half width, in input pixels
        let inverse = 1 / support
        span = Int(support.rounded(.up)) * 2 + 1
        firsts.reserveCapacity(window.count)
        counts.reserveCapacity(window.count)
        weights.reserveCapacity(window.count * span)
        var exact = [Double](repeating: 0, count: span)
        for output in window {
            let center = (Double(output) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let count = min(inputs, Int(center + support + 0.5)) - first
            var sum = 0.0
            for i in 0..<count {
                let distance = abs((Double(i + first) - center + 0.5) * inverse)
                exact[i] = distance < 1 ? 1 - distance : 0
                sum += exact[i]
            }
            firsts.append(Int32(first))
            counts.append(Int32(count))
            taps = max(taps, count)
            for i in 0..<span {
                let weight = i < count ? (sum == 0 ? exact[i] : exact[i] / sum) : 0
                weights.append(Int32(0.5 + weight * Double(1 << Self.precision)))
            }
        }
    }

    /// The input pixels that the outputs need.
    var inputRange: Range<Int> {
        guard let first = firsts.first, let last = firsts.last, let count = counts.last else {
            return 0..<0
        }
        return Int(first)..<Int(last + count)
    }
}

/// Resizing of a part of a picture: a horizontal pass, rounded to 8 bits, then a vertical one.
package struct Resampler {
    /// The part of the source that is resized; what lies outside does not shine in.
    private let source: PixelBox
    /// The size that the part becomes.
    private let width, height: Int
    /// The part of the result that is wanted.
    private let window: PixelBox
    private let usesAVX2: Bool

    /// Whether this processor has AVX2.
    package static let hasAVX2 = crs_has_avx2() != 0

    /// The resizing of `source` to `width` × `height`, of which `window` is wanted; the result
    /// does not depend on the instructions that are used.
    package init(
        source: PixelBox, width: Int, height: Int, window: PixelBox, usesAVX2: Bool = hasAVX2
    ) {
        (self.source, self.width, self.height) = (source, width, height)
        (self.window, self.usesAVX2) = (window, usesAVX2)
    }

    /// - Complexity: O(s·w·r): the source rows that the window needs, its width, and the ratio of
    ///   shrinking; the vertical pass takes about as long.
    package func resample(_ picture: Picture) -> Picture {
        let columns = ResampleWeights(
            inputs: source.width, outputs: width, window: window.x..<(window.x + window.width))
        let rows = ResampleWeights(
            inputs: source.height, outputs: height, window: window.y..<(window.y + window.height))
        let needed = rows.inputRange
        let stride = window.width * 3
        return unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: needed.count * stride
        ) { middle in
            unsafe picture.pixels.withUnsafeBufferPointer { pixels in
                for row in needed {
                    let from = ((source.y + row) * picture.width + source.x) * 3
                    unsafe shrinkRow(
                        pixels.baseAddress! + from, by: columns,
                        into: middle.baseAddress! + (row - needed.lowerBound) * stride)
                }
            }
            return unsafe Picture(width: window.width, height: window.height) { target in
                unsafe rows.weights.withUnsafeBufferPointer { weights in
                    for y in 0..<window.height {
                        let from = (Int(rows.firsts[y]) - needed.lowerBound) * stride
                        unsafe mixRows(
                            middle.baseAddress! + from, count: Int(rows.counts[y]), stride: stride,
                            weights: weights.baseAddress! + y * rows.span,
                            into: target + y * stride)
                    }
                }
            }
        }
    }

    /// One row of the horizontal pass.
    private func shrinkRow(
        _ source: UnsafePointer<UInt8>, by columns: ResampleWeights,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        if usesAVX2 {
            unsafe crs_shrink_row(
                source, self.source.width, columns.firsts, columns.counts, columns.taps,
                columns.weights, columns.span, columns.firsts.count, target)
        } else {
            unsafe Self.shrinkRowPortably(source, by: columns, into: target)
        }
    }

    private static func shrinkRowPortably(
        _ source: UnsafePointer<UInt8>, by columns: ResampleWeights,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        let half: Int32 = 1 << (ResampleWeights.precision - 1)
        unsafe columns.weights.withUnsafeBufferPointer { weights in
            for x in columns.firsts.indices {
                var pixel = unsafe source + Int(columns.firsts[x]) * 3
                var weight = unsafe weights.baseAddress! + x * columns.span
                var (red, green, blue) = (half, half, half)
                for _ in 0..<columns.counts[x] {
                    red &+= unsafe Int32(pixel[0]) &* weight.pointee
                    green &+= unsafe Int32(pixel[1]) &* weight.pointee
                    blue &+= unsafe Int32(pixel[2]) &* weight.pointee
                    unsafe pixel += 3
                    unsafe weight += 1
                }
                unsafe target[3 * x] = rounded(red)
                unsafe target[3 * x + 1] = rounded(green)
                unsafe target[3 * x + 2] = rounded(blue)
            }
        }
    }

    /// One row of the vertical pass.
    private func mixRows(
        _ source: UnsafePointer<UInt8>, count: Int, stride: Int, weights: UnsafePointer<Int32>,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        if usesAVX2 {
            unsafe crs_mix_rows(source, count, stride, weights, target)
        } else {
            unsafe Self.mixRowsPortably(
                source, count: count, stride: stride, weights: weights, into: target)
        }
    }

    /// In blocks of bytes that stay in registers.
    private static func mixRowsPortably(
        _ source: UnsafePointer<UInt8>, count: Int, stride: Int, weights: UnsafePointer<Int32>,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        typealias Block = SIMD16<Int32>
        let half: Int32 = 1 << (ResampleWeights.precision - 1)
        var x = 0
        while x + 16 <= stride {
            var sum = Block(repeating: half)
            for row in 0..<count {
                let bytes = unsafe UnsafeRawPointer(source + row * stride + x)
                    .loadUnaligned(as: SIMD16<UInt8>.self)
                sum &+= unsafe Block(truncatingIfNeeded: bytes) &* weights[row]
            }
            sum &>>= ResampleWeights.precision
            // A sum reaches 256 at most, which becomes 255.
            let bytes = SIMD16<UInt8>(truncatingIfNeeded: sum &- (sum &>> 8))
            unsafe UnsafeMutableRawPointer(target + x).storeBytes(
                of: bytes, as: SIMD16<UInt8>.self)
            x += 16
        }
        while x < stride {
            var sum = half
            for row in 0..<count {
                sum &+= unsafe Int32(source[row * stride + x]) &* weights[row]
            }
            unsafe target[x] = rounded(sum)
            x += 1
        }
    }

    /// The weights sum to 1 but for rounding, and are never negative: a sum may reach 255.5 and
    /// hence 255, or by a hair 256 · 2²², which Pillow clips.
    @inline(__always)
    private static func rounded(_ sum: Int32) -> UInt8 {
        UInt8(clamping: sum &>> ResampleWeights.precision)
    }
}

extension Picture {
    /// The picture in another size, by Pillow's bilinear filter, byte for byte.
    public func resized(width: Int, height: Int) -> Picture {
        resized(
            x: 0, y: 0, width: self.width, height: self.height, toWidth: width, height: height)
    }

    /// A part of the picture in another size: the same as cropping, then resizing.
    ///
    /// - Parameters:
    ///   - x: The part's first column.
    ///   - y: The part's first row.
    ///   - boxWidth: The part's width.
    ///   - boxHeight: The part's height.
    ///   - width: The width of the result.
    ///   - height: The height of the result.
    /// - Returns: A picture of `width` × `height`.
    public func resized(
        x: Int, y: Int, width boxWidth: Int, height boxHeight: Int, toWidth width: Int, height: Int
    ) -> Picture {
        let box = PixelBox(x: x, y: y, width: boxWidth, height: boxHeight)
        precondition(
            box.fits(in: self) && width > 0 && height > 0,
            "\(box) to \(width)×\(height) in a picture of \(self.width)×\(self.height)")
        return Resampler(
            source: box, width: width, height: height,
            window: PixelBox(x: 0, y: 0, width: width, height: height)
        ).resample(self)
    }
}
