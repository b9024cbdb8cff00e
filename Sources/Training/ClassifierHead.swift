import FloatNetworks
private import LinearAlgebra
package import Tensors

/// The linear classifier of DeepCluster v1 behind a ReLU, which is thrown away each epoch.
package struct ClassifierHead: Sendable {
    /// The standard deviation of new weights, as in the released code.
    private static let deviation: Float = 0.01
    /// `[classes, inputs]`.
    package var weight: Tensor<Float>
    /// `[classes]`.
    package var bias: Tensor<Float>

    /// A classifier of zeros.
    package init(inputs: Int, classes: Int) {
        weight = Tensor(repeating: 0, shape: [classes, inputs])
        bias = Tensor(repeating: 0, shape: [classes])
    }

    /// Draws new weights, N(0, `deviation`), and clears the bias.
    package mutating func reset(using random: inout SeededGenerator) {
        weight = Tensor(
            random.normals(weight.count, deviation: Self.deviation), shape: weight.shape)
        bias = Tensor(repeating: 0, shape: bias.shape)
    }

    /// One step of SGD without momentum.
    ///
    /// - Parameters:
    ///   - features: The backbone's raw output, `[n, inputs]`; the ReLU is applied here.
    ///   - labels: The class of each row.
    ///   - learningRate: The size of the step.
    ///   - weightDecay: Times the value, added to each gradient.
    /// - Returns: The mean cross-entropy before the step, and its gradient with respect to the
    ///   features.
    package mutating func learn(
        from features: Tensor<Float>, labels: [Int32], learningRate: Float, weightDecay: Float
    ) -> (loss: Float, gradient: Tensor<Float>) {
        let active = Tensor(features.elements.map { max($0, 0) }, shape: features.shape)
        let (loss, logitGradient) = SoftmaxCrossEntropy.lossAndGradient(
            logits: logits(of: active), labels: labels)
        var gradient = logitGradient.multiplied(by: weight).elements
        for i in gradient.indices where features.elements[i] <= 0 { gradient[i] = 0 }

        let weightGradient = logitGradient.multiplied(by: active, transposeSelf: true).elements
        weight = Self.moved(weight, by: weightGradient, learningRate, weightDecay)
        bias = Self.moved(bias, by: Self.columnSums(of: logitGradient), learningRate, weightDecay)
        return (loss, Tensor(gradient, shape: features.shape))
    }

    private func logits(of active: Tensor<Float>) -> Tensor<Float> {
        var logits = active.multiplied(by: weight, transposeOther: true).elements
        let classes = bias.count
        for i in logits.indices { logits[i] += bias.elements[i % classes] }
        return Tensor(logits, shape: [active.shape[0], classes])
    }

    private static func columnSums(of matrix: Tensor<Float>) -> [Float] {
        var sums = [Float](repeating: 0, count: matrix.rowSize)
        for i in matrix.elements.indices { sums[i % sums.count] += matrix.elements[i] }
        return sums
    }

    private static func moved(
        _ values: Tensor<Float>, by gradient: [Float], _ rate: Float, _ decay: Float
    ) -> Tensor<Float> {
        let elements = zip(values.elements, gradient).map { $0 - rate * ($1 + decay * $0) }
        return Tensor(elements, shape: values.shape)
    }
}
