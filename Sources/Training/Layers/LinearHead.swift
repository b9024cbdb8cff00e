import Model
package import Tensors

/// The classifier that DeepCluster v1 puts on its features and makes anew every epoch: one
/// linear layer, trained without momentum.
package struct LinearHead {
    private let network: FloatNetwork

    /// A head with weights from N(0, 0.01) and bias 0.
    ///
    /// - Parameters:
    ///   - inputs: The length of a feature.
    ///   - classes: The number of clusters.
    ///   - threads: Defaults to the processors this process may use.
    ///   - random: Draws the weights.
    /// - Throws: `TrainingError.invalidNetwork` for sizes out of range.
    package init(
        inputs: Int, classes: Int, threads: Int? = nil, using random: inout SeededGenerator
    ) throws(TrainingError) {
        let graph = Self.graph(classes: classes)
        let tensors = try FloatNetwork.initialTensors(
            for: graph, inputShape: [inputs], using: &random)
        try self.init(inputs: inputs, classes: classes, threads: threads, tensors: tensors)
    }

    /// A head with the given `top.weight`, `[classes, inputs]`, and `top.bias`, `[classes]`.
    ///
    /// - Throws: `TrainingError` for a missing tensor or one of another shape.
    package init(
        inputs: Int, classes: Int, threads: Int? = nil, tensors: [String: Tensor<Float>]
    ) throws(TrainingError) {
        network = try FloatNetwork(
            network: Self.graph(classes: classes), inputShape: [inputs], tensors: tensors,
            threads: threads, inputGradient: true)
    }

    /// `top.weight` and `top.bias`.
    package var tensors: [String: Tensor<Float>] { network.tensors }

    /// The scores of each class, `[n, classes]`, for features `[n, inputs]`.
    package func forward(_ features: Tensor<Float>) -> Tensor<Float> {
        var unused = SeededGenerator(seed: 0)  // a linear layer draws nothing
        return network.forward(features, using: &unused)
    }

    /// Keeps the head's gradient and returns the features', `[n, inputs]`.
    package func backward(_ outputGradient: Tensor<Float>) -> Tensor<Float> {
        network.backward(outputGradient)
        return network.inputGradient(pictures: outputGradient.shape[0])
    }

    /// One step of plain gradient descent.
    package func step(learningRate: Float, weightDecay: Float) {
        network.step(SGD(learningRate: learningRate, weightDecay: weightDecay))
    }

    private static func graph(classes: Int) -> Network {
        let top = Layer("top", .linear(outputs: classes, hasBias: true), inputs: [Network.input])
        return Network(layers: [top], feature: "top")
    }
}
