/// The weights that turn one side of a picture from one length into another: Pillow's bilinear
/// filter, a triangle that grows with the scale when shrinking, so that nothing aliases.
///
/// The weights are rounded to 22 bits after the point exactly as Pillow's `Resample.c` does it for
/// 8 bit pixels: results equal Pillow's, byte for byte.
struct ResampleWeights {
    /// What Pillow calls PRECISION_BITS: 32 − 8 − 2.
    static let precision: Int32 = 22

    /// The most pixels that one output pixel is made of.
    let span: Int
    /// For each output pixel: the first input pixel, and how many there are.
    private(set) var ranges: [(first: Int, count: Int)] = []
    /// For each output pixel: `span` weights, those behind its count zero.
    private(set) var weights: [Int32] = []

    /// The weights of the outputs in `window` alone, of the `outputs` that a side of `inputs`
    /// pixels becomes.
    init(inputs: Int, outputs: Int, window: Range<Int>) {
        let scale = Double(inputs) / Double(outputs)
        let support = max(scale, 1)  // the triangle's half width, in input pixels
        let inverse = 1 / support
        span = Int(support.rounded(.up)) * 2 + 1
        ranges.reserveCapacity(window.count)
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
            ranges.append((first, count))
            for i in 0..<span {
                let weight = i < count ? (sum == 0 ? exact[i] : exact[i] / sum) : 0
                weights.append(Int32(0.5 + weight * Double(1 << Self.precision)))
            }
        }
    }

    /// The input pixels that the outputs need.
    var inputRange: Range<Int> {
        guard let first = ranges.first, let last = ranges.last else { return 0..<0 }
        return first.first..<(last.first + last.count)
    }
}

/// Resizing of a part of a picture: a horizontal pass, rounded to 8 bits, then a vertical one.
struct Resampler {
    /// The part of the source that is resized; what lies outside does not shine in.
    var source: PixelBox
    /// The size that the part becomes.
    var width, height: Int
    /// The part of the result that is wanted.
    var window: PixelBox

    /// - Complexity: O(s·w·r): the source rows that the window needs, its width, and the ratio of
    ///   shrinking; the vertical pass takes about as long.
    func resample(_ picture: Picture) -> Picture {
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
                    unsafe Self.shrinkRow(
                        pixels.baseAddress! + from, by: columns,
                        into: middle.baseAddress! + (row - needed.lowerBound) * stride)
                }
            }
            return unsafe Picture(width: window.width, height: window.height) { target in
                unsafe rows.weights.withUnsafeBufferPointer { weights in
                    for (y, range) in rows.ranges.enumerated() {
                        let from = (range.first - needed.lowerBound) * stride
                        unsafe Self.mixRows(
                            middle.baseAddress! + from, count: range.count, stride: stride,
                            weights: weights.baseAddress! + y * rows.span,
                            into: target + y * stride)
                    }
                }
            }
        }
    }

    /// One row of the horizontal pass.
    private static func shrinkRow(
        _ source: UnsafePointer<UInt8>, by columns: ResampleWeights,
        into target: UnsafeMutablePointer<UInt8>
    ) {
        let half: Int32 = 1 << (ResampleWeights.precision - 1)
        unsafe columns.weights.withUnsafeBufferPointer { weights in
            unsafe columns.ranges.withUnsafeBufferPointer { ranges in
                for x in 0..<ranges.count {
                    var pixel = unsafe source + ranges[x].first * 3
                    var weight = unsafe weights.baseAddress! + x * columns.span
                    var (red, green, blue) = (half, half, half)
                    for _ in 0..<(unsafe ranges[x].count) {
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
    }

    /// One row of the vertical pass, in blocks of bytes that stay in registers.
    private static func mixRows(
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
            let bytes = SIMD16<UInt8>(
                truncatingIfNeeded: pointwiseMin(
                    sum &>> ResampleWeights.precision, Block(repeating: 255)))
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
