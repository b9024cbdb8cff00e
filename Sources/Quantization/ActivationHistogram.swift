package import Tensors

/// How often each value occurs in one activation tensor, in bounded memory and one pass; exact zeros,
/// which every scale represents exactly, are not counted.
///
/// The bins cover `−radius ..< radius`; when a value lies outside, the radius doubles and
/// neighbouring bins are merged, so no first pass has to find the range.
package struct ActivationHistogram: Sendable {
    /// Bins on each side of zero.
    static let half = 4096

    private(set) var counts = [Int](repeating: 0, count: 2 * half)
    private(set) var radius: Float = 0x1p-16
    /// The smallest value seen, at most 0.
    package private(set) var minimum: Float = 0
    /// The largest value seen, at least 0.
    package private(set) var maximum: Float = 0

    package init() {}

    /// How many values of one tensor and one picture are counted at most: with a hundred pictures
    /// there are then two hundred for a bin.
    private static let countedPerPicture = 1 << 14

    /// Counts the values of some pictures, `[n, …]`.
    ///
    /// The smallest and the largest are found among all; of a large map some are counted, the same
    /// number of each channel.
    ///
    /// - Returns: Whether all of them are finite; nothing is counted otherwise.
    package mutating func add(_ values: Tensor<Float>) -> Bool {
        let elements = values.elements.span
        guard let range = Self.range(of: elements) else { return false }
        (minimum, maximum) = (min(minimum, range.low), max(maximum, range.high))
        while max(-minimum, maximum) >= radius { widen() }
        // One position in so many, of all channels.
        let channels = max(1, values.shape.extents.last ?? 1)
        let positions = values.rowSize / channels
        var step = max(1, positions * channels / Self.countedPerPicture)
        // Not always the same columns of the map.
        let width = values.shape.rank > 2 ? values.shape[values.shape.rank - 2] : 1
        while step > 1, Self.haveCommonFactor(step, width) { step += 1 }
        for position in stride(from: 0, to: elements.count / channels, by: step) {
            count(elements.extracting(position * channels..<(position + 1) * channels))
        }
        return true
    }

    /// The smallest and the largest value; `nil` where one is not finite.
    private static func range(of values: Span<Float>) -> (low: Float, high: Float)? {
        let vectors = values.count & ~15
        var (low, high) = (SIMD16<Float>(repeating: 0), SIMD16<Float>(repeating: 0))
        // Infinities and NaN times zero are NaN.
        var nothing = SIMD16<Float>(repeating: 0)
        unsafe values.withUnsafeBytes { bytes in
            for index in stride(from: 0, to: vectors, by: 16) {
                let lanes = unsafe bytes.loadUnaligned(
                    fromByteOffset: index * 4, as: SIMD16<Float>.self)
                low.replace(with: lanes, where: lanes .< low)
                high.replace(with: lanes, where: lanes .> high)
                nothing += lanes * 0
            }
        }
        var (least, most, rest) = (low.min(), high.max(), nothing.sum())
        for index in vectors..<values.count {
            (least, most) = (min(least, values[index]), max(most, values[index]))
            rest += values[index] * 0
        }
        return rest == 0 ? (least, most) : nil
    }

    private static func haveCommonFactor(_ a: Int, _ b: Int) -> Bool {
        b == 0 ? a > 1 : haveCommonFactor(b, a % b)
    }

    private mutating func count(_ values: Span<Float>) {
        let scale = Float(Self.half) / radius
        var bins = counts.mutableSpan
        for index in values.indices {
            let place = values[index] * scale
            guard values[index] != 0 else { continue }
            // Rounded down, without the call that this is where there is no SSE4.1; rounding of the
            // product may reach the bin after the last.
            let toZero = Int32(place)
            let bin = Int(Float(toZero) > place ? toZero - 1 : toZero) + Self.half
            bins[min(bin, 2 * Self.half - 1)] += 1
        }
    }

    private mutating func widen() {
        var merged = [Int](repeating: 0, count: counts.count)
        for (index, count) in counts.enumerated() {
            merged[((index - Self.half) >> 1) + Self.half] += count
        }
        counts = merged
        radius *= 2
    }
}

extension ActivationHistogram {
    /// The range whose 8-bit quantization has the least squared error: rounding costs
    /// `scale² / 12` for each value inside, clipping `(x − bound)²` for each outside.
    ///
    /// Source: Nagel et al., "A White Paper on Neural Network Quantization", 2021
    /// (arXiv:2106.08295), section 2.3.1, with the search over a grid of bounds.
    package func bestRange() -> ClosedRange<Float> {
        guard minimum < 0 || maximum > 0 else { return 0...1 }
        let sums = RunningSums(self)
        // With one sign the other bound stays at zero, and a finer grid costs nothing.
        let steps = minimum < 0 && maximum > 0 ? 64 : 512
        let lows = minimum < 0 ? (1...steps).map { minimum * Float($0) / Float(steps) } : [0]
        let highs = maximum > 0 ? (1...steps).map { maximum * Float($0) / Float(steps) } : [0]
        var best: (error: Double, range: ClosedRange<Float>) = (.infinity, minimum...maximum)
        for low in lows {
            for high in highs {
                let error = sums.error(from: low, to: high)
                // Ties go to the wider range, which clips less of what was not seen.
                if error <= best.error { best = (error, low...high) }
            }
        }
        return best.range
    }

    /// Sums over the bins below each bin of 1, x and x², for errors in constant time.
    private struct RunningSums {
        var count: [Double] = [0]
        var first: [Double] = [0]
        var second: [Double] = [0]
        let binsPerUnit: Double

        init(_ histogram: ActivationHistogram) {
            binsPerUnit = Double(ActivationHistogram.half) / Double(histogram.radius)
            for (bin, number) in histogram.counts.enumerated() {
                let centre = (Double(bin - ActivationHistogram.half) + 0.5) / binsPerUnit
                count.append(count[bin] + Double(number))
                first.append(first[bin] + Double(number) * centre)
                second.append(second[bin] + Double(number) * centre * centre)
            }
        }

        func error(from low: Float, to high: Float) -> Double {
            let (low, high) = (Double(low), Double(high))
            let last = count.count - 1
            let from = index(low)
            let to = max(index(high), from)
            let step = (high - low) / 255
            let rounding = (count[to] - count[from]) * step * step / 12
            let below = second[from] - 2 * low * first[from] + low * low * count[from]
            let (n, s1, s2) = (
                count[last] - count[to], first[last] - first[to], second[last] - second[to]
            )
            let above = s2 - 2 * high * s1 + high * high * n
            return rounding + max(below, 0) + max(above, 0)
        }

        private func index(_ value: Double) -> Int {
            let bin = (value * binsPerUnit).rounded() + Double(ActivationHistogram.half)
            return min(max(Int(bin), 0), count.count - 1)
        }
    }
}
