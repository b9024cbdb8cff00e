import LinearAlgebra
package import Tensors

/// The weights of one convolution or linear layer in 8 bits, with a symmetric scale for each
/// output channel: `w ≈ q·scale`, `bias = round(b / (inputScale·scale))`.
package struct ChannelQuantization: Sendable {
    /// In the shape of the float weights.
    package private(set) var weight: Tensor<Int8>
    /// One for each output channel.
    package private(set) var scale: [Float]
    /// In accumulator units.
    package private(set) var bias: [Int32]

    /// Quantizes folded weights.
    ///
    /// A channel keeps the finest scale that the weights' range allows and for which
    /// `255·Σ|q| + |bias|`, the largest accumulator there can be, fits in 31 bits.
    ///
    /// - Parameters:
    ///   - weights: Finite.
    ///   - bits: 8 for ±127, 7 for ±63.
    ///   - inputScale: The step of the layer's input.
    ///   - roundings: How the filters of each group are rounded, to the nearest unless given.
    package init(
        _ weights: FoldedNetwork.Weights, bits: Int, inputScale: Float,
        roundings: [CompensatedRounding?] = []
    ) {
        let limit: Float = bits == 7 ? 63 : 127
        let count = weights.weight.shape[0]
        let groupRows = max(1, count / max(1, roundings.count))
        var rows = [Row](repeating: Row(), count: count)
        unsafe rows.withUnsafeMutableBufferPointer { rows in
            Blocks.forEach(of: count, size: 4) { block in
                for row in block {
                    unsafe rows[row] = Row(
                        weights.weight[row: row], bias: weights.bias[row], limit: limit,
                        inputScale: inputScale,
                        rounding: roundings.isEmpty ? nil : roundings[row / groupRows])
                }
            }
        }
        scale = rows.map(\.scale)
        bias = rows.map(\.bias)
        weight = Tensor(rows.flatMap(\.weights), shape: weights.weight.shape)
    }

    /// One output channel.
    private struct Row {
        var weights: [Int8] = []
        var scale: Float = 1
        var bias: Int32 = 0

        init() {}

        init(
            _ values: ArraySlice<Float>, bias: Float, limit: Float, inputScale: Float,
            rounding: CompensatedRounding?
        ) {
            let largest = values.reduce(0) { max($0, abs($1)) }
            scale = max(largest > 0 ? largest / limit : 1, .leastNormalMagnitude)
            while true {
                weights =
                    rounding?.round(values, step: scale, limit: limit)
                    ?? values.map { [scale] value in
                        let q = (value / scale).rounded(.toNearestOrEven)
                        return Int8(min(max(q, -limit), limit))
                    }
                let sum = weights.reduce(0) { $0 + abs(Int($1)) }
                let offset = ChannelQuantization.offset(bias, inputScale: inputScale, scale: scale)
                if let offset, 255 * sum + abs(Int(offset)) <= Int(Int32.max) {
                    self.bias = offset
                    break
                }
                scale *= 2
            }
        }
    }

    /// Adds `shift`, in real units, to the bias of each channel, as far as the accumulator
    /// allows.
    package mutating func addToBias(_ shift: [Double], inputScale: Float) {
        let width = weight.rowSize
        for row in bias.indices {
            let steps = (shift[row] / (Double(inputScale) * Double(scale[row]))).rounded()
            guard abs(steps) < Double(Int32.max) else { continue }
            var sum = 0
            for q in weight.elements[row * width..<(row + 1) * width] { sum += abs(Int(q)) }
            let shifted = Int(bias[row]) + Int(steps)
            if 255 * sum + abs(shifted) <= Int(Int32.max) { bias[row] = Int32(shifted) }
        }
    }

    private static func offset(_ bias: Float, inputScale: Float, scale: Float) -> Int32? {
        let steps = (Double(bias) / (Double(inputScale) * Double(scale))).rounded()
        return Int32(exactly: steps)
    }
}
