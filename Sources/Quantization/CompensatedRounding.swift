package import LinearAlgebra
import Tensors

/// Rounds the weights of a filter one after another, and after each moves those still to come so
/// that they make up for its error as far as the layer's inputs are correlated.
///
/// Rounding each weight to the nearest adds errors that know nothing of the inputs: where a
/// filter looks at a direction in which inputs hardly vary, as whitening does, they drown what
/// it should see. With `U` the upper triangular factor of the inverse covariance of the inputs
/// (`UᵀU = Σ⁻¹`), the error `e` of weight `i` is taken back by `w_j ← w_j − e·U_ij / U_ii`.
///
/// Source: Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ: Accurate Post-Training Quantization for
/// Generative Pre-trained Transformers", ICLR 2023 (arXiv:2210.17323).
package struct CompensatedRounding: Sendable {
    /// The order in which weights are rounded: the inputs that vary most come first, while
    /// there are many weights to make up for them.
    private let order: [Int]
    /// `U_ij / U_ii` in that order, `[d, d]`.
    private let shares: [Float]

    /// What is added to the variances, as a share of their mean: a few hundred pictures say
    /// nothing of the directions in which they do not vary.
    private static let damping = 0.01

    /// A rounding for inputs of the given moments, or `nil` where they do not vary at all.
    package init?(_ moments: MomentSums) {
        let width = moments.width
        let covariance = moments.covariance
        let variances = (0..<width).map { covariance[$0 * width + $0] }
        let mean = variances.reduce(0, +) / Double(width)
        guard mean > 0, mean.isFinite else { return nil }
        let order = (0..<width).sorted { (variances[$1], $0) < (variances[$0], $1) }
        var ordered = [Double](repeating: 0, count: width * width)
        for row in 0..<width {
            for column in row..<width {
                let (i, j) = (order[row], order[column])
                ordered[row * width + column] = covariance[min(i, j) * width + max(i, j)]
            }
            ordered[row * width + row] += Self.damping * mean
        }
        guard let factor = try? InverseFactor(upperTriangle: ordered, order: width) else {
            return nil
        }
        self.order = order
        let elements = factor.elements
        shares = unsafe [Float](unsafeUninitializedCapacity: width * width) { buffer, count in
            for row in 0..<width {
                let diagonal = elements[row * width + row]
                for column in 0..<width {
                    unsafe buffer[row * width + column] = Float(
                        elements[row * width + column] / diagonal)
                }
            }
            count = width * width
        }
    }

    /// The weights of one filter as integers within ±`limit`, `w ≈ q·step`.
    package func round(_ weights: ArraySlice<Float>, step: Float, limit: Float) -> [Int8] {
        let width = order.count
        precondition(weights.count == width, "\(weights.count) weights, not \(width)")
        var waiting = order.map { weights[weights.startIndex + $0] / step }
        var result = [Int8](repeating: 0, count: width)
        var values = waiting.mutableSpan
        let shares = shares.span
        for index in 0..<width {
            let q = min(max(values[index].rounded(.toNearestOrEven), -limit), limit)
            result[order[index]] = Int8(q)
            let error = values[index] - q
            let row = shares.extracting(index * width..<(index + 1) * width)
            for later in index + 1..<width { values[later] -= error * row[later] }
        }
        return result
    }
}
