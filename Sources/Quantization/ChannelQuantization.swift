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
    package init(_ weights: FoldedNetwork.Weights, bits: Int, inputScale: Float) {
        let limit: Float = bits == 7 ? 63 : 127
        let (rows, width) = (weights.weight.shape[0], weights.weight.rowCount)
        var quantized = [Int8](repeating: 0, count: rows * width)
        (scale, bias) = ([], [])
        for row in 0..<rows {
            let values = weights.weight.elements.span.extracting(row * width..<(row + 1) * width)
            var largest: Float = 0
            for i in values.indices { largest = max(largest, abs(values[i])) }
            var step = largest > 0 ? largest / limit : 1
            step = max(step, .leastNormalMagnitude)
            while true {
                var sum = 0
                for i in values.indices {
                    let q = (values[i] / step).rounded(.toNearestOrEven)
                    quantized[row * width + i] = Int8(min(max(q, -limit), limit))
                    sum += abs(Int(quantized[row * width + i]))
                }
                let offset = Self.offset(weights.bias[row], inputScale: inputScale, scale: step)
                if let offset, 255 * sum + abs(Int(offset)) <= Int(Int32.max) {
                    scale.append(step)
                    bias.append(offset)
                    break
                }
                step *= 2
            }
        }
        weight = Tensor(quantized, shape: weights.weight.shape)
    }

    /// Adds `shift`, in real units, to the bias of each channel, as far as the accumulator
    /// allows.
    package mutating func addToBias(_ shift: [Double], inputScale: Float) {
        let width = weight.rowCount
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
