import Foundation

/// A way to choose the range of values that 8 bits cover.
public enum RangeRule: String, Codable, Sendable, CaseIterable {
    /// Rounding and clipping together have the least squared error.
    case squaredError = "squared_error"
    /// All but one value in ten thousand are inside.
    case percentile
    /// The distribution of the rounded values is the nearest to the true one, by relative entropy.
    case entropy
    /// Every value seen is inside.
    case largest
}

extension ActivationHistogram {
    /// The range that a rule chooses; it contains 0.
    package func range(by rule: RangeRule) -> ClosedRange<Float> {
        guard minimum < 0 || maximum > 0 else { return 0...1 }
        return switch rule {
        case .squaredError: bestRange()
        case .percentile: percentileRange(outside: 1e-4)
        case .entropy: entropyRange()
        case .largest: minimum...maximum
        }
    }

    /// The range without a share of the values, half of it on each side where there are two.
    private func percentileRange(outside share: Double) -> ClosedRange<Float> {
        let sides = (minimum < 0 ? 1 : 0) + (maximum > 0 ? 1 : 0)
        let allowed = share / Double(sides) * Double(total)
        func bound(_ bins: some Sequence<Int>, edge: Int) -> Float {
            var outside = 0.0
            for bin in bins {
                outside += Double(counts[bin])
                if outside > allowed { return lowerEdge(bin + edge) }
            }
            return 0
        }
        let low = minimum < 0 ? bound(0..<Self.half, edge: 0) : 0
        let high = maximum > 0 ? bound((Self.half..<counts.count).reversed(), edge: 1) : 0
        return max(min(low, 0), minimum)...min(max(high, 0), maximum)
    }

    /// The share of the full range, on both sides, with the least relative entropy of the
    /// rounded distribution to the true one.
    ///
    /// Source: Migacz, "8-bit Inference with TensorRT", GTC 2017.
    private func entropyRange() -> ClosedRange<Float> {
        var best = (divergence: Double.infinity, range: minimum...maximum)
        for step in (16...64).reversed() {
            let share = Float(step) / 64
            let range = minimum * share...maximum * share
            let divergence = divergence(of: range)
            if divergence < best.divergence { best = (divergence, range) }
        }
        return best.range
    }

    /// `Σ P·ln(P / Q)`, where P has the values outside at the ends, and Q spreads what falls on
    /// one of 255 steps evenly over its bins.
    private func divergence(of range: ClosedRange<Float>) -> Double {
        let first = bin(of: range.lowerBound)
        let last = max(first, min(bin(of: range.upperBound), counts.count - 1))
        var clipped = counts[first...last].map(Double.init)
        clipped[0] += Double(counts[..<first].reduce(0, +))
        clipped[last - first] += Double(counts[(last + 1)...].reduce(0, +))
        let sum = clipped.reduce(0, +)
        guard sum > 0 else { return 0 }
        let binsPerStep = max(1, Double(clipped.count) / 255)
        var (divergence, start) = (0.0, 0)
        while start < clipped.count {
            let step = (Double(start) / binsPerStep).rounded(.down)
            let next = Int(((step + 1) * binsPerStep).rounded(.up))
            let end = min(clipped.count, max(start + 1, next))
            let filled = (start..<end).filter { clipped[$0] > 0 }
            // What Q knows of this step are the values inside of the range alone.
            let inside = filled.reduce(0.0) { $0 + Double(counts[first + $1]) }
            for index in filled {
                // Nothing inside where clipped values end up: improbable, but not impossible.
                let q = max(inside, 1e-4) / Double(filled.count)
                divergence += clipped[index] / sum * log(clipped[index] / q)
            }
            start = end
        }
        return divergence + log(Double(counts[first...last].reduce(0, +)) / sum)
    }

    /// All values but exact zeros.
    private var total: Int { counts.reduce(0, +) }

    private func lowerEdge(_ bin: Int) -> Float {
        Float(bin - Self.half) / Float(Self.half) * radius
    }

    private func bin(of value: Float) -> Int {
        let bin = Int((value / radius * Float(Self.half)).rounded(.down)) + Self.half
        return min(max(bin, 0), counts.count - 1)
    }
}
